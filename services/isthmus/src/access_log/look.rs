//! Looking into the log: searches and exports, each of which is an entry first.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use domain::{Timestamp, TokenKey};
use ledger::{Code, Decision, Entry, ExportMark, Filter, LedgerClient, Matter, MatterId, Released, SubjectHandle};
use runtime::keys;
use sha2::{Digest as _, Sha256};

use super::trace::new_mark;
use crate::cli::CommonArgs;
use crate::config::Config;
use crate::on_record::{OnRecord, OperatorArgs};

/// Entries that are asked for at once.
const PAGE: u64 = 1_024;

/// Which entries.
#[derive(Clone, Debug, Args)]
pub(crate) struct FilterArgs {
    /// Handle of the one who asked.
    #[arg(long)]
    actor: Option<Code>,
    /// Organisation, or organisation/unit.
    #[arg(long)]
    unit: Option<Code>,
    /// Role of the one who asked.
    #[arg(long)]
    role: Option<Code>,
    /// What was asked, such as read-person.
    #[arg(long)]
    action: Option<Code>,
    /// Purpose stated, such as PUBHLTH.
    #[arg(long)]
    purpose: Option<Code>,
    /// Id of the case stated, as `GET /v1/cases` tells it.
    #[arg(long, value_name = "CASE_ID")]
    case: Option<uuid::Uuid>,
    /// Id of a person concerned.
    #[arg(long, value_name = "PERSON_ID", conflicts_with = "subject")]
    person: Option<uuid::Uuid>,
    /// Handle of a person concerned, as entries have it.
    #[arg(long, value_name = "HANDLE")]
    subject: Option<SubjectHandle>,
    /// Not before this instant (2026-11-01T00:00:00Z).
    #[arg(long, value_parser = Timestamp::parse)]
    from: Option<Timestamp>,
    /// Before this instant.
    #[arg(long, value_parser = Timestamp::parse)]
    until: Option<Timestamp>,
    /// Only what was refused.
    #[arg(long)]
    refused: bool,
}

/// Options of `ledger search`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SearchArgs {
    /// Which entries.
    #[command(flatten)]
    filter: FilterArgs,
    /// Entries that are printed at most, the newest first.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    limit: u64,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
    /// Who looks: it stands in the access log.
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One JSON object a line: index, leaf hash, entry.
    Json,
    /// One FHIR R4 AuditEvent a line, after IHE BALP.
    Fhir,
}

/// Options of `ledger export`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExportArgs {
    /// Which entries.
    #[command(flatten)]
    filter: FilterArgs,
    /// The file; it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The form.
    #[arg(long, value_enum, default_value = "json")]
    form: Form,
    /// Who looks: it stands in the access log.
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

impl FilterArgs {
    fn filter(self, config: &Config) -> anyhow::Result<Filter> {
        let key = keys::key_file(&config.keys().join("token.key")).context("the token key cannot be read")?;
        let key = TokenKey::from_bytes(&key);
        let person = self.person.map(|person| SubjectHandle(key.opaque("subject", &person.to_string())));
        Ok(Filter {
            actor: self.actor,
            unit: self.unit,
            role: self.role,
            action: self.action,
            purpose: self.purpose,
            case: self.case.map(|case| ledger::CaseToken(key.opaque("case", &case.to_string()))),
            subject: self.subject.or(person),
            from: self.from,
            until: self.until,
            refused: self.refused.then_some(true),
        })
    }
}

/// An entry as the commands write it.
fn line(form: Form, origin: &str, index: u64, entry: &Entry) -> anyhow::Result<String> {
    let value = match form {
        Form::Json => {
            let leaf = entry.leaf_hash()?;
            serde_json::json!({ "index": index, "leaf_hash": leaf, "entry": entry })
        }
        Form::Fhir => ledger::audit_event(origin, index, entry),
    };
    Ok(value.to_string())
}

pub(crate) async fn search(args: SearchArgs) -> anyhow::Result<ExitCode> {
    let operator = args.operator.operator()?;
    let config = Config::resolve(&args.common)?;
    let filter = args.filter.filter(&config)?;
    let record = OnRecord::open(&config, operator).await?;
    let found = find_newest(record.client(), &filter, usize::try_from(args.limit)?).await;
    let given = match found {
        Ok(found) => {
            let subjects = filter.subject.into_iter().collect();
            let released = Released { subjects, count: found.len() as u64, ..Released::default() };
            record.give("read-ledger", released, found).await
        }
        Err(error) => Err(error),
    };
    record.close().await;
    let (found, receipt) = given?;
    for (index, entry) in &found {
        if args.json {
            println!("{}", line(Form::Json, "", *index, entry)?);
        } else {
            print_entry(*index, entry);
        }
    }
    eprintln!("{} entries. This search is entry {} of the ledger.", found.len(), receipt.index);
    Ok(ExitCode::SUCCESS)
}

