//! `isthmus why`: asks a running hub why records are one person and why a file shows a value.
//!
//! It asks over HTTP with the token of a caller, so that the look is decided by the policy and stands in the ledger.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use domain::Sensitive;
use serde_json::Value;

/// Options of `why`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhyArgs {
    /// Id of the person.
    #[arg(value_name = "PERSON_ID")]
    person: uuid::Uuid,
    /// What the look is for: TREAT, ETREAT, PUBHLTH, HOPERAT, PATRQT or HRESCH.
    #[arg(long)]
    purpose: String,
    /// The case worked on.
    #[arg(long, value_name = "REFERENCE")]
    case: Option<String>,
    /// Draw a link: the weakest one, or that of the records named.
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    /// The two records of the link to draw.
    #[arg(long, value_name = "A,B", requires = "svg", value_parser = two_records)]
    records: Option<(uuid::Uuid, uuid::Uuid)>,
    /// Say for every field of the file where its value comes from, too.
    #[arg(long)]
    fields: bool,
    /// Say what the hub knew at this instant, as 2022-03-01T00:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    as_of: Option<domain::Timestamp>,
    /// The hub.
    #[arg(long, env = "ISTHMUS_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// File with the token; without it the environment variable ISTHMUS_TOKEN holds the token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

fn two_records(text: &str) -> Result<(uuid::Uuid, uuid::Uuid), String> {
    let ids = text.split_once(',').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    ids.ok_or_else(|| "two record ids, as the links list them, with a comma between".to_owned())
}

fn instant(text: &str) -> Result<domain::Timestamp, String> {
    domain::Timestamp::parse(text).map_err(|_| "an instant with its offset, as 2022-03-01T00:00:00Z".to_owned())
}

/// A hub to ask.
struct Hub {
    client: reqwest::Client,
    args: WhyArgs,
    token: Sensitive<String>,
}

/// Runs the command.
pub(crate) async fn run(args: WhyArgs) -> anyhow::Result<ExitCode> {
    let token = match &args.token_file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("the token file {} cannot be read", file.display()))?,
        None => std::env::var("ISTHMUS_TOKEN")
            .context("there is no token: set ISTHMUS_TOKEN or name a file with --token-file")?,
    };
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build()?;
    let hub = Hub { client, args, token: Sensitive::from(token.trim()) };
    let answer = hub.json("/links").await?;
    if let Some(out) = &hub.args.svg {
        if answer["links"].as_array().is_none_or(Vec::is_empty) {
            bail!("the person has one record, so there is no link to draw");
        }
        let query = hub.args.records.map(|(a, b)| format!("record_a={a}&record_b={b}"));
        let svg = hub.get("/links", query, "image/svg+xml").await?;
        std::fs::write(out, svg).with_context(|| format!("{} cannot be written", out.display()))?;
    }
    print!("{}", links(&answer));
    if hub.args.fields {
        print!("{}", fields(&hub.json("").await?));
    }
    Ok(ExitCode::SUCCESS)
}

