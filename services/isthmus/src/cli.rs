//! The command line: every command, its options and an example of each.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::access_log::LedgerCommand;
use crate::ask::report::ReportArgs;
use crate::ask::review::ReviewCommand;
use crate::ask::why::WhyArgs;
use crate::contacts::{self, ContactsArgs};
use crate::feed::FeedCommand;
use crate::model::ModelCommand;
use crate::policy::PolicyCommand;
use crate::quarantine::QuarantineCommand;
/// Isthmus joins what public departments keep apart: feeds in, one person one file out, every answer on record first.
#[derive(Debug, Parser)]
#[command(name = "isthmus", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole hub on a synthetic city and show what it can do.
    #[command(after_help = "Example:\n  isthmus demo --residents 5000 --days 7 --exit --json")]
    Demo(DemoArgs),
    /// Run some or all services. Without a configuration: all of them, on a private PostgreSQL.
    #[command(after_help = "Examples:\n  isthmus serve\n  isthmus serve query-api --config /etc/isthmus/isthmus.toml")]
    Serve(ServeArgs),
    /// Write a synthetic city: feeds in their own formats, and the truth beside them.
    #[command(after_help = "Example:\n  isthmus generate --residents 2000 --days 14 --seed 7 --out city")]
    Generate(GenerateArgs),
    /// Recreate the views from the event log in a fresh schema, then switch to it.
    #[command(after_help = "Example:\n  isthmus rebuild --data-dir isthmus-data --check")]
    Rebuild(RebuildArgs),
    /// Tokens of callers of the query API and of feeds: issue, list, revoke; who is out.
    #[command(
        subcommand,
        after_help = "Examples:\n  isthmus token caller --role cdc-tracer --unit CDC-01 --handle tracer-7\n  isthmus token revoke --handle tracer-7"
    )]
    Token(TokenCommand),
    /// Who may see what: check the policies, explain a decision.
    #[command(
        subcommand,
        after_help = "Examples:\n  isthmus policy check permits.cedar\n  isthmus policy explain --role cdc-tracer --purpose PUBHLTH --case C-7 --action read-person"
    )]
    Policy(PolicyCommand),
    /// Make the secret keys of a deployment in the configured key directory; existing keys stay.
    #[command(after_help = "Example:\n  isthmus keys --config isthmus.toml")]
    Keys(CommonArgs),
    /// The access log: verify it offline, prove an entry to others, search, export.
    #[command(
        subcommand,
        after_help = "Examples:\n  isthmus ledger verify --dir isthmus-data/ledger\n  isthmus ledger search --actor tracer-7 --handle auditor-1"
    )]
    Ledger(LedgerCommand),
    /// Profiles of feeds: check one against a file, propose one for an unknown file, list those that are there. No hub runs.
    #[command(
        subcommand,
        after_help = "Examples:\n  isthmus feed infer export.csv > north-gates.toml\n  isthmus feed check north-gates.toml export.csv\n  isthmus feed list"
    )]
    Feed(FeedCommand),
    /// Find the records of one person in plain files: records in, `record_id,cluster_id` out, no configuration.
    #[command(after_help = LINK_HELP)]
    Link(LinkArgs),
    /// Find who was in contact with whom in a plain file of whereabouts or pairs, by the rules of the hub. No hub runs.
    #[command(after_help = contacts::HELP)]
    Contacts(ContactsArgs),
    /// Fill a department's form with the residents of a unit. The export is on record.
    #[command(
        after_help = "The headings of the form say what is wanted, in English or as Chinese forms have them:\n  number 序号, person_id 人员标识, township 乡镇街道, unit 网格, name 姓名, sex 性别, birth_date 出生日期, age 年龄,\n  id_number 公民身份号码, phone 联系电话, address 现住址, registered_address 户籍地址, household 户号,\n  household_kind 户别, relation 与户主关系, key_groups 重点人群, follow_up 随访状态, quarantine_until 隔离截止日期\n\nExamples:\n  ISTHMUS_TOKEN=... isthmus report --template form.xlsx --unit 320506001007 --purpose PUBHLTH --output filled.xlsx\n  ISTHMUS_TOKEN=... isthmus report --template form.csv --unit 320506001007 --purpose HOPERAT --output filled.xlsx"
    )]
    Report(ReportArgs),
    /// Ask a running hub why records are one person, and where the values of a file come from. The look is on record.
    #[command(
        after_help = "Examples:\n  ISTHMUS_TOKEN=... isthmus why 3f2504e0-4f89-51d3-9a0c-123456789012 --purpose PUBHLTH --case C-7\n  isthmus why 3f2504e0-4f89-51d3-9a0c-123456789012 --purpose PUBHLTH --case C-7 --token-file t --fields --svg why.svg\n  isthmus why 3f2504e0-4f89-51d3-9a0c-123456789012 --purpose PUBHLTH --case C-7 --token-file t --as-of 2022-03-01T00:00:00Z"
    )]
    Why(WhyArgs),
    /// The linkage model that decides who is one person: train, preview, activate, roll back.
    #[command(
        subcommand,
        after_help = "Examples:\n  isthmus model train --out town.toml\n  isthmus model preview town.toml\n  isthmus model activate town.toml --reason 'fewer wrong merges'\n  isthmus model rollback --reason 'too many splits'"
    )]
    Model(ModelCommand),
    /// Review pairs of records that linkage is not sure of: list, show, decide, undo; list decisions.
    #[command(
        subcommand,
        after_help = "Examples:\n  ISTHMUS_TOKEN=… isthmus review list\n  ISTHMUS_TOKEN=… isthmus review decide RECORD_A RECORD_B same --reason DOCUMENT_SEEN"
    )]
    Review(ReviewCommand),
    /// Rows of feeds that could not be used: list, show, replay, discard.
    #[command(
        subcommand,
        after_help = "Examples:\n  isthmus quarantine list\n  isthmus quarantine replay --feed gate-scans --handle operator-1 --reason 'profile mended'"
    )]
    Quarantine(QuarantineCommand),
    /// Ask a running process whether it is ready; the exit code says it (for container health checks).
    #[command(after_help = "Example:\n  isthmus health --url http://127.0.0.1:8080/readyz")]
    Health(HealthArgs),
}

