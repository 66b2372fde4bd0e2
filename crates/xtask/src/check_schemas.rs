//! Schemas: the catalogue is whole and append-only, fingerprints fit, and every version reads what the ones before it
//! wrote.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use sha2::{Digest, Sha256};

use crate::catalogue::{Catalogue, Entry};
use crate::chores::Finding;

const CATALOGUE: &str = "schemas/catalogue.toml";
const NAMESPACE: &str = "hub.v1";

/// Checks `schemas/` and, where there is a git history, that nothing released has changed since.
pub(crate) fn check(root: &Path) -> Vec<Finding> {
    let catalogue = match read_catalogue(root) {
        Ok(catalogue) => catalogue,
        Err(finding) => return vec![finding],
    };
    let mut findings = numbers(&catalogue);
    findings.extend(files(root, &catalogue));
    findings.extend(compatibility(root, &catalogue));
    for (commit, earlier) in history(root) {
        findings.extend(changed_since(&commit, &earlier, &catalogue));
    }
    findings
}

/// Writes the fingerprints of edited drafts into the catalogue. Released schemas are left alone and complained about.
pub(crate) fn accept_drafts(root: &Path) -> Vec<Finding> {
    let path = root.join(CATALOGUE);
    let (Ok(catalogue), Ok(mut text)) = (read_catalogue(root), fs::read_to_string(&path)) else {
        return vec![format!("{CATALOGUE} cannot be read")];
    };
    let mut findings = Vec::new();
    for entry in &catalogue.entries {
        let Some(actual) = fingerprint(root, entry) else { continue };
        if actual == entry.sha256 {
            continue;
        }
        if entry.released.is_some() {
            findings.push(format!("{} is released and was edited: write a new version instead", entry.file));
            continue;
        }
        // A fingerprint belongs to one file, so replacing it by text keeps comments and order.
        text = text.replace(&entry.sha256, &actual);
        println!("{}: fingerprint written", entry.file);
    }
    if let Err(error) = fs::write(&path, text) {
        findings.push(format!("{CATALOGUE} cannot be written: {error}"));
    }
    findings
}

fn read_catalogue(root: &Path) -> Result<Catalogue, Finding> {
    let text = fs::read_to_string(root.join(CATALOGUE)).map_err(|error| format!("{CATALOGUE}: {error}"))?;
    Catalogue::parse(&text).map_err(|error| format!("{CATALOGUE}: {error}"))
}

/// Ids count from 1 in the order of the file; versions count from 1 within a subject, which has one event type.
fn numbers(catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (entry, id) in catalogue.entries.iter().zip(1..) {
        if entry.id != id {
            findings.push(format!("{}: its place in {CATALOGUE} is {id}, its id {}", entry.file, entry.id));
        }
        let before = catalogue.entries.iter().filter(|other| other.id < entry.id && other.subject == entry.subject);
        let newest = before.clone().map(|other| other.version).max().unwrap_or(0);
        if entry.version != newest + 1 {
            findings.push(format!("{}: version {} follows version {newest}", entry.file, entry.version));
        }
        if before.clone().any(|other| other.event_type != entry.event_type) {
            findings.push(format!("{}: subject {} carries another type", entry.file, entry.subject));
        }
    }
    findings
}

/// Every file is in the catalogue and every entry has its file, with the right name, fingerprint and record.
fn files(root: &Path, catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in &catalogue.entries {
        if entry.file != entry.expected_file() {
            findings.push(format!("{}: the file must be named {}", entry.file, entry.expected_file()));
        }
        match fingerprint(root, entry) {
            None => findings.push(format!("{}: the file is missing", entry.file)),
            Some(actual) if actual != entry.sha256 => findings.push(match entry.released {
                Some(_) => format!("{} is released and was edited: write a new version instead", entry.file),
                None => format!("{} was edited: run `cargo xtask schemas`", entry.file),
            }),
            Some(_) => {}
        }
        match parse(root, entry) {
            Ok(Schema::Record(record)) => {
                if record.name.name() != entry.event_type || record.name.namespace() != Some(NAMESPACE) {
                    findings.push(format!("{}: the record must be {NAMESPACE}.{}", entry.file, entry.event_type));
                }
            }
            Ok(_) => findings.push(format!("{}: an event is a record", entry.file)),
            Err(error) => findings.push(format!("{}: {error}", entry.file)),
        }
    }
    let listed: BTreeSet<&str> = catalogue.entries.iter().map(|entry| entry.file.as_str()).collect();
    let folder = fs::read_dir(root.join("schemas/events")).into_iter().flatten().flatten();
    for name in folder.filter_map(|file| file.file_name().into_string().ok()) {
        if !listed.contains(format!("events/{name}").as_str()) {
            findings.push(format!("schemas/events/{name} is not in {CATALOGUE}"));
        }
    }
    findings
}

