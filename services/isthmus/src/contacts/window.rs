//! How long a window is, when a row tells only the time at which it ends.

use std::collections::HashMap;

use anyhow::{bail, ensure};

/// From so many times on, a time or two may lie between the windows.
const MANY_TIMES: usize = 40;
/// Steps of which the commonest are tried.
const TRIED: usize = 200;
/// A window of so long is told loudly, and one of so long is not guessed at all.
pub(super) const LONG_MS: i64 = 300_000;
const TOO_LONG_MS: i64 = 3_600_000;

/// A window, guessed of the steps between times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) window_ms: i64,
    /// Steps between times that follow one another, and how many of them the window does not fit.
    pub(super) steps: usize,
    pub(super) unfit: usize,
}

/// The longest step between times of which nearly all steps are multiples: one odd time does not change it, and gaps are
/// multiples, too. `times` are in order, each once.
pub(super) fn guess(times: &[i64]) -> anyhow::Result<Guess> {
    ensure!(times.len() > 1, "all its rows are of one time: say with --window-s how long a window is");
    let mut counts: HashMap<i64, usize> = HashMap::new();
    times.windows(2).for_each(|pair| *counts.entry(pair[1] - pair[0]).or_default() += 1);
    let mut counts: Vec<(i64, usize)> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(step, count)| (usize::MAX - count, *step));
    let unfit =
        |window: i64| counts.iter().filter(|(step, _)| step % window != 0).map(|(_, count)| count).sum::<usize>();
    // An odd time makes two odd steps.
    let allowed = if times.len() < MANY_TIMES { 0 } else { (times.len() / 50).max(2) };
    let fitting = counts.iter().take(TRIED).map(|(step, _)| *step).filter(|step| unfit(*step) <= allowed).max();
    let (most, count) = counts[0];
    let steps = times.len() - 1;
    match fitting {
        None => bail!(
            "its times are not of one step: the most frequent one, {} s, is {count} of {steps}, and {} do not fit it: say \
             with --window-s how many seconds a row stands for",
            seconds(most),
            unfit(most)
        ),
        Some(window) if window >= TOO_LONG_MS => bail!(
            "its times are {} s apart at least, and a row hardly stands for so long: say with --window-s how many seconds a \
             row stands for",
            seconds(window)
        ),
        Some(window_ms) => Ok(Guess { window_ms, steps, unfit: unfit(window_ms) }),
    }
}

/// The times that fit neither the one before nor the one behind.
pub(super) fn odd_times(times: &[i64], window_ms: i64) -> Vec<i64> {
    let fits =
        |one: usize, next: usize| times.get(one).zip(times.get(next)).map(|(one, next)| (next - one) % window_ms == 0);
    let is_odd = |index: &usize| {
        let before = index.checked_sub(1).and_then(|before| fits(before, *index));
        let after = fits(*index, index + 1);
        (before.is_some() || after.is_some()) && before != Some(true) && after != Some(true)
    };
    (0..times.len()).filter(is_odd).map(|index| times[index]).collect()
}

/// Milliseconds as seconds, with a fraction only where there is one.
pub(super) fn seconds(ms: i64) -> String {
    let (sign, size) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    let whole = format!("{sign}{}", size / 1_000);
    match size % 1_000 {
        0 => whole,
        rest => format!("{whole}.{}", format!("{rest:03}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seconds: &[i64]) -> Result<i64, String> {
        let times: Vec<i64> = seconds.iter().map(|second| second * 1_000).collect();
        guess(&times).map(|guess| guess.window_ms / 1_000).map_err(|error| error.to_string())
    }

    #[test]
    fn the_window_is_the_usual_step_and_one_odd_time_does_not_change_it() {
        let regular: Vec<i64> = (1..60).map(|n| 20 * n).collect();
        assert_eq!(of(&regular), Ok(20));
        for odd in [1_201, 590, 595, 10] {
            let mut times = [regular.as_slice(), &[odd]].concat();
            times.sort_unstable();
            assert_eq!(of(&times), Ok(20), "{odd}");
            let times: Vec<i64> = times.iter().map(|second| second * 1_000).collect();
            assert_eq!(odd_times(&times, 20_000), [odd * 1_000]);
        }
        // A gap and a new begin are no odd times.
        let again: Vec<i64> = regular.iter().copied().chain((0..60).map(|n| 5_007 + 20 * n)).collect();
        assert_eq!(of(&again), Ok(20));
        assert!(odd_times(&[20_000, 40_000, 5_007_000, 5_027_000], 20_000).is_empty());
        // Few times, gaps between most of them.
        assert_eq!(of(&[0, 40, 80, 100, 140, 180]), Ok(20));
        assert_eq!(of(&[20, 40]), Ok(20));
        assert_eq!(of(&[600, 1_200]), Ok(600));
    }

    #[test]
    fn times_of_no_one_step_and_windows_of_hours_are_asked_for() {
        let drifting: Vec<i64> = (0..100).map(|n| 300 * n + n / 2).collect();
        let told = of(&drifting).expect_err("drifting");
        assert!(told.contains("300 s, is 50 of 99, and 49 do not fit it: say with --window-s"), "{told}");
        assert!(of(&[3_600, 7_200, 10_800]).expect_err("sparse").contains("3600 s apart at least"));
        assert!(of(&[5]).expect_err("one").contains("say with --window-s how long a window is"));
    }
}
