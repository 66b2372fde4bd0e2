//! The ingest loop on a real PostgreSQL with the log in its table: the laws of receipts, bad input, crashes.

mod bad_input;
mod biff;
mod city;
mod crash;
mod formats;
mod hub;
mod laws;
mod limits;
mod mending;
mod messages;
mod oddities;
mod profiles;
mod restated;
mod times;
mod topics;
mod trial;
mod turns;
mod uploads;
mod watch;
mod webhooks;