/// Where the configuration and the data are.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CommonArgs {
    /// Configuration file (TOML); without one everything runs embedded.
    #[arg(long, env = "ISTHMUS_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory of the private PostgreSQL, raw files, ledger and keys.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// Options of `demo`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// Residents of the city.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(50..=2_000_000))]
    pub(crate) residents: u32,
    /// Days that the feeds cover.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) days: u32,
    /// Seed: the same seed gives the same city.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Keep the data here for a next start (otherwise it is removed at the end).
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of the HTTP interface; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub(crate) http: std::net::SocketAddr,
    /// Address of the MLLP listener; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:2575", value_name = "ADDRESS")]
    pub(crate) mllp: std::net::SocketAddr,
    /// End after the summary instead of staying up.
    #[arg(long)]
    pub(crate) exit: bool,
    /// Print one JSON object as the last line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A service of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// HL7 v2 and laboratory feeds.
    ConnectorHospital,
    /// Subscriber, cell and location feeds.
    ConnectorTelecom,
    /// Ticket feeds.
    ConnectorTransport,
    /// Wallet feeds.
    ConnectorPayment,
    /// Gate, household and meter feeds.
    ConnectorCommunity,
    /// Events in, person files out.
    Projector,
    /// HTTP for portals, CDC, auditors and residents.
    QueryApi,
    /// The access log.
    Ledger,
}

impl Service {
    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ConnectorHospital => "connector-hospital",
            Self::ConnectorTelecom => "connector-telecom",
            Self::ConnectorTransport => "connector-transport",
            Self::ConnectorPayment => "connector-payment",
            Self::ConnectorCommunity => "connector-community",
            Self::Projector => "projector",
            Self::QueryApi => "query-api",
            Self::Ledger => "ledger",
        }
    }
}

