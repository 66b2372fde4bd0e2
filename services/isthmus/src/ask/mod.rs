//! Questions to a running hub, over HTTP.

pub(crate) mod report;
pub(crate) mod review;
pub(crate) mod why;
