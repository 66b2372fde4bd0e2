//! The demo through the real binary: feeds in, persons out, every answer on record.

use std::process::Command;

use serde_json::Value;

fn demo(residents: u32) -> (Value, String) {
    let home = test_support::scratch_dir("demo");
    let output = Command::new(env!("CARGO_BIN_EXE_isthmus"))
        .args(["demo", "--days", "4", "--seed", "3", "--exit", "--json", "--residents", &residents.to_string()])
        .args(["--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--data-dir"])
        .arg(&home)
        .output()
        .expect("the binary runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let logged = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{printed}\n{logged}");
    let last = printed.lines().last().expect("a last line");
    (serde_json::from_str(last).expect("JSON in the last line"), format!("{printed}\n{logged}"))
}

#[test]
fn the_demo_accounts_for_every_row_finds_the_persons_and_verifies_the_access_log() {
    let (summary, printed) = demo(400);
    let number = |name: &str| summary[name].as_f64().unwrap_or_else(|| panic!("{name} is missing in {summary}"));
    let outcomes = number("accepted") + number("duplicate") + number("superseded") + number("quarantined");
    assert_eq!(number("rows_in"), outcomes, "rows in = accepted + duplicate + superseded + quarantined");
    for planted in ["accepted", "duplicate", "superseded", "quarantined", "repeated_files", "events", "persons"] {
        assert!(number(planted) > 0.0, "no {planted} in {summary}");
    }
    assert!(number("pair_precision") > 0.98, "{summary}");
    // Many gate and wallet rows name nothing but a card, a phone or half a name: no honest method joins those.
    assert!(number("pair_recall") > 0.75, "{summary}");
    assert!(number("ledger_entries") >= 6.0, "{summary}");
    assert_eq!(summary["ledger_verified"], true);
    assert_eq!(printed.matches("→ 200").count(), 5, "the sample questions and the look at the log: {printed}");
    assert_eq!(printed.matches("→ 404").count(), 1, "the person of another grid: {printed}");
    // Resident numbers of the city begin with these codes; none may be printed or logged.
    for digits in printed.split(|c: char| !c.is_ascii_digit()) {
        assert!(digits.len() != 18, "a resident number was printed");
    }
}
