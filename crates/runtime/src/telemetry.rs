//! Log lines and metrics of a process.
//!
//! Log lines go to standard error, as text for people or as JSON for collectors. Metrics are kept in memory and read
//! at `/metrics`. Neither may hold a personal value: labels and fields come from closed sets.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One readable line.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts log lines and metrics for this process. `default_filter` holds where the environment variable `RUST_LOG`
/// says nothing. A second call changes nothing.
pub fn init(format: LogFormat, default_filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A test process may have started them before; the first one stays.
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets);
    if let Ok(handle) = builder.and_then(PrometheusBuilder::install_recorder) {
        let _ = METRICS.set(handle);
    }
}

/// All metrics in the text format of Prometheus; empty before [`init`].
pub fn metrics_text() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Moves measured values into their histograms; call it every few seconds, so that memory stays bounded when nobody
/// reads the metrics.
pub fn metrics_upkeep() {
    if let Some(handle) = METRICS.get() {
        handle.run_upkeep();
    }
}
