//! The pairs that the blocking rules propose, each once.
//!
//! A block with too many records is split by a further piece of the record, and again, and what is still too large is
//! cut along an order of its records: deterministic, and counted in [`Oversized`].

use rayon::prelude::*;

use super::block::{Atom, Keys, Rule, rule_name};
use super::repeats::Repeats;
use super::store::{Row, Table};
use crate::hash::mix;

/// Blocks of one rule that had to be split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Oversized {
    /// The rule.
    pub rule: String,
    /// Blocks that were split.
    pub blocks: usize,
    /// Records in them.
    pub records: usize,
}

/// Records by rule and key.
pub(crate) struct Blocks {
    /// Keys by record and rule; 0 for none.
    keys: Vec<u32>,
    rules: usize,
    /// For every rule the records in order of key.
    order: Vec<Vec<u32>>,
    pub(crate) oversized: Vec<Oversized>,
    /// Of records that say the same only the first is in a block.
    pub(crate) repeats: Repeats,
    /// Pairs, counted once for every rule that proposes them.
    pub(crate) pairs_most: u64,
}

/// The blocks of one rule.
struct Made {
    /// Records in order of key.
    order: Vec<u32>,
    /// Keys and records that splitting has changed.
    moved: Vec<u64>,
    report: Oversized,
    pairs: u64,
}

/// Pieces that split blocks, the best first.
const SPLITTERS: [Atom; 12] = [
    Atom::Birth,
    Atom::GivenHead,
    Atom::SurnameHead,
    Atom::BirthYear,
    Atom::Postcode,
    Atom::SuburbHead,
    Atom::Given,
    Atom::Surname,
    Atom::Address1,
    Atom::BirthPlace,
    Atom::StreetNumber,
    Atom::Sex,
];
const SPLITS_MAX: usize = 3;

impl Blocks {
    /// Puts the records of a table into blocks of at most `records_max`.
    pub(crate) fn new(table: &Table, repeats: Repeats, rules: &[Rule], records_max: usize) -> Self {
        let maker = Keys::new(table, rules.iter().flatten().copied().chain(SPLITTERS));
        let count = rules.len();
        let mut keys = vec![0_u32; table.len() * count];
        if count > 0 {
            keys.par_chunks_mut(count).zip(&table.rows).with_min_len(4096).for_each(|(keys, row)| {
                for (key, rule) in keys.iter_mut().zip(rules) {
                    let whole = maker.key(row, rule);
                    *key = if whole == 0 { 0 } else { (whole >> 32) as u32 | 1 };
                }
            });
        }
        let made: Vec<Made> = rules
            .par_iter()
            .enumerate()
            .map(|(number, rule)| {
                let key_of = |record: usize| keys[record * count + number];
                let mut sorted: Vec<u64> = (0..table.len())
                    .filter(|record| key_of(*record) != 0 && repeats.is_first(*record as u32))
                    .map(|record| u64::from(key_of(record)) << 32 | record as u64)
                    .collect();
                sorted.par_sort_unstable();
                let report = split(&mut sorted, table, &maker, rule, records_max);
                let moved: Vec<u64> = match report.blocks {
                    0 => Vec::new(),
                    _ => {
                        let stays = |entry: &&u64| key_of(**entry as u32 as usize) == (**entry >> 32) as u32;
                        sorted.iter().filter(|entry| !stays(entry)).copied().collect()
                    }
                };
                let mut made = Made { order: Vec::new(), moved, report, pairs: 0 };
                // Records alone in their block propose nothing.
                for block in sorted.chunk_by(|a, b| a >> 32 == b >> 32).filter(|block| block.len() > 1) {
                    made.pairs += (block.len() * (block.len() - 1) / 2) as u64;
                    made.order.extend(block.iter().map(|entry| *entry as u32));
                }
                made.order.shrink_to_fit();
                made
            })
            .collect();
        let mut order = Vec::with_capacity(count);
        let mut oversized = Vec::new();
        let mut pairs_most = repeats.neighbours.len() as u64;
        for (number, made) in made.into_iter().enumerate() {
            for entry in made.moved {
                keys[(entry as u32) as usize * count + number] = (entry >> 32) as u32;
            }
            pairs_most += made.pairs;
            order.push(made.order);
            if made.report.blocks > 0 {
                oversized.push(made.report);
            }
        }
        Self { keys, rules: count, order, oversized, repeats, pairs_most }
    }

