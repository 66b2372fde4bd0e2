//! Linkage of plain files, from files to files.

mod bad_input;
mod few;
mod files;
mod folder;
mod models;
mod strangers;