impl Hub {
    async fn json(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.get(path, None, "application/json").await?)?)
    }

    async fn get(&self, path: &str, query: Option<String>, accept: &str) -> anyhow::Result<Vec<u8>> {
        let WhyArgs { url, person, purpose, case, as_of, .. } = &self.args;
        let query: Vec<String> = query.into_iter().chain(as_of.map(|at| format!("as_of={at}"))).collect();
        let mut request = self
            .client
            .get(format!("{}/v1/persons/{person}{path}?{}", url.trim_end_matches('/'), query.join("&")))
            .bearer_auth(self.token.expose())
            .header("accept", accept)
            .header("isthmus-purpose", purpose);
        if let Some(case) = case {
            request = request.header("isthmus-case", case);
        }
        let response = request.send().await.with_context(|| format!("{url} does not answer"))?;
        let status = response.status();
        let body = response.bytes().await?;
        if !status.is_success() {
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            let said = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
            bail!("the hub answers {status} {}: {} {}", said("code"), said("title"), said("detail"));
        }
        Ok(body.to_vec())
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A decision of a reviewer, which outranks the weight.
fn decided(decision: &Value) -> String {
    let verdict = if words(&decision["verdict"]) == "SAME" { "one person" } else { "two persons" };
    format!("a reviewer decided: {verdict}, {} ({})", words(&decision["state"]), words(&decision["decision_id"]))
}

/// The links that hold a person together, field by field.
fn links(answer: &Value) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    let links = answer["links"].as_array().map(Vec::as_slice).unwrap_or_default();
    line(format!(
        "{} records, held together by {} links; model {}, prior {:.2}, linked from {:.2}, review from {:.2} bits",
        links.len() + 1,
        links.len(),
        words(&answer["model_version"]),
        number(&answer["prior"]),
        number(&answer["link_threshold"]),
        number(&answer["review_threshold"])
    ));
    for link in links {
        let pair = |link: &Value| (words(&link["record_a"]).to_owned(), words(&link["record_b"]).to_owned());
        let weakest = pair(link) == pair(&answer["weakest"]);
        let (a, b) = pair(link);
        line(format!("{a} {b} {:.2} bits{}", number(&link["weight"]), if weakest { ", the weakest" } else { "" }));
        if link["decision"].is_object() {
            line(format!("  {}", decided(&link["decision"])));
        }
        for part in link["parts"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let level = Some(words(&part["level"])).filter(|level| *level != "given").unwrap_or_default();
            let bits = number(&part["weight"]) + number(&part["frequency"]);
            line(format!("  {:<16}{level:<12}{bits:>9.2}", words(&part["field"])));
        }
    }
    let others = answer["decisions"].as_array().map(Vec::as_slice).unwrap_or_default();
    for decision in
        others.iter().filter(|one| !links.iter().any(|link| link["decision"]["decision_id"] == one["decision_id"]))
    {
        let records: Vec<&str> = decision["records"].as_array().into_iter().flatten().map(words).collect();
        line(format!("{}: {}", records.join(" "), decided(decision)));
    }
    if answer["truncated"] == true {
        line("There are more links than are listed.".to_owned());
    }
    text
}

/// For every value of a file: source, time, rule and runner-up, as far as the caller may know them.
fn fields(answer: &Value) -> String {
    let mut text = String::new();
    for group in ["identity", "contact", "residence"] {
        for (name, value) in answer[group].as_object().into_iter().flatten() {
            match value {
                Value::Array(values) => values.iter().for_each(|value| field(name, value, &mut text)),
                value => field(name, value, &mut text),
            }
        }
    }
    text
}

fn field(name: &str, field: &Value, text: &mut String) {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let _ = writeln!(text, "{name}: {}", shown(&field["value"]));
    let from = &field["provenance"];
    if from.is_null() {
        return;
    }
    let _ = writeln!(text, "  {} of {}, by {}", words(&from["source"]), words(&from["time"]), words(&from["rule"]));
    let others = from["others"].as_array().into_iter().flatten();
    for other in [&from["runner_up"]].into_iter().filter(|other| !other.is_null()).chain(others) {
        let value = shown(&other["value"]);
        let _ = writeln!(text, "  not: {value} ({} of {})", words(&other["source"]), words(&other["time"]));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_are_told_field_by_field_and_the_weakest_is_marked() {
        let part = |field: &str, level: &str, weight: f64| json!({ "field": field, "level": level, "weight": weight });
        let link = |a: &str, weight: f64, parts: Value| json!({ "record_a": a, "record_b": "z", "weight": weight, "parts": parts });
        let answer = json!({
            "model_version": "zh-1+ab", "prior": -21.0, "link_threshold": 3.0, "review_threshold": -1.0,
            "links": [
                link("a", 20.5, json!([part("prior", "given", -21.0), part("name", "same", 41.5)])),
                link("b", 4.0, json!([])),
            ],
            "weakest": { "record_a": "b", "record_b": "z", "weight": 4.0 },
            "truncated": false,
        });
        let text = links(&answer);
        assert_eq!(
            text,
            "3 records, held together by 2 links; model zh-1+ab, prior -21.00, linked from 3.00, review from -1.00 bits\n\
             a z 20.50 bits\n  prior                          -21.00\n  name            same            41.50\n\
             b z 4.00 bits, the weakest\n"
        );
    }

    #[test]
    fn a_field_is_told_with_its_source_and_what_was_not_chosen() {
        let answer = json!({ "identity": { "name": { "value": "A", "provenance": {
            "source": "register", "time": "t1", "rule": "agreement",
            "runner_up": { "value": "B", "source": "wallet", "time": "t2" },
            "others": [{ "value": "C", "source": "rail", "time": "t3" }],
        } } } });
        let told = "name: A\n  register of t1, by agreement\n  not: B (wallet of t2)\n  not: C (rail of t3)\n";
        assert_eq!(fields(&answer), told);
    }
}
