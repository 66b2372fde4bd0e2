//! The hub in a browser: the web application of `app/`, and the sessions of its visitors.
//!
//! The application calls the same routes as every program. What it may not hold is a token: a script could read it. So the
//! token of a visitor stays here, and the browser gets a cookie that scripts cannot see. [`Console::layer`] puts the token on the
//! calls that come with the cookie.
//!
//! Not here: who may see what (`access`), what is on record (`ledger`), any data.

mod assets;
mod guests;
mod pages;
mod problem;
mod routes;
mod sign_in;

pub use guests::DemoRole;
pub use problem::PROBLEMS;
pub use routes::{Console, ConsoleSetup};
