//! Test harness: a private PostgreSQL, a real Apache Kafka, a schema registry and a Kafka client that are not ours, builders of domain values, and waiting without sleeps.
//!
//! Servers are started once per test process and end with it, also when it is killed. A harness that cannot do its
//! work panics with the reason: there is no caller who could do better.
//!
//! Not here: anything that ships.

pub mod build;
mod confluent;
mod kafka;
mod postgres;
mod registry;
mod scratch;
mod wait;

pub use confluent::{ConfluentClient, confluent_client};
pub use kafka::{Broker, Kafka, SecureListener, kafka, kafka_in_service};
pub use postgres::{TestDatabase, database, database_prepared, postgres};
pub use registry::{register_schema, schema_registry};
pub use scratch::{scratch_dir, scratch_name};
pub use wait::{Condition, WAIT_MAX, wait_for};
