//! zstd and zip: bodies that are unpacked when all of them is there, because a zip's directory stands at its end.
//!
//! Invariant: nothing is taken on trust. What is written is counted by the sink, which stops at its limits; names in an
//! archive are never used as paths; an archive in an archive is refused.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use crate::error::IngestError;
use crate::feed::BatchError;
use crate::magic;
use crate::profile::{FormatKind, Profile};
use crate::reason::Reason;

/// Files that an archive may hold.
const MEMBERS_MAX: usize = 1_000;
/// Largest window that a zstd frame may ask for, as a power of two: 32 MiB of memory for each body.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;
/// Bytes in which the end of a zip's directory is looked for: its longest comment, and the record itself.
const DIRECTORY_END_BYTES: u64 = 65_535 + 22;

/// How the files of an archive become one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    /// There must be one.
    One {
        /// It is a zip itself, as workbooks are.
        zipped: bool,
    },
    /// They follow each other. Of all but the first, the lines before the data go; the last of them names the columns.
    Joined {
        /// Lines before the data.
        head_lines: u32,
        /// The last of them names the columns.
        header: bool,
        /// Only files of this name; the archive holds several tables.
        only: Option<String>,
    },
}

impl Members {
    /// As the profile's format has it.
    pub(crate) fn of(profile: &Profile) -> Self {
        let format = &profile.format;
        match format.kind {
            FormatKind::Delimited => Self::Joined {
                head_lines: format.preamble_lines.saturating_add(u32::from(format.header)),
                header: format.header,
                only: format.member.clone(),
            },
            FormatKind::Ndjson | FormatKind::Hl7v2 => {
                Self::Joined { head_lines: 0, header: false, only: format.member.clone() }
            }
            FormatKind::Workbook => Self::One { zipped: true },
            FormatKind::Json
            | FormatKind::Xml
            | FormatKind::Fhir
            | FormatKind::Edifact
            | FormatKind::Iso20022
            | FormatKind::Iso8583 => Self::One { zipped: false },
        }
    }
}

/// Unpacks a zstd body of one or several frames.
pub(crate) fn zstd(packed: &mut File, plain: &mut impl Write) -> Result<(), IngestError> {
    packed.seek(SeekFrom::Start(0))?;
    let mut decoder = zstd::stream::read::Decoder::new(packed)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    copy(&mut decoder, plain)
}

/// Unpacks the files of a zip archive into one body.
pub(crate) fn zip(packed: &mut File, members: Members, plain: &mut impl Write) -> Result<(), IngestError> {
    let announced = announced_members(packed)?;
    if announced > MEMBERS_MAX {
        return Err(wrong_members(format!("the archive announces {announced} files; at most {MEMBERS_MAX} are read")));
    }
    packed.seek(SeekFrom::Start(0))?;
    let mut archive = zip::ZipArchive::new(packed).map_err(|_| broken())?;
    if members != (Members::One { zipped: true })
        && archive.index_for_name("[Content_Types].xml").is_some()
        && let BatchError::Refused { reason, message } = magic::workbook()
    {
        return Err(IngestError::refused(reason, message));
    }
    let mut head: Option<(Vec<u8>, usize)> = None;
    let (mut files, mut empty) = (0, 0);
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(what) => {
                IngestError::refused(Reason::CompressionUnknown, format!("file {} of the archive: {what}", index + 1))
            }
            _ => broken(),
        })?;
        if member.is_dir() || is_litter(member.name_raw()) {
            continue;
        }
        if let Members::Joined { only: Some(name), .. } = &members
            && !is_named(member.name_raw(), name)
        {
            continue;
        }
        let mut input = BufReader::with_capacity(1 << 16, member);
        let begin = input.fill_buf().map_err(unreadable)?;
        if begin.is_empty() {
            empty += 1;
            continue;
        }
        files += 1;
        let zipped = begin.starts_with(b"PK\x03\x04");
        let packed_again = begin.starts_with(&[0x1F, 0x8B]) || begin.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]);
        if packed_again || zipped != (members == Members::One { zipped: true }) && zipped {
            let message = format!("file {files} of the archive is an archive or compressed itself");
            return Err(IngestError::refused(Reason::ArchiveNested, message));
        }
        match &members {
            Members::One { .. } if files > 1 => {
                return Err(wrong_members("the archive holds several files; this feed takes one at a time".to_owned()));
            }
            Members::One { .. } => copy(&mut input, plain)?,
            Members::Joined { head_lines, header, .. } => {
                let lines = read_head(&mut input, *head_lines)?;
                match &head {
                    None => {
                        plain.write_all(&lines.concat())?;
                        head = Some((lines.into_iter().last().unwrap_or_default(), files));
                    }
                    Some((first, of)) if *header && lines.last().map_or(&[][..], |line| bare(line)) != bare(first) => {
                        // What files are called may be the name of a person.
                        let message = format!("file {files} of the archive has another header line than file {of}");
                        return Err(IngestError::refused(Reason::HeaderMismatch, message));
                    }
                    Some(_) => {}
                }
                let mut ended = LineEnd { plain, last: b'\n' };
                copy(&mut input, &mut ended)?;
                if ended.last != b'\n' {
                    plain.write_all(b"\n")?;
                }
            }
        }
    }
    if files == 0 {
        return Err(wrong_members(match &members {
            _ if empty > 0 => "what the archive holds is empty".to_owned(),
            Members::Joined { only: Some(name), .. } => format!("the archive holds no file {name}"),
            _ => "the archive holds no file".to_owned(),
        }));
    }
    Ok(())
}

