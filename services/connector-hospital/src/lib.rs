//! HL7 v2 and laboratory feeds.
