//! `isthmus review`: what a data steward does over HTTP, from a terminal. The token comes from the environment or a file,
//! never from the command line, which others on the machine can read.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use uuid::Uuid;

/// Commands of `review`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// Print open tasks, the greatest weight first: id, kind, weight, both records; columns separated by tabs.
    #[command(after_help = "Example:\n  ISTHMUS_TOKEN=… isthmus review list --kind band --limit 20")]
    List(ListArgs),
    /// Print decisions, the newest first: id, version, verdict, state, reviewer, when, both records; columns separated by tabs.
    #[command(after_help = "Example:\n  ISTHMUS_TOKEN=… isthmus review decisions --state set-aside")]
    Decisions(DecisionsArgs),
    /// Print a task with both records side by side, as JSON.
    #[command(after_help = "Example:\n  ISTHMUS_TOKEN=… isthmus review show 5d0c7a52-3a5e-5c0b-9d5e-0d3f3a1f7c11")]
    Show(ShowArgs),
    /// Decide whether two records are of one person.
    #[command(
        after_help = "Example:\n  ISTHMUS_TOKEN=… isthmus review decide RECORD_A RECORD_B different --reason RELATIVES"
    )]
    Decide(DecideArgs),
    /// Take a decision back.
    #[command(
        after_help = "Example:\n  ISTHMUS_TOKEN=… isthmus review undo 5d0c7a52-3a5e-5c0b-9d5e-0d3f3a1f7c11 --reason MISTAKEN"
    )]
    Undo(UndoArgs),
}

/// Where the hub is, and who asks.
#[derive(Clone, Debug, Args)]
pub(crate) struct SiteArgs {
    /// Address of the query API.
    #[arg(long, env = "ISTHMUS_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// File that holds the token; without it the environment variable `ISTHMUS_TOKEN` does.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Case that is worked on; needed to decide on a pair that is no task.
    #[arg(long)]
    case: Option<String>,
}

/// Options of `review list`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    /// Only tasks of this kind: band, held-apart, runner-up, loose-member, orders-contradict or order-joins-numbers.
    #[arg(long)]
    kind: Option<String>,
    /// Only pairs of at least this weight.
    #[arg(long, allow_negative_numbers = true)]
    weight_min: Option<f64>,
    /// Tasks to print at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// `next` of a list before, to go on there.
    #[arg(long)]
    after: Option<String>,
    /// Where the hub is, and who asks.
    #[command(flatten)]
    site: SiteArgs,
}

/// Options of `review decisions`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DecisionsArgs {
    /// Only decisions in this state: in-force, resting, set-aside, replaced or ended.
    #[arg(long)]
    state: Option<String>,
    /// Decisions to print at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// `next` of a list before, to go on there.
    #[arg(long)]
    after: Option<String>,
    /// Where the hub is, and who asks.
    #[command(flatten)]
    site: SiteArgs,
}

/// Options of `review show`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArgs {
    /// Id of the task.
    task: Uuid,
    /// Where the hub is, and who asks.
    #[command(flatten)]
    site: SiteArgs,
}

/// What can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictArg {
    /// Both are of one person.
    Same,
    /// They are of two.
    Different,
}

/// Options of `review decide`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DecideArgs {
    /// One record.
    record_a: Uuid,
    /// The other record.
    record_b: Uuid,
    /// The verdict.
    #[arg(value_enum)]
    verdict: VerdictArg,
    /// Why.
    #[command(flatten)]
    why: WhyArgs,
    /// Where the hub is, and who asks.
    #[command(flatten)]
    site: SiteArgs,
}

/// Options of `review undo`.
#[derive(Clone, Debug, Args)]
pub(crate) struct UndoArgs {
    /// Id of the decision.
    decision: Uuid,
    /// Version of the decision on the pair; without it the one that counts.
    #[arg(long)]
    version: Option<i64>,
    /// Why.
    #[command(flatten)]
    why: WhyArgs,
    /// Where the hub is, and who asks.
    #[command(flatten)]
    site: SiteArgs,
}

/// Why something is decided or taken back.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhyArgs {
    /// DOCUMENT_SEEN, SOURCE_CONFIRMED, PERSON_CONFIRMED, RELATIVES, NAMESAKES, NUMBER_WRONG, MISTAKEN or OTHER.
    #[arg(long)]
    reason: String,
    /// What the next reviewer should know; it names nobody.
    #[arg(long)]
    note: Option<String>,
}

