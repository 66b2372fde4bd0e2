//! The model.

/// A linkage model: what agreement and disagreement of each field weigh.
#[derive(Clone, Debug)]
pub struct Model {
    version: String,
}

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not TOML of the form of a model.
    #[error("the model file cannot be read")]
    Parse(#[from] toml::de::Error),
    /// A value makes no sense.
    #[error("the model is not usable: {0}")]
    Invalid(String),
}

impl Model {
    /// The shipped model for Chinese sources; it also reads Latin names.
    pub fn zh() -> Self {
        Self { version: "zh-0".to_owned() }
    }

    /// The shipped model for sources in Latin script.
    pub fn latin() -> Self {
        Self { version: "latin-0".to_owned() }
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }
}
