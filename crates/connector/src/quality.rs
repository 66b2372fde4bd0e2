//! What a feed is like from day to day, and what about it needs somebody's eye. Counters only: nothing of any row.
//!
//! The usual is the median of earlier days, of the same weekday where there are enough: one odd day does not shift it.

use std::collections::BTreeMap;

use domain::{Body, IdClaim, Timestamp, TokenKey};
use jiff::civil::Date;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use store::quality::QualityDay;
use utoipa::ToSchema;

use crate::chunk::Chunk;
use crate::feed::DraftRole;
use crate::profile::Profile;

/// Days that are compared.
pub(crate) const DAYS: i64 = 70;
/// Days of the same kind without which nothing is usual.
const USUAL_DAYS_MIN: usize = 3;
/// Weeks in which the same weekday is looked for.
const WEEKS: i32 = 8;
/// Rows of a day below which shares say nothing.
const ROWS_MIN: i64 = 20;
/// Identity numbers that are remembered of a feed, in each of two generations.
const NUMBERS_MAX: usize = 200_000;
const HOUR_MS: i64 = 3_600_000;

/// What is expected of a feed, as its profile states it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QualityRules {
    /// Hours after which a row comes late.
    pub late_after_hours: u32,
    /// Hours without any file after which the feed is silent; without it, a whole day without rows that usually has some.
    pub silent_after_hours: Option<u32>,
}

impl Default for QualityRules {
    fn default() -> Self {
        Self { late_after_hours: 48, silent_after_hours: None }
    }
}

