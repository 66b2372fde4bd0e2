//! Configuration of the log.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

use crate::{LogError, RECORD_BYTES_MAX};

/// Which backend, and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "backend", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "a process holds one of them")]
pub enum LogConfig {
    /// `backend = "table"`: a table of the hub's own PostgreSQL.
    Table(TableConfig),
    /// `backend = "kafka"`: Apache Kafka.
    Kafka(KafkaConfig),
}

impl Default for LogConfig {
    fn default() -> Self {
        Self::Table(TableConfig::default())
    }
}

/// Settings of the table backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableConfig {
    /// A new segment begins after this many records of a topic.
    pub segment_records_max: i64,
    /// A new segment begins after this many hours at the latest, in topics with a retention.
    pub segment_hours_max: i64,
}

impl Default for TableConfig {
    fn default() -> Self {
        Self { segment_records_max: 2_000_000, segment_hours_max: 24 }
    }
}

/// Settings of the Kafka backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// Brokers to begin with: `host:port`, several separated by commas.
    pub bootstrap: String,
    /// Set before every topic's name.
    #[serde(default)]
    pub prefix: String,
    /// Copies of each partition in topics that are made here; the broker's default when absent.
    #[serde(default)]
    pub replication: Option<i32>,
    /// How the connection is protected.
    #[serde(default)]
    pub security_protocol: SecurityProtocol,
    /// How the client proves who it is, with `sasl_plaintext` and `sasl_ssl`.
    #[serde(default)]
    pub sasl_mechanism: Option<SaslMechanism>,
    /// User.
    #[serde(default)]
    pub sasl_username: Option<String>,
    /// File of the user's password; blanks at its end do not count.
    #[serde(default)]
    pub sasl_password_file: Option<PathBuf>,
    /// Certificates of the authorities, PEM; the system's when absent.
    #[serde(default)]
    pub ssl_ca_file: Option<PathBuf>,
    /// Certificate of the client, PEM.
    #[serde(default)]
    pub ssl_certificate_file: Option<PathBuf>,
    /// Private key of the client, PEM.
    #[serde(default)]
    pub ssl_key_file: Option<PathBuf>,
    /// File of the private key's password.
    #[serde(default)]
    pub ssl_key_password_file: Option<PathBuf>,
    /// Further settings of librdkafka for every client, by its own names. What makes an append durable and a read exact
    /// cannot be changed here.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// How a connection to Kafka is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProtocol {
    /// Not at all.
    #[default]
    Plaintext,
    /// TLS.
    Ssl,
    /// User and password, unencrypted.
    SaslPlaintext,
    /// User and password over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    const fn code(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

