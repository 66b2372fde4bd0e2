//! The codec seen from outside: every type there and back, hostile bytes, registries, clients that are not ours.

mod arbitrary;
mod clients;
mod malformed;
mod registry_api;
mod remote;
mod round_trip;
mod shape;
