//! Rows of a JSON document: the elements of one list in it, cut without reading the document as a whole.
//!
//! Invariant: an element that is no JSON spoils only itself as long as its brackets and quotes are even; from where they
//! are not, the rest of the body is one broken row. So is what stands behind the document.

use std::io::BufRead;
use std::sync::Arc;

use domain::Sensitive;

use crate::columns::Layout;
use crate::counted::Counted;
use crate::feed::{BatchError, RawRow, RowError, RowReader};
use crate::profile::Encoding;
use crate::reason::Reason;
use crate::rows::ROW_BYTES_MAX;

/// Longest key outside the list.
const KEY_BYTES_MAX: usize = 4096;
/// What old systems write behind a file.
const END_OF_FILE: u8 = 0x1a;

/// Reads the elements of a list as rows.
pub struct ListRows<'a> {
    input: Counted<'a>,
    encoding: Encoding,
    layout: Option<Arc<Layout>>,
    data_start: u64,
    rows: u64,
    /// How many objects of the document are around the list.
    around: u32,
    ended: bool,
}

/// Where a JSON value ends: a state machine that is fed with pieces of it.
struct Value {
    depth: u32,
    quoted: bool,
    escaped: bool,
    /// The byte is the second of a character: GB 18030 and Big5 have brackets and backslashes there.
    second: bool,
    begun: bool,
}

impl Value {
    const fn new() -> Self {
        Self { depth: 0, quoted: false, escaped: false, second: false, begun: false }
    }

    /// What is left of a value within so many brackets.
    const fn within(depth: u32) -> Self {
        Self { depth, begun: true, ..Self::new() }
    }

    /// How many of the bytes belong to the value, when it ends in them.
    fn feed(&mut self, bytes: &[u8], encoding: Encoding) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.second {
                self.second = false;
                continue;
            }
            let scalar = self.begun && self.depth == 0 && !self.quoted;
            if *byte >= 0x81 && encoding.has_pairs() {
                self.second = true;
            } else if self.quoted {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.quoted = false;
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
            } else {
                match byte {
                    b'"' if !scalar => self.quoted = true,
                    b'{' | b'[' if !scalar => self.depth += 1,
                    b'}' | b']' | b',' if self.depth == 0 => return Some(at),
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    byte if scalar && byte.is_ascii_whitespace() => return Some(at),
                    _ => {}
                }
            }
            self.begun = true;
        }
        None
    }
}

impl<'a> ListRows<'a> {
    /// Opens a body whose rows are the list at `path`, a list of keys; an empty path is the document itself.
    ///
    /// # Errors
    /// When there is no such list; then nothing of the body is applied.
    pub fn open<'p>(
        input: Box<dyn BufRead + Send + 'a>,
        encoding: Encoding,
        path: impl IntoIterator<Item = &'p str>,
    ) -> Result<Self, BatchError> {
        let mut input = Counted::new(input);
        let (mut walked, mut around) = (String::new(), 0);
        for key in path {
            around += 1;
            walked = if walked.is_empty() { key.to_owned() } else { format!("{walked}.{key}") };
            descend(&mut input, encoding, key)?.ok_or_else(|| no_list(&walked))?;
        }
        input.skip_blanks()?;
        if input.first()? != Some(b'[') {
            return Err(no_list(&walked));
        }
        input.skip(1)?;
        let data_start = input.offset();
        Ok(Self { input, encoding, layout: None, data_start, rows: 0, around, ended: false })
    }

    pub(crate) fn with_layout(mut self, layout: Layout) -> Self {
        self.layout = Some(Arc::new(layout));
        self
    }

    fn row(&mut self) -> RawRow {
        self.rows += 1;
        RawRow {
            number: self.rows,
            line: self.input.line(),
            offset: self.input.offset(),
            length: 0,
            bytes: Sensitive::default(),
            broken: None,
        }
    }

    /// What stands behind the document, as one broken row; `None` when nothing does.
    fn behind(&mut self) -> Result<Option<RawRow>, BatchError> {
        self.ended = true;
        self.input.skip(1)?;
        if self.around > 0 {
            skip(&mut self.input, self.encoding, Value::within(self.around), &mut Vec::new())?;
        }
        self.input.skip_blanks()?;
        while let Some(0 | END_OF_FILE) = self.input.first()? {
            self.input.skip(1)?;
            self.input.skip_blanks()?;
        }
        match self.input.first()? {
            None => Ok(None),
            Some(_) => self.rest("something stands behind the end of the document; push each document on its own"),
        }
    }

    /// The rest of the body as one row that cannot be read.
    fn rest(&mut self, message: &str) -> Result<Option<RawRow>, BatchError> {
        let mut row = self.row();
        let mut bytes = Vec::new();
        self.input.take_rest(&mut bytes, ROW_BYTES_MAX)?;
        self.ended = true;
        row.length = self.input.offset() - row.offset;
        row.bytes = bytes.into();
        row.broken = Some(RowError::row(Reason::RowJson, message));
        Ok(Some(row))
    }
}

