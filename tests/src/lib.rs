//! End to end, through the real binaries.