fn print_entry(index: u64, entry: &Entry) {
    let codes = |codes: &[Code]| codes.iter().map(Code::as_str).collect::<Vec<_>>().join(",");
    let outcome = match &entry.decision {
        Decision::Allowed => codes(&entry.released),
        Decision::Refused { reason } => format!("refused {reason}"),
    };
    println!(
        "{index}\t{}\t{}\t{}\t{}\t{}\t{}\t{} subjects\t{outcome}",
        entry.stamp.time,
        entry.actor,
        entry.unit,
        entry.role,
        entry.action,
        entry.purpose.as_ref().map_or("-", Code::as_str),
        entry.subjects.len(),
    );
}

pub(crate) async fn export(args: ExportArgs) -> anyhow::Result<ExitCode> {
    let operator = args.operator.operator()?;
    ensure!(!args.out.exists(), "{} is there already: name another file", args.out.display());
    let config = Config::resolve(&args.common)?;
    let filter = args.filter.filter(&config)?;
    let record = OnRecord::open(&config, operator).await?;
    let key = TokenKey::from_bytes(&keys::key_file(&config.keys().join("token.key"))?);
    let written = Written { form: args.form, origin: &config.ledger_origin, out: &args.out, mark: new_mark(&key)? };
    let given = write_and_record(&record, &filter, written).await;
    record.close().await;
    let (hash, count) = given?;
    println!("{count} entries: {}", args.out.display());
    println!("sha256 {hash}");
    Ok(ExitCode::SUCCESS)
}

/// What is written, and where.
struct Written<'a> {
    form: Form,
    origin: &'a str,
    out: &'a Path,
    /// The mark of FHIR events; the entries themselves, whose hashes prove them, bear none.
    mark: (ExportMark, Code),
}

/// Builds the file beside its place, puts its hash on record, and only then puts it there.
async fn write_and_record(record: &OnRecord, filter: &Filter, written: Written<'_>) -> anyhow::Result<(String, u64)> {
    let Written { form, origin, out, mark: (mark, marked) } = written;
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(parent).context("the folder of the export cannot be written")?;
    let mut writer = BufWriter::new(file.as_file());
    let (mut hasher, mut count) = (Sha256::new(), 0u64);
    let client = record.client();
    let mut next = 0;
    loop {
        let page = client.entries(next, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        next = last + 1;
        for (index, mut entry) in page.into_iter().filter(|(_, entry)| filter.matches(entry)) {
            if form == Form::Fhir {
                entry.stamp.time = mark.instant(index, entry.stamp.time);
            }
            let text = format!("{}\n", line(form, origin, index, &entry)?);
            hasher.update(&text);
            writer.write_all(text.as_bytes())?;
            count += 1;
        }
    }
    writer.flush()?;
    drop(writer);
    let synced: &File = file.as_file();
    synced.sync_all()?;
    let hash: [u8; 32] = hasher.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    let act = if form == Form::Fhir { marked } else { Code::parse("export")? };
    let matter = Matter { id: MatterId(id), act };
    let subjects = filter.subject.into_iter().collect();
    let released = Released { subjects, count, matter: Some(matter), ..Released::default() };
    let (file, receipt) = record.give("export-ledger", released, file).await?;
    file.persist_noclobber(out).with_context(|| format!("{} cannot be written", out.display()))?;
    eprintln!("This export is entry {} of the ledger.", receipt.index);
    Ok((hex::encode(hash), count))
}

/// The newest entries that pass, newest first. The log is read from its end.
async fn find_newest(client: &LedgerClient, filter: &Filter, limit: usize) -> anyhow::Result<Vec<(u64, Entry)>> {
    let (mut found, mut end) = (Vec::new(), client.size().await?);
    while end > 0 && found.len() < limit {
        let start = end.saturating_sub(PAGE);
        let page = client.entries(start, end - start).await?;
        found.extend(page.into_iter().rev().filter(|(_, entry)| filter.matches(entry)));
        end = start;
    }
    found.truncate(limit);
    Ok(found)
}
