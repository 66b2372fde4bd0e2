//! Pages and files: links lead somewhere, every crate is explained, files stay readable.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::chores::Finding;

/// The pages that explain every crate: the map of the folders, and what is particular.
const MAPS: &[&str] = &["README.md", "docs/ARCHITECTURE.md"];
const DECISIONS: &str = "docs/decisions";
const SOURCE_LINES_MAX: usize = 600;
const MAIN_LINES_MAX: usize = 30;

/// Files that are long for a reason.
const LONG: &[(&str, &str)] = &[("crates/domain/src/event.rs", "one list of plain types, in the order of the schemas")];

/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &["target", "node_modules", ".git"];

/// Checks pages and source files.
pub(crate) fn check(root: &Path) -> Vec<Finding> {
    let mut files = Vec::new();
    walk(root, &mut files);
    files.sort();
    let mut findings = Vec::new();
    for file in &files {
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned();
        let Ok(text) = fs::read_to_string(file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("md") => findings.extend(dead_links(root, file, &name, &text)),
            Some("rs") => findings.extend(length(&name, &text)),
            _ => {}
        }
    }
    findings.extend(schemas_of_one_name(&files));
    findings.extend(unexplained_crates(root));
    findings.extend(decisions(root));
    findings
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let skipped = path.file_name().is_some_and(|name| SKIPPED.iter().any(|skipped| name == *skipped));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !skipped => walk(&path, files),
            Ok(kind) if kind.is_file() => files.push(path),
            _ => {}
        }
    }
}

/// Types of the OpenAPI document that share a name: in the merged document one would take the place of the other.
fn schemas_of_one_name(files: &[PathBuf]) -> Vec<Finding> {
    let mut known: BTreeMap<String, &Path> = BTreeMap::new();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let text = fs::read_to_string(file).unwrap_or_default();
        for derived in text.split("ToSchema)]").skip(1) {
            let mut words = derived.lines().take(6).flat_map(|line| line.split([' ', '<', '(', ';', '{']));
            let name = words.find(|word| matches!(*word, "struct" | "enum")).and_then(|_| words.next());
            let Some(name) = name.map(str::to_owned) else { continue };
            if let Some(other) = known.insert(name.clone(), file) {
                let (here, there) = (file.display(), other.display());
                findings.push(format!("{here} and {there} both have a schema {name}: give one another name"));
            }
        }
    }
    findings
}

/// Relative links of a page whose file is not there.
fn dead_links(root: &Path, file: &Path, name: &str, text: &str) -> Vec<Finding> {
    let folder = file.parent().unwrap_or(root);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with(['#', '<']));
    let paths = local.filter_map(|target| target.split('#').next()).filter(|path| !path.is_empty());
    let dead = paths.filter(|path| !folder.join(path).exists());
    dead.map(|path| format!("{name}: the link to {path} leads nowhere")).collect()
}

fn length(name: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    if name.ends_with("src/main.rs") && lines > MAIN_LINES_MAX {
        return Some(format!("{name} has {lines} lines; a main has at most {MAIN_LINES_MAX}"));
    }
    let long = lines > SOURCE_LINES_MAX && !LONG.iter().any(|(file, _)| *file == name);
    long.then(|| format!("{name} has {lines} lines; past {SOURCE_LINES_MAX}, split it by meaning"))
}

/// Crates and services that neither page names by their folder.
fn unexplained_crates(root: &Path) -> Vec<Finding> {
    let pages: Vec<String> = MAPS.iter().filter_map(|page| fs::read_to_string(root.join(page)).ok()).collect();
    let folders = ["crates", "services"].into_iter().flat_map(|kind| {
        let entries = fs::read_dir(root.join(kind)).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().join("Cargo.toml").exists()).filter_map(move |entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((kind, name))
        })
    });
    let missing = folders.filter(|(_, name)| !pages.iter().any(|page| names_crate(page, name)));
    let finding = |(kind, name)| format!("neither {} explains {kind}/{name}", MAPS.join(" nor "));
    let mut findings: Vec<Finding> = missing.map(finding).collect();
    findings.sort();
    findings
}

/// Whether the page names the crate in code font, alone, by its path, or as one of a group in braces
/// (`connector-{hospital,telecom}`).
fn names_crate(page: &str, name: &str) -> bool {
    page.split('`').skip(1).step_by(2).any(|code| {
        let last = code.trim_end_matches('/').rsplit('/').next().unwrap_or(code);
        if last == name {
            return true;
        }
        let Some((prefix, rest)) = last.split_once('{') else { return false };
        let group = rest.trim_end_matches('}').split(',');
        name.strip_prefix(prefix).is_some_and(|tail| group.into_iter().any(|member| member.trim() == tail))
    })
}

/// Decisions are numbered from 0001 without a gap and without a pair, and each has a title.
fn decisions(root: &Path) -> Vec<Finding> {
    let entries = fs::read_dir(root.join(DECISIONS)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).collect();
    names.sort();
    let mut findings = Vec::new();
    for (name, number) in names.iter().zip(1..) {
        if !name.starts_with(&format!("{number:04}-")) {
            findings.push(format!("{DECISIONS}/{name}: the next number is {number:04}"));
            break;
        }
        let text = fs::read_to_string(root.join(DECISIONS).join(name)).unwrap_or_default();
        if !text.starts_with("# ") {
            findings.push(format!("{DECISIONS}/{name} does not begin with a title"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn repository(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("docs/ARCHITECTURE.md", "`crates/{domain,store}`")].iter().chain(files) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("written");
        }
        folder
    }

    fn only_finding(files: &[(&str, &str)]) -> Finding {
        let mut findings = check(repository(files).path());
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn a_sound_repository_passes() {
        let folder = repository(&[
            ("README.md", "[a](docs/ARCHITECTURE.md#flow) [b](https://example.org/x) [c](#here)"),
            ("crates/domain/Cargo.toml", ""),
            ("crates/domain/src/lib.rs", "//! Words.\n"),
            ("docs/decisions/0001-first.md", "# First\n"),
            ("target/deep/nonsense.md", "[a](nowhere.md)"),
        ]);
        assert_eq!(check(folder.path()), Vec::<Finding>::new());
    }

    #[test]
    fn each_fault_of_a_page_or_file_is_found() {
        assert!(only_finding(&[("docs/OPERATIONS.md", "see [a](../nowhere.md)")]).contains("leads nowhere"));
        assert!(only_finding(&[("crates/linkage/Cargo.toml", "")]).contains("explains crates/linkage"));
        assert!(only_finding(&[("services/isthmus/src/main.rs", &"//\n".repeat(31))]).contains("at most 30"));
        assert!(only_finding(&[("crates/store/src/views.rs", &"//\n".repeat(601))]).contains("split it"));
        assert!(only_finding(&[("docs/decisions/0002-second.md", "# Second\n")]).contains("next number is 0001"));
        assert!(only_finding(&[("docs/decisions/0001-first.md", "First\n")]).contains("title"));
    }
}
