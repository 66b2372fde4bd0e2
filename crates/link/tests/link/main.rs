//! Linkage of plain files, from files to files.

mod bad_input;
mod files;
mod folder;
mod strangers;
