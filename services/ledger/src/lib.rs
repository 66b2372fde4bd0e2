//! The access log as a process of its own: append, prove, verify.
