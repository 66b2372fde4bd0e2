//! A generated city, read back the way a connector's author would.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use city::{FileSummary, Options, Summary, generate};

const SEED: u64 = 7;

fn city(residents: u32, days: u32, seed: u64) -> (tempfile::TempDir, Summary) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { residents, days, seed };
    let summary = generate(&options, folder.path(), &mut |_| {}).expect("a city");
    (folder, summary)
}

fn bytes(root: &Path, files: &[FileSummary]) -> BTreeMap<String, Vec<u8>> {
    let truth = ["rows", "traps", "expected", "persons", "phones", "places", "itinerary", "contacts"];
    let paths = files.iter().map(|file| file.path.display().to_string());
    let all = paths.chain(truth.map(|name| format!("truth/{name}.csv"))).chain(["README.md".to_owned()]);
    all.map(|path| (path.clone(), fs::read(root.join(path)).expect("a file"))).collect()
}

/// Data rows of a file by the format of its feed, without help from the generator.
fn count_rows(file: &FileSummary, bytes: &[u8]) -> u64 {
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count() as u64;
    match file.feed {
        "case-reports" | "gate-register" | "hospital-register" | "household-register" | "lab-results"
        | "meter-readings" | "rail-tickets" => lines - 1,
        "wallet-scans" => lines - 6,
        "hospital-hl7" => {
            let is_end = |b: &u8| *b == b'\r' || *b == b'\n';
            let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
            bytes.split(is_end).filter(|segment| segment.starts_with(b"MSH|")).count() as u64
        }
        _ => lines,
    }
}

fn truth(root: &Path, name: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_path(root.join("truth").join(name)).expect("a file of the truth");
    reader.records().map(|record| record.expect("a row")).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (first, summary) = city(300, 3, SEED);
    let (second, again) = city(300, 3, SEED);
    assert_eq!(summary, again);
    assert!(bytes(first.path(), &summary.files) == bytes(second.path(), &again.files), "bytes differ");
    let (other, summary) = city(300, 3, SEED + 1);
    assert!(
        bytes(first.path(), &again.files)["truth/persons.csv"]
            != bytes(other.path(), &summary.files)["truth/persons.csv"]
    );
}

#[test]
fn the_truth_counts_the_rows_that_the_files_have() {
    let (folder, summary) = city(1_000, 6, SEED);
    assert_eq!(summary.persons, 1_000);
    let mut rows = BTreeMap::new();
    for file in &summary.files {
        let bytes = fs::read(folder.path().join(&file.path)).expect("a file");
        assert_eq!(count_rows(file, &bytes), file.rows, "{}", file.path.display());
        let outcomes = file.accepted + file.duplicate + file.superseded + file.broken + file.excluded;
        assert_eq!(outcomes, file.rows, "{}", file.path.display());
        let name = file.path.file_name().expect("a name").to_string_lossy().into_owned();
        rows.insert((file.feed.to_owned(), name), file.rows);
    }
    let expected = truth(folder.path(), "expected.csv");
    assert_eq!(expected.len(), summary.files.len());
    assert_eq!(expected.iter().map(|row| row[4].parse::<u64>().expect("rows")).sum::<u64>(), summary.rows);
    let persons: BTreeSet<String> = truth(folder.path(), "persons.csv").iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(persons.len(), 1_000);
    let mut travellers = BTreeSet::new();
    for row in truth(folder.path(), "rows.csv") {
        let of_file = rows[&(row[0].to_owned(), row[1].to_owned())];
        assert!((1..=of_file).contains(&row[2].parse().expect("a row number")), "{row:?}");
        if !persons.contains(&row[3]) {
            // Only the laboratory knows who passes through.
            assert_eq!((&row[0], row[3].as_bytes()[0]), ("lab-results", b'P'), "{row:?}");
            travellers.insert(row[3].to_owned());
        }
    }
    assert_eq!(travellers.len(), 6, "one a day");
}

#[test]
fn files_decode_in_their_encodings_but_for_the_rows_that_were_damaged() {
    let (folder, summary) = city(1_000, 6, SEED);
    let mut torn: BTreeMap<String, u64> = BTreeMap::new();
    for row in truth(folder.path(), "traps.csv").iter().filter(|row| &row[3] == "broken-half-character") {
        *torn.entry(row[1].to_owned()).or_default() += 1;
    }
    let (mut gb18030, mut utf8) = (0, 0);
    for file in &summary.files {
        let bytes = fs::read(folder.path().join(&file.path)).expect("a file");
        let name = file.path.file_name().expect("a name").to_string_lossy().into_owned();
        let declares_utf8 = bytes.windows(13).any(|window| window == b"UNICODE UTF-8");
        let encoding = match file.feed {
            "gate-scans" | "meter-readings" => encoding_rs::UTF_8,
            "hospital-hl7" if declares_utf8 => encoding_rs::UTF_8,
            _ => encoding_rs::GB18030,
        };
        if file.feed == "meter-readings" {
            assert!(bytes.starts_with("\u{feff}".as_bytes()), "{name}");
        }
        let (text, failed) = encoding.decode_with_bom_removal(&bytes);
        let is_torn = torn.contains_key(&name) || file.repeat_of.as_ref().is_some_and(|of| torn.contains_key(of));
        // Half a character may swallow the byte after it and look whole; it never spoils a file that has none.
        assert!(is_torn || !failed, "{name}");
        assert!(!text.contains('\u{1}'), "{name}");
        *if encoding == encoding_rs::UTF_8 { &mut utf8 } else { &mut gb18030 } += 1;
    }
    assert!(gb18030 > 10 && utf8 > 10);
}

