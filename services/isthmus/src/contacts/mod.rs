//! `isthmus contacts`: who was in contact with whom, of plain files; no hub runs.
//!
//! The method is [`exposure::Index`], as in the hub; here are only the files, and other readings of "ten minutes" to
//! compare with.

mod bytes;
mod clock;
mod columns;
mod headless;
mod pattern;
mod read;
mod rows;
mod seen;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod told;
mod window;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Error};
use clap::{Args, ValueEnum};
use exposure::{Case, Index, PersonId, Rules, Seconds};

use crate::rules;
use read::{How, Seen};
use told::{offset_told, printable};

const ALWAYS: Seconds = Seconds { from: 0, to: u32::MAX };

pub(crate) const HELP: &str = "\
The input is a table, in one of two forms. Commas, semicolons, tabs, pipes or blanks part the columns, cells may be quoted, lines
that begin with # or % are comments; the text is UTF-8, UTF-16, GB18030 or another; the file may be compressed (gzip, zip).
  whereabouts     person, and place or lat and lon (perhaps radius_m): who was where. Who is in one place, or in one grid square
                  of 800 m, is together.
  pairs           person_a, person_b: who was with whom.
Either has from and to; or from and duration (seconds) or duration_min; or one time, at which a window ends. Headings are
known in many ways of writing, English and Chinese; case, blanks and marks do not matter. Without headings, columns are time,
person, person, or what else is clear beyond doubt: what is not is refused. Times are seconds, seconds or less since 1970, or
dates (2022-03-01T08:00:00Z, 2022/3/1 8:00, 20220301080000); people are any text. What was understood is told on standard
error: look at it.

The output is person_a,person_b,spells,seconds,longest_s,first,last: one row for each pair in contact by the rule. By the rule
`spell` it tells of the spells that count, by the others of all spells of the pair. Time that touches is one spell. Spells are
told as the hub would: a stay in a square that meets more others than `crowd_max` of the rules lists nobody, and their number
is said. A person whose name a spreadsheet would run as a formula (=, +, -, @, and no number) is written with ' before it.

Examples:
  isthmus contacts --input stays.csv --output pairs.csv
  isthmus contacts --input tij.dat --output pairs.csv --rule total --over-s 600
  isthmus contacts --input tij.dat --output pairs.csv --rules stricter.toml
  isthmus contacts --input edges.txt --output pairs.csv --columns i,j,t --window-s 20
  isthmus contacts --input badges.csv --output pairs.csv --column person='Badge no' --column place=Hall --column time=3
  isthmus contacts --input export.txt --output pairs.csv --separator pipe --encoding gb18030 --zone +08:00
  isthmus contacts --input visits.csv --output pairs.csv --time-format '%d/%m/%Y %H:%M' --skip-bad-rows";

/// Options of `contacts`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ContactsArgs {
    /// File of whereabouts or of pairs.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// File to write: the pairs in contact.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// What makes a contact.
    #[arg(long, value_enum, default_value_t = Rule::Spell)]
    rule: Rule,
    /// More seconds than this, but for the rule `ever`; without it `contact.square_over_min` of the rules.
    #[arg(long, value_name = "SECONDS")]
    over_s: Option<u32>,
    /// Offset of the days of the rule `day` from UTC, in minutes; without it that of --zone.
    #[arg(long, value_name = "MINUTES", allow_hyphen_values = true,
          value_parser = clap::value_parser!(i32).range(-840..=840))]
    utc_offset_min: Option<i32>,
    /// How to read the file.
    #[command(flatten)]
    how: How,
    /// Rules of disease control (TOML); without it the shipped ones.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

/// What makes a contact of two persons who were together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// One unbroken spell longer than that.
    Spell,
    /// More than that on one day.
    Day,
    /// More than that in all.
    Total,
    /// Any time at all.
    Ever,
}

/// Computes the contacts of a file.
pub(crate) fn run(args: &ContactsArgs) -> anyhow::Result<ExitCode> {
    let rules = rules::exposure(args.rules.as_deref())?;
    let over = args.over_s.unwrap_or(rules.contact.square_over_min * 60);
    let version = rules.version();
    let bytes = std::fs::read(&args.input).with_context(|| format!("{} cannot be read", args.input.display()))?;
    let seen = read::read(bytes, &args.how, &rules, args.rule == Rule::Ever)
        .map_err(|error| Error::msg(printable(&format!("{error:#}"))))
        .with_context(|| format!("{} cannot be used", args.input.display()))?;
    eprint!("{}", printable(&seen.told.to_string()));
    let offset = args.utc_offset_min.unwrap_or(args.how.zone);
    if args.rule == Rule::Day {
        eprintln!("  days     begin at midnight of {} (--utc-offset-min says another)", offset_told(offset));
    }
    let (found, left_out) = contacts(rules, &seen, Limit::new(args.rule, over, seen.clock.steps), offset)?;
    write(&args.output, &seen, &found).with_context(|| format!("{} cannot be written", args.output.display()))?;
    println!(
        "{} people, {} rows: {} pairs in contact by the rule `{}`{} (rules {version}).",
        seen.people.len(),
        seen.rows,
        found.len(),
        args.rule.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default(),
        if args.rule == Rule::Ever { String::new() } else { format!(", over {over} s") },
    );
    if left_out > 0 {
        println!("{left_out} stays met too many others to list anybody: see `crowd_max` of the rules.");
    }
    Ok(ExitCode::SUCCESS)
}

