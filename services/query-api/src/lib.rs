//! HTTP for portals, CDC, auditors, residents.
