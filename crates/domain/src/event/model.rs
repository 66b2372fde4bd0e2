//! Which linkage model decides.

use serde::{Deserialize, Serialize};

/// How a model came to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ModelAction {
    /// An operator activated it.
    #[default]
    Activated,
    /// It decided before, and an operator went back to it.
    RolledBack,
}

/// `model.activated`. All of them are versions of one source record, so the highest version says which model decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ModelActivated {
    /// What the operator did.
    pub action: ModelAction,
    /// Name and version of the model, with the beginning of its fingerprint.
    pub model_version: String,
    /// The model's file (TOML). It holds shares of names, and no person.
    pub model: String,
    /// Handle of the operator, as it stands in the ledger.
    pub operator: String,
    /// Why, in the operator's words; it names nobody.
    pub reason: String,
}
