//! The shell around every process: configuration, keys, log lines and metrics, HTTP, TLS, stopping, and the private
//! PostgreSQL of the embedded form.
//!
//! Not here: anything about feeds, persons or the ledger.

pub mod config;
pub mod http;
pub mod keys;
pub mod postgres;
pub mod problem;
mod shutdown;
pub mod telemetry;
pub mod tls;

pub use shutdown::Shutdown;
