//! `docs/errors.md`: every reason for which a row or a batch is refused, written from the table in the code, so that
//! page and program cannot disagree.

use std::fs;
use std::path::Path;

use crate::chores::Finding;

const TABLE: &str = "crates/connector/src/reason.rs";
const PAGE: &str = "docs/errors.md";

const TITLE: &str = "# Reasons for which rows and batches are refused

A row in quarantine and a refused batch carry one of these codes. A code never changes its meaning. This page is written by
`cargo xtask errors` from `crates/connector/src/reason.rs`.
";

/// Whether the page says what the table says.
pub(crate) fn check(root: &Path) -> Vec<Finding> {
    let Ok(table) = fs::read_to_string(root.join(TABLE)) else { return Vec::new() };
    let page = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    let same = page == render(&table);
    if same { Vec::new() } else { vec![format!("{PAGE} does not say what {TABLE} says: run `cargo xtask errors`")] }
}

/// Writes the page.
pub(crate) fn write(root: &Path) -> Vec<Finding> {
    let written = fs::read_to_string(root.join(TABLE)).and_then(|table| fs::write(root.join(PAGE), render(&table)));
    written.err().map(|error| format!("{PAGE} cannot be written: {error}")).into_iter().collect()
}

/// The page for a table: a comment of its own line begins a section, a line of four parts is a reason.
fn render(table: &str) -> String {
    let mut page = TITLE.to_owned();
    let inside = table.split_once("\nreasons! {\n").map_or("", |(_, rest)| rest);
    let inside = inside.split_once("\n}\n").map_or(inside, |(rows, _)| rows);
    for line in inside.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix("// ") {
            page.push_str(&format!("\n## {}\n\n", section.trim_end_matches('.')));
            page.push_str("| code | meaning | what to do |\n|---|---|---|\n");
        } else if let [code, meaning, mend] = literals(line).as_slice() {
            page.push_str(&format!("| `{code}` | {meaning} | {mend} |\n"));
        }
    }
    page
}

/// The string literals of a line of the table; a bar inside one is kept from ending the cell.
fn literals(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('"') {
        let mut literal = String::new();
        let mut characters = after.char_indices();
        let mut end = after.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => literal.extend(characters.next().map(|(_, escaped)| escaped)),
                '|' => literal.push_str("\\|"),
                _ => literal.push(c),
            }
        }
        found.push(literal);
        rest = &after[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "use x;\n\nreasons! {\n    // The body.\n    A, \"body-a\", \"It \\\"is\\\" a|b.\", \"Mend it.\";\n}\n\nfn f() {}\n";

    #[test]
    fn the_page_has_a_row_for_each_reason() {
        let page = render(ROWS);
        assert!(page.ends_with("\n## The body\n\n| code | meaning | what to do |\n|---|---|---|\n| `body-a` | It \"is\" a\\|b. | Mend it. |\n"));
    }

    #[test]
    fn a_page_that_lags_behind_the_table_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        for parent in ["docs", "crates/connector/src"] {
            fs::create_dir_all(folder.path().join(parent)).expect("a folder");
        }
        fs::write(folder.path().join(TABLE), ROWS).expect("written");
        assert_eq!(check(folder.path()).len(), 1);
        assert!(write(folder.path()).is_empty());
        assert_eq!(check(folder.path()), Vec::<Finding>::new());
        fs::write(folder.path().join(TABLE), ROWS.replace("Mend it.", "Send it again.")).expect("written");
        assert_eq!(check(folder.path()).len(), 1);
    }
}