/// Options of `serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// Services to run; none named means all.
    #[arg(value_enum, value_name = "SERVICE")]
    pub(crate) services: Vec<Service>,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Options of `generate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Residents of the city.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(50..=2_000_000))]
    pub(crate) residents: u32,
    /// Days that the feeds cover.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) days: u32,
    /// Seed: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Directory to write to; it must be empty or absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Options of `rebuild`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RebuildArgs {
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    /// Only compare: make the views anew beside the active ones, say whether they are identical, and drop them again.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Commands of `token`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// A token for a caller of the query API. It is shown once; only its hash is kept.
    #[command(
        after_help = "Example:\n  isthmus token caller --role community-worker --unit 320506001007 --handle worker-3"
    )]
    Caller(CallerTokenArgs),
    /// A token that opens one feed. It is shown once; only its hash is kept.
    #[command(after_help = "Example:\n  isthmus token feed --feed gate-scans --label north-gate")]
    Feed(FeedTokenArgs),
    /// Print callers and feed tokens with their state, one a line, columns separated by tabs.
    #[command(after_help = "Example:\n  isthmus token list")]
    List(CommonArgs),
    /// Take a token back. It opens nothing from the next request on.
    #[command(
        after_help = "Examples:\n  isthmus token revoke --handle tracer-7\n  isthmus token revoke --feed gate-scans --label north-gate"
    )]
    Revoke(TokenRevokeArgs),
    /// Put a caller out, whoever issued the token: the hub, or the OpenID provider. It holds from the next request on.
    #[command(after_help = "Example:\n  isthmus token disable tracer-7")]
    Disable(HandleArgs),
    /// Let a disabled caller in again.
    #[command(after_help = "Example:\n  isthmus token enable tracer-7")]
    Enable(HandleArgs),
}

/// Options of `token disable` and `token enable`.
#[derive(Clone, Debug, Args)]
pub(crate) struct HandleArgs {
    /// Handle of the caller.
    pub(crate) handle: String,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Options of `token revoke`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenRevokeArgs {
    /// Handle of the caller.
    #[arg(long, required_unless_present = "feed", conflicts_with = "feed")]
    pub(crate) handle: Option<String>,
    /// Name of the feed.
    #[arg(long)]
    pub(crate) feed: Option<String>,
    /// What the token of the feed is called.
    #[arg(long, default_value = "first")]
    pub(crate) label: String,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Options of `token caller`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CallerTokenArgs {
    /// community-worker, cdc-tracer, auditor, resident, data-steward, department, operator or subscriber.
    #[arg(long)]
    pub(crate) role: String,
    /// Community unit or other unit of the caller; a community worker sees the residents of this unit.
    #[arg(long)]
    pub(crate) unit: Option<String>,
    /// Organisation that answers for the caller; residents are told this.
    #[arg(long, default_value = "unnamed")]
    pub(crate) organisation: String,
    /// Handle of the caller in the ledger: no name of a person.
    #[arg(long)]
    pub(crate) handle: String,
    /// Replace the caller that has this handle, and its token.
    #[arg(long)]
    pub(crate) replace: bool,
    /// The id of the own person file: for a resident, and for a data steward, who then cannot decide about it.
    #[arg(long, value_name = "PERSON_ID")]
    pub(crate) person: Option<uuid::Uuid>,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Options of `token feed`.
#[derive(Clone, Debug, Args)]
pub(crate) struct FeedTokenArgs {
    /// Name of the feed.
    #[arg(long)]
    pub(crate) feed: String,
    /// What the token is called, so that it can be told apart from others of the feed.
    #[arg(long, default_value = "first")]
    pub(crate) label: String,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

const LINK_HELP: &str = "\
Files are CSV (any common delimiter and encoding), also compressed with gzip, or Parquet. Columns are recognised by name:
  record_id (needed), full_name, given_name, surname, gender, dob, national_id, phone, email, street_number, address_1,
  address_2, suburb, postcode, state, birth_place, occupation, and their usual other names, English, German and Chinese.
Any may be absent or have gaps; other columns are not used.

Examples:
  isthmus link --input people.csv --output clusters.csv
  isthmus link --input hospital.csv.gz --input register.parquet --output clusters.csv --save-model model.toml
  isthmus link --input people.csv --output clusters.csv --model model.toml --explain r17,r42 --svg why.svg";

/// Options of `link`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LinkArgs {
    /// File of records; give it again for a second file. Records are linked within and across files.
    #[arg(long, required = true, value_name = "FILE")]
    pub(crate) input: Vec<PathBuf>,
    /// File to write: `record_id,cluster_id`.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Use a saved model instead of training one.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Save the model, to link other records in the same way.
    #[arg(long, value_name = "FILE")]
    pub(crate) save_model: Option<PathBuf>,
    /// Probability from which on a pair is linked; without it the model chooses.
    #[arg(long, value_name = "P", value_parser = probability)]
    pub(crate) threshold: Option<f64>,
    /// Explain the weight of two records, by field; an id that has a comma stands in quotes: '"7,1",r42'.
    #[arg(long, value_name = "A,B", value_parser = two_ids)]
    pub(crate) explain: Option<(String, String)>,
    /// Draw the explanation as a picture, too.
    #[arg(long, value_name = "FILE.svg", requires = "explain")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the weighed pairs, with the weight of every field.
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,
    /// Leave out and count rows that cannot be used, instead of stopping at the first.
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
    /// Seed of the samples that training draws.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a probability is a number from 0 to 1".to_owned()),
    }
}

/// Two record ids with a comma between; an id that has commas stands in quotes, as in CSV.
fn two_ids(text: &str) -> Result<(String, String), String> {
    let both = one_id(text).and_then(|(first, rest)| Some((first, one_id(rest.strip_prefix(',')?)?)));
    match both {
        Some((first, (second, ""))) if !first.is_empty() && !second.is_empty() => Ok((first, second)),
        _ => Err("two record ids with a comma between, as r17,r42; an id that has a comma in quotes, as \"7,1\",r42"
            .to_owned()),
    }
}

/// The first of some ids with commas between, and what follows it.
fn one_id(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.trim_start().strip_prefix('"') else {
        let (id, rest) = text.split_at(text.find(',').unwrap_or(text.len()));
        return Some((id.trim().to_owned(), rest));
    };
    let mut id = String::new();
    while let Some((part, after)) = rest.split_once('"') {
        id += part;
        let Some(quote) = after.strip_prefix('"') else { return Some((id, after.trim_start())) };
        // Inside of quotes a quote is written twice.
        id.push('"');
        rest = quote;
    }
    None
}

/// Options of `health`.
#[derive(Clone, Debug, Args)]
pub(crate) struct HealthArgs {
    /// Address to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080/readyz")]
    pub(crate) url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ids_are_told_apart_also_where_they_have_commas_and_quotes() {
        let ids = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        assert_eq!(two_ids("r17,r42"), ids("r17", "r42"));
        assert_eq!(two_ids("r 17 , r42"), ids("r 17", "r42"));
        assert_eq!(two_ids(r#""7,1","say ""so""""#), ids("7,1", "say \"so\""));
        for wrong in ["", "r17", "r17,", "r17,r42,r43", "\"r17,r42", "\"7\"1,r42"] {
            assert!(two_ids(wrong).is_err(), "{wrong}");
        }
    }
}