/// Each version reads everything that any earlier version wrote (backward transitive).
fn compatibility(root: &Path, catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Vec::new();
    for newer in &catalogue.entries {
        let earlier = catalogue.entries.iter().filter(|e| e.subject == newer.subject && e.version < newer.version);
        for older in earlier {
            let (Ok(writer), Ok(reader)) = (parse(root, older), parse(root, newer)) else { continue };
            match SchemaCompatibility::can_read(&writer, &reader) {
                Ok(Compatibility::Full) => {}
                Ok(Compatibility::Partial) => {
                    findings.push(format!("{} cannot read everything that {} can hold", newer.file, older.file));
                }
                Err(error) => findings.push(format!("{} cannot read {}: {error}", newer.file, older.file)),
            }
        }
    }
    findings
}

/// What was released in an earlier catalogue and is not the same now.
fn changed_since(commit: &str, earlier: &Catalogue, now: &Catalogue) -> Vec<Finding> {
    let released = earlier.entries.iter().filter(|entry| entry.released.is_some());
    let changed = released.filter(|entry| !now.entries.contains(entry));
    changed.map(|entry| format!("{} was released (commit {commit}) and its entry has changed", entry.file)).collect()
}

/// Every catalogue that was ever committed. Empty where there is no git or no history: the other checks still hold.
fn history(root: &Path) -> Vec<(String, Catalogue)> {
    let git = |words: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(words).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let commits = git(&["log", "--format=%h", "--", CATALOGUE]).unwrap_or_default();
    let catalogue_of = |commit: &str| Catalogue::parse(&git(&["show", &format!("{commit}:{CATALOGUE}")])?).ok();
    commits.lines().filter_map(|commit| Some((commit.to_owned(), catalogue_of(commit)?))).collect()
}

fn parse(root: &Path, entry: &Entry) -> Result<Schema, String> {
    let text = fs::read_to_string(root.join("schemas").join(&entry.file)).map_err(|error| error.to_string())?;
    Schema::parse_str(&text).map_err(|error| error.to_string())
}

