//! Which export a leaked fragment is from: of the access log by the instants of its rows, of residents by the order of its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use domain::{ClaimRole, ClaimToken, IdClaim, IdScheme, PersonId, Timestamp, TokenKey};
use ledger::{
    Code, Decision, ExportMark, LeakedRow, ListExport, Nonce, Released, SubjectHandle, Traced, trace, trace_list,
};
use runtime::keys;
use store::views;

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::hub::AdminDatabase;
use crate::on_record::{OnRecord, OperatorArgs};

/// Entries that are asked for at once.
const PAGE: u64 = 1_024;
/// What an entry says was done when a marked export was made, before the letters of its mark.
const MARKED: &str = "export:";
const LETTERS: usize = 20;
/// An instant with milliseconds, as exports write it.
const INSTANT_CHARS: usize = "2026-11-01T00:00:00.000Z".len();

/// What entries of filled forms say was done.
const REPORT: &str = "export-residents";
/// Exports that showed everybody of a fragment of which so many are told.
const COULD_BE_MAX: usize = 10;
/// Claims that are read at most.
const CLAIMS_MAX: i64 = 100_000;

/// Options of `ledger trace`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TraceArgs {
    /// The fragment: a text file, one row a line, in any form that has the instants of an exported log, or the ids, identity numbers or
    /// phones of exported residents, in their order.
    #[arg(long, value_name = "FILE")]
    fragment: PathBuf,
    /// Who looks: it stands in the access log.
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

/// A new mark, and what the entry of its export says.
pub(super) fn new_mark(key: &TokenKey) -> anyhow::Result<(ExportMark, Code)> {
    // Letters alone: a long run of digits could be somebody's number, and no entry holds one.
    let random = [ledger::Nonce::random().0, ledger::Nonce::random().0].concat();
    let letters: String = random.iter().take(LETTERS).map(|byte| char::from(b'a' + byte % 26)).collect();
    Ok((mark(key, &letters), Code::parse(&format!("{MARKED}{letters}"))?))
}

fn mark(key: &TokenKey, letters: &str) -> ExportMark {
    ExportMark::new(key.shared_secret("export-mark", letters))
}

/// The rows of a text: the first instant of each line, and the entry that it names.
fn rows(text: &str) -> Vec<LeakedRow> {
    let row = |line: &str| {
        let starts = (0..line.len()).filter(|at| line.is_char_boundary(*at));
        let mut instants = starts.filter_map(|at| line.get(at..at + INSTANT_CHARS).filter(|text| text.ends_with('Z')));
        let at = instants.find_map(|text| Timestamp::parse(text).ok())?;
        let named = line.split_once("entry-").map(|(_, rest)| rest);
        let index =
            named.and_then(|rest| rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok());
        Some(LeakedRow { at, index })
    };
    text.lines().filter_map(row).collect()
}

