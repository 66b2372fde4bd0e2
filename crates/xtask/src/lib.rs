//! Repository chores.