fn fingerprint(root: &Path, entry: &Entry) -> Option<String> {
    let bytes = fs::read(root.join("schemas").join(&entry.file)).ok()?;
    Some(hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    const FIRST: &str = r#"{"type":"record","name":"GatePass","namespace":"hub.v1","fields":[
        {"name":"gate","type":"string"},
        {"name":"colour","type":{"type":"enum","name":"Colour","symbols":["UNKNOWN","RED"],"default":"UNKNOWN"}}]}"#;

    /// A repository with the given versions of one schema.
    struct Repository {
        folder: TempDir,
        released: bool,
    }

    impl Repository {
        fn with(versions: &[&str]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir_all(folder.path().join("schemas/events")).expect("a folder");
            let repository = Self { folder, released: false };
            for (text, version) in versions.iter().zip(1..) {
                fs::write(repository.file(version), text).expect("written");
            }
            repository.write_catalogue(versions.len() as u32);
            repository
        }

        fn root(&self) -> &Path {
            self.folder.path()
        }

        fn file(&self, version: u32) -> PathBuf {
            self.root().join(format!("schemas/events/gate-pass.v{version}.avsc"))
        }

        fn write_catalogue(&self, versions: u32) {
            let released = if self.released { "released = \"0.1.0\"\n" } else { "" };
            let entry = |version: u32| {
                let sha256 = hex::encode(Sha256::digest(fs::read(self.file(version)).expect("read")));
                format!(
                    "[[schema]]\nid = {version}\nsubject = \"gate.pass-value\"\nversion = {version}\n\
                     type = \"GatePass\"\nfile = \"events/gate-pass.v{version}.avsc\"\nsha256 = \"{sha256}\"\n{released}"
                )
            };
            let text: String = (1..=versions).map(entry).collect();
            fs::write(self.root().join(CATALOGUE), text).expect("written");
        }

        fn edit_catalogue(&self, from: &str, to: &str) {
            let path = self.root().join(CATALOGUE);
            let text = fs::read_to_string(&path).expect("read");
            assert!(text.contains(from), "nothing to edit");
            fs::write(path, text.replacen(from, to, 1)).expect("written");
        }

        fn git(&self, words: &[&str]) {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            let done = Command::new("git").arg("-C").arg(self.root()).args(identity).args(words).output();
            assert!(done.expect("git starts").status.success(), "git {words:?}");
        }

        fn only_finding(&self) -> Finding {
            let mut findings = check(self.root());
            assert_eq!(findings.len(), 1, "{findings:?}");
            findings.remove(0)
        }
    }

    fn with_field(field: &str) -> String {
        FIRST.replacen("\"fields\":[", &format!("\"fields\":[{field},"), 1)
    }

    #[test]
    fn a_new_version_that_reads_the_old_one_passes() {
        let second = with_field(r#"{"name":"lane","type":["null","string"],"default":null}"#);
        let third = second.replace(r#""RED"]"#, r#""RED","PURPLE"]"#);
        assert_eq!(check(Repository::with(&[FIRST, &second, &third]).root()), Vec::<Finding>::new());
    }

    #[test]
    fn a_new_version_that_cannot_read_an_old_one_is_found() {
        let no_default = with_field(r#"{"name":"lane","type":"string"}"#);
        assert!(Repository::with(&[FIRST, &no_default]).only_finding().contains("cannot read"));
        let retyped = FIRST.replace(r#""gate","type":"string""#, r#""gate","type":"long""#);
        assert!(Repository::with(&[FIRST, &retyped]).only_finding().contains("cannot read"));
        // Each step is small enough, the two together are not: the third version is checked against the first too.
        let optional = FIRST.replace(r#""gate","type":"string""#, r#""gate","type":["string","null"],"default":"""#);
        let numbers = FIRST.replace(r#""gate","type":"string""#, r#""gate","type":["null","long"],"default":null"#);
        let findings = check(Repository::with(&[FIRST, &optional, &numbers]).root());
        assert!(findings.iter().any(|f| f.contains("v3.avsc cannot read") && f.contains("v1")), "{findings:?}");
    }

    #[test]
    fn an_edited_schema_is_found() {
        let mut repository = Repository::with(&[FIRST]);
        fs::write(repository.file(1), FIRST.replace("\"gate\"", "\"gate_id\"")).expect("written");
        assert!(repository.only_finding().contains("cargo xtask schemas"));
        assert_eq!(accept_drafts(repository.root()), Vec::<Finding>::new());
        assert_eq!(check(repository.root()), Vec::<Finding>::new());

        repository.released = true;
        repository.write_catalogue(1);
        fs::write(repository.file(1), FIRST).expect("written");
        assert!(repository.only_finding().contains("is released"));
        assert_eq!(accept_drafts(repository.root()).len(), 1);
        assert!(repository.only_finding().contains("is released"), "the fingerprint was not touched");
    }

    #[test]
    fn a_released_schema_can_neither_change_nor_go() {
        let mut repository = Repository::with(&[FIRST]);
        repository.released = true;
        repository.write_catalogue(1);
        repository.git(&["init", "-q"]);
        repository.git(&["add", "."]);
        repository.git(&["commit", "-q", "-m", "release"]);
        assert_eq!(check(repository.root()), Vec::<Finding>::new());

        fs::write(repository.file(1), FIRST.replace("\"gate\"", "\"gate_id\"")).expect("written");
        repository.write_catalogue(1);
        assert!(repository.only_finding().contains("was released"), "although file and fingerprint fit each other");
        repository.git(&["commit", "-q", "-a", "-m", "edit"]);
        assert!(!check(repository.root()).is_empty(), "also after the edit was committed");

        fs::remove_file(repository.file(1)).expect("removed");
        fs::write(repository.root().join(CATALOGUE), "").expect("written");
        assert!(check(repository.root()).iter().any(|finding| finding.contains("was released")));
    }

    #[test]
    fn a_catalogue_that_is_not_in_order_is_found() {
        let second = with_field(r#"{"name":"lane","type":["null","string"],"default":null}"#);
        for (from, to) in [
            ("id = 2", "id = 1"),
            ("version = 2", "version = 3"),
            ("events/gate-pass.v2", "events/gate-pass-2"),
            ("type = \"GatePass\"", "type = \"Gate\""),
        ] {
            let repository = Repository::with(&[FIRST, &second]);
            repository.edit_catalogue(from, to);
            assert!(!check(repository.root()).is_empty(), "{from}");
        }
        let repository = Repository::with(&[FIRST]);
        fs::write(repository.file(2), &second).expect("written");
        assert!(repository.only_finding().contains("is not in"));
        assert!(check(&repository.root().join("nowhere"))[0].contains(CATALOGUE));
    }
}
