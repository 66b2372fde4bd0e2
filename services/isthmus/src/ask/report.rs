//! `isthmus report`: fills a department's form from the hub.
//!
//! It asks over HTTP with the token of a caller, so that the export is decided by the policy and stands in the ledger.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use domain::Sensitive;
use query_api::ReportField;
use serde_json::{Value, json};

/// Options of `report`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    /// The form: a CSV file (UTF-8) whose first line holds the headings.
    #[arg(long, value_name = "FILE.csv")]
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
    let columns = headings(&template).with_context(|| format!("the template {}", args.template.display()))?;
    let format = format_of(&args.output)?;
    let token = match &args.token_file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("the token file {} cannot be read", file.display()))?,
        None => std::env::var("ISTHMUS_TOKEN")
            .context("there is no token: set ISTHMUS_TOKEN or name a file with --token-file")?,
    };
    let token: Sensitive<String> = Sensitive::from(token.trim());
    let mut question = json!({ "columns": columns, "format": format });
    if let Some(key_group) = &args.key_group {
        question["key_group"] = key_group.as_str().into();
    }
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(60)).build()?;
    let response = client
        .post(format!("{}/v1/units/{}/reports", args.url.trim_end_matches('/'), args.unit))
        .bearer_auth(token.expose())
        .header("isthmus-purpose", &args.purpose)
        .json(&question)
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

fn format_of(output: &Path) -> anyhow::Result<&'static str> {
    match output.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok("csv"),
        Some("xlsx") => Ok("xlsx"),
        _ => bail!("{} is neither .csv nor .xlsx: the ending says how the form is written", output.display()),
    }
}

/// The headings of a form, each of which must name a field.
fn headings(template: &[u8]) -> anyhow::Result<Vec<String>> {
    let text = std::str::from_utf8(template).context("is not UTF-8: save it as CSV UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let first = reader.records().next().context("is empty: its first line holds the headings")?;
    let headings: Vec<String> = first.context("has a first line that is no CSV")?.iter().map(str::to_owned).collect();
    for (number, heading) in (1..).zip(&headings) {
        let known = || ReportField::ALL.iter().map(|(_, name, chinese)| format!("{name} ({chinese})"));
        ensure!(
            ReportField::of_heading(heading).is_some(),
            "has the heading {heading:?} in column {number}, which names no field; fields are {}",
            known().collect::<Vec<_>>().join(", ")
        );
    }
    Ok(headings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headings_of_a_form_are_kept_as_they_are() {
        let headings = headings("\u{feff}姓名,\"phone\", 现住址\nmore,lines\n".as_bytes()).expect("a form");
        assert_eq!(headings, ["姓名", "phone", " 现住址"]);
    }

    #[test]
    fn a_heading_that_names_no_field_is_told_with_its_column_and_what_there_is() {
        let told = headings(b"name,diagnosis\n").expect_err("unknown").to_string();
        assert!(told.contains("\"diagnosis\" in column 2") && told.contains("key_groups (重点人群)"), "{told}");
        assert!(headings(b"").expect_err("empty").to_string().contains("is empty"));
        assert!(headings(b"\xd0\xd5\xc3\xfb\n").expect_err("GB18030").to_string().contains("UTF-8"));
        assert!(format_of(Path::new("out.pdf")).is_err());
    }
}