/// Goes to the value of a key of the object that comes next; `None` when there is no such object or key.
fn descend(input: &mut Counted<'_>, encoding: Encoding, wanted: &str) -> Result<Option<()>, BatchError> {
    input.skip_blanks()?;
    if input.first()? != Some(b'{') {
        return Ok(None);
    }
    loop {
        input.skip(1)?;
        input.skip_blanks()?;
        if input.first()? != Some(b'"') {
            return Ok(None);
        }
        let mut key = Vec::new();
        skip_value(input, encoding, &mut key)?;
        input.skip_blanks()?;
        if input.first()? != Some(b':') {
            return Ok(None);
        }
        input.skip(1)?;
        input.skip_blanks()?;
        let text = encoding.decode(&key).ok();
        if text.and_then(|text| serde_json::from_str::<String>(&text).ok()).as_deref() == Some(wanted) {
            return Ok(Some(()));
        }
        skip_value(input, encoding, &mut Vec::new())?;
        input.skip_blanks()?;
        if input.first()? != Some(b',') {
            return Ok(None);
        }
    }
}

/// Takes one value and keeps its begin.
fn skip_value(input: &mut Counted<'_>, encoding: Encoding, kept: &mut Vec<u8>) -> Result<(), BatchError> {
    skip(input, encoding, Value::new(), kept)
}

fn skip(input: &mut Counted<'_>, encoding: Encoding, mut value: Value, kept: &mut Vec<u8>) -> Result<(), BatchError> {
    loop {
        let piece = input.peek()?;
        let (length, end) = (piece.len(), value.feed(piece, encoding));
        input.take(end.unwrap_or(length), kept, KEY_BYTES_MAX)?;
        if end.is_some() || length == 0 {
            return Ok(());
        }
    }
}

fn no_list(path: &str) -> BatchError {
    let message = match path {
        "" => "the body is no JSON list (one object a line is the format ndjson)".to_owned(),
        path => format!("the body is no JSON document with a list at {path}"),
    };
    BatchError::refused(Reason::HeaderMismatch, message)
}