    fn keys(&self, record: u32) -> &[u32] {
        &self.keys[record as usize * self.rules..(record as usize + 1) * self.rules]
    }

    /// Calls `each` for every proposed pair, the smaller record first, in parallel; collects what it makes of parts of
    /// the pairs, in a fixed order.
    pub(crate) fn for_each<T: Send>(
        &self,
        make: impl Fn() -> T + Sync,
        each: impl Fn(&mut T, u32, u32) + Sync,
    ) -> Vec<T> {
        let mut parts: Vec<(usize, &[u32])> = Vec::new();
        for (number, order) in self.order.iter().enumerate() {
            let same = |a: &u32, b: &u32| self.keys(*a)[number] == self.keys(*b)[number];
            let mut rest: &[u32] = order;
            while !rest.is_empty() {
                let mut cut = rest.len().min(16_384);
                while cut < rest.len() && same(&rest[cut - 1], &rest[cut]) {
                    cut += 1;
                }
                parts.push((number, &rest[..cut]));
                rest = &rest[cut..];
            }
        }
        let of_neighbours = self.repeats.neighbours.par_chunks(16_384).map(|pairs| {
            let mut made = make();
            pairs.iter().for_each(|(a, b)| each(&mut made, *a, *b));
            made
        });
        let of_blocks = parts.into_par_iter().with_max_len(1).map(|(number, part)| {
            let mut made = make();
            let same = |a: &u32, b: &u32| self.keys(*a)[number] == self.keys(*b)[number];
            for block in part.chunk_by(same) {
                for (place, b) in block.iter().enumerate() {
                    let keys = &self.keys(*b)[..number];
                    for a in &block[..place] {
                        let earlier = self.keys(*a)[..number].iter().zip(keys).any(|(x, y)| x == y && *x != 0);
                        if !earlier {
                            each(&mut made, *a.min(b), *a.max(b));
                        }
                    }
                }
            }
            made
        });
        of_blocks.chain(of_neighbours).collect()
    }
}

/// Splits the blocks with more than `records_max` records; the entries stay in order of key and record.
fn split(sorted: &mut [u64], table: &Table, maker: &Keys, rule: &Rule, records_max: usize) -> Oversized {
    let mut report = Oversized { rule: rule_name(rule), ..Oversized::default() };
    let splitters: Vec<Atom> = SPLITTERS
        .into_iter()
        .filter(|atom| rule.iter().all(|used| used.field() != atom.field()) && table.stated(atom.field()) > 0)
        .collect();
    let mut changed = false;
    for block in sorted.chunk_by_mut(|a, b| a >> 32 == b >> 32).filter(|block| block.len() > records_max) {
        report.blocks += 1;
        report.records += block.len();
        changed = true;
        refine(block, &table.rows, maker, &splitters, records_max, SPLITS_MAX);
    }
    if changed {
        sorted.par_sort_unstable();
    }
    report
}

fn refine(block: &mut [u64], rows: &[Row], maker: &Keys, splitters: &[Atom], records_max: usize, depth: usize) {
    let rekey = |entry: u64, value: u64| ((mix(entry >> 32, value) >> 32 | 1) << 32) | entry & 0xFFFF_FFFF;
    let Some((atom, rest)) = splitters.split_first().filter(|_| depth > 0) else {
        // Nothing is left to split by: neighbours in the order of their values stay together.
        block.sort_unstable_by_key(|entry| (rows[*entry as u32 as usize], *entry));
        for (number, piece) in block.chunks_mut(records_max).enumerate() {
            piece.iter_mut().for_each(|entry| *entry = rekey(*entry, number as u64 + 1));
        }
        return;
    };
    for entry in block.iter_mut() {
        *entry = rekey(*entry, maker.atom(&rows[*entry as u32 as usize], *atom));
    }
    block.sort_unstable();
    for piece in block.chunk_by_mut(|a, b| a >> 32 == b >> 32).filter(|piece| piece.len() > records_max) {
        refine(piece, rows, maker, rest, records_max, depth - 1);
    }
}
