//! A small fixed hash for blocking keys and for values of which only equality matters.
//!
//! It is written out here, not taken from a library, because sharded workers must agree on keys across builds.

const ODD: [u64; 3] = [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03, 0x8CB9_2BA7_2F3D_8DD7];

/// Mixes two words into one.
pub(crate) const fn mix(a: u64, b: u64) -> u64 {
    let wide = ((a ^ ODD[0]) as u128).wrapping_mul((b ^ ODD[1]) as u128);
    let folded = (wide as u64) ^ ((wide >> 64) as u64);
    (folded ^ (folded >> 29)).wrapping_mul(ODD[2]) ^ a.rotate_left(23) ^ b.rotate_left(41)
}

/// Hashes bytes. Never 0, so that 0 can stand for "nothing".
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state, u64::from_le_bytes(word));
    }
    mix(state, ODD[2]) | 1
}

/// Hashes text. Never 0.
pub(crate) fn hash_text(text: &str) -> u64 {
    hash_bytes(text.as_bytes())
}

/// Hashes any value by its parts, in the same way in every build.
pub(crate) fn hash_of(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = Parts(0);
    value.hash(&mut hasher);
    mix(hasher.0, ODD[2]) | 1
}

struct Parts(u64);

impl std::hash::Hasher for Parts {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, hash_bytes(bytes));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Hashes words in order. Never 0.
pub(crate) fn hash_words(words: &[u64]) -> u64 {
    let mut state = words.len() as u64;
    for word in words {
        state = mix(state, *word);
    }
    mix(state, ODD[2]) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_inputs_give_distinct_hashes() {
        let mut seen = rustc_hash::FxHashSet::default();
        for a in 0..300_u64 {
            for b in 0..300_u64 {
                assert!(seen.insert(hash_words(&[a, b])), "{a} {b}");
            }
        }
        for n in 0..50_000 {
            assert!(seen.insert(hash_text(&format!("861380000{n:05}"))), "{n}");
        }
    }
}