macro_rules! alerts {
    ($($(#[$doc:meta])* $name:ident, $code:literal;)+) => {
        /// What is odd about a feed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum AlertKind {
            $($(#[$doc])* $name,)+
        }

        impl AlertKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code in answers, logs and metrics; it never changes.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

alerts! {
    /// Nothing comes where something usually does.
    Silent, "feed-silent";
    /// Far fewer rows than usual.
    VolumeLow, "volume-low";
    /// Far more rows than usual.
    VolumeHigh, "volume-high";
    /// Bodies were refused as a whole.
    Refused, "files-refused";
    /// A larger share is quarantined than usual.
    Quarantined, "quarantined-share";
    /// A reason of quarantine that the feed never had.
    CodeNew, "code-new";
    /// Other columns are new or missing than before.
    Shape, "shape-changed";
    /// A field is empty more often than usual.
    FieldEmpty, "field-empty";
    /// More rows come late than usual.
    Late, "rows-late";
    /// Identity numbers come with other names than before.
    Reused, "numbers-reused";
}

/// Something odd about a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Alert {
    /// Stable code, such as `feed-silent`; docs/OPERATIONS.md says what to do.
    pub code: &'static str,
    /// The day that it is about.
    pub day: String,
    /// What was found, and what is usual.
    pub message: String,
}

/// What a batch adds to its day, gathered chunk by chunk.
#[derive(Default)]
pub(crate) struct Gathered {
    late: i64,
    reused: i64,
    looked: i64,
    empty: BTreeMap<&'static str, i64>,
}

impl Gathered {
    /// Counts a chunk, before it is decided.
    pub(crate) fn note(&mut self, chunk: &Chunk, profile: &Profile, key: &TokenKey, now: Timestamp, names: &mut Names) {
        let late_before = now.plus_millis(-i64::from(profile.quality.late_after_hours) * HOUR_MS);
        for drafts in chunk.rows.iter().filter_map(|row| row.result.as_ref().ok()) {
            let own = || drafts.iter().map(|draft| &draft.draft).filter(|draft| draft.role == DraftRole::Record);
            // A register tells states: its entries are old by nature.
            let late = own().any(|draft| draft.event_time < late_before) && !profile.identity.register;
            self.late += i64::from(late);
            let reused = drafts.iter().any(|draft| match &draft.draft.body {
                Body::IdentityObserved(who) => {
                    let number = who.person.claims.iter().find(|claim| claim.scheme.is_document() && !claim.masked);
                    let name = who.person.names.first();
                    number.zip(name).is_some_and(|(number, name)| names.is_another(key, number, name.text.expose()))
                }
                _ => false,
            });
            self.reused += i64::from(reused);
        }
        self.looked += chunk.looked.rows;
        for (field, rows) in &chunk.looked.empty {
            *self.empty.entry(field.code()).or_default() += rows;
        }
    }

    /// What the batch adds to its day.
    pub(crate) fn day(
        self,
        profile: &Profile,
        batch: &store::ingest::Batch,
        codes: BTreeMap<String, i64>,
    ) -> QualityDay {
        let about_columns = |code: &str| matches!(code, "columns-unknown" | "columns-missing");
        let notices = batch.notices.iter().filter(|notice| about_columns(&notice.code));
        let named = notices.flat_map(|notice| {
            let kind = notice.code.trim_start_matches("columns-").to_owned();
            notice.columns.iter().map(move |column| format!("{kind}: {column}"))
        });
        QualityDay {
            day: day_of(profile, batch.received_at),
            batches: 1,
            rows: batch.counts.rows(),
            quarantined: batch.counts.quarantined,
            late: self.late,
            reused: self.reused,
            looked: self.looked,
            empty: self.empty.into_iter().map(|(field, rows)| (field.to_owned(), rows)).collect(),
            codes,
            refusals: BTreeMap::new(),
            columns: named.take(100).collect(),
            last_arrival: batch.received_at,
        }
    }
}

/// The day of an instant in the feed's zone.
pub(crate) fn day_of(profile: &Profile, at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    at.to_zoned(profile.time.zone.clone()).date().to_string()
}

/// The name with which each identity number came last: keyed hashes, a bounded number of them. Forgetting is harmless.
#[derive(Default)]
pub(crate) struct Names {
    young: FxHashMap<[u8; 16], u64>,
    old: FxHashMap<[u8; 16], u64>,
}

impl Names {
    fn is_another(&mut self, key: &TokenKey, number: &IdClaim, name: &str) -> bool {
        let issuer = number.issuer.as_deref().unwrap_or_default();
        let number = format!("{}|{issuer}|{}", number.scheme.code(), number.value.expose());
        let number = key.opaque("quality-number", &number);
        let name = key.opaque("quality-name", name);
        let name = name.iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
        let before = self.young.get(&number).or_else(|| self.old.get(&number)).copied();
        self.young.insert(number, name);
        if self.young.len() > NUMBERS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        before.is_some_and(|before| before != name)
    }
}

/// What is odd about a feed now. `days` are those on which something came, the oldest first; `today` is not over yet.
pub(crate) fn judge(days: &[QualityDay], rules: &QualityRules, today: &str, now: Timestamp) -> Vec<Alert> {
    let (Some(last), Ok(today_date)) = (days.last(), today.parse::<Date>()) else { return Vec::new() };
    let mut alerts = Vec::new();
    let mut tell = |kind: AlertKind, day: &str, message: String| {
        alerts.push(Alert { code: kind.code(), day: day.to_owned(), message });
    };
    if let Some(hours) = rules.silent_after_hours
        && now.plus_millis(-i64::from(hours) * HOUR_MS) > last.last_arrival
    {
        tell(AlertKind::Silent, today, format!("nothing came since {}; {hours} hours are allowed", last.last_arrival));
    }
    if let Ok(yesterday) = today_date.yesterday() {
        volume(days, yesterday, rules, &mut tell);
    }
    let earlier = &days[..days.len() - 1];
    let refused: i64 = last.refusals.values().sum();
    if refused > 0 {
        let codes = last.refusals.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        tell(AlertKind::Refused, &last.day, format!("{refused} files were refused as a whole: {codes}"));
    }
    shares(last, earlier, &mut tell);
    let known_code = |code: &String| earlier.iter().any(|day| day.codes.contains_key(code));
    let new: Vec<&str> = last.codes.keys().filter(|code| !known_code(code)).map(String::as_str).collect();
    if earlier.len() >= USUAL_DAYS_MIN && !new.is_empty() {
        tell(AlertKind::CodeNew, &last.day, format!("reasons that the feed never had: {}", new.join(", ")));
    }
    if let Some(message) = shape(last, earlier, last.day != today) {
        tell(AlertKind::Shape, &last.day, message);
    }
    let many = last.rows >= ROWS_MIN;
    for (field, rows) in &last.empty {
        let share = |rows: i64, day: &QualityDay| rows as f64 / day.looked.max(1) as f64;
        let usual = median(
            earlier
                .iter()
                .filter(|day| day.looked > 0)
                .map(|day| share(day.empty.get(field).copied().unwrap_or(0), day)),
        );
        let now = share(*rows, last);
        if let Some(usual) = usual.filter(|usual| many && now > usual + 0.2) {
            tell(
                AlertKind::FieldEmpty,
                &last.day,
                format!("{field} is empty in {} of the rows; {} are usual", percent(now), percent(usual)),
            );
        }
    }
    alerts
}

/// Shares of rows that are larger than usual. Without a past nothing is usual: then only a large share in quarantine is told.
fn shares(last: &QualityDay, earlier: &[QualityDay], tell: &mut dyn FnMut(AlertKind, &str, String)) {
    const FLOOR_WITHOUT_PAST: f64 = 0.2;
    type Part = fn(&QualityDay) -> i64;
    let parts: [(AlertKind, Part, f64, &str); 3] = [
        (AlertKind::Quarantined, |day| day.quarantined, 0.02, "of the rows were quarantined"),
        (AlertKind::Late, |day| day.late, 0.05, "of the rows came late"),
        (AlertKind::Reused, |day| day.reused, 0.01, "of the rows have a number that came with another name"),
    ];
    if last.rows < ROWS_MIN {
        return;
    }
    for (kind, part, floor, what) in parts {
        let share = |day: &QualityDay| part(day) as f64 / day.rows.max(1) as f64;
        let past: Vec<f64> = earlier.iter().filter(|day| day.rows >= ROWS_MIN).map(share).collect();
        let usual = (past.len() >= USUAL_DAYS_MIN).then(|| median(past.into_iter())).flatten();
        let now = share(last);
        match usual {
            Some(usual) if now > floor && now > 3.0 * usual => {
                tell(kind, &last.day, format!("{} {what}; {} are usual", percent(now), percent(usual)));
            }
            None if kind == AlertKind::Quarantined && now > FLOOR_WITHOUT_PAST => {
                tell(kind, &last.day, format!("{} {what}", percent(now)));
            }
            _ => {}
        }
    }
}

/// What is new or gone about the columns of the last day: columns that no earlier day had, those that all of the last ones
/// had and a day that is over has not, and files that were refused for their columns.
fn shape(last: &QualityDay, earlier: &[QualityDay], is_over: bool) -> Option<String> {
    const OF_COLUMNS: [&str; 3] = ["header-mismatch", "column-unknown", "columns-too-many"];
    let refused = |day: &QualityDay| OF_COLUMNS.iter().any(|code| day.refusals.contains_key(*code));
    let recent = &earlier[earlier.len().saturating_sub(USUAL_DAYS_MIN)..];
    let read = |days: &[QualityDay]| days.iter().any(|day| day.batches > 0);
    let mut found = Vec::new();
    if refused(last) && !recent.iter().any(refused) {
        found.push("files were refused for their columns; their receipts say which are missing".to_owned());
    }
    let come: Vec<&str> = last
        .columns
        .iter()
        .filter(|column| !earlier.iter().any(|day| day.columns.contains(column)))
        .map(String::as_str)
        .collect();
    if read(earlier) && !come.is_empty() {
        found.push(format!("columns differ from the days before; now [{}]", come.join(", ")));
    }
    let first = recent.first().filter(|_| is_over && last.batches > 0);
    let gone: Vec<&str> = first
        .iter()
        .flat_map(|day| &day.columns)
        .filter(|column| recent.iter().all(|day| day.columns.contains(column)) && !last.columns.contains(column))
        .map(String::as_str)
        .collect();
    if !gone.is_empty() {
        found.push(format!("no more [{}]", gone.join(", ")));
    }
    (!found.is_empty()).then(|| found.join("; "))
}

fn volume(days: &[QualityDay], day: Date, rules: &QualityRules, tell: &mut dyn FnMut(AlertKind, &str, String)) {
    let name = day.to_string();
    let Some(usual) = usual_rows(days, day) else { return };
    let rows = days.iter().find(|known| known.day == name).map_or(0, |known| known.rows);
    if rows == 0 && usual >= 1.0 && rules.silent_after_hours.is_none() {
        tell(AlertKind::Silent, &name, format!("no row came; {usual:.0} rows are usual"));
    } else if rows > 0 && usual >= ROWS_MIN as f64 && (rows as f64) < usual / 3.0 {
        tell(AlertKind::VolumeLow, &name, format!("{rows} rows came; {usual:.0} are usual"));
    } else if rows >= ROWS_MIN && rows as f64 > 3.0 * usual {
        tell(AlertKind::VolumeHigh, &name, format!("{rows} rows came; {usual:.0} are usual"));
    }
}

/// Rows of a usual day like this one: the median of the same weekday, or of all days where there are too few of it. Days
/// without a row count, from the feed's first day on.
pub(crate) fn usual_rows(days: &[QualityDay], day: Date) -> Option<f64> {
    let first: Date = days.first()?.day.parse().ok()?;
    let rows_on =
        |date: Date| days.iter().find(|known| known.day == date.to_string()).map_or(0, |known| known.rows) as f64;
    let back = |step: i32, count: i32| {
        (1..=count)
            .filter_map(move |times| day.checked_sub(jiff::Span::new().days(step * times)).ok())
            .take_while(move |date| *date >= first)
    };
    let weekly: Vec<f64> = back(7, WEEKS).map(rows_on).collect();
    let chosen = if weekly.len() >= USUAL_DAYS_MIN { weekly } else { back(1, 7 * WEEKS).map(rows_on).collect() };
    (chosen.len() >= USUAL_DAYS_MIN).then(|| median(chosen.into_iter())).flatten()
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days that came before 2022-03-15, a Tuesday, with as many rows each.
    fn days(rows: &[i64]) -> Vec<QualityDay> {
        let end: Date = "2022-03-14".parse().expect("a day");
        let day = |(back, rows): (usize, &i64)| QualityDay {
            day: end.checked_sub(jiff::Span::new().days(back as i64)).expect("a day").to_string(),
            batches: 1,
            rows: *rows,
            looked: *rows,
            last_arrival: Timestamp::parse("2022-03-14T01:00:00Z").expect("an instant"),
            ..QualityDay::default()
        };
        let mut days: Vec<QualityDay> = rows.iter().rev().enumerate().map(day).filter(|day| day.rows > 0).collect();
        days.reverse();
        days
    }

    fn codes(days: &[QualityDay], rules: &QualityRules) -> Vec<&'static str> {
        let now = Timestamp::parse("2022-03-15T02:00:00Z").expect("an instant");
        judge(days, rules, "2022-03-15", now).into_iter().map(|alert| alert.code).collect()
    }

    #[test]
    fn a_day_without_rows_is_silence_where_such_a_day_usually_has_some() {
        let rules = QualityRules::default();
        assert_eq!(codes(&days(&[100, 90, 110, 0]), &rules), ["feed-silent"]);
        assert_eq!(codes(&days(&[100, 90, 110, 100]), &rules), [""; 0]);
        // Mondays are free: the weekday is compared with itself.
        let weeks: Vec<i64> = (0..35).map(|day| if day % 7 == 6 { 0 } else { 100 }).collect();
        assert_eq!(codes(&days(&weeks), &rules), [""; 0]);
        let hours = QualityRules { silent_after_hours: Some(24), ..rules };
        assert_eq!(codes(&days(&[100, 100]), &hours), ["feed-silent"]);
    }

    #[test]
    fn one_odd_day_does_not_shift_what_is_usual() {
        let rules = QualityRules::default();
        assert_eq!(codes(&days(&[100, 100, 9000, 100, 20]), &rules), ["volume-low"]);
        assert_eq!(codes(&days(&[100, 100, 9000, 100, 400]), &rules), ["volume-high"]);
    }

    #[test]
    fn shares_codes_fields_and_columns_are_compared_with_earlier_days() {
        let rules = QualityRules::default();
        let mut all = days(&[100, 100, 100, 100]);
        for day in &mut all {
            day.quarantined = 1;
            day.codes.insert("value-time".to_owned(), 1);
            day.empty.insert("phone".to_owned(), 5);
        }
        assert_eq!(codes(&all, &rules), [""; 0]);
        let last = all.last_mut().expect("a day");
        last.quarantined = 12;
        last.late = 30;
        last.reused = 4;
        last.codes.insert("phone-invalid".to_owned(), 11);
        last.empty.insert("phone".to_owned(), 60);
        last.columns = vec!["unknown: 民族".to_owned()];
        assert_eq!(
            codes(&all, &rules),
            ["quarantined-share", "rows-late", "numbers-reused", "code-new", "shape-changed", "field-empty"]
        );
    }

    #[test]
    fn nothing_is_usual_on_the_first_days_of_a_feed() {
        let rules = QualityRules::default();
        let mut all = days(&[100, 100]);
        let last = all.last_mut().expect("a day");
        (last.quarantined, last.late, last.reused) = (10, 60, 20);
        last.columns = vec!["unknown: 民族".to_owned()];
        assert_eq!(codes(&all[1..], &rules), [""; 0]);
        all[1].quarantined = 50;
        let now = Timestamp::parse("2022-03-15T02:00:00Z").expect("an instant");
        let alerts = judge(&all[1..], &rules, "2022-03-15", now);
        assert_eq!((alerts.len(), alerts[0].message.as_str()), (1, "50.0 % of the rows were quarantined"));
    }

    #[test]
    fn files_that_are_refused_for_their_columns_change_the_shape_and_senders_with_columns_of_their_own_do_not() {
        let rules = QualityRules::default();
        let mut all = days(&[100, 100, 100, 100]);
        all[0].columns = vec!["unknown: 民族".to_owned()];
        all[2].columns = vec!["unknown: 民族".to_owned()];
        assert_eq!(codes(&all, &rules), [""; 0]);
        all[3].refusals.insert("header-mismatch".to_owned(), 11);
        assert_eq!(codes(&all, &rules), ["files-refused", "shape-changed"]);
        // A column that every day had is gone on a day that is over.
        let mut all = days(&[100, 100, 100, 100]);
        all[..3].iter_mut().for_each(|day| day.columns = vec!["missing: 电话".to_owned()]);
        assert_eq!(codes(&all, &rules), ["shape-changed"]);
    }

    #[test]
    fn a_number_that_comes_with_another_name_is_noticed_once_per_change() {
        let (mut names, key) = (Names::default(), TokenKey::from_bytes(&[1; 32]));
        let number = IdClaim {
            scheme: domain::IdScheme::Passport,
            value: domain::Sensitive::from("E12345678"),
            issuer: None,
            masked: false,
            checksum_ok: None,
        };
        let mut another = |name| names.is_another(&key, &number, name);
        assert_eq!([another("甲"), another("甲"), another("乙"), another("乙")], [false, false, true, false]);
    }
}
