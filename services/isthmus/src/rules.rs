//! Rules that a site may bring as files, or those that ship.

use std::path::Path;

use access::Policy;
use anyhow::Context;
use domain::{Survivorship, SurvivorshipFile};
use linkage::Model;
use query_api::KeyGroups;

use crate::config::Config;

/// The linkage model of a name (`zh`, `latin`), or of a file.
pub(crate) fn model(name: &str) -> anyhow::Result<Model> {
    match name {
        "zh" => Ok(Model::zh()),
        "latin" => Ok(Model::latin()),
        path => {
            let text = std::fs::read_to_string(path).with_context(|| {
                format!("the linkage model {path} cannot be read: name a file, or a shipped model (zh, latin)")
            })?;
            Model::parse(&text).with_context(|| format!("the linkage model {path} cannot be used"))
        }
    }
}

/// The configured key groups, or the shipped ones.
pub(crate) fn key_groups(config: &Config) -> anyhow::Result<KeyGroups> {
    let Some(path) = &config.key_groups else { return Ok(KeyGroups::default()) };
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("the file of key groups {shown} cannot be read"))?;
    KeyGroups::parse(&text).with_context(|| format!("the key groups in {shown} cannot be used"))
}

/// The policies in force: the site's permits or those that ship, and the invariants.
pub(crate) fn policy(permits: Option<&Path>) -> anyhow::Result<Policy> {
    let Some(path) = permits else { return Ok(Policy::builtin()?) };
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("the permits in {shown} cannot be read"))?;
    Policy::with_permits(&text).with_context(|| format!("the permits in {shown} cannot be used"))
}

/// The configured rules of survivorship, or the shipped ones.
pub(crate) fn survivorship(config: &Config) -> anyhow::Result<Survivorship> {
    let Some(path) = &config.survivorship else { return Ok(Survivorship::default()) };
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("the survivorship file {shown} cannot be read"))?;
    let file: SurvivorshipFile =
        toml::from_str(&text).with_context(|| format!("{shown} is not a survivorship file"))?;
    Survivorship::from_file(&file).with_context(|| format!("the rules in {shown} cannot be used"))
}

/// The rules of disease control of a file, or the shipped ones.
pub(crate) fn exposure(path: Option<&Path>) -> anyhow::Result<exposure::Rules> {
    let Some(path) = path else { return Ok(exposure::Rules::default()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    exposure::Rules::parse(&text).with_context(|| format!("{} is no file of rules", path.display()))
}

/// The boundaries of townships of a file; none without one.
pub(crate) fn townships(path: Option<&Path>) -> anyhow::Result<exposure::Townships> {
    let Some(path) = path else { return Ok(exposure::Townships::default()) };
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("the boundaries of townships {shown} cannot be read"))?;
    exposure::Townships::parse(&text).with_context(|| format!("the boundaries of townships in {shown} cannot be used"))
}

/// The rules of suspicion of a file, or the shipped ones.
pub(crate) fn suspicion(path: Option<&Path>) -> anyhow::Result<scrutiny::Rules> {
    let Some(path) = path else { return Ok(scrutiny::Rules::default()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    scrutiny::Rules::parse(&text).with_context(|| format!("{} is no file of rules of suspicion", path.display()))
}
