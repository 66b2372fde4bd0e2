//! Files of feeds as their senders write them, and the truth of each row.
//!
//! Rows are collected per file, so memory grows with one day of one feed and not with the number of days. What becomes
//! of a row when a connector reads it (`Outcome`) is decided here or by the feed, and counted in `truth/expected.csv`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::clock;
use crate::dice::Dice;
use crate::encode::Gb18030;
use crate::rates::Rates;
use crate::spoil::{self, Damage};

/// How the files of a feed look.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) feed: &'static str,
    pub(crate) extension: &'static str,
    pub(crate) encoding: Encoding,
    pub(crate) line_end: &'static str,
    pub(crate) separator: char,
    /// Columns that damage may hit: a time, a resident number, a text.
    pub(crate) time: usize,
    pub(crate) id: Option<usize>,
    pub(crate) text: usize,
}

/// Encoding of a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Encoding {
    Gb18030,
    Utf8,
    Utf8WithMark,
}

/// What a connector should make of a row when the files are pushed in the order of `truth/expected.csv`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    Accepted,
    Duplicate,
    Superseded,
    Broken(Damage),
    /// Not about a person and to be left out (machine numbers).
    Excluded,
}

/// One data row (or HL7 message) before it is written.
#[derive(Clone)]
pub(crate) struct Row {
    /// Instant by which a file is sorted.
    pub(crate) at: i64,
    pub(crate) text: String,
    pub(crate) person: Option<u32>,
    pub(crate) outcome: Outcome,
    pub(crate) traps: Vec<&'static str>,
    /// Other rows depend on this one being accepted, so that damage must not hit it.
    pub(crate) keep: bool,
}

impl Row {
    pub(crate) fn new(at: i64, text: String, person: Option<u32>) -> Self {
        Self { at, text, person, outcome: Outcome::Accepted, traps: Vec::new(), keep: false }
    }

    pub(crate) fn trap(mut self, trap: &'static str) -> Self {
        self.traps.push(trap);
        self
    }

    pub(crate) fn traps(mut self, traps: Vec<&'static str>) -> Self {
        self.traps.extend(traps);
        self
    }

    pub(crate) fn kept(mut self) -> Self {
        self.keep = true;
        self
    }

