//! The query API over a real PostgreSQL and a real ledger.

mod audit;
mod contacts;
mod health_code;
mod hostile;
mod itinerary;
mod ledger;
mod lineage;
mod persons;
mod reviews;
mod roles;
mod town;
mod world;
