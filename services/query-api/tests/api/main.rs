//! The query API over a real PostgreSQL and a real ledger.

mod appeals;
mod ask;
mod audit;
mod cases;
mod community;
mod contacts;
mod contacts_of_cases;
mod figures;
mod follow_ups;
mod grants;
mod health_code;
mod hostile;
mod infections;
mod itinerary;
mod ledger;
mod lineage;
mod persons;
mod provider;
mod reports;
mod reviews;
mod roles;
mod signals;
mod town;
mod unexplained;
mod wall;
mod world;
