//! A private PostgreSQL (being written).
