//! Where the installed PostgreSQL is.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PostgresError;

/// Where distributions put their versions: `<root>/<major version>/bin`.
const VERSIONED_ROOTS: [&str; 2] = ["/usr/lib/postgresql", "/usr/libexec/postgresql"];

/// Finds the folder of `initdb` and `postgres`. A data directory opens only with the major version that made it, so
/// `major` (of an existing one) is preferred to the newest.
pub(super) fn find(configured: Option<&Path>, major: Option<u32>) -> Result<PathBuf, PostgresError> {
    if let Some(dir) = configured {
        return usable(dir).then(|| dir.to_owned()).ok_or_else(|| not_installed(&[dir.to_owned()]));
    }
    let candidates = candidates(major);
    candidates.iter().find(|dir| usable(dir)).cloned().ok_or_else(|| not_installed(&candidates))
}

fn usable(dir: &Path) -> bool {
    dir.join("initdb").is_file() && dir.join("postgres").is_file()
}

fn not_installed(searched: &[PathBuf]) -> PostgresError {
    let searched: Vec<String> = searched.iter().map(|dir| dir.display().to_string()).collect();
    PostgresError::NotInstalled { searched: searched.join(", ") }
}

fn candidates(major: Option<u32>) -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    if let Some(major) = major {
        dirs.extend(VERSIONED_ROOTS.iter().map(|root| Path::new(root).join(major.to_string()).join("bin")));
        dirs.push(PathBuf::from(format!("/usr/pgsql-{major}/bin")));
    }
    for root in VERSIONED_ROOTS {
        let versions: BTreeSet<u32> = fs::read_dir(root)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        dirs.extend(versions.iter().rev().map(|version| Path::new(root).join(version.to_string()).join("bin")));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
        && output.status.success()
    {
        dirs.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    dirs.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    let mut seen = BTreeSet::new();
    dirs.retain(|dir| seen.insert(dir.clone()));
    dirs
}
