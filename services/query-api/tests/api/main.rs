//! The query API over a real PostgreSQL and a real ledger.

mod audit;
mod cases;
mod community;
mod hostile;
mod infections;
mod ledger;
mod lineage;
mod persons;
mod reports;
mod reviews;
mod roles;
mod world;