type Pairs = BTreeMap<(u32, u32), Vec<Seconds>>;

/// The pairs in contact, and how many stays met too many to list anybody.
fn contacts(mut rules: Rules, seen: &Seen, limit: Limit, offset_min: i32) -> anyhow::Result<(Pairs, usize)> {
    // The index keeps every spell that this rule may need; what counts is decided here, to the step.
    rules.contact.square_over_min = if limit.rule == Rule::Spell { limit.minutes() } else { 0 };
    let (pairs, left_out) = met(rules, seen)?;
    let days = Days { before: seen.clock.after_midnight(offset_min), steps: 86_400 * u64::from(seen.clock.steps) };
    let found = pairs.into_iter().filter_map(|(pair, spells)| Some((pair, counted(limit, days, spells)?)));
    Ok((found.collect(), left_out))
}

/// The spells of each pair, in order of time, and how many stays met too many to list anybody.
fn met(rules: Rules, seen: &Seen) -> anyhow::Result<(Pairs, usize)> {
    let index = Index::build(rules, &seen.places, &seen.stays, Vec::new())?;
    let cases: Vec<Case> =
        (0..seen.people.len() as u32).map(|person| Case { person: PersonId(person), span: ALWAYS }).collect();
    let found = index.contacts_of_all(&cases, |contacts| {
        let own = contacts.case.person.0;
        let crowds = contacts.left_out.len();
        let pairs = contacts.contacts.into_iter().map(move |contact| {
            let (other, spells) = (contact.person.0, contact.meetings.iter().map(|meeting| meeting.span));
            ((own.min(other), own.max(other)), spells.collect::<Vec<Seconds>>())
        });
        (pairs.collect::<Vec<_>>(), crowds)
    });
    let left_out = found.iter().map(|(_, crowds)| crowds).sum();
    // A stay in a crowd lists nobody, but who met it briefly may list it.
    let mut all = Pairs::new();
    for (pair, spells) in found.into_iter().flat_map(|(pairs, _)| pairs) {
        all.entry(pair).or_default().extend(spells);
    }
    all.values_mut().for_each(|spells| *spells = joined(std::mem::take(spells)));
    Ok((all, left_out))
}

/// Spells in several squares at once are one time together.
fn joined(mut spells: Vec<Seconds>) -> Vec<Seconds> {
    spells.sort_unstable();
    let mut joined: Vec<Seconds> = Vec::with_capacity(spells.len());
    for spell in spells {
        match joined.last_mut().filter(|last| spell.from < last.to) {
            Some(last) => last.to = last.to.max(spell.to),
            None => joined.push(spell),
        }
    }
    joined
}

/// A rule and what it asks, in steps of the clock.
#[derive(Clone, Copy)]
struct Limit {
    rule: Rule,
    over: u64,
}

impl Limit {
    fn new(rule: Rule, over_s: u32, steps: u32) -> Self {
        Self { rule, over: u64::from(over_s) * u64::from(steps) }
    }

    /// What the index takes for minutes: sixty steps.
    fn minutes(self) -> u32 {
        (self.over.min(u64::from(u32::MAX)) / 60) as u32
    }
}

/// The days of a file, in steps of the clock.
#[derive(Clone, Copy)]
struct Days {
    /// From midnight to the first step.
    before: u64,
    /// Of one day.
    steps: u64,
}

/// The spells of a contact by the rule; `None` when they make none.
fn counted(limit: Limit, days: Days, mut spells: Vec<Seconds>) -> Option<Vec<Seconds>> {
    match limit.rule {
        Rule::Ever => {}
        Rule::Spell => spells.retain(|spell| u64::from(spell.count()) > limit.over),
        Rule::Total if sum(&spells) > limit.over => {}
        Rule::Day if of_days(&spells, days).values().any(|steps| *steps > limit.over) => {}
        Rule::Total | Rule::Day => return None,
    }
    (!spells.is_empty()).then_some(spells)
}

fn sum(spells: &[Seconds]) -> u64 {
    spells.iter().map(|spell| u64::from(spell.count())).sum()
}

/// Steps on each day; a spell over midnight counts on both.
fn of_days(spells: &[Seconds], days: Days) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    for spell in spells {
        let (mut from, to) = (u64::from(spell.from) + days.before, u64::from(spell.to) + days.before);
        while from < to {
            let day = from / days.steps;
            let end = to.min((day + 1) * days.steps);
            *all.entry(day).or_default() += end - from;
            from = end;
        }
    }
    all
}

/// A cell that no spreadsheet program runs as a formula, as in the tables of the hub. A number is none.
fn harmless(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}

fn write(path: &Path, seen: &Seen, found: &Pairs) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(BufWriter::new(File::create(path)?));
    writer.write_record(["person_a", "person_b", "spells", "seconds", "longest_s", "first", "last"])?;
    let clock = seen.clock;
    for ((one, other), spells) in found {
        let longest = spells.iter().map(|spell| spell.count()).max().unwrap_or(0);
        let last = spells.iter().map(|spell| spell.to).max().unwrap_or(0);
        let first = spells.first().map_or(0, |spell| spell.from);
        writer.write_record([
            &harmless(&seen.people[*one as usize]),
            &harmless(&seen.people[*other as usize]),
            &spells.len().to_string(),
            &clock.seconds(sum(spells)),
            &clock.seconds(u64::from(longest)),
            &clock.time(first),
            &clock.time(last),
        ])?;
    }
    writer.into_inner().map_err(|error| error.into_error())?.flush()?;
    Ok(())
}
