//! Times of a file as the index counts them: whole steps from the first one on.

use anyhow::ensure;
use domain::Timestamp;

use super::window::seconds;

/// Beyond so many steps the index does not count.
const STEPS_MAX: i64 = u32::MAX as i64 - 2;

/// Counts steps of half a second, or less where the file has fractions of seconds. A moment is one step long, and so is
/// shorter than any time of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    first_ms: i64,
    /// In one second; even.
    pub(super) steps: u32,
    /// Times are instants and written as such, and not as seconds.
    pub(super) are_instants: bool,
}

impl Clock {
    /// For times between two, of which some have fractions of seconds.
    pub(super) fn new(first_ms: i64, last_ms: i64, has_fractions: bool, are_instants: bool) -> anyhow::Result<Self> {
        let first_ms = first_ms.div_euclid(1_000) * 1_000;
        let fits = |steps: &u32| (last_ms - first_ms).div_euclid(1_000) < STEPS_MAX / i64::from(*steps);
        let finest: &[u32] = if has_fractions { &[2_000, 200, 20, 2] } else { &[2] };
        let steps = finest.iter().copied().find(fits);
        let clock = Self { first_ms, steps: steps.unwrap_or(2), are_instants };
        ensure!(
            steps.is_some(),
            "its times lie more than 68 years apart, from {} to {}: is one of them wrong?",
            clock.written(first_ms),
            clock.written(last_ms)
        );
        Ok(clock)
    }

    /// The step of a time; between two, the nearer one.
    pub(super) fn step(self, ms: i64) -> u32 {
        let per_second = i64::from(self.steps / 2);
        (((ms - self.first_ms) * per_second + 500).div_euclid(1_000) * 2).clamp(0, STEPS_MAX) as u32
    }

    /// A time as the file would write it.
    pub(super) fn time(self, step: u32) -> String {
        self.written(self.first_ms + self.millis(u64::from(step)))
    }

    /// Seconds of a number of steps; a moment has none.
    pub(super) fn seconds(self, steps: u64) -> String {
        seconds(self.millis(steps))
    }

    fn millis(self, steps: u64) -> i64 {
        (steps / 2 * 1_000 / u64::from(self.steps / 2)) as i64
    }

    pub(super) fn written(self, ms: i64) -> String {
        if self.are_instants { Timestamp::from_millis(ms).to_string() } else { seconds(ms) }
    }

    /// How many steps after a midnight the first step lies, at an offset from UTC.
    pub(super) fn after_midnight(self, offset_min: i32) -> u64 {
        let seconds = self.first_ms / 1_000 + i64::from(offset_min) * 60;
        seconds.rem_euclid(86_400) as u64 * u64::from(self.steps)
    }

    /// Whether the finest fractions of the file are counted.
    pub(super) const fn is_exact(self, has_fractions: bool) -> bool {
        !has_fractions || self.steps == 2_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_out_as_they_went_in() {
        let clock = Clock::new(-20_000, 100_000, false, false).expect("fits");
        assert_eq!((clock.time(clock.step(-20_000)), clock.time(clock.step(0))), ("-20".to_owned(), "0".to_owned()));
        let fine = Clock::new(900, 600_950, true, false).expect("fits");
        assert_eq!(fine.time(fine.step(600_950)), "600.95");
        assert_eq!(fine.seconds(u64::from(fine.step(600_950) - fine.step(900))), "600.05");
        let instants = Clock::new(1_646_121_600_000, 1_646_125_200_000, false, true).expect("fits");
        assert_eq!(instants.time(instants.step(1_646_125_200_000)), "2022-03-01T09:00:00Z");
        assert_eq!(instants.seconds(1), "0");
    }

    #[test]
    fn a_long_span_costs_fractions_and_a_mistaken_time_is_told() {
        let months = Clock::new(0, 86_400_000 * 90, true, false).expect("fits");
        assert_eq!((months.steps, months.is_exact(true)), (200, false));
        let told = Clock::new(0, 86_400_000 * 366 * 70, false, false).expect_err("too long").to_string();
        assert!(told.contains("more than 68 years apart, from 0 to 2213568000"), "{told}");
    }

    #[test]
    fn midnight_is_where_the_offset_says() {
        let clock = Clock::new(3_600_000, 9_000_000, false, false).expect("fits");
        assert_eq!(clock.after_midnight(0), 7_200);
        assert_eq!(clock.after_midnight(-60), 0);
        assert_eq!(clock.after_midnight(-120), 2 * 82_800);
    }
}
