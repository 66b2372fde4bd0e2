//! Dependency edges: which crate may use which, and which library lives where.
//!
//! The two tables below are the architecture in short; a new edge is a decision, with a page in `docs/decisions/`.
//! Only normal dependencies of a crate are architecture. Its tests may use any crate of `crates/`, but a service's
//! tests may not use another service: what two services do together is tested in `tests/`.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::chores::Finding;

/// Which crates of the workspace a crate may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("chart", &[]),
    ("linkage", &["domain"]),
    ("exposure", &["domain"]),
    ("link", &["linkage", "chart"]),
    ("access", &["domain"]),
    ("city", &["domain"]),
    ("codec", &["domain"]),
    ("event-log", &["domain"]),
    ("scrutiny", &["domain"]),
    ("figures", &[]),
    ("oidc", &["access"]),
    ("ledger", &["domain", "access"]),
    ("store", &["domain", "access"]),
    ("runtime", &[]),
    ("connector", &["domain", "codec", "event-log", "store", "runtime"]),
    ("test-support", &["domain", "access", "codec", "event-log", "ledger", "store", "runtime"]),
    ("connector-hospital", CONNECTOR),
    ("connector-telecom", CONNECTOR),
    ("connector-transport", CONNECTOR),
    ("connector-payment", CONNECTOR),
    ("connector-community", CONNECTOR),
    ("projector", &["domain", "linkage", "codec", "event-log", "store", "runtime"]),
    (
        "query-api",
        &[
            "domain",
            "access",
            "chart",
            "codec",
            "event-log",
            "exposure",
            "figures",
            "ledger",
            "oidc",
            "scrutiny",
            "store",
            "runtime",
        ],
    ),
    ("console", &["domain", "access", "oidc", "runtime", "store"]),
    ("ledger-service", &["domain", "access", "ledger", "runtime"]),
    ("xtask", &["access"]),
];

const CONNECTOR: &[&str] = &["domain", "codec", "connector", "event-log", "store", "runtime"];

/// The binary that wires everything, and what runs everything to test it, may use every crate, but not each other.
const COMPOSERS: &[&str] = &["isthmus", "e2e", "fuzz"];
const NEVER_USED: &[&str] = &["isthmus", "e2e", "fuzz", "xtask"];
/// Used by tests only.
const FOR_TESTS: &[&str] = &["test-support"];

/// Where a library may be used. Libraries that are not named here are free, except in pure crates.
const HOMES: &[(&str, &[&str])] = &[
    ("cedar-policy", &["access"]),
    ("rdkafka", &["event-log"]),
    ("apache-avro", &["codec", "xtask"]),
    ("sqlx", &["store", "event-log", "runtime", "test-support", "isthmus", "e2e"]),
    ("axum", &["runtime", "connector", "query-api", "ledger-service", "console", "isthmus", "test-support", "e2e"]),
    ("utoipa", &["runtime", "connector", "query-api", "ledger-service", "isthmus", "e2e"]),
    ("jsonwebtoken", &["oidc"]),
    ("reqwest", &["codec", "connector", "ledger", "oidc", "isthmus", "test-support", "e2e"]),
    ("hl7-parser", &["connector-hospital"]),
    ("parquet", &["link"]),
    ("ed25519-dalek", &["ledger"]),
    ("clap", &["isthmus"]),
    ("indicatif", &["isthmus"]),
    ("anyhow", SERVICES),
    ("metrics-exporter-prometheus", &["runtime"]),
    ("tracing-subscriber", &["runtime"]),
];

const SERVICES: &[&str] = &[
    "connector-hospital",
    "connector-telecom",
    "connector-transport",
    "connector-payment",
    "connector-community",
    "projector",
    "query-api",
    "ledger-service",
    "isthmus",
    "e2e",
];

/// Crates that only compute: no I/O, no async, no clock.
const PURE: &[&str] = &["domain", "linkage", "exposure", "access", "chart", "city", "figures", "scrutiny"];

/// Libraries that do I/O, run tasks, read clocks or report to the outside.
const IMPURE: &[&str] = &[
    "anyhow",
    "apache-avro",
    "axum",
    "clap",
    "getrandom",
    "hyper",
    "hyper-util",
    "indicatif",
    "metrics",
    "metrics-exporter-prometheus",
    "rdkafka",
    "reqwest",
    "rustix",
    "sqlx",
    "tempfile",
    "tokio",
    "tokio-util",
    "tower",
    "tower-http",
    "tracing",
    "tracing-subscriber",
];

/// What `cargo metadata --no-deps` says.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// `null` for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
    /// Set for crates of the workspace.
    path: Option<String>,
}