/// Runs a command.
pub(crate) async fn run(command: ReviewCommand) -> anyhow::Result<ExitCode> {
    match command {
        ReviewCommand::List(args) => list(args).await?,
        ReviewCommand::Decisions(args) => decisions(args).await?,
        ReviewCommand::Show(args) => {
            let site = Site::open(args.site)?;
            let task = site.send(site.get(&format!("/v1/reviews/{}", args.task))).await?;
            println!("{task:#}");
        }
        ReviewCommand::Decide(args) => {
            let site = Site::open(args.site)?;
            let verdict = if args.verdict == VerdictArg::Same { "SAME" } else { "DIFFERENT" };
            let WhyArgs { reason, note } = args.why;
            let question = json!({
                "record_a": args.record_a, "record_b": args.record_b, "verdict": verdict, "reason": reason,
                "note": note,
            });
            let url = format!("{}/v1/decisions", site.url);
            tell(&site.send(site.client.post(url).json(&question)).await?);
        }
        ReviewCommand::Undo(args) => {
            let site = Site::open(args.site)?;
            let WhyArgs { reason, note } = args.why;
            let url = format!("{}/v1/decisions/{}", site.url, args.decision);
            let question = json!({ "reason": reason, "note": note, "version": args.version });
            tell(&site.send(site.client.delete(url).json(&question)).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let site = Site::open(args.site)?;
    let mut query = vec![format!("limit={}", args.limit)];
    query.extend(args.kind.map(|kind| format!("kind={kind}")));
    query.extend(args.weight_min.map(|weight| format!("weight_min={weight}")));
    query.extend(args.after.map(|after| format!("after={after}")));
    let body = site.send(site.get(&format!("/v1/reviews?{}", query.join("&")))).await?;
    for task in body["tasks"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let weight = task["weight"].as_f64().unwrap_or_default();
        let (a, b) = (text(&task["records"][0]["record_id"]), text(&task["records"][1]["record_id"]));
        println!("{}\t{}\t{weight:.1}\t{a}\t{b}", text(&task["task_id"]), text(&task["kind"]));
    }
    if let Some(next) = body["next"].as_str() {
        eprintln!("There are more: --after '{next}'");
    }
    Ok(())
}

async fn decisions(args: DecisionsArgs) -> anyhow::Result<()> {
    let site = Site::open(args.site)?;
    let mut query = vec![format!("limit={}", args.limit)];
    query.extend(args.state.map(|state| format!("state={state}")));
    query.extend(args.after.map(|after| format!("after={after}")));
    let body = site.send(site.get(&format!("/v1/decisions?{}", query.join("&")))).await?;
    for decision in body["decisions"].as_array().into_iter().flatten() {
        let members = ["decision_id", "version", "verdict", "state", "reviewer", "decided", "record_a", "record_b"];
        let text = |member: &&str| match &decision[*member] {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        println!("{}", members.iter().map(text).collect::<Vec<_>>().join("\t"));
    }
    if let Some(next) = body["next"].as_str() {
        eprintln!("There are more: --after '{next}'");
    }
    Ok(())
}

fn tell(body: &Value) {
    let decision = &body["decision"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    println!("{}\t{}\t{}", text(&decision["decision_id"]), text(&decision["verdict"]), text(&decision["state"]));
    let again = &body["counts_again"];
    if again.is_object() {
        println!(
            "{}\t{}\t{}\tcounts again",
            text(&again["decision_id"]),
            text(&again["verdict"]),
            text(&again["state"])
        );
    }
    if body["applied"] == false {
        eprintln!("The decision is in the log; the person files do not follow yet, because the projector is behind.");
    }
}

/// The hub, as a steward sees it.
struct Site {
    client: reqwest::Client,
    url: String,
    token: String,
    case: Option<String>,
}

impl Site {
    fn open(args: SiteArgs) -> anyhow::Result<Self> {
        let token = match &args.token_file {
            Some(file) => {
                std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?
            }
            None => std::env::var("ISTHMUS_TOKEN").context(
                "there is no token: set ISTHMUS_TOKEN, or name a file with --token-file; \
                 `isthmus token caller --role data-steward --handle NAME` makes one",
            )?,
        };
        let token = token.trim().to_owned();
        ensure!(!token.is_empty(), "the token is empty");
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build()?;
        Ok(Self { client, url: args.url.trim_end_matches('/').to_owned(), token, case: args.case })
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// The answer's body; what the hub refuses is told in its words.
    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let mut request = request.bearer_auth(&self.token).header("Isthmus-Purpose", "HOPERAT");
        if let Some(case) = &self.case {
            request = request.header("Isthmus-Case", case);
        }
        let response = request.send().await.with_context(|| format!("{} does not answer", self.url))?;
        let status = response.status();
        let body: Value = response.json().await.context("the answer is not JSON")?;
        if !status.is_success() {
            let text = |member: &str| body[member].as_str().unwrap_or("").to_owned();
            bail!("{} {}: {} {}", status.as_u16(), text("code"), text("title"), text("detail"));
        }
        Ok(body)
    }
}
