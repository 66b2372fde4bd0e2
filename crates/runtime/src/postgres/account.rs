//! Under which account the server runs, and whether that account can reach a directory.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::PostgresError;

/// The account of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// The one that this process has.
    Own {
        /// User id.
        uid: u32,
    },
    /// `postgres`, because PostgreSQL refuses root.
    Other {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl Account {
    pub(super) fn choose() -> Result<Self, PostgresError> {
        let uid = rustix::process::geteuid().as_raw();
        if uid != 0 {
            return Ok(Self::Own { uid });
        }
        let users = fs::read_to_string("/etc/passwd").map_err(PostgresError::io("reading /etc/passwd"))?;
        let (uid, gid) = find_user(&users, "postgres").ok_or(PostgresError::NoAccount)?;
        Ok(Self::Other { uid, gid })
    }

    pub(super) const fn uid(self) -> u32 {
        match self {
            Self::Own { uid } | Self::Other { uid, .. } => uid,
        }
    }

    /// Makes a directory (and its parents) that only this account can open.
    pub(super) fn make_private_dir(self, dir: &Path) -> Result<(), PostgresError> {
        let doing = || format!("making the directory {}", dir.display());
        fs::create_dir_all(dir).map_err(PostgresError::io(doing()))?;
        if let Self::Other { uid, gid } = self {
            std::os::unix::fs::chown(dir, Some(uid), Some(gid)).map_err(PostgresError::io(doing()))?;
        }
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(PostgresError::io(doing()))
    }

    /// Whether this account gets as far as `dir`: every directory above it must be open to it.
    pub(super) fn can_reach(self, dir: &Path) -> Result<(), PostgresError> {
        let Self::Other { uid, gid } = self else { return Ok(()) };
        for parent in dir.ancestors().skip(1) {
            let Ok(meta) = fs::metadata(parent) else { continue };
            let open = match meta.mode() {
                mode if meta.uid() == uid => mode & 0o100,
                mode if meta.gid() == gid => mode & 0o010,
                mode => mode & 0o001,
            };
            if open == 0 {
                return Err(PostgresError::Unreachable { blocked: parent.to_owned() });
            }
        }
        Ok(())
    }
}

/// User and group id of a name in the text of a passwd file.
fn find_user(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let users = "root:x:0:0::/root:/bin/sh\npostgresql:x:7:7:::\npostgres:x:101:104:PostgreSQL:/var:/bin/sh\n";
        assert_eq!(find_user(users, "postgres"), Some((101, 104)));
        assert_eq!(find_user(users, "nobody"), None);
    }

    #[test]
    fn a_closed_directory_above_is_named() {
        let root = tempfile::tempdir().expect("directory");
        let closed = root.path().join("closed");
        fs::create_dir(&closed).expect("directory");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("mode");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("mode");
        let stranger = Account::Other { uid: 4_000_000, gid: 4_000_000 };
        let error = stranger.can_reach(&closed.join("pg")).expect_err("closed");
        assert!(error.to_string().contains(&closed.display().to_string()), "{error}");
        stranger.can_reach(&root.path().join("pg")).expect("open");
    }
}