/// Reads the workspace's manifests and checks them against the tables.
pub(crate) fn check(root: &Path) -> Vec<Finding> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let words = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = match Command::new(cargo).args(words).current_dir(root).output() {
        Ok(output) if output.status.success() => output,
        Ok(output) => return vec![format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr))],
        Err(error) => return vec![format!("cargo metadata: {error}")],
    };
    match serde_json::from_slice::<Metadata>(&output.stdout) {
        Ok(metadata) => metadata.packages.iter().flat_map(check_package).collect(),
        Err(error) => vec![format!("cargo metadata: {error}")],
    }
}

fn check_package(package: &Package) -> Vec<Finding> {
    let known = EDGES.iter().any(|(name, _)| *name == package.name) || COMPOSERS.contains(&package.name.as_str());
    if !known {
        return vec![format!("{} is not in the table of crates/xtask/src/check_deps.rs", package.name)];
    }
    package.dependencies.iter().filter_map(|dependency| check_edge(package, dependency)).collect()
}

fn check_edge(package: &Package, dependency: &Dependency) -> Option<Finding> {
    let (from, to) = (package.name.as_str(), dependency.name.as_str());
    let in_tests = dependency.kind.as_deref() == Some("dev");
    let reason = if dependency.path.is_some() {
        internal_edge(package, to, in_tests)
    } else if in_tests {
        None
    } else {
        external_edge(from, to)
    };
    reason.map(|reason| format!("{from} depends on {to}: {reason}"))
}

fn internal_edge(package: &Package, to: &str, in_tests: bool) -> Option<&'static str> {
    let from = package.name.as_str();
    let composes = COMPOSERS.contains(&from);
    // The end-to-end tests are all tests, whatever their manifest calls a dependency.
    if NEVER_USED.contains(&to) && !(from == "e2e" && to == "isthmus") {
        return Some("nothing may use it");
    }
    if FOR_TESTS.contains(&to) && !in_tests && from != "e2e" {
        return Some("it is for tests only");
    }
    if composes {
        return None;
    }
    let allowed = EDGES.iter().find(|(name, _)| *name == from).is_some_and(|(_, allowed)| allowed.contains(&to));
    if allowed {
        return None;
    }
    if in_tests {
        return (is_service(to) && to != from).then_some("a service does not use another, not even in tests");
    }
    Some(if is_service(to) {
        "a service does not use another; shared behaviour goes down into a crate"
    } else {
        "the edge is not in the table of crates/xtask/src/check_deps.rs"
    })
}

fn external_edge(from: &str, to: &str) -> Option<&'static str> {
    if PURE.contains(&from) && IMPURE.contains(&to) {
        return Some("the crate is pure: no I/O, no async, no clock");
    }
    let homes = HOMES.iter().find(|(library, _)| *library == to)?.1;
    (!homes.contains(&from)).then_some("the library has its home elsewhere, see crates/xtask/src/check_deps.rs")
}

fn is_service(name: &str) -> bool {
    SERVICES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>, bool)]) -> Package {
        let dependency = |(name, kind, internal): &(&str, Option<&str>, bool)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            path: internal.then(|| format!("/x/{name}")),
        };
        Package { name: name.to_owned(), dependencies: dependencies.iter().map(dependency).collect() }
    }

    fn findings(name: &str, to: &str, kind: Option<&str>, internal: bool) -> usize {
        check_package(&package(name, &[(to, kind, internal)])).len()
    }

    #[test]
    fn edges_of_the_table_pass() {
        for (from, to) in [("linkage", "domain"), ("projector", "store"), ("isthmus", "projector"), ("e2e", "isthmus")]
        {
            assert_eq!(findings(from, to, None, true), 0, "{from} -> {to}");
        }
        for (from, to) in [("store", "sqlx"), ("event-log", "rdkafka"), ("codec", "apache-avro"), ("domain", "serde")] {
            assert_eq!(findings(from, to, None, false), 0, "{from} -> {to}");
        }
    }

    #[test]
    fn forbidden_edges_are_found() {
        for (from, to) in [
            ("domain", "linkage"),
            ("linkage", "store"),
            ("projector", "query-api"),
            ("connector-telecom", "connector-hospital"),
            ("query-api", "isthmus"),
            ("store", "test-support"),
            ("isthmus", "xtask"),
            ("isthmus", "e2e"),
        ] {
            assert_eq!(findings(from, to, None, true), 1, "{from} -> {to}");
        }
        for (from, to) in [
            ("domain", "tokio"),
            ("linkage", "tracing"),
            ("projector", "rdkafka"),
            ("event-log", "apache-avro"),
            ("query-api", "sqlx"),
            ("store", "anyhow"),
        ] {
            assert_eq!(findings(from, to, None, false), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn tests_may_use_more_but_no_other_service() {
        assert_eq!(findings("store", "test-support", Some("dev"), true), 0);
        assert_eq!(findings("linkage", "city", Some("dev"), true), 0);
        assert_eq!(findings("domain", "tempfile", Some("dev"), false), 0);
        assert_eq!(findings("projector", "query-api", Some("dev"), true), 1);
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        assert_eq!(findings("helpers", "domain", None, true), 1);
    }
}