pub(crate) async fn run(args: TraceArgs) -> anyhow::Result<ExitCode> {
    let operator = args.operator.operator()?;
    let text = std::fs::read_to_string(&args.fragment)
        .with_context(|| format!("{} cannot be read as text", args.fragment.display()))?;
    let rows = rows(&text);
    let config = Config::resolve(&args.common)?;
    let key = keys::key_file(&config.keys().join("token.key")).context("the token key cannot be read")?;
    let key = TokenKey::from_bytes(&key);
    let named = named(&key, &text);
    ensure!(
        !rows.is_empty() || !named.is_empty(),
        "no line has an instant with milliseconds such as 2026-11-01T00:00:00.000Z, or an id, identity number or phone"
    );
    // Nothing is told before there is an entry, not even that nobody here is known by a number.
    let record = OnRecord::open(&config, operator).await?;
    let found = async {
        let persons = persons(&config, &key, named).await?;
        let (found, could_be) = compare(&record, &key, (&rows, &persons)).await?;
        anyhow::Ok((rows.len().max(persons.len()), found, could_be))
    };
    let given = match found.await {
        Ok(found) => {
            let released = Released { count: found.0 as u64, ..Released::default() };
            record.give("trace-export", released, found).await
        }
        Err(error) => Err(error),
    };
    record.close().await;
    let ((count, found, could_be), receipt) = given?;
    for line in &found {
        println!("{line}");
    }
    for line in could_be.iter().filter(|_| found.is_empty()) {
        eprintln!("it could be from {line}");
    }
    let named = if found.is_empty() { "it is from no export, or too short to be sure" } else { "it is from these" };
    eprintln!("{count} rows: {named}. This trace is entry {} of the ledger.", receipt.index);
    Ok(if found.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// An export, and what its entry says of it.
struct Exported {
    mark: ExportMark,
    told: String,
    persons: BTreeSet<SubjectHandle>,
}

/// The exports that a fragment is from, and those that showed everybody it names.
async fn compare(
    record: &OnRecord,
    key: &TokenKey,
    (rows, persons): (&[LeakedRow], &[SubjectHandle]),
) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let mut entries = BTreeMap::<i64, Vec<u64>>::new();
    let (mut exports, mut reports) = (Vec::new(), BTreeMap::<Nonce, Exported>::new());
    let mut next = 0;
    loop {
        let page = record.client().entries(next, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        next = last + 1;
        for (index, entry) in page {
            entries.entry(entry.stamp.time.as_millis().div_euclid(1_000)).or_default().push(index);
            let told = || format!("entry {index}\t{}\t{}", entry.stamp.time, entry.actor);
            let letters = entry.matter.as_ref().and_then(|matter| matter.act.as_str().strip_prefix(MARKED));
            if let Some(letters) = letters.filter(|_| entry.action.as_str() == "export-ledger") {
                exports.push(Exported { mark: mark(key, letters), told: told(), persons: BTreeSet::new() });
            }
            if entry.action.as_str() == REPORT && entry.decision == Decision::Allowed {
                let mark = query_api::report_mark(key, entry.request);
                let report = reports.entry(entry.request).or_insert_with(|| Exported {
                    mark,
                    told: told(),
                    persons: BTreeSet::new(),
                });
                report.persons.extend(entry.subjects);
            }
        }
    }
    let marks: Vec<ExportMark> = exports.iter().map(|export| export.mark.clone()).collect();
    let line = |of: &str, traced: &Traced, all: usize| {
        format!("{of}\t{} of {all} rows\twrong with a chance of {:.0e}", traced.rows, traced.chance)
    };
    let mut found: Vec<String> = trace(&entries, rows, &marks)
        .iter()
        .map(|traced| line(&exports[traced.export].told, traced, rows.len()))
        .collect();
    let (told, lists): (Vec<String>, Vec<ListExport>) =
        reports.into_values().map(|Exported { mark, told, persons }| (told, ListExport { mark, persons })).unzip();
    let in_order = trace_list(persons, &lists);
    found.extend(in_order.iter().map(|traced| line(&told[traced.export], traced, persons.len())));
    let showed_all =
        |list: &ListExport| !persons.is_empty() && persons.iter().all(|person| list.persons.contains(person));
    let could_be = told.iter().zip(&lists).filter(|(_, list)| showed_all(list)).map(|(told, _)| told.clone());
    Ok((found, could_be.take(COULD_BE_MAX).collect()))
}

/// What a line names somebody by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Person(PersonId),
    Token(ClaimToken),
}

/// Whom the lines of a text name, in their order: the first of an id of the hub, an identity number, a phone.
fn named(key: &TokenKey, text: &str) -> Vec<Named> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
        let id = |word: &&str| (word.len() == 36).then(|| word.parse().ok()).flatten();
        if let Some(person) = words.iter().find_map(id) {
            return Some(Named::Person(PersonId::from_uuid(person)));
        }
        let number = |scheme, chars: &[usize]| {
            let mut fitting = words.iter().filter(|word| chars.contains(&word.len()));
            fitting.find_map(|word| IdClaim::parse(scheme, word, None).ok()).filter(|claim| !claim.masked)
        };
        let claim = number(IdScheme::CnId, &[18]).or_else(|| number(IdScheme::Msisdn, &[11, 13]))?;
        Some(Named::Token(key.claim_token(&claim)))
    };
    text.lines().filter_map(row).collect()
}

