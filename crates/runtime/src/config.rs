//! Reading configuration files: TOML, unknown keys refused, errors that say where.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Why a configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or may not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not such a configuration.
    #[error("{} is not a valid configuration: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Key, line and what is expected.
        message: String,
    },
}

/// Reads a TOML file into `T`.
///
/// # Errors
/// When the file cannot be read, is not TOML, has a key that `T` does not know or lacks one that it needs.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|error| ConfigError::Invalid { path: path.to_owned(), message: error.to_string() })
}
