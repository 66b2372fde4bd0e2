//! The single writer of the views: events in, person files and facts out.
