//! The proposed pairs that training looks at.
//!
//! Pairs of one person may be few among those that the rules propose. So pairs are drawn by how many of their fields
//! agree exactly, about as many with each number, and each counts for as many pairs as it stands for.

use super::field::FIELDS;
use super::observe::Sampled;
use super::pairs::Blocks;
use super::store::{Row, Table};
use crate::hash::mix;

/// Pairs that are drawn.
const SAMPLE_MAX: usize = 200_000;
/// Pairs that they are drawn from.
const LOOKED_AT: f64 = 2_000_000.0;

/// A pair with the number of fields that agree.
type Agreeing = (Sampled, u8);

/// How many pairs a drawn pair stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StandsFor {
    pub(crate) pairs: f64,
    /// The same, of records that are counted (see [`Repeats::counts`](super::repeats::Repeats::counts)).
    pub(crate) counted: f64,
}

/// Draws pairs.
pub(crate) fn draw(table: &Table, blocks: &Blocks) -> Vec<(Sampled, StandsFor)> {
    // Pairs that several rules propose are counted once for each: fewer may be looked at than could be.
    let share = (LOOKED_AT / (blocks.pairs_most as f64).max(1.0)).min(1.0);
    let looked_at = blocks.for_each(Vec::new, |found: &mut Vec<Agreeing>, a, b| {
        if is_drawn((a, b), 0, share) {
            found.push(((a, b), agreeing(&table.rows[a as usize], &table.rows[b as usize])));
        }
    });
    let mut sizes = [0_usize; FIELDS + 1];
    looked_at.iter().flatten().for_each(|(_, agree)| sizes[usize::from(*agree)] += 1);
    let shares = shares(&sizes);
    let drawn = |(pair, agree): Agreeing| {
        let own = shares[usize::from(agree)];
        let each = 1.0 / (share * own);
        let (pairs, counted) = (blocks.repeats.pairs(pair), blocks.repeats.counted_pairs(pair));
        is_drawn(pair, 1, own).then_some((pair, StandsFor { pairs: each * pairs, counted: each * counted }))
    };
    looked_at.into_iter().flatten().filter_map(drawn).collect()
}

fn agreeing(a: &Row, b: &Row) -> u8 {
    a[..FIELDS].iter().zip(&b[..FIELDS]).map(|(x, y)| u8::from(x == y && *x != 0)).sum()
}

/// The share of each group that is drawn: all of the small ones, and as many of each of the others.
fn shares(sizes: &[usize; FIELDS + 1]) -> [f64; FIELDS + 1] {
    let mut sorted: Vec<usize> = sizes.iter().copied().filter(|size| *size > 0).collect();
    sorted.sort_unstable();
    let mut left = SAMPLE_MAX;
    let mut most = usize::MAX;
    for (place, size) in sorted.iter().enumerate() {
        let even = left / (sorted.len() - place);
        if *size > even {
            most = even;
            break;
        }
        left -= size;
    }
    sizes.map(|size| if size > most { most as f64 / size as f64 } else { 1.0 })
}

/// Whether a pair is among a share of all pairs; `draw` tells draws of the same pairs apart.
fn is_drawn((a, b): Sampled, draw: u64, share: f64) -> bool {
    share >= 1.0 || (mix(u64::from(a) << 32 | u64::from(b), draw) >> 32) < (share * 4_294_967_296.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pairs_are_all_drawn_and_many_evenly() {
        let mut sizes = [0; FIELDS + 1];
        (sizes[0], sizes[1], sizes[3]) = (1_000_000, 400_000, 1_000);
        let shares = shares(&sizes);
        assert_eq!(shares[3], 1.0);
        let drawn = [shares[0] * 1e6, shares[1] * 4e5];
        assert!((drawn[0] - drawn[1]).abs() < 1.0 && (drawn[0] + drawn[1] + 1e3 - SAMPLE_MAX as f64).abs() < 2.0);
    }
}
