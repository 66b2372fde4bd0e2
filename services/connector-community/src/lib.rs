//! Community feeds: household register, gates, meters.
//!
//! Everything is declared in the profiles; a subtly different form of a feed is a new profile, not new code.

use std::path::Path;
use std::sync::Arc;

use connector::{Feed, ProfileError, ProfileFeed};

/// The built-in profiles: file name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("household-register.toml", include_str!("../profiles/household-register.toml")),
    ("gate-scans.toml", include_str!("../profiles/gate-scans.toml")),
    ("meter-readings.toml", include_str!("../profiles/meter-readings.toml")),
];

/// The feeds of this service; profiles in `folder` add to the built-in ones or replace them.
///
/// # Errors
/// When a profile cannot be used.
pub fn feeds(folder: Option<&Path>) -> Result<Vec<Arc<dyn Feed>>, ProfileError> {
    ProfileFeed::load("community", PROFILES, folder)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_built_in_profiles_are_sound() {
        let feeds = super::feeds(None).expect("sound profiles");
        assert_eq!(feeds.len(), super::PROFILES.len());
    }
}
