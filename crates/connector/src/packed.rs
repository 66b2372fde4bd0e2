//! Stored bodies that are kept compressed: once nobody is reading them any more, they take a tenth of the disk.
//!
//! A body has its name either way; the compressed form has an ending more. Whoever opens it gets plain bytes, so that
//! places in it stay what they were.

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

/// The ending of compressed bodies.
pub(crate) const ENDING: &str = "zst";
/// Fast, and nearly as small as any for rows of text.
const LEVEL: i32 = 3;

/// Where the compressed form of a body is or would be.
pub(crate) fn packed_path(path: &Path) -> PathBuf {
    path.with_extension(ENDING)
}

/// Opens a body. A compressed one is unpacked into a file without a name, which is gone when it is closed.
///
/// # Errors
/// When it is not there, or cannot be read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let packed = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(packed_path(path))?,
        plain => return plain,
    };
    let mut plain = tempfile::tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    zstd::stream::copy_decode(packed, &mut plain)?;
    plain.rewind()?;
    Ok(plain)
}

/// Compresses a body and removes the plain one. The time of the file stays, because retention counts from it.
///
/// # Errors
/// When the disk refuses; then the plain one stays.
pub(crate) fn pack(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let plain = File::open(path)?;
    let mut packed = tempfile::Builder::new().prefix(".part-").tempfile_in(folder)?;
    zstd::stream::copy_encode(&plain, &mut packed, LEVEL)?;
    packed.as_file().set_modified(plain.metadata()?.modified()?)?;
    packed.as_file().sync_all()?;
    packed.persist(packed_path(path)).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()?;
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_reads_the_same_before_and_after_it_is_compressed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("0a");
        let body = "一行,one row\n".repeat(10_000);
        std::fs::write(&path, &body).expect("written");
        let dated = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
        File::options().write(true).open(&path).and_then(|file| file.set_modified(dated)).expect("dated");
        pack(&path).expect("compressed");
        assert!(!path.exists());
        let packed = std::fs::metadata(packed_path(&path)).expect("there");
        assert!(packed.len() < body.len() as u64 / 10);
        assert_eq!(packed.modified().expect("a time"), dated);
        assert_eq!(io::read_to_string(open(&path).expect("opens")).expect("UTF-8"), body);
        assert_eq!(open(&folder.path().join("0b")).expect_err("absent").kind(), io::ErrorKind::NotFound);
    }
}