    pub(crate) fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct FileSummary {
    /// Name of the feed.
    pub feed: &'static str,
    /// Path below the output folder.
    pub path: PathBuf,
    /// When the sender delivers it, local time; the files are to be pushed in this order.
    pub delivered: String,
    /// Data rows or messages.
    pub rows: u64,
    /// Rows that are new and whole.
    pub accepted: u64,
    /// Rows that stood in this or an earlier file already.
    pub duplicate: u64,
    /// Rows of an older version than one delivered before.
    pub superseded: u64,
    /// Rows that cannot be used.
    pub broken: u64,
    /// Rows about machines, to be left out.
    pub excluded: u64,
    /// Name of the earlier file that this one repeats byte for byte.
    pub repeat_of: Option<String>,
}

/// The output folder.
pub(crate) struct Output {
    root: PathBuf,
    gb18030: Gb18030,
    rows: BufWriter<File>,
    traps: BufWriter<File>,
    pub(crate) files: Vec<FileSummary>,
    pub(crate) rates: Rates,
}

/// Text around the rows of a file.
#[derive(Default)]
pub(crate) struct Frame {
    pub(crate) head: String,
    pub(crate) tail: String,
}

impl Frame {
    pub(crate) fn header(columns: &str, shape: &Shape) -> Self {
        Self { head: format!("{columns}{}", shape.line_end), tail: String::new() }
    }
}

impl Output {
    /// Prepares an empty folder.
    pub(crate) fn create(root: &Path, rates: Rates) -> Result<Self, Error> {
        for folder in ["feeds", "truth"] {
            let path = root.join(folder);
            if path.exists() {
                return Err(Error::NotEmpty(path));
            }
            fs::create_dir_all(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        }
        let mut output = Self {
            gb18030: Gb18030::new(),
            rows: create(&root.join("truth/rows.csv"))?,
            traps: create(&root.join("truth/traps.csv"))?,
            files: Vec::new(),
            rates,
            root: root.to_owned(),
        };
        let wrap = |source| Error::Io { path: root.join("truth/rows.csv"), source };
        output.rows.write_all(b"feed,file,row,person\n").map_err(wrap)?;
        output.traps.write_all(b"feed,file,row,trap\n").map_err(wrap)?;
        Ok(output)
    }

    /// Plants the traps that every feed has: broken rows and rows that stand twice. The rows are then in order.
    pub(crate) fn prepare(&self, rows: &mut Vec<Row>, shape: &Shape, dice: &mut Dice) {
        let mut twice = Vec::new();
        for row in rows.iter_mut().filter(|row| !row.keep && row.outcome == Outcome::Accepted) {
            if dice.chance(self.rates.broken) {
                row.outcome = Outcome::Broken(spoil::damage_for(row, shape, dice));
            } else if dice.chance(self.rates.duplicate) {
                row.keep = true;
                twice.push(again(row));
            }
        }
        rows.extend(twice);
        rows.sort_by_key(|row| row.at);
    }

    /// Writes one file of a feed, unless it has no rows. The name gets the time of delivery in front.
    pub(crate) fn write(
        &mut self,
        shape: &Shape,
        delivered: i64,
        name: &str,
        frame: &Frame,
        rows: &[Row],
    ) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let file = format!("{}-{name}.{}", &clock::compact(delivered)[..12], shape.extension);
        let path = PathBuf::from("feeds").join(shape.feed).join(&file);
        let full = self.root.join(&path);
        if let Some(folder) = full.parent() {
            fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })?;
        }
        let mut summary = FileSummary {
            feed: shape.feed,
            path,
            delivered: clock::iso(delivered),
            rows: rows.len() as u64,
            accepted: 0,
            duplicate: 0,
            superseded: 0,
            broken: 0,
            excluded: 0,
            repeat_of: None,
        };
        let wrap = |source| Error::Io { path: full.clone(), source };
        let mut target = create(&full)?;
        if shape.encoding == Encoding::Utf8WithMark {
            target.write_all("\u{feff}".as_bytes()).map_err(wrap)?;
        }
        let mut bytes = Vec::with_capacity(1024);
        self.encode(shape, &frame.head, &mut bytes);
        target.write_all(&bytes).map_err(wrap)?;
        for (index, row) in rows.iter().enumerate() {
            bytes.clear();
            self.encode_row(shape, row, &mut bytes);
            target.write_all(&bytes).map_err(wrap)?;
            summary.count(row.outcome);
            self.record(shape.feed, &file, index + 1, row).map_err(wrap)?;
        }
        bytes.clear();
        self.encode(shape, &frame.tail, &mut bytes);
        target.write_all(&bytes).and_then(|()| target.flush()).map_err(wrap)?;
        self.files.push(summary);
        Ok(())
    }

    /// Delivers the last file that was written once more, under another name.
    pub(crate) fn repeat_last(&mut self, shape: &Shape, delivered: i64, name: &str) -> Result<(), Error> {
        let Some(mut summary) = self.files.last().filter(|file| file.feed == shape.feed).cloned() else {
            return Ok(());
        };
        let (old, old_name) = (summary.path.clone(), file_name(&summary.path));
        let extension = old_name.rsplit('.').next().unwrap_or_default();
        let path = old.with_file_name(format!("{}-{name}.{extension}", &clock::compact(delivered)[..12]));
        fs::copy(self.root.join(&old), self.root.join(&path))
            .map_err(|source| Error::Io { path: self.root.join(&path), source })?;
        summary.path = path;
        summary.delivered = clock::iso(delivered);
        summary.repeat_of = Some(old_name);
        self.files.push(summary);
        Ok(())
    }

    /// Opens a file of the truth.
    pub(crate) fn truth(&self, name: &str) -> Result<BufWriter<File>, Error> {
        create(&self.root.join("truth").join(name))
    }

    /// A file beside the feeds.
    pub(crate) fn beside(&self, name: &str) -> Result<BufWriter<File>, Error> {
        create(&self.root.join(name))
    }

    /// Writes `truth/expected.csv` and the readme, and closes all files.
    pub(crate) fn finish(&mut self, readme: &str) -> Result<(), Error> {
        self.files.sort_by(|a, b| (&a.delivered, a.feed, &a.path).cmp(&(&b.delivered, b.feed, &b.path)));
        let path = self.root.join("truth/expected.csv");
        let wrap = |source| Error::Io { path: path.clone(), source };
        let mut target = create(&path)?;
        let head = "order,feed,file,delivered,rows,accepted,duplicate,superseded,broken,excluded,repeat_of\n";
        target.write_all(head.as_bytes()).map_err(wrap)?;
        for (order, f) in self.files.iter().enumerate() {
            let (file, repeat) = (file_name(&f.path), f.repeat_of.as_deref().unwrap_or_default());
            let (rows, new, twice, old) = (f.rows, f.accepted, f.duplicate, f.superseded);
            let (order, feed, at, bad, out) = (order + 1, f.feed, &f.delivered, f.broken, f.excluded);
            writeln!(target, "{order},{feed},{file},{at},{rows},{new},{twice},{old},{bad},{out},{repeat}")
                .map_err(wrap)?;
        }
        target.flush().and_then(|()| self.rows.flush()).and_then(|()| self.traps.flush()).map_err(wrap)?;
        fs::write(self.root.join("README.md"), readme).map_err(wrap)
    }

    fn encode(&self, shape: &Shape, text: &str, bytes: &mut Vec<u8>) {
        match shape.encoding {
            Encoding::Gb18030 => self.gb18030.encode(text, bytes),
            Encoding::Utf8 | Encoding::Utf8WithMark => bytes.extend_from_slice(text.as_bytes()),
        }
    }

    fn encode_row(&self, shape: &Shape, row: &Row, bytes: &mut Vec<u8>) {
        match row.outcome {
            Outcome::Broken(damage) => {
                let text = spoil::damaged(&row.text, shape, damage);
                self.encode(shape, &text, bytes);
                spoil::tear(bytes, damage);
            }
            _ => self.encode(shape, &row.text, bytes),
        }
        bytes.extend_from_slice(shape.line_end.as_bytes());
    }

    fn record(&mut self, feed: &str, file: &str, number: usize, row: &Row) -> io::Result<()> {
        if let Some(person) = row.person {
            writeln!(self.rows, "{feed},{file},{number},{}", person_key(person))?;
        }
        let outcome = match row.outcome {
            Outcome::Broken(damage) => Some(damage.code()),
            Outcome::Duplicate => Some("duplicate"),
            Outcome::Superseded => Some("superseded"),
            Outcome::Excluded => Some("machine-number"),
            Outcome::Accepted => None,
        };
        for trap in row.traps.iter().copied().chain(outcome) {
            writeln!(self.traps, "{feed},{file},{number},{trap}")?;
        }
        Ok(())
    }
}

impl FileSummary {
    fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Accepted => &mut self.accepted,
            Outcome::Duplicate => &mut self.duplicate,
            Outcome::Superseded => &mut self.superseded,
            Outcome::Broken(_) => &mut self.broken,
            Outcome::Excluded => &mut self.excluded,
        } += 1;
    }
}

/// The same row once more.
pub(crate) fn again(row: &Row) -> Row {
    let mut copy = row.clone();
    copy.outcome = Outcome::Duplicate;
    copy.keep = true;
    copy
}

/// The key of a person in the truth.
pub(crate) fn person_key(person: u32) -> String {
    format!("P{person:07}")
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn create(path: &Path) -> Result<BufWriter<File>, Error> {
    let file = File::create(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    Ok(BufWriter::with_capacity(1 << 18, file))
}
