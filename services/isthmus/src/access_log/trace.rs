//! Which export of the access log a leaked fragment is from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use domain::{Timestamp, TokenKey};
use ledger::{Code, ExportMark, LeakedRow, Released, trace};
use runtime::keys;

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::on_record::{OnRecord, OperatorArgs};

/// Entries that are asked for at once.
const PAGE: u64 = 1_024;
/// What an entry says was done when a marked export was made, before the letters of its mark.
const MARKED: &str = "export:";
const LETTERS: usize = 20;
/// An instant with milliseconds, as exports write it.
const INSTANT_CHARS: usize = "2026-11-01T00:00:00.000Z".len();

/// Options of `ledger trace`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TraceArgs {
    /// The fragment: a text file in any form that has the instants of its rows, one row a line.
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
    ensure!(!rows.is_empty(), "no line has an instant with milliseconds such as 2026-11-01T00:00:00.000Z");
    let config = Config::resolve(&args.common)?;
    let key = keys::key_file(&config.keys().join("token.key")).context("the token key cannot be read")?;
    let key = TokenKey::from_bytes(&key);
    let record = OnRecord::open(&config, operator).await?;
    let found = compare(&record, &key, &rows).await;
    let given = match found {
        Ok(found) => {
            record.give("trace-export", Released { count: rows.len() as u64, ..Released::default() }, found).await
        }
        Err(error) => Err(error),
    };
    record.close().await;
    let (found, receipt) = given?;
    for line in &found {
        println!("{line}");
    }
    let named = if found.is_empty() { "it is from no export, or too short to be sure" } else { "it is from these" };
    eprintln!("{} rows: {named}. This trace is entry {} of the ledger.", rows.len(), receipt.index);
    Ok(if found.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn compare(record: &OnRecord, key: &TokenKey, rows: &[LeakedRow]) -> anyhow::Result<Vec<String>> {
    let (mut entries, mut exports) = (BTreeMap::<i64, Vec<u64>>::new(), Vec::new());
    let mut next = 0;
    loop {
        let page = record.client().entries(next, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        next = last + 1;
        for (index, entry) in page {
            entries.entry(entry.stamp.time.as_millis().div_euclid(1_000)).or_default().push(index);
            let letters = entry.matter.as_ref().and_then(|matter| matter.act.as_str().strip_prefix(MARKED));
            if let Some(letters) = letters.filter(|_| entry.action.as_str() == "export-ledger") {
                exports.push((mark(key, letters), index, entry.stamp.time, entry.actor.to_string()));
            }
        }
    }
    let marks: Vec<ExportMark> = exports.iter().map(|(mark, ..)| mark.clone()).collect();
    let told = |traced: ledger::Traced| {
        let (_, index, at, actor) = &exports[traced.export];
        format!(
            "entry {index}\t{at}\t{actor}\t{} of {} rows\twrong with a chance of {:.0e}",
            traced.rows,
            rows.len(),
            traced.chance
        )
    };
    Ok(trace(&entries, rows, &marks).into_iter().map(told).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
