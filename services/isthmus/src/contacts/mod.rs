//! `isthmus contacts`: who was in contact with whom, of plain files; no hub runs.
//!
//! The method is [`exposure::Index`], as in the hub; here are only the files, and other readings of "ten minutes" to
//! compare with.

mod read;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use domain::Timestamp;
use exposure::{Case, Index, PersonId, Rules, Seconds};

use crate::rules;
use read::Seen;

const DAY_S: u32 = 86_400;
const ALWAYS: Seconds = Seconds { from: 0, to: u32::MAX };

pub(crate) const HELP: &str = "\
The input is a table with a header, in one of two forms; the first row tells which. Commas, semicolons, tabs or blanks part
the columns; the file may be compressed (gzip, zip).
  whereabouts     person, from, to, and place or lat and lon (perhaps radius_m): who was where. Who is in one place, or in
                  one grid square of 800 m, is together.
  pairs           person_a, person_b, from, to: who was with whom.
Without a header, three numbers or more are time, person, person: who saw whom in a window of time that ends then. Times are
seconds, or 2022-03-01T08:00:00Z; people are any text.

The output is person_a,person_b,spells,seconds,longest_s,first,last: one row for each pair in contact by the rule, of those
spells that count. Time that touches is one spell. Spells are told as the hub would: a stay in a square that meets more others
than `crowd_max` of the rules lists nobody, and their number is said.

Examples:
  isthmus contacts --input stays.csv --output pairs.csv
  isthmus contacts --input tij.dat --output pairs.csv --rule total --over-s 600
  isthmus contacts --input tij.dat --output pairs.csv --rules stricter.toml";

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
    /// Length of the windows of a file without header, in seconds; without it the smallest step of its times.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    window_s: Option<u32>,
    /// Offset of the days of the rule `day` from UTC, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 0, allow_hyphen_values = true,
          value_parser = clap::value_parser!(i32).range(-840..=840))]
    utc_offset_min: i32,
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
    let mut rules = rules::exposure(args.rules.as_deref())?;
    let over = args.over_s.unwrap_or(rules.contact.square_over_min * 60);
    let version = rules.version();
    // The index keeps every spell that this rule may need; what counts is decided here, to the second.
    rules.contact.square_over_min = if args.rule == Rule::Spell { over / 60 } else { 0 };
    let seen = read::read(&args.input, args.window_s, &rules)
        .with_context(|| format!("{} cannot be used", args.input.display()))?;
    let (pairs, left_out) = met(rules, &seen)?;
    let offset = args.utc_offset_min * 60;
    let found: BTreeMap<_, _> = pairs
        .into_iter()
        .filter_map(|(pair, spells)| Some((pair, counted(args.rule, over, offset, spells)?)))
        .collect();
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

/// The spells that count by the rule; `None` when they make no contact.
fn counted(rule: Rule, over: u32, offset_s: i32, mut spells: Vec<Seconds>) -> Option<Vec<Seconds>> {
    match rule {
        Rule::Ever => {}
        Rule::Spell => spells.retain(|spell| spell.count() > over),
        Rule::Total if sum(&spells) > u64::from(over) => {}
        Rule::Day if of_days(&spells, offset_s).values().any(|seconds| *seconds > u64::from(over)) => {}
        Rule::Total | Rule::Day => return None,
    }
    (!spells.is_empty()).then_some(spells)
}

fn sum(spells: &[Seconds]) -> u64 {
    spells.iter().map(|spell| u64::from(spell.count())).sum()
}

/// Seconds on each day; a spell over midnight counts on both.
fn of_days(spells: &[Seconds], offset_s: i32) -> BTreeMap<i64, u64> {
    let mut days = BTreeMap::new();
    for spell in spells {
        let (mut from, to) = (i64::from(spell.from) + i64::from(offset_s), i64::from(spell.to) + i64::from(offset_s));
        while from < to {
            let day = from.div_euclid(i64::from(DAY_S));
            let end = to.min((day + 1) * i64::from(DAY_S));
            *days.entry(day).or_default() += (end - from) as u64;
            from = end;
        }
    }
    days
}

fn write(path: &Path, seen: &Seen, found: &Pairs) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(BufWriter::new(File::create(path)?));
    writer.write_record(["person_a", "person_b", "spells", "seconds", "longest_s", "first", "last"])?;
    let time = |second: u32| {
        let at = Timestamp::from_millis(i64::from(second) * 1_000);
        if seen.are_instants { at.to_string() } else { second.to_string() }
    };
    for ((one, other), spells) in found {
        let longest = spells.iter().map(|spell| spell.count()).max().unwrap_or(0);
        let last = spells.iter().map(|spell| spell.to).max().unwrap_or(0);
        let first = spells.first().map_or(0, |spell| spell.from);
        writer.write_record([
            &seen.people[*one as usize],
            &seen.people[*other as usize],
            &spells.len().to_string(),
            &sum(spells).to_string(),
            &longest.to_string(),
            &time(first),
            &time(last),
        ])?;
    }
    writer.into_inner().map_err(|error| error.into_error())?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: u32 = DAY_S;

    fn spell(from: u32, to: u32) -> Seconds {
        Seconds { from, to }
    }

    #[test]
    fn each_rule_has_both_sides_of_its_number() {
        let short = vec![spell(0, 300), spell(1_000, 1_301)];
        assert_eq!(counted(Rule::Spell, 600, 0, vec![spell(0, 600)]), None);
        assert_eq!(counted(Rule::Spell, 600, 0, vec![spell(0, 601)]).map(|spells| spells.len()), Some(1));
        assert_eq!(counted(Rule::Spell, 600, 0, short.clone()), None);
        assert_eq!(counted(Rule::Total, 600, 0, short.clone()), Some(short.clone()));
        assert_eq!(counted(Rule::Total, 601, 0, short.clone()), None);
        assert_eq!(counted(Rule::Day, 600, 0, short.clone()), Some(short.clone()));
        assert_eq!(counted(Rule::Ever, 600, 0, short.clone()), Some(short));
        assert_eq!(counted(Rule::Ever, 600, 0, Vec::new()), None);
    }

    #[test]
    fn a_spell_over_midnight_counts_on_both_days_and_the_offset_says_when_midnight_is() {
        let over = vec![spell(MIDNIGHT - 400, MIDNIGHT + 400)];
        assert_eq!(counted(Rule::Day, 600, 0, over.clone()), None);
        assert_eq!(counted(Rule::Day, 399, 0, over.clone()), Some(over.clone()));
        assert_eq!(counted(Rule::Day, 600, 480, over.clone()), Some(over));
    }

    #[test]
    fn time_in_two_squares_at_once_is_counted_once() {
        let both = joined(vec![spell(0, 700), spell(100, 900), spell(900, 950)]);
        assert_eq!(both, [spell(0, 900), spell(900, 950)]);
    }
}