/// How a client of Kafka proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// The password itself: over TLS only.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge and response with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl SaslMechanism {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaConfig {
    /// Brokers without protection, no prefix.
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            prefix: String::new(),
            replication: None,
            security_protocol: SecurityProtocol::Plaintext,
            sasl_mechanism: None,
            sasl_username: None,
            sasl_password_file: None,
            ssl_ca_file: None,
            ssl_certificate_file: None,
            ssl_key_file: None,
            ssl_key_password_file: None,
            options: BTreeMap::new(),
        }
    }

    /// The settings of every client.
    pub(crate) fn client(&self) -> Result<ClientConfig, LogError> {
        let mut client = ClientConfig::new();
        client.set("client.id", "isthmus");
        client.set("bootstrap.servers", &self.bootstrap);
        client.set("socket.keepalive.enable", "true");
        // A batch may be twice a record: headers and framing come on top.
        client.set("message.max.bytes", (2 * RECORD_BYTES_MAX).to_string());
        client.set("security.protocol", self.security_protocol.code());
        if let Some(mechanism) = self.sasl_mechanism {
            client.set("sasl.mechanism", mechanism.code());
        }
        if let Some(username) = &self.sasl_username {
            client.set("sasl.username", username);
        }
        if let Some(file) = &self.sasl_password_file {
            client.set("sasl.password", secret(file)?);
        }
        let files = [
            ("ssl.ca.location", &self.ssl_ca_file),
            ("ssl.certificate.location", &self.ssl_certificate_file),
            ("ssl.key.location", &self.ssl_key_file),
        ];
        for (key, file) in files {
            if let Some(file) = file {
                client.set(key, file.display().to_string());
            }
        }
        if let Some(file) = &self.ssl_key_password_file {
            client.set("ssl.key.password", secret(file)?);
        }
        for (key, value) in &self.options {
            client.set(key, value);
        }
        Ok(client)
    }

    /// The settings of a producer: every acknowledged record is on all in-sync replicas, once and in order.
    pub(crate) fn producer(&self) -> Result<ClientConfig, LogError> {
        let mut client = self.client()?;
        let tunable = [
            ("compression.type", "lz4"),
            ("linger.ms", "2"),
            ("batch.num.messages", "10000"),
            ("queue.buffering.max.messages", "100000"),
            ("queue.buffering.max.kbytes", "131072"),
            ("message.timeout.ms", "60000"),
            ("partitioner", "murmur2_random"),
        ];
        for (key, value) in tunable {
            if !self.options.contains_key(key) {
                client.set(key, value);
            }
        }
        client.set("enable.idempotence", "true");
        client.set("acks", "all");
        Ok(client)
    }

    /// The settings of a consumer: nothing is committed, and a position that is not there is an error.
    pub(crate) fn consumer(&self, group: &str) -> Result<ClientConfig, LogError> {
        let mut client = self.client()?;
        let tunable =
            [("fetch.wait.max.ms", "100"), ("queued.max.messages.kbytes", "16384"), ("queued.min.messages", "10000")];
        for (key, value) in tunable {
            if !self.options.contains_key(key) {
                client.set(key, value);
            }
        }
        client.set("group.id", group);
        client.set("enable.auto.commit", "false");
        client.set("enable.auto.offset.store", "false");
        client.set("auto.offset.reset", "error");
        client.set("allow.auto.create.topics", "false");
        client.set("enable.partition.eof", "false");
        Ok(client)
    }
}

fn secret(file: &Path) -> Result<String, LogError> {
    let text = fs::read_to_string(file).map_err(|source| LogError::File { path: file.to_owned(), source })?;
    Ok(text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secured_cluster_is_configured_by_files() {
        let dir = tempfile::tempdir().expect("directory");
        let password = dir.path().join("password");
        fs::write(&password, "s3cret\n").expect("password");
        let text = format!(
            r#"
            backend = "kafka"
            bootstrap = "a:9093,b:9093"
            security_protocol = "sasl_ssl"
            sasl_mechanism = "SCRAM-SHA-512"
            sasl_username = "hub"
            sasl_password_file = "{}"
            ssl_ca_file = "/etc/isthmus/ca.pem"
            ssl_certificate_file = "/etc/isthmus/client.pem"
            ssl_key_file = "/etc/isthmus/client.key"
            [options]
            "compression.type" = "zstd"
            "acks" = "0"
            "#,
            password.display()
        );
        let LogConfig::Kafka(config) = toml::from_str(&text).expect("configuration") else { panic!("another backend") };
        let client = config.producer().expect("settings");
        for (key, value) in [
            ("bootstrap.servers", "a:9093,b:9093"),
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", "hub"),
            ("sasl.password", "s3cret"),
            ("ssl.ca.location", "/etc/isthmus/ca.pem"),
            ("ssl.certificate.location", "/etc/isthmus/client.pem"),
            ("ssl.key.location", "/etc/isthmus/client.key"),
            ("compression.type", "zstd"),
            ("acks", "all"),
            ("enable.idempotence", "true"),
        ] {
            assert_eq!(client.get(key), Some(value), "{key}");
        }
        assert_eq!(config.consumer("g").expect("settings").get("auto.offset.reset"), Some("error"));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(toml::from_str::<LogConfig>("backend = \"kafka\"\nbootstrap = \"a\"\nsecurity = \"none\"").is_err());
        assert!(toml::from_str::<LogConfig>("backend = \"table\"\nsize = 3").is_err());
        assert_eq!(toml::from_str::<LogConfig>("backend = \"table\"").expect("table"), LogConfig::default());
    }

    #[test]
    fn a_missing_password_file_is_named() {
        let mut config = KafkaConfig::new("a:9092");
        config.sasl_password_file = Some("/nowhere/password".into());
        let error = config.producer().expect_err("no file");
        assert_eq!(error.to_string(), "reading /nowhere/password");
    }
}
