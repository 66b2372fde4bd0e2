//! The demo through the real binary: feeds in, persons out, every answer on record.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn demo(home: &Path, residents: u32) -> (Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_isthmus"))
        .args(["demo", "--days", "4", "--seed", "3", "--exit", "--json", "--residents", &residents.to_string()])
        .args(["--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--data-dir"])
        .arg(home)
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
    let home = test_support::scratch_dir("demo");
    let (summary, printed) = demo(&home, 400);
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
    a_change_of_the_model_names_who_did_it_and_why_and_is_on_record(&home);
    an_entry_is_proved_without_a_server_and_searches_and_exports_are_entries_themselves(&home);
}

/// Runs a command on the data of a demo; no hub runs on them any more.
fn isthmus(home: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isthmus"));
    command.args(words).arg("--data-dir").arg(home).env_remove("ISTHMUS_OPERATOR").env_remove("USER");
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn entries(home: &Path) -> u64 {
    let dir = home.join("ledger");
    let dir = dir.to_str().expect("a path");
    let output = Command::new(env!("CARGO_BIN_EXE_isthmus"))
        .args(["ledger", "verify", "--json", "--dir", dir])
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    report["entries"].as_u64().unwrap_or_else(|| panic!("no entries in {report}"))
}

fn a_change_of_the_model_names_who_did_it_and_why_and_is_on_record(home: &Path) {
    let before = entries(home);
    let nobody = isthmus(home, &["model", "rollback", "--reason", "too many splits"]);
    assert!(!nobody.status.success() && text(&nobody.stderr).contains("--handle"), "{}", text(&nobody.stderr));
    let town = home.join("town.toml");
    let town = town.to_str().expect("a path");
    let nowhere = isthmus(home, &["model", "train", "--handle", "op-3", "--out", "/nowhere/town.toml"]);
    assert!(text(&nowhere.stderr).contains("/nowhere/town.toml cannot be written"), "{}", text(&nowhere.stderr));
    assert_eq!(entries(home), before, "nothing was read or done");

    let trained = isthmus(home, &["model", "train", "--handle", "op-3", "--out", town]);
    assert!(trained.status.success(), "{}", text(&trained.stderr));
    assert_eq!(entries(home), before + 1, "reading the records is on record");
    let change = ["--handle", "op-3", "--reason", "learned here", "--yes", "--skip-preview"];
    let activated = isthmus(home, &[&["model", "activate", town][..], &change[..]].concat());
    assert!(activated.status.success(), "{}", text(&activated.stderr));
    // The model that was only configured goes on the log first.
    assert_eq!(entries(home), before + 3);
    let listed = text(&isthmus(home, &["model", "list"]).stdout);
    let newest = listed.lines().next().expect("a line");
    assert!(newest.contains("activated\ttown+") && newest.contains("\top-3\tlearned here\tdecides"), "{listed}");
    let hot = isthmus(home, &["model", "hot"]);
    assert!(hot.status.success(), "{}", text(&hot.stderr));
}

fn an_entry_is_proved_without_a_server_and_searches_and_exports_are_entries_themselves(home: &Path) {
    let before = entries(home);
    let run =
        |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_isthmus")).args(words).output().expect("the binary runs");
    let path = |name: &str| home.join(name).to_str().expect("a path").to_owned();
    let (dir, stem) = (path("ledger"), path("proof"));
    let proved = run(&["ledger", "prove", "2", "--dir", &dir, "--out", &stem]);
    assert!(proved.status.success(), "{}", text(&proved.stderr));
    let key = std::fs::read_to_string(home.join("keys/ledger.pub")).expect("the public key");
    let (receipt, entry) = (path("proof.tlog-proof"), path("proof.entry"));
    let check = ["ledger", "verify", "--receipt", &receipt, "--entry", &entry, "--key", &key, "--json"];
    let checked = run(&check);
    let report: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!((report["verified"].as_bool(), report["index"].as_u64()), (Some(true), Some(2)), "{report}");
    let mut bytes = std::fs::read(&entry).expect("the entry");
    bytes[30] ^= 1;
    std::fs::write(&entry, bytes).expect("own file");
    let changed = run(&check);
    assert!(!changed.status.success() && text(&changed.stdout).contains("NOT VERIFIED"), "{}", text(&changed.stdout));
    let other = run(&["ledger", "prove", "2-0000000000000000", "--dir", &dir, "--out", &stem]);
    assert!(text(&other.stderr).contains("entry 2 is another one"), "{}", text(&other.stderr));
    assert_eq!(entries(home), before, "proofs need no hub and leave no trace");

    let nobody = isthmus(home, &["ledger", "search", "--role", "auditor"]);
    assert!(!nobody.status.success() && text(&nobody.stderr).contains("--handle"), "{}", text(&nobody.stderr));
    let searched = isthmus(home, &["ledger", "search", "--role", "auditor", "--json", "--handle", "auditor-9"]);
    assert!(searched.status.success(), "{}", text(&searched.stderr));
    let found = text(&searched.stdout);
    assert!(found.lines().count() >= 1 && found.lines().all(|line| line.contains("\"role\":\"auditor\"")), "{found}");
    assert_eq!(entries(home), before + 1, "the search is an entry");

    let out = path("events.ndjson");
    let export = ["ledger", "export", "--form", "fhir", "--handle", "auditor-9", "--out", &out];
    let exported = isthmus(home, &export);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let events = std::fs::read_to_string(&out).expect("the export");
    assert_eq!(events.lines().count() as u64, before + 1, "every entry but that of the export itself");
    let first: Value = serde_json::from_str(events.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["resourceType"], "AuditEvent");
    let told = text(&exported.stdout);
    let hash = told.lines().find_map(|line| line.strip_prefix("sha256 ")).expect("the hash is told");
    let own = isthmus(home, &["ledger", "search", "--action", "export-ledger", "--json", "--handle", "auditor-9"]);
    assert!(text(&own.stdout).contains(&hash[..32]), "the hash of the file is on record: {}", text(&own.stdout));
    assert!(text(&isthmus(home, &export).stderr).contains("is there already"));
}
