//! The configuration of a deployment. Everything has a default: an empty file is the embedded form.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use ledger::{WitnessAddress, WitnessVerifier};
use oidc::OidcConfig;
use runtime::telemetry::LogFormat;
use serde::Deserialize;

use crate::cli::CommonArgs;
use crate::ways_in::{TlsConfig, TopicConfig, WatchConfig};

/// The whole configuration; `services/isthmus/config/deployed.toml` is a commented sample.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Directory of the private PostgreSQL, raw files, ledger and keys.
    pub(crate) data_dir: PathBuf,
    /// Directory of the secret keys; default `<data_dir>/keys`.
    pub(crate) key_dir: Option<PathBuf>,
    /// Address of the HTTP interface.
    pub(crate) http_listen: SocketAddr,
    /// Address of the MLLP listener (connector-hospital).
    pub(crate) mllp_listen: SocketAddr,
    /// Directories whose files are pushed.
    pub(crate) watch: Option<WatchConfig>,
    /// Feeds that come from topics.
    #[serde(rename = "topic")]
    pub(crate) topics: Vec<TopicConfig>,
    /// Listeners with TLS, for senders with certificates.
    pub(crate) tls: Option<TlsConfig>,
    /// PostgreSQL of the deployment (`postgres://user@host/database`); without it a private one is started.
    /// The password comes from the environment variable `PGPASSWORD` or from the file `PGPASSFILE` names.
    pub(crate) database_url: Option<String>,
    /// The event log.
    pub(crate) log: event_log::LogConfig,
    /// A Confluent-compatible schema registry; without it the built-in catalogue numbers the schemas.
    pub(crate) schema_registry_url: Option<String>,
    /// A ledger in a process of its own; without it the ledger runs in the query API's process.
    pub(crate) ledger_url: Option<String>,
    /// Name of the ledger, which its signed heads bear: a URL without scheme.
    pub(crate) ledger_origin: String,
    /// Witnesses of the ledger: they cosign its heads, and without them it does not start.
    #[serde(rename = "witness")]
    pub(crate) witnesses: Vec<WitnessConfig>,
    /// Name of a shipped linkage model (`zh`, `latin`) or path of a model file.
    pub(crate) linkage_model: String,
    /// Rules of survivorship (TOML): which of several stated values a person file shows; without it the shipped ones.
    pub(crate) survivorship: Option<PathBuf>,
    /// Rules of disease control (TOML): what is a stay, a contact, a risk; without it the shipped ones.
    pub(crate) exposure_rules: Option<PathBuf>,
    /// Boundaries of townships (GeoJSON), with their codes and names; without it a place is where its register says.
    pub(crate) townships: Option<PathBuf>,
    /// Rules of suspicion and budgets (TOML): which looks an auditor is told of; without it the shipped ones.
    pub(crate) suspicion_rules: Option<PathBuf>,
    /// What emergency grants there may be.
    pub(crate) grants: access::GrantRules,
    /// Key groups (TOML): which residents a community looks after especially; without it the shipped ones.
    pub(crate) key_groups: Option<PathBuf>,
    /// The OpenID provider that staff come from; without one, everybody has a token of the hub.
    pub(crate) oidc: Option<OidcConfig>,
    /// Permits of the site (Cedar), in place of those that ship: who may see what.
    pub(crate) permits: Option<PathBuf>,
    /// Directory of further feed profiles; a profile of the same name replaces the built-in one.
    pub(crate) feed_dir: Option<PathBuf>,
    /// Days for which it is kept what the hub answered when; for ever when it is not set.
    pub(crate) history_days: Option<u32>,
    /// Partitions of each topic on Kafka.
    pub(crate) partitions: i32,
    /// Form of the log lines.
    pub(crate) log_format: LogFormat,
}

/// Where a witness of the ledger is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessConfig {
    /// Its submission prefix: what comes before `/add-checkpoint`.
    pub(crate) url: String,
    /// Its public key, as `isthmus ledger witness` prints it.
    pub(crate) key: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("isthmus-data"),
            key_dir: None,
            http_listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            mllp_listen: SocketAddr::from(([127, 0, 0, 1], 2575)),
            watch: None,
            topics: Vec::new(),
            tls: None,
            database_url: None,
            log: event_log::LogConfig::default(),
            schema_registry_url: None,
            ledger_url: None,
            ledger_origin: "isthmus.example/access-log".to_owned(),
            witnesses: Vec::new(),
            linkage_model: "zh".to_owned(),
            survivorship: None,
            exposure_rules: None,
            townships: None,
            suspicion_rules: None,
            grants: access::GrantRules::default(),
            key_groups: None,
            oidc: None,
            permits: None,
            feed_dir: None,
            history_days: None,
            partitions: 6,
            log_format: LogFormat::Text,
        }
    }
}

impl Config {
    /// Reads the configuration that the command line names, or the defaults; `--data-dir` outranks the file.
    pub(crate) fn resolve(common: &CommonArgs) -> anyhow::Result<Self> {
        let mut config = match &common.config {
            Some(path) => runtime::config::load(path).context("the configuration could not be read")?,
            None => Self::default(),
        };
        if let Some(data_dir) = &common.data_dir {
            config.data_dir.clone_from(data_dir);
        }
        Ok(config)
    }

    /// The witnesses of the ledger.
    pub(crate) fn witnesses(&self) -> anyhow::Result<Vec<WitnessAddress>> {
        let address = |witness: &WitnessConfig| -> anyhow::Result<WitnessAddress> {
            let key: WitnessVerifier = witness.key.parse().with_context(|| {
                format!("the key of the witness at {} is no key such as name+0a1b2c3d+BG…", witness.url)
            })?;
            Ok(WitnessAddress { url: witness.url.clone(), key })
        };
        self.witnesses.iter().map(address).collect()
    }

    /// What emergency grants there may be: a day long at most, and approved and reviewed in a time that is one.
    pub(crate) fn grants(&self) -> anyhow::Result<access::GrantRules> {
        let rules = self.grants;
        let fits = (1..=1_440).contains(&rules.minutes_max)
            && (1..=rules.minutes_max).contains(&rules.minutes)
            && rules.approve_within_minutes > 0
            && (1..=72).contains(&rules.review_within_hours);
        anyhow::ensure!(
            fits,
            "[grants]: minutes and minutes_max are 1 to 1440, approve_within_minutes is not 0, review_within_hours is 1 to 72"
        );
        Ok(rules)
    }

    /// Directory of the secret keys.
    pub(crate) fn keys(&self) -> PathBuf {
        self.key_dir.clone().unwrap_or_else(|| self.data_dir.join("keys"))
    }
}

#[cfg(test)]
mod tests {
    use domain::{Survivorship, SurvivorshipFile};

    #[test]
    fn the_sample_of_survivorship_says_what_is_shipped() {
        let file: SurvivorshipFile = toml::from_str(include_str!("../config/survivorship.toml")).expect("readable");
        let sample = Survivorship::from_file(&file).expect("sound");
        assert_eq!(sample, Survivorship::default());
    }

    #[test]
    fn a_slip_in_a_survivorship_file_is_named_with_its_line() {
        let text = include_str!("../config/survivorship.toml").replace("\"recency\", \"source_rank\"", "\"newest\"");
        let error = toml::from_str::<SurvivorshipFile>(&text).expect_err("refused").to_string();
        assert!(error.contains("line 23") && error.contains("newest") && error.contains("recency"), "{error}");
    }
}
