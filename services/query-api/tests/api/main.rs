//! The query API over a real PostgreSQL and a real ledger.

mod audit;
mod hostile;
mod ledger;
mod lineage;
mod persons;
mod provider;
mod reviews;
mod roles;
mod world;