impl RowReader for ListRows<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        if self.ended {
            return Ok(None);
        }
        self.input.skip_blanks()?;
        if self.rows > 0 && self.input.first()? == Some(b',') {
            self.input.skip(1)?;
            self.input.skip_blanks()?;
        }
        match self.input.first()? {
            Some(b']') => return self.behind(),
            None => return self.rest("the list is not closed: the file was cut off"),
            Some(b',' | b'}' | b':') => {
                return self.rest("the list goes on with something that is no value; nothing behind it can be read");
            }
            Some(_) => {}
        }
        let mut row = self.row();
        let mut value = Value::new();
        let mut bytes = Vec::with_capacity(512);
        loop {
            let piece = self.input.peek()?;
            let (length, end) = (piece.len(), value.feed(piece, self.encoding));
            self.input.take(end.unwrap_or(length), &mut bytes, ROW_BYTES_MAX)?;
            if length == 0 {
                self.ended = true;
                let message = "the element is not closed: the file was cut off, or a quote or bracket is missing";
                row.broken = Some(RowError::row(Reason::RowJson, message));
                break;
            }
            if end.is_some() {
                break;
            }
        }
        row.length = self.input.offset() - row.offset;
        if row.length > ROW_BYTES_MAX as u64 && row.broken.is_none() {
            let message = format!("the element has {} bytes; a row has at most {ROW_BYTES_MAX}", row.length);
            row.broken = Some(RowError::row(Reason::RowTooLong, message));
        }
        row.bytes = bytes.into();
        Ok(Some(row))
    }

    fn layout(&self) -> Option<Arc<Layout>> {
        self.layout.clone()
    }

    fn data_start(&self) -> u64 {
        self.data_start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &[u8], encoding: Encoding, path: &[&str]) -> Vec<(String, u64, u64, bool)> {
        // A buffer of three bytes puts an edge into everything.
        let input = std::io::BufReader::with_capacity(3, body);
        let mut rows = ListRows::open(Box::new(input), encoding, path.iter().copied()).expect("a list");
        let mut seen = Vec::new();
        while let Some(row) = rows.next_row().expect("memory") {
            let text = encoding.decode(row.bytes.expose()).expect("text").into_owned();
            assert_eq!(&body[row.offset as usize..(row.offset + row.length) as usize], row.bytes.expose().as_slice());
            seen.push((text, row.number, row.line, row.broken.is_some()));
        }
        seen
    }

    fn whole(text: &str, number: u64, line: u64) -> (String, u64, u64, bool) {
        (text.to_owned(), number, line, false)
    }

    #[test]
    fn elements_are_cut_with_brackets_and_quotes_in_their_texts() {
        assert_eq!(
            cut("\u{feff}[ {\"a\":\"]},\\\"\"} ,\n[1,[2]],3, \"x\"\n]".as_bytes(), Encoding::Utf8, &[]),
            [whole("{\"a\":\"]},\\\"\"}", 1, 1), whole("[1,[2]]", 2, 2), whole("3", 3, 2), whole("\"x\"", 4, 2)]
        );
        assert_eq!(cut(b"[]", Encoding::Utf8, &[]), []);
    }

    #[test]
    fn the_list_may_stand_deeper_in_the_document() {
        let body = br#"{"code":0,"other":{"rows":[9]},"data":{"x":"}","rows":[{"a":1},{"a":2}]},"end":true}"#;
        assert_eq!(cut(body, Encoding::Utf8, &["data", "rows"]), [whole("{\"a\":1}", 1, 1), whole("{\"a\":2}", 2, 1)]);
        let refused = |body: &'static [u8], path: &'static [&'static str]| {
            ListRows::open(Box::new(body), Encoding::Utf8, path.iter().copied()).err().expect("refused").to_string()
        };
        assert!(refused(body, &["data", "items"]).contains("data.items"));
        assert!(refused(b"{\"a\":1}\n{\"a\":2}", &[]).contains("ndjson"));
        assert!(refused(b"", &[]).contains("no JSON list"));
    }

    #[test]
    fn second_bytes_of_characters_that_look_like_marks_are_none() {
        // 璡 ends in a backslash and 漘 in a closing bracket, in GB 18030.
        let text = "[{\"姓名\":\"璡\"},{\"姓名\":\"漘\"}]";
        let body = Encoding::Gb18030.encode(text).expect("in GB 18030");
        assert!(body.windows(2).any(|two| two[0] >= 0x81 && two[1] == b'\\'));
        let rows: Vec<String> = cut(&body, Encoding::Gb18030, &[]).into_iter().map(|row| row.0).collect();
        assert_eq!(rows, ["{\"姓名\":\"璡\"}", "{\"姓名\":\"漘\"}"]);
    }

    #[test]
    fn what_stands_behind_the_document_is_one_broken_row() {
        let broken = |text: &str| (text.to_owned(), 2, 2, true);
        assert_eq!(cut(b"[1]\n[2, 3]", Encoding::Utf8, &[]), [whole("1", 1, 1), broken("[2, 3]")]);
        let two = br#"{"a":{"rows":[1],"x":["}"]},"y":2}"#.to_vec();
        let body = [&two[..], b"\n", &two].concat();
        let again = broken(std::str::from_utf8(&two).expect("text"));
        assert_eq!(cut(&body, Encoding::Utf8, &["a", "rows"]), [whole("1", 1, 1), again]);
        assert_eq!(cut(b"[1] \n\x1a\0\0", Encoding::Utf8, &[]), [whole("1", 1, 1)]);
    }

    #[test]
    fn what_is_cut_off_is_one_broken_row() {
        assert_eq!(
            cut(b"[{\"a\":1},{\"a\":", Encoding::Utf8, &[]),
            [whole("{\"a\":1}", 1, 1), ("{\"a\":".to_owned(), 2, 1, true)]
        );
        assert_eq!(cut(b"[1", Encoding::Utf8, &[]).last().map(|row| row.3), Some(true));
        assert_eq!(cut(b"[1,}2,3]", Encoding::Utf8, &[]), [whole("1", 1, 1), ("}2,3]".to_owned(), 2, 1, true)]);
        // Uneven marks inside one element end with it.
        assert_eq!(cut(b"[{\"a\":1],{\"a\":2}]", Encoding::Utf8, &[]).len(), 2);
    }
}
