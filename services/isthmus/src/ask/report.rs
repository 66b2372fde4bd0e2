//! `isthmus report`: fills a department's form from the hub.
//!
//! It asks over HTTP with the token of a caller, so that the export is decided by the policy and stands in the ledger.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use domain::Sensitive;
use serde_json::Value;

/// Options of `report`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    /// The form: a CSV table (UTF-8 or GB 18030) or a workbook. Its headings say what is wanted; what stands above them stays.
    #[arg(long, value_name = "FILE.csv|FILE.xlsx")]
    template: PathBuf,
    /// Code of the community unit.
    #[arg(long)]
    unit: String,
    /// Where to write the filled form.
    #[arg(long, value_name = "FILE.csv|FILE.xlsx")]
    output: PathBuf,
    /// Only members of this key group.
    #[arg(long, value_name = "CODE")]
    key_group: Option<String>,
    /// What the export is for: PUBHLTH or HOPERAT.
    #[arg(long)]
    purpose: String,
    /// The hub.
    #[arg(long, env = "ISTHMUS_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// File with the token; without it the environment variable ISTHMUS_TOKEN holds the token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: ReportArgs) -> anyhow::Result<ExitCode> {
    let template = std::fs::read(&args.template)
        .with_context(|| format!("the template {} cannot be read", args.template.display()))?;
    let (sent, wanted) = (media_type(&args.template)?, media_type(&args.output)?);
    let token = match &args.token_file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("the token file {} cannot be read", file.display()))?,
        None => std::env::var("ISTHMUS_TOKEN")
            .context("there is no token: set ISTHMUS_TOKEN or name a file with --token-file")?,
    };
    let token: Sensitive<String> = Sensitive::from(token.trim());
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(60)).build()?;
    let key_group: Vec<_> = args.key_group.iter().map(|code| ("key_group", code)).collect();
    let response = client
        .post(format!("{}/v1/units/{}/reports", args.url.trim_end_matches('/'), args.unit))
        .query(&key_group)
        .bearer_auth(token.expose())
        .header("isthmus-purpose", &args.purpose)
        .header("content-type", sent)
        .header("accept", wanted)
        .body(template)
        .send()
        .await
        .with_context(|| format!("{} does not answer", args.url))?;
    let status = response.status();
    let receipt = response.headers().get("isthmus-receipt").and_then(|value| value.to_str().ok());
    let receipt = receipt.unwrap_or("none").to_owned();
    let body = response.bytes().await?;
    if !status.is_success() {
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let said = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        bail!("the hub answers {status} {}: {} {}", said("code"), said("title"), said("detail"));
    }
    std::fs::write(&args.output, &body).with_context(|| format!("{} cannot be written", args.output.display()))?;
    println!("{} is filled; ledger receipt {receipt}", args.output.display());
    Ok(ExitCode::SUCCESS)
}

fn media_type(file: &Path) -> anyhow::Result<&'static str> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok("text/csv"),
        Some("xlsx") => Ok("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        _ => bail!("{} is neither .csv nor .xlsx: the ending says what the form is", file.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_what_a_form_is() {
        assert_eq!(media_type(Path::new("form.csv")).expect("a table"), "text/csv");
        assert!(media_type(Path::new("form.xlsx")).expect("a workbook").ends_with("spreadsheetml.sheet"));
        assert!(media_type(Path::new("out.pdf")).expect_err("neither").to_string().contains("out.pdf"));
    }
}
