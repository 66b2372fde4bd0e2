//! Hospital and laboratory feeds: HL7 v2 by HTTP and MLLP, FHIR R4, and laboratory tables.
//!
//! The tables are plain profiles of the shared ingest loop. Particular to hospitals are FHIR resources, HL7 v2 messages ([`feeds`]
//! gives them a feed of their own) and the MLLP listener with its acknowledgements ([`mllp`]).

mod ack;
mod feed;
mod fhir;
mod hl7;
pub mod mllp;
mod verdict;

use std::path::Path;
use std::sync::Arc;

use connector::{Feed, FormatKind, Profile, ProfileError, ProfileFeed};

use feed::Hl7Feed;
use fhir::FhirFeed;

/// The built-in profiles: file name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("hospital-fhir.toml", include_str!("../profiles/hospital-fhir.toml")),
    ("hospital-hl7.toml", include_str!("../profiles/hospital-hl7.toml")),
    ("lab-results.toml", include_str!("../profiles/lab-results.toml")),
    ("lab-results-pdi.toml", include_str!("../profiles/lab-results-pdi.toml")),
];

/// The feeds of this service; profiles in `folder` add to the built-in ones or replace them.
///
/// # Errors
/// When a profile cannot be used.
pub fn feeds(folder: Option<&Path>) -> Result<Vec<Arc<dyn Feed>>, ProfileError> {
    Profile::load("hospital", PROFILES, folder)?.into_iter().map(feed).collect()
}

/// The feed that a profile of this service declares.
///
/// # Errors
/// When the profile cannot be used.
pub fn feed(profile: Profile) -> Result<Arc<dyn Feed>, ProfileError> {
    Ok(match profile.format.kind {
        FormatKind::Hl7v2 => Arc::new(Hl7Feed::new(profile)),
        FormatKind::Fhir => Arc::new(FhirFeed::new(profile)?),
        _ => Arc::new(ProfileFeed::new(profile)?),
    })
}