fn is_named(path: &[u8], name: &str) -> bool {
    path.rsplit(|byte| *byte == b'/').next().is_some_and(|file| file.eq_ignore_ascii_case(name.as_bytes()))
}

/// What tools of desktop systems leave in archives.
fn is_litter(name: &[u8]) -> bool {
    let file = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
    name.starts_with(b"__MACOSX/") || file.starts_with(b"._") || file == b".DS_Store" || file == b"Thumbs.db"
}

/// The number of files that the end of the directory announces, before the directory is read into memory.
fn announced_members(packed: &mut File) -> Result<usize, IngestError> {
    let length = packed.seek(SeekFrom::End(0))?;
    packed.seek(SeekFrom::Start(length.saturating_sub(DIRECTORY_END_BYTES)))?;
    let mut end = Vec::new();
    packed.read_to_end(&mut end)?;
    let at = (0..end.len().saturating_sub(21)).rev().find(|at| end[*at..].starts_with(b"PK\x05\x06"));
    let at = at.ok_or_else(broken)?;
    Ok(usize::from(u16::from_le_bytes([end[at + 10], end[at + 11]])))
}

/// The first lines of a file, a byte order mark included.
fn read_head(input: &mut impl BufRead, lines: u32) -> Result<Vec<Vec<u8>>, IngestError> {
    let mut head = Vec::new();
    for _ in 0..lines {
        let mut line = Vec::new();
        input.by_ref().take(crate::rows::ROW_BYTES_MAX as u64).read_until(b'\n', &mut line).map_err(unreadable)?;
        head.push(line);
    }
    Ok(head)
}

/// A header line without byte order mark and line end.
fn bare(line: &[u8]) -> &[u8] {
    line.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(line).trim_ascii_end()
}

/// Passes bytes on and remembers the last one.
struct LineEnd<'a, W> {
    plain: &'a mut W,
    last: u8,
}

impl<W: Write> Write for LineEnd<'_, W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.last = piece.last().copied().unwrap_or(self.last);
        self.plain.write_all(piece)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.plain.flush()
    }
}

/// Copies to the sink; an error of the packed side is told from one of the sink.
fn copy(input: &mut impl Read, plain: &mut impl Write) -> Result<(), IngestError> {
    let mut piece = vec![0; 1 << 16];
    loop {
        let length = input.read(&mut piece).map_err(unreadable)?;
        if length == 0 {
            return Ok(());
        }
        plain.write_all(&piece[..length])?;
    }
}

fn unreadable(error: io::Error) -> IngestError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            IngestError::refused(Reason::BodyTruncated, "the compressed body ends in the middle")
        }
        // zstd and zip report damage as data errors, the system reports its own.
        io::ErrorKind::Other | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => broken(),
        _ => IngestError::Raw(error),
    }
}

fn broken() -> IngestError {
    let message = "the body is not what its compression says, a checksum in it does not fit, or it asks for a window \
                   of more than 32 MiB";
    IngestError::refused(Reason::CompressionBroken, message)
}

fn wrong_members(message: String) -> IngestError {
    IngestError::refused(Reason::ArchiveMembers, message)
}
