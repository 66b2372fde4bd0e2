//! What senders and operators of feeds meet at a running hub: the real binary, killed and started again where it matters.

mod certificates;
mod mends;
mod operators;
mod site;
mod walk;
mod webhook;
