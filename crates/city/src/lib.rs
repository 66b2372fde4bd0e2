//! A synthetic city: people, feeds in their own formats, and the truth beside them.
