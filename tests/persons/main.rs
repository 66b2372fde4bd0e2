//! What a caller of the query API learns of persons while a real projector follows a log: decisions and their undo, the
//! past, hot values, another model.

mod hub;

mod as_of;
mod decisions;
mod feed;
mod hot;
mod models;
