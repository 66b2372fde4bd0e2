//! Test harness: private PostgreSQL and Apache Kafka, builders, waiting.
