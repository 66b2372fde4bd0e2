//! Secret keys in files that only their owner may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a directory that only its owner may enter, and those above it.
///
/// # Errors
/// When the file system refuses.
pub fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a directory that others may pass through but not list, and those above it: a database that runs as another user
/// lives below it.
///
/// # Errors
/// When the file system refuses.
pub fn passable_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(path)
}

/// Lets others pass through an existing directory, as [`passable_dir`] makes one.
///
/// # Errors
/// When the file system refuses.
pub fn make_passable(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o711))
}

/// Reads the 32 bytes of a key file (64 hexadecimal digits), or makes it from the system's randomness where there is none.
///
/// # Errors
/// When the file has another form, may be read by others, or the file system refuses.
pub fn key_file(path: &Path) -> io::Result<[u8; 32]> {
    match read_key(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Written beside and linked into place: no crash leaves half a key, and of two first starts one wins.
            let beside = path.with_extension(format!("new-{}", std::process::id()));
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(hex::encode(random_bytes()?).as_bytes())?;
            file.sync_all()?;
            let linked = fs::hard_link(&beside, path);
            fs::remove_file(&beside)?;
            match linked {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => read_key(path),
            }
        }
        read => read,
    }
}

/// Writes a file that everybody may read, such as a public key, unless it says the same already.
///
/// # Errors
/// When the file system refuses.
pub fn write_public(path: &Path, text: &str) -> io::Result<()> {
    let line = format!("{text}\n");
    match fs::read_to_string(path) {
        Ok(there) if there == line => Ok(()),
        _ => fs::write(path, line),
    }
}

fn read_key(path: &Path) -> io::Result<[u8; 32]> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o007 != 0 {
        let message = format!("{} may be read by everyone; run: chmod 600 {}", path.display(), path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    let mut key = [0; 32];
    hex::decode_to_slice(fs::read_to_string(path)?.trim(), &mut key).map_err(|_| {
        let message = format!("{} is not a key: it must hold 64 hexadecimal digits", path.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })?;
    Ok(key)
}

/// 32 bytes of the system's randomness.
///
/// # Errors
/// When the system has none to give.
pub fn random_bytes() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_once_made_stays_the_same() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token.key");
        let made = key_file(&path).expect("made");
        assert_eq!(key_file(&path).expect("read"), made);
    }

    #[test]
    fn a_key_that_everyone_may_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token.key");
        key_file(&path).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        let error = key_file(&path).expect_err("refused");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}
