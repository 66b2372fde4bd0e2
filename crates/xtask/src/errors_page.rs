//! `docs/errors.md`: every code for which a row, a batch or a request is refused, written from the tables in the code, so
//! that page and program cannot disagree.

use std::fs;
use std::path::Path;

use crate::chores::Finding;

const PAGE: &str = "docs/errors.md";
const REASONS: &str = "crates/connector/src/reason.rs";
/// Tables of problems: file, heading of the section, what the table begins with, what ends an entry.
const PROBLEMS: &[(&str, &str, &str, &str)] = &[
    ("crates/connector/src/http/problem.rs", "Problems of a push", "\npub const PROBLEMS", "};"),
    (
        "services/isthmus/src/quarantine/http.rs",
        "Problems of an operator's request",
        "\npub(crate) const PROBLEMS",
        "};",
    ),
    (
        "services/isthmus/src/status.rs",
        "Problems of an operator's look at the hub",
        "\npub(crate) const PROBLEMS",
        "};",
    ),
    (
        "services/isthmus/src/model/http.rs",
        "Problems of an operator's work on the model",
        "\npub(crate) const PROBLEMS",
        "};",
    ),
    ("services/console/src/problem.rs", "Problems of a session of the console", "\npub const PROBLEMS", "};"),
    ("services/query-api/src/problem.rs", "Problems of a question", "\nproblems! {\n", ";\n"),
    ("services/ledger/src/http.rs", "Problems of the ledger as a service", "\npub const PROBLEMS", "};"),
];

const TITLE: &str = "# Codes of refusals

A row in quarantine, a refused batch and a problem document (RFC 9457) carry one of these codes. A code never changes its
meaning. This page is written by `cargo xtask errors` from the tables in the code.
";
const HEADER: &str = "| code | meaning | what to do |\n|---|---|---|\n";

/// Whether the page says what the tables say.
pub(crate) fn check(root: &Path) -> Vec<Finding> {
    let page = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    match render(root) {
        Ok(rendered) if rendered == page => Vec::new(),
        Ok(_) => vec![format!("{PAGE} does not say what the code says: run `cargo xtask errors`")],
        Err(error) => vec![error],
    }
}

/// Writes the page.
pub(crate) fn write(root: &Path) -> Vec<Finding> {
    let written = render(root).and_then(|page| fs::write(root.join(PAGE), page).map_err(|error| error.to_string()));
    written.err().map(|error| format!("{PAGE} cannot be written: {error}")).into_iter().collect()
}

fn render(root: &Path) -> Result<String, String> {
    let read = |file: &str| fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"));
    let mut page = TITLE.to_owned();
    page.push_str(&reasons(&read(REASONS)?));
    for (file, heading, begin, end) in PROBLEMS {
        page.push_str(&format!("\n## {heading}\n\n{HEADER}"));
        page.push_str(&problems(&read(file)?, begin, end));
    }
    Ok(page)
}

/// The table of reasons: a comment of its own line begins a section, a line of three literals is a reason.
fn reasons(table: &str) -> String {
    let mut page = String::new();
    let inside = table.split_once("\nreasons! {\n").map_or("", |(_, rest)| rest);
    let inside = inside.split_once("\n}\n").map_or(inside, |(rows, _)| rows);
    for line in inside.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix("// ") {
            page.push_str(&format!("\n## {}\n\n{HEADER}", section.trim_end_matches('.')));
        } else if let [code, meaning, mend] = literals(line).as_slice() {
            page.push_str(&row(code, meaning, mend));
        }
    }
    page
}

/// A table of problems: after `begin`, each stretch up to `end` that holds three literals.
fn problems(text: &str, begin: &str, end: &str) -> String {
    let inside = text.split_once(begin).map_or("", |(_, rest)| rest);
    let mut page = String::new();
    for entry in inside.split(end) {
        // Doc comments may hold quotes of their own.
        let code: Vec<&str> = entry.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        match literals(&code.join(" ")).as_slice() {
            [code, meaning, mend] => page.push_str(&row(code, meaning, mend)),
            _ => break,
        }
    }
    page
}

fn row(code: &str, meaning: &str, mend: &str) -> String {
    format!("| `{code}` | {meaning} | {mend} |\n")
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
    const KINDS: &str = "\npub const PROBLEMS: &[K] = &[A];\n\nconst A: K = K {\n    code: \"a-b\",\n    status: 4,\n    meaning: \"M.\",\n    mend: \"Do.\",\n};\n\nimpl X { \"y\" }\n";
    const LISTED: &str = "\nproblems! {\n    /// \"No\" token.\n    A = 401 \"a-b\":\n        \"M.\",\n        \"Do.\";\n    B = 400 \"b-c\":\n        \"N.\",\n        \"Go.\";\n}\n";

    #[test]
    fn the_page_has_a_row_for_each_code() {
        assert!(reasons(ROWS).ends_with("## The body\n\n| code | meaning | what to do |\n|---|---|---|\n| `body-a` | It \"is\" a\\|b. | Mend it. |\n"));
        assert_eq!(problems(KINDS, PROBLEMS[0].2, PROBLEMS[0].3), "| `a-b` | M. | Do. |\n");
        assert_eq!(problems(LISTED, PROBLEMS[5].2, PROBLEMS[5].3), "| `a-b` | M. | Do. |\n| `b-c` | N. | Go. |\n");
    }

    #[test]
    fn a_page_that_lags_behind_a_table_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |file: &str, text: &str| {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("written");
        };
        put(REASONS, ROWS);
        put(PAGE, "");
        for (file, _, begin, _) in PROBLEMS {
            put(file, if begin.contains("problems!") { LISTED } else { KINDS });
        }
        assert_eq!(check(folder.path()).len(), 1);
        assert!(write(folder.path()).is_empty());
        assert_eq!(check(folder.path()), Vec::<Finding>::new());
        put(REASONS, &ROWS.replace("Mend it.", "Send it again."));
        assert_eq!(check(folder.path()).len(), 1);
    }
}
