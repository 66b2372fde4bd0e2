//! The run: seeds, changes, findings.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::mutate::mutate;
use crate::targets::{Target, targets};

/// An input that takes longer is a finding.
const SLOW: Duration = Duration::from_secs(5);
/// Seeds that are kept beside the first ones.
const LEARNT_MAX: usize = 2_000;

const HELP: &str = "Usage: make fuzz FUZZ=\"[--seconds N] [--seed N] [TARGET…]\"

Changes seeds at random and hands them to parsers; ends at the first finding.

  --seconds N   for each target (600 by default)
  --seed N      another number makes other inputs (1 by default)
  TARGET        names of feeds or of other parsers; all of them by default

Example: make fuzz FUZZ=\"--seconds 60 hospital-hl7 codec\"";

struct Args {
    seconds: u64,
    seed: u64,
    names: Vec<String>,
}

/// Runs what the command line asks for.
pub(crate) fn run(words: impl Iterator<Item = String>) -> ExitCode {
    let args = match args(words) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("fuzz: {message}\n\n{HELP}");
            return ExitCode::FAILURE;
        }
    };
    let wanted = |target: &Target| args.names.is_empty() || args.names.contains(&target.name);
    for target in targets().iter().filter(|target| wanted(target)) {
        let mut run = Run::new(target, args.seed);
        let finding = run.for_a_while(Duration::from_secs(args.seconds));
        println!("{:<24} {:>12} inputs {:>6} kinds of answers", target.name, run.inputs, run.said.len());
        if let Err((what, input)) = finding {
            println!("{}", keep(&target.name, &what, &input));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn args(mut words: impl Iterator<Item = String>) -> Result<Option<Args>, String> {
    let mut args = Args { seconds: 600, seed: 1, names: Vec::new() };
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.parse().ok()).ok_or(format!("{word} needs a number"));
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--seconds" => args.seconds = number()?,
            "--seed" => args.seed = number()?,
            name if targets().iter().any(|target| target.name == name) => args.names.push(word),
            name => {
                let known: Vec<String> = targets().into_iter().map(|target| target.name).collect();
                return Err(format!("there is no target `{name}`; there are {}", known.join(", ")));
            }
        }
    }
    Ok(Some(args))
}

/// One target under fire.
struct Run<'t> {
    target: &'t Target,
    dice: ChaCha8Rng,
    seeds: Vec<Vec<u8>>,
    said: BTreeSet<String>,
    inputs: u64,
}

type Finding = (String, Vec<u8>);

impl<'t> Run<'t> {
    fn new(target: &'t Target, seed: u64) -> Self {
        let dice = ChaCha8Rng::seed_from_u64(seed);
        Self { target, dice, seeds: target.seeds.clone(), said: BTreeSet::new(), inputs: 0 }
    }

    fn for_a_while(&mut self, time: Duration) -> Result<(), Finding> {
        for seed in self.target.seeds.clone() {
            self.hand_over(seed)?;
        }
        let began = Instant::now();
        while began.elapsed() < time {
            self.hand_over_another()?;
        }
        Ok(())
    }

    fn hand_over_another(&mut self) -> Result<(), Finding> {
        let input = mutate(&self.seeds, &mut self.dice);
        self.hand_over(input)
    }

    fn hand_over(&mut self, input: Vec<u8>) -> Result<(), Finding> {
        self.inputs += 1;
        let began = Instant::now();
        let said = match catch_unwind(AssertUnwindSafe(|| (self.target.parse)(&input))) {
            Ok(Ok(said)) => said,
            Ok(Err(what)) => return Err((what, input)),
            Err(_) => return Err(("it panicked".to_owned(), input)),
        };
        if began.elapsed() > SLOW {
            return Err((format!("it took {:?}", began.elapsed()), input));
        }
        if self.said.insert(said) && self.seeds.len() < self.target.seeds.len() + LEARNT_MAX {
            self.seeds.push(input);
        }
        Ok(())
    }
}

/// Writes a finding down, and says where.
fn keep(target: &str, what: &str, input: &[u8]) -> String {
    let name: String = Sha256::digest(input)[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let path = format!("target/fuzz/{target}-{name}");
    let written = std::fs::create_dir_all("target/fuzz").and_then(|()| std::fs::write(&path, input));
    match written {
        Ok(()) => format!("FINDING in {target}: {what}; the input of {} bytes is {path}", input.len()),
        Err(error) => format!("FINDING in {target}: {what}; the input cannot be kept: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parser_bears_its_seeds_and_some_changes_of_them() {
        for target in targets() {
            let mut run = Run::new(&target, 7);
            let inputs =
                run.for_a_while(Duration::ZERO).and_then(|()| (0..300).try_for_each(|_| run.hand_over_another()));
            if let Err((what, input)) = inputs {
                panic!("{}: {what}: {:?}", target.name, String::from_utf8_lossy(&input));
            }
            assert!(run.said.len() > 1, "{} says the same to everything", target.name);
        }
    }

    #[test]
    fn a_parser_that_panics_is_found() {
        let parse: crate::targets::Parse = Box::new(|input| {
            assert!(!input.contains(&0xFF), "a byte that is none");
            Ok(String::new())
        });
        let target = Target { name: "weak".to_owned(), seeds: vec![b"seed".to_vec()], parse };
        let mut run = Run::new(&target, 7);
        assert!((0..100_000).any(|_| run.hand_over_another().is_err()));
    }
}