/// The handles of those who are named. The database is asked only where somebody is named by a number.
async fn persons(config: &Config, key: &TokenKey, named: Vec<Named>) -> anyhow::Result<Vec<SubjectHandle>> {
    let token = |named: &Named| if let Named::Token(token) = named { Some(*token) } else { None };
    let tokens: Vec<ClaimToken> = named.iter().filter_map(token).collect();
    let mut known = BTreeMap::new();
    if !tokens.is_empty() {
        let admin = AdminDatabase::open(config).await?;
        let read = async {
            let mut conn = admin.store.acquire().await?;
            views::list_claims_of_tokens(&mut conn, &tokens, CLAIMS_MAX).await
        };
        let claims = read.await;
        admin.close().await?;
        // Whose own a number is goes before who can be reached at it.
        let (own, others): (Vec<_>, Vec<_>) = claims?.into_iter().partition(|claim| claim.role == ClaimRole::Holder);
        known.extend(others.into_iter().chain(own).filter_map(|claim| Some((claim.token, claim.person?))));
    }
    let person = |named: Named| match named {
        Named::Person(person) => Some(person),
        Named::Token(token) => known.get(&token).copied(),
    };
    let handle = |person: PersonId| SubjectHandle(key.opaque("subject", &person.as_uuid().to_string()));
    Ok(named.into_iter().filter_map(person).map(handle).collect())
}

#[cfg(test)]
mod tests {
    use test_support::{database, postgres, scratch_dir};

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: TraceArgs,
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_asks_for_a_number_that_nobody_has_is_on_record_too() {
        let dir = scratch_dir("trace");
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).expect("written");
            path.into_os_string().into_string().expect("UTF-8")
        };
        let socket = postgres().await.socket_dir().display().to_string().replace('/', "%2F");
        let url = format!("postgres://postgres@{socket}/{}", database().await.name());
        let config = write("isthmus.toml", &format!("data_dir = \"{}\"\ndatabase_url = \"{url}\"\n", dir.display()));
        keys::private_dir(&dir.join("keys")).expect("made");
        let args = |fragment: &str| {
            let line = ["trace", "--fragment", fragment, "--handle", "auditor-1", "--config", &config];
            <Line as clap::Parser>::try_parse_from(line).expect("a command").args
        };
        let nobody = args(&write("nobody.txt", "1,13812345678\n"));
        let resolved = Config::resolve(&nobody.common).expect("a configuration");
        assert!(run(args(&write("nothing.txt", "nothing\n"))).await.is_err(), "its form says so, and nothing is asked");
        assert!(run(nobody).await.is_ok(), "it is told that the fragment is from nowhere");
        let record = OnRecord::open(&resolved, Code::parse("auditor-1").expect("a code")).await.expect("the log");
        let entries = record.client().entries(0, PAGE).await.expect("read");
        let told = |(_, entry): &(u64, ledger::Entry)| (entry.actor.to_string(), entry.action.to_string(), entry.count);
        let told: Vec<_> = entries.iter().map(told).collect();
        assert_eq!(told, [("auditor-1".to_owned(), "trace-export".to_owned(), 0)]);
        record.close().await;
    }

    #[test]
    fn rows_are_read_whatever_is_left_of_them() {
        let text = "{\"id\":\"entry-17\",\"recorded\":\"2026-11-01T08:00:01.123Z\"}\n\
                    重要,2026-11-01T08:00:02.456Z , read-person\n\nno instant here\n2026-11-01T08:00:03Z";
        let at = |text| Timestamp::parse(text).expect("an instant");
        assert_eq!(
            rows(text),
            [
                LeakedRow { at: at("2026-11-01T08:00:01.123Z"), index: Some(17) },
                LeakedRow { at: at("2026-11-01T08:00:02.456Z"), index: None },
            ]
        );
    }

    #[test]
    fn a_mark_is_found_again_by_what_its_entry_says() {
        let key = TokenKey::from_bytes(&[5; 32]);
        let (made, act) = new_mark(&key).expect("a mark");
        let again = mark(&key, act.as_str().strip_prefix(MARKED).expect("the prefix"));
        let at = Timestamp::from_millis(1_646_092_800_500);
        assert_eq!(made.instant(9, at), again.instant(9, at));
    }

    #[test]
    fn a_line_names_somebody_by_the_first_of_id_number_and_phone() {
        let key = TokenKey::from_bytes(&[5; 32]);
        let id: PersonId = PersonId::from_uuid(uuid::Uuid::from_u128(7));
        let token =
            |scheme, text: &str| Named::Token(key.claim_token(&IdClaim::parse(scheme, text, None).expect("a number")));
        let (number, phone) = ("11010519491231002X", "13812345678");
        let text = format!("1,{id},{number}\n姓名,电话\n2,x,{phone},{number}\n\"86{phone}\"\t12345\n{phone}");
        assert_eq!(
            named(&key, &text),
            [
                Named::Person(id),
                token(IdScheme::CnId, number),
                token(IdScheme::Msisdn, phone),
                token(IdScheme::Msisdn, phone)
            ]
        );
    }
}