#[test]
fn every_person_has_a_resident_number_of_their_own_that_is_valid_or_a_passport() {
    let (folder, _) = city(2_000, 1, SEED);
    let mut seen = BTreeSet::new();
    let mut passports = 0;
    for row in truth(folder.path(), "persons.csv") {
        assert!(seen.insert(row[6].to_owned()), "a number twice");
        if &row[5] == "护照" {
            passports += 1;
            continue;
        }
        let number = domain::ResidentId::parse(&row[6]).expect("a valid number");
        assert_eq!(number.birth_day().expect("a day").to_string(), row[4]);
        assert_eq!(number.sex() == domain::Sex::Male, &row[3] == "M");
    }
    assert!((1..60).contains(&passports), "{passports}");
}

#[test]
fn a_city_of_two_thousand_has_every_trap() {
    let (folder, summary) = city(2_000, 14, SEED);
    let planted: BTreeSet<String> = truth(folder.path(), "traps.csv").iter().map(|row| row[3].to_owned()).collect();
    let wanted = "added-carriage birth-default broken-check-digit broken-half-character broken-missing-columns broken-nul \
        broken-scientific-id broken-time cancelled-discharge cancelled-visit clock-drift collective-household company-holder corrected \
        double-scan duplicate hl7-batch hl7-charset-empty hl7-charset-named hl7-line-feeds id-15-digits id-full-width id-masked \
        id-missing id-small-x late machine-number map-datum merged meter-estimated meter-rollover meter-swap name-hidden name-homophone \
        name-lost-character name-married-in name-placeholder name-spacing name-typo name-variant no-seat on-line phone-family phone-old \
        ping-pong pool pool-positive pool-retest rebooking recycled-number refund registered-elsewhere registered-twice resent \
        result-corrected result-impossible result-preliminary result-withdrawn run-of-two-numbers superseded thousands-separator \
        withdrawn";
    let missing: Vec<&str> = wanted.split_whitespace().filter(|trap| !planted.contains(*trap)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let repeated: BTreeSet<&str> =
        summary.files.iter().filter(|file| file.repeat_of.is_some()).map(|file| file.feed).collect();
    assert!(repeated.len() >= 6, "{repeated:?}");
    let feeds: BTreeSet<&str> = summary.files.iter().map(|file| file.feed).collect();
    assert_eq!(feeds.len(), 13);
    assert!(truth(folder.path(), "contacts.csv").len() > 50);
}

#[test]
fn gates_write_json_but_for_the_damaged_rows() {
    let (folder, summary) = city(1_000, 3, SEED);
    for file in summary.files.iter().filter(|file| file.feed == "gate-scans") {
        let bytes = fs::read(folder.path().join(&file.path)).expect("a file");
        let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let readable = lines.filter(|line| serde_json::from_slice::<serde_json::Value>(line).is_ok()).count() as u64;
        // A row with an impossible time is JSON all the same.
        assert!((file.rows - file.broken..=file.rows).contains(&readable), "{}", file.path.display());
    }
}

#[test]
fn a_version_that_comes_late_is_older_than_one_that_came_before() {
    let (folder, summary) = city(1_000, 6, SEED);
    // 户号 + 公民身份号码 (姓名 when empty) -> 更新时间
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    let mut superseded = 0;
    for file in summary.files.iter().filter(|file| file.feed == "household-register" && file.repeat_of.is_none()) {
        let bytes = fs::read(folder.path().join(&file.path)).expect("a file");
        let (text, _) = encoding_rs::GB18030.decode_without_bom_handling(&bytes);
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let [number, _, _, name, _, id, .., updated] = fields.as_slice() else { continue };
            if fields.len() != 15 || updated.starts_with("2022-02-30") || line.contains('\0') {
                continue;
            }
            let key = format!("{number}{}", if id.is_empty() { name } else { id });
            match newest.get(&key) {
                Some(before) if before.as_str() > *updated => superseded += 1,
                _ => drop(newest.insert(key, (*updated).to_owned())),
            }
        }
    }
    let counted: u64 =
        summary.files.iter().filter(|file| file.feed == "household-register").map(|file| file.superseded).sum();
    assert!(counted > 0);
    assert_eq!(superseded, counted);
}

#[test]
fn the_smallest_city_works_and_a_folder_is_not_overwritten() {
    let (folder, summary) = city(1, 1, SEED);
    assert_eq!(summary.persons, 1);
    let options = Options { residents: 1, days: 1, seed: SEED };
    let error = generate(&options, folder.path(), &mut |_| {}).expect_err("the folder is taken");
    assert!(matches!(error, city::Error::NotEmpty(_)));
    let error = generate(&Options { days: 0, ..options }, folder.path(), &mut |_| {}).expect_err("no days");
    assert!(matches!(error, city::Error::Options));
}
