//! Randomness: one independent stream per purpose, person and day, so that a change in one place of the city does not
//! reshuffle the rest, and the same seed gives the same bytes on any machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of numbers is for. The order is part of the output: append only.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Places,
    People,
    Phones,
    Plans,
    Day,
    Household,
    Subscribers,
    Cells,
    Locations,
    Gates,
    Meters,
    Tickets,
    Wallet,
    Lab,
    Hl7,
    Style,
    Spoil,
    Cases,
    Illness,
}

/// A stream of random numbers.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of a purpose; `a` and `b` tell apart person and day, or whatever the purpose counts.
    pub(crate) fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let mut key = [0; 32];
        for (part, value) in key.chunks_exact_mut(8).zip([seed, purpose as u64, a, b]) {
            part.copy_from_slice(&value.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number from 0 to `n - 1`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as usize) as i64
    }

    /// Whether something of probability `p` happens.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        f64::from(self.0.next_u32()) < p * 4_294_967_296.0
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// An index, drawn by weight.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut left = self.below(weights.iter().sum::<u32>() as usize) as u32;
        for (index, weight) in weights.iter().enumerate() {
            if left < *weight {
                return index;
            }
            left -= weight;
        }
        0
    }

    /// A number from -1 to 1.
    pub(crate) fn swing(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 2_147_483_648.0 - 1.0
    }
}

/// The `n`th of a series of numbers below `modulus` (a prime) that look drawn by lot and never repeat.
pub(crate) fn scattered(n: u64, factor: u64, modulus: u64) -> u64 {
    (n + 1) * factor % modulus
}
