//! A Confluent-compatible schema registry over HTTP (Confluent's Schema Registry API, version 1).

use std::time::Duration;

use domain::Sensitive;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::RegistryError;
use crate::registry::CONTENT_TYPE_V1;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How much of the registry's own words an error repeats.
const MESSAGE_CHARS_MAX: usize = 200;

/// Where a schema registry is and how to talk to it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// The address, `http://…` or `https://…`.
    pub url: String,
    /// User name for HTTP basic authentication.
    #[serde(default)]
    pub username: Option<String>,
    /// Password for HTTP basic authentication.
    #[serde(default)]
    pub password: Option<Sensitive<String>>,
    /// What stands in front of every topic, and so of every subject, in this deployment.
    #[serde(default)]
    pub subject_prefix: String,
}

impl RegistryConfig {
    /// A registry at this address, without authentication and prefix.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), username: None, password: None, subject_prefix: String::new() }
    }
}

/// A client of a registry.
pub(crate) struct Registry {
    client: Client,
    base: Url,
    credentials: Option<(String, Option<Sensitive<String>>)>,
    subject_prefix: String,
}

#[derive(Deserialize)]
struct Registered {
    id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fetched {
    schema: String,
    schema_type: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error_code: i64,
    message: String,
}

impl Registry {
    pub(crate) fn new(config: &RegistryConfig) -> Result<Self, RegistryError> {
        let base = Url::parse(&config.url).map_err(|_| RegistryError::Address)?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(RegistryError::Address);
        }
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT).build()?;
        let credentials = config.username.clone().map(|name| (name, config.password.clone()));
        Ok(Self { client, base, credentials, subject_prefix: config.subject_prefix.clone() })
    }

    /// The id of the schema under the subject; registers the schema when it is not there.
    pub(crate) async fn look_up_or_register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let subject = format!("{}{subject}", self.subject_prefix);
        let body = json!({ "schema": schema });
        let action = format!("the look-up of {subject}");
        let response = self.request(Method::POST, &["subjects", &subject]).json(&body).send().await?;
        if response.status().as_u16() != 404 {
            return Ok(answer::<Registered>(response, action).await?.id);
        }
        let action = format!("the registration of {subject}");
        let response = self.request(Method::POST, &["subjects", &subject, "versions"]).json(&body).send().await?;
        Ok(answer::<Registered>(response, action).await?.id)
    }

    /// The schema with this id; `None` when the registry has none or it is not Avro.
    pub(crate) async fn fetch(&self, id: u32) -> Result<Option<String>, RegistryError> {
        let response = self.request(Method::GET, &["schemas", "ids", &id.to_string()]).send().await?;
        if response.status().as_u16() == 404 {
            return Ok(None);
        }
        let fetched: Fetched = answer(response, format!("the request for schema {id}")).await?;
        Ok(matches!(fetched.schema_type.as_deref(), None | Some("AVRO")).then_some(fetched.schema))
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request = self.client.request(method, url).header(ACCEPT, CONTENT_TYPE_V1);
        // Set before a JSON body is, which keeps it.
        let request = request.header(CONTENT_TYPE, CONTENT_TYPE_V1);
        match &self.credentials {
            Some((name, password)) => request.basic_auth(name, password.as_ref().map(Sensitive::expose)),
            None => request,
        }
    }
}

async fn answer<T: for<'de> Deserialize<'de>>(mut response: Response, action: String) -> Result<T, RegistryError> {
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(RegistryError::Answer { action });
        }
        body.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        let refusal: Refusal =
            serde_json::from_slice::<Value>(&body).and_then(serde_json::from_value).unwrap_or_default();
        let message = refusal.message.chars().take(MESSAGE_CHARS_MAX).collect();
        return Err(RegistryError::Refused { action, status: status.as_u16(), code: refusal.error_code, message });
    }
    serde_json::from_slice(&body).map_err(|_| RegistryError::Answer { action })
}
