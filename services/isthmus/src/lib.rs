//! The one binary people type: runs any or all services, and the admin commands.
