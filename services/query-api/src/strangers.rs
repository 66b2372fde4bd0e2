//! Calls without a valid token: they are put on record too, but collapsed, so that nobody can fill the ledger's disk
//! without a token.

use std::sync::{Mutex, PoisonError};

use domain::Timestamp;

/// How long calls are collapsed into one entry, in milliseconds.
pub(crate) const WINDOW_MS: i64 = 10_000;

/// Counts refused calls without caller. The first of a window is put on record at once; the others are counted and put
/// on record together when the window ends.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Option<Timestamp>,
    pending: u64,
}

/// What to do about one such call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Put this many calls on record now.
    Append(u64),
    /// Counted; the first one of the window, so the caller must see to it that [`Strangers::take`] is called at its end.
    CountedFirst,
    /// Counted.
    Counted,
}

impl Strangers {
    /// Notes a call.
    pub(crate) fn note(&self, now: Timestamp) -> Note {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = window.began.map(|began| now.as_millis().saturating_sub(began.as_millis()));
        // A clock that was set back begins a new window: rather one entry too many.
        if age.is_none_or(|age| !(0..WINDOW_MS).contains(&age)) {
            window.began = Some(now);
            return Note::Append(1 + std::mem::take(&mut window.pending));
        }
        window.pending += 1;
        if window.pending == 1 { Note::CountedFirst } else { Note::Counted }
    }

    /// The calls that were counted and are not on record yet; they are the taker's now.
    pub(crate) fn take(&self) -> u64 {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).pending)
    }

    /// Gives back calls that could not be put on record.
    pub(crate) fn give_back(&self, count: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pending += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_becomes_one_entry_per_window_and_no_call_is_lost() {
        let strangers = Strangers::default();
        let at = Timestamp::from_millis;
        assert_eq!(strangers.note(at(0)), Note::Append(1));
        assert_eq!(strangers.note(at(1)), Note::CountedFirst);
        for _ in 0..998 {
            assert_eq!(strangers.note(at(9_999)), Note::Counted);
        }
        assert_eq!(strangers.note(at(10_000)), Note::Append(1_000));
        assert_eq!(strangers.take(), 0);
        assert_eq!(strangers.note(at(10_001)), Note::CountedFirst);
        assert_eq!(strangers.take(), 1);
        assert_eq!(strangers.note(at(5_000)), Note::Append(1));
    }
}
