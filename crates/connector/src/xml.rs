//! Rows of an XML document: elements, cut out of the bytes without reading the document as a whole, then read one by one.
//!
//! Names are compared without their prefix, so that a new version of a namespace changes nothing. A document type and
//! its entities are never read. The encoding that a document declares outranks that of the profile.
//!
//! Invariant: an element that is not well-formed spoils only itself, as long as its own end tag is there.

use std::borrow::Cow;
use std::io::BufRead;
use std::sync::Arc;

use domain::Sensitive;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::columns::Layout;
use crate::counted::Counted;
use crate::feed::{BatchError, RawRow, RowError, RowReader};
use crate::profile::Encoding;
use crate::reason::Reason;
use crate::rows::ROW_BYTES_MAX;

/// Longest tag, comment or instruction outside the rows.
const TAG_BYTES_MAX: usize = 1 << 16;
/// Deepest nesting of a document, and of a row.
const DEPTH_MAX: usize = 64;

/// An element that was cut out.
#[derive(Debug)]
pub struct Element {
    /// Which of the wanted paths it is at.
    pub path: usize,
    /// Byte offset of its begin tag.
    pub offset: u64,
    /// Line of its begin tag.
    pub line: u64,
    /// Bytes in the body.
    pub length: u64,
    /// Its bytes; cut short when `broken`.
    pub bytes: Vec<u8>,
    /// Set when it cannot be read.
    pub broken: Option<RowError>,
}

/// Cuts elements out of a document, in the order in which they stand there.
pub struct ElementCutter<'a> {
    input: Counted<'a>,
    encoding: Encoding,
    /// What the document declares, where that is another encoding.
    stated: Option<Encoding>,
    wanted: Vec<Vec<String>>,
    open: Vec<String>,
    ended: bool,
}

/// Markup as far as cutting needs it.
enum Markup {
    Begin(String),
    End(String),
    Empty(String),
    Other,
}

impl<'a> ElementCutter<'a> {
    /// Of a body; a path is local names from the outside in, with as many of the outer ones left out as one likes.
    ///
    /// # Errors
    /// When the body is no XML, or has a document type.
    pub fn open(input: Box<dyn BufRead + Send + 'a>, encoding: Encoding, paths: &[&str]) -> Result<Self, BatchError> {
        let mut input = Counted::new(input);
        input.skip_blanks()?;
        match input.first()? {
            Some(b'<') => {}
            Some(0xFE | 0xFF) => {
                let message = format!("the file is UTF-16; the profile expects {}", encoding.name());
                return Err(BatchError::refused(Reason::Encoding, message));
            }
            _ => return Err(BatchError::refused(Reason::RowXml, "the body does not begin as an XML document")),
        }
        let wanted = paths.iter().map(|path| path.split('/').map(str::to_owned).collect()).collect();
        Ok(Self { input, encoding, stated: None, wanted, open: Vec::new(), ended: false })
    }

    /// The next wanted element, in the encoding that the cutter was opened with; `None` at the end.
    ///
    /// # Errors
    /// When the body cannot be read on, or declares an encoding that no feed has.
    pub fn next_element(&mut self) -> Result<Option<Element>, BatchError> {
        let Some(mut element) = self.cut()? else { return Ok(None) };
        let Some(stated) = self.stated.filter(|_| element.broken.is_none()) else { return Ok(Some(element)) };
        match stated.decode_stated(&element.bytes, self.encoding).map(|text| self.encoding.encode(&text)) {
            Ok(Some(bytes)) => element.bytes = bytes,
            Ok(None) => {
                let message = format!("the element has characters that {} lacks", self.encoding.name());
                element.broken = Some(RowError::row(Reason::Encoding, message));
            }
            Err(error) => {
                let message = format!("the XML declaration says {}: {}", stated.name(), error.message);
                element.broken = Some(RowError { message, ..error });
            }
        }
        Ok(Some(element))
    }

    fn cut(&mut self) -> Result<Option<Element>, BatchError> {
        let mut tag = Vec::new();
        while !self.ended {
            self.skip_text()?;
            let (offset, line) = (self.input.offset(), self.input.line());
            if self.input.first()?.is_none() {
                self.ended = true;
                if self.open.is_empty() {
                    break;
                }
                let message = "the document is not closed: the file was cut off";
                return Ok(Some(self.broken(offset, line, Vec::new(), message)));
            }
            tag.clear();
            match self.markup(&mut tag, TAG_BYTES_MAX)? {
                Some(Markup::Begin(name)) => {
                    self.open.push(name);
                    if let Some(path) = self.wanted() {
                        return self.element(path, offset, line, tag).map(Some);
                    }
                    if self.open.len() > DEPTH_MAX {
                        return self.rest(offset, line, tag, "the document is nested deeper than any feed").map(Some);
                    }
                }
                Some(Markup::Empty(name)) => {
                    self.open.push(name);
                    let path = self.wanted();
                    self.open.pop();
                    if let Some(path) = path {
                        let length = self.input.offset() - offset;
                        return Ok(Some(Element { path, offset, line, length, bytes: tag, broken: None }));
                    }
                }
                Some(Markup::End(name)) => {
                    if self.open.pop().as_deref() != Some(name.as_str()) {
                        return self.rest(offset, line, tag, "an end tag has no begin tag before it").map(Some);
                    }
                }
                Some(Markup::Other) => {
                    if tag.starts_with(b"<!DOCTYPE") {
                        return Err(BatchError::refused(Reason::RowXml, "the document has a document type (DTD)"));
                    }
                    if self.open.is_empty() && is_declaration(&tag) {
                        let stated = stated_encoding(&tag)?;
                        self.stated = stated.filter(|stated| *stated != self.encoding);
                    }
                }
                None => {
                    let message = "a tag is not closed, or longer than any real one";
                    return self.rest(offset, line, tag, message).map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Which wanted path leads to the innermost open element.
    fn wanted(&self) -> Option<usize> {
        self.wanted.iter().position(|path| self.open.ends_with(path))
    }

    /// The rest of an element whose begin tag is taken.
    fn element(&mut self, path: usize, offset: u64, line: u64, mut bytes: Vec<u8>) -> Result<Element, BatchError> {
        let name = self.open.pop().unwrap_or_default();
        let mut depth = 1_u32;
        let mut broken = None;
        while depth > 0 {
            self.keep_text(&mut bytes)?;
            match self.markup(&mut bytes, ROW_BYTES_MAX)? {
                Some(Markup::Begin(inner)) if inner == name => depth += 1,
                Some(Markup::End(inner)) if inner == name => depth -= 1,
                Some(_) => {}
                None => {
                    let message = format!("the element {name} is not closed: the file was cut off, or a tag is broken");
                    broken = Some(RowError::row(Reason::RowXml, message));
                    self.input.take_rest(&mut bytes, ROW_BYTES_MAX)?;
                    self.ended = true;
                    break;
                }
            }
        }
        let length = self.input.offset() - offset;
        if length > ROW_BYTES_MAX as u64 && broken.is_none() {
            let message = format!("the element has {length} bytes; a row has at most {ROW_BYTES_MAX}");
            broken = Some(RowError::row(Reason::RowTooLong, message));
        }
        Ok(Element { path, offset, line, length, bytes, broken })
    }

    fn rest(&mut self, offset: u64, line: u64, mut bytes: Vec<u8>, message: &str) -> Result<Element, BatchError> {
        self.input.take_rest(&mut bytes, ROW_BYTES_MAX)?;
        self.ended = true;
        Ok(self.broken(offset, line, bytes, &format!("{message}; nothing behind it can be read")))
    }

    fn broken(&self, offset: u64, line: u64, bytes: Vec<u8>, message: &str) -> Element {
        let broken = Some(RowError::row(Reason::RowXml, message));
        Element { path: 0, offset, line, length: self.input.offset() - offset, bytes, broken }
    }

    fn skip_text(&mut self) -> Result<(), BatchError> {
        self.keep_text(&mut Vec::new())
    }

    /// Takes everything up to the next `<`, and keeps it when something is kept already.
    fn keep_text(&mut self, kept: &mut Vec<u8>) -> Result<(), BatchError> {
        let kept_max = if kept.is_empty() { 0 } else { ROW_BYTES_MAX };
        loop {
            let piece = self.input.peek()?;
            let text = memchr::memchr(b'<', piece);
            let count = text.unwrap_or(piece.len());
            let end = text.is_some() || piece.is_empty();
            self.input.take(count, kept, kept_max)?;
            if end {
                return Ok(());
            }
        }
    }

    /// Takes one tag, comment, CDATA section or instruction; `None` when it does not end, or is longer than a tag may be.
    fn markup(&mut self, kept: &mut Vec<u8>, kept_max: usize) -> Result<Option<Markup>, BatchError> {
        let mut tag = Vec::new();
        let mut scan = Scan::default();
        loop {
            let piece = self.input.peek()?;
            if piece.is_empty() {
                return Ok(None);
            }
            let (length, end) = (piece.len(), scan.feed(piece));
            let count = end.unwrap_or(length);
            let room = TAG_BYTES_MAX.saturating_sub(tag.len());
            tag.extend_from_slice(&piece[..count.min(room)]);
            self.input.take(count, kept, kept_max)?;
            if end.is_some() {
                break;
            }
            if tag.len() >= TAG_BYTES_MAX && scan.is_tag() {
                return Ok(None);
            }
        }
        if !scan.is_tag() {
            return Ok(Some(Markup::Other));
        }
        let inner = tag.get(1..tag.len().saturating_sub(1)).unwrap_or_default();
        let (inner, end) = inner.strip_prefix(b"/").map_or((inner, false), |inner| (inner, true));
        let empty = inner.ends_with(b"/");
        let name = inner.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').next().unwrap_or_default();
        let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        // An element is found by its name, also where it is then refused for its encoding.
        let stated = self.stated.map(|stated| stated.contradicted(local, self.encoding).unwrap_or(stated));
        let Ok(name) = stated.unwrap_or(self.encoding).decode(local) else { return Ok(None) };
        let name = name.into_owned();
        Ok(Some(match (end, empty) {
            (true, _) => Markup::End(name),
            (false, true) => Markup::Empty(name),
            (false, false) => Markup::Begin(name),
        }))
    }
}

fn is_declaration(tag: &[u8]) -> bool {
    tag.strip_prefix(b"<?xml").is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_whitespace))
}

/// The encoding that the begin of a document declares. What is stored of UTF-16 is UTF-8, whatever stands there, and
/// ASCII is part of every encoding.
///
/// # Errors
/// When it is none that feeds have.
pub(crate) fn stated_encoding(begin: &[u8]) -> Result<Option<Encoding>, BatchError> {
    let begin = begin.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(begin).trim_ascii_start();
    let Some(end) = memchr::memmem::find(begin, b"?>").filter(|_| is_declaration(begin)) else { return Ok(None) };
    let declaration = String::from_utf8_lossy(&begin[..end]);
    let Some((_, after)) = declaration.split_once("encoding") else { return Ok(None) };
    let label = after.trim_start().trim_start_matches('=').trim_start();
    let label = label.get(1..).and_then(|rest| rest.split(['"', '\'']).next()).unwrap_or_default();
    match encoding_rs::Encoding::for_label(label.as_bytes()) {
        Some(_) if ["us-ascii", "ascii"].iter().any(|ascii| ascii.eq_ignore_ascii_case(label.trim())) => Ok(None),
        Some(rules) if rules == encoding_rs::UTF_8 => Ok(Some(Encoding::Utf8)),
        Some(rules) if rules == encoding_rs::GBK || rules == encoding_rs::GB18030 => Ok(Some(Encoding::Gb18030)),
        Some(rules) if rules == encoding_rs::BIG5 => Ok(Some(Encoding::Big5)),
        Some(rules) if rules == encoding_rs::WINDOWS_1252 => Ok(Some(Encoding::Windows1252)),
        Some(rules) if rules == encoding_rs::UTF_16LE || rules == encoding_rs::UTF_16BE => Ok(None),
        _ => {
            let label: String = label.chars().filter(|c| c.is_ascii_graphic()).take(20).collect();
            let message =
                format!("the XML declaration says {label}; feeds are in UTF-8, GB18030, Big5 or Windows-1252");
            Err(BatchError::refused(Reason::Encoding, message))
        }
    }
}

/// Where a piece of markup ends.
#[derive(Default)]
struct Scan {
    begin: Vec<u8>,
    quote: Option<u8>,
    last: [u8; 3],
}

impl Scan {
    /// A tag, and no comment, CDATA section, instruction or declaration.
    fn is_tag(&self) -> bool {
        !matches!(self.begin.get(1), Some(b'!' | b'?'))
    }

    /// How many of the bytes belong to the markup, when it ends in them.
    fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.begin.len() < 9 {
                self.begin.push(*byte);
            }
            self.last = [self.last[1], self.last[2], *byte];
            if self.quote.is_some() {
                self.quote = self.quote.filter(|quote| quote != byte);
                continue;
            }
            let ends = if self.begin.starts_with(b"<!--") {
                self.last == *b"-->"
            } else if self.begin.starts_with(b"<![CDATA[") {
                self.last == *b"]]>"
            } else if self.begin.starts_with(b"<?") {
                self.last[1..] == *b"?>"
            } else if matches!(byte, b'"' | b'\'') && self.is_tag() {
                self.quote = Some(*byte);
                false
            } else {
                // What begins as `<!` may become a comment or a CDATA section.
                *byte == b'>' && !(self.begin.starts_with(b"<!") && self.begin.len() < 4)
            };
            if ends {
                return Some(at + 1);
            }
        }
        None
    }
}

/// The elements at one path of a document, as rows.
pub(crate) struct ElementRows<'a> {
    cutter: ElementCutter<'a>,
    layout: Arc<Layout>,
    data_start: Option<u64>,
    rows: u64,
}

impl<'a> ElementRows<'a> {
    pub(crate) fn open(
        input: Box<dyn BufRead + Send + 'a>,
        encoding: Encoding,
        path: &str,
        layout: Layout,
    ) -> Result<Self, BatchError> {
        let cutter = ElementCutter::open(input, encoding, &[path])?;
        Ok(Self { cutter, layout: Arc::new(layout), data_start: None, rows: 0 })
    }
}

impl RowReader for ElementRows<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        let Some(element) = self.cutter.next_element()? else { return Ok(None) };
        self.rows += 1;
        self.data_start.get_or_insert(element.offset);
        Ok(Some(RawRow {
            number: self.rows,
            line: element.line,
            offset: element.offset,
            length: element.length,
            bytes: Sensitive::new(element.bytes),
            broken: element.broken,
        }))
    }

    fn layout(&self) -> Option<Arc<Layout>> {
        Some(Arc::clone(&self.layout))
    }

    fn data_start(&self) -> u64 {
        self.data_start.unwrap_or_default()
    }
}

/// Reads an element, handing each text and attribute to `take` with its path below the element: `a/b`, `a/@id`.
///
/// # Errors
/// When it is not well-formed, is nested too deep, or uses an entity of its own.
pub fn read_element(text: &str, mut take: impl FnMut(&str, &str)) -> Result<(), RowError> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut path = String::new();
    // Where the path ended before each open element, and the text of each so far.
    let mut open: Vec<(usize, String)> = Vec::new();
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(tag) => {
                if open.len() >= DEPTH_MAX {
                    return Err(RowError::row(Reason::RowXml, "the element is nested deeper than any row"));
                }
                let before = path.len();
                if !open.is_empty() {
                    push(&mut path, tag.local_name().into_inner());
                }
                open.push((before, String::new()));
                attributes(&tag, &mut path, &mut take)?;
            }
            Event::Empty(tag) => {
                let before = path.len();
                if !open.is_empty() {
                    push(&mut path, tag.local_name().into_inner());
                }
                attributes(&tag, &mut path, &mut take)?;
                path.truncate(before);
            }
            Event::Text(part) => add(&mut open, &part.xml10_content()),
            Event::CData(part) => add(&mut open, &part.xml10_content()),
            Event::GeneralRef(part) => add(&mut open, &resolve(&part)?),
            Event::End(_) => {
                let (before, value) = open.pop().ok_or_else(malformed)?;
                take(&path, value.trim());
                path.truncate(before);
            }
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof | Event::DocType(_) => return Err(malformed()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn push(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(name);
}

fn add(open: &mut [(usize, String)], part: &str) {
    if let Some((_, text)) = open.last_mut() {
        text.push_str(part);
    }
}

fn attributes(tag: &BytesStart<'_>, path: &mut String, take: &mut impl FnMut(&str, &str)) -> Result<(), RowError> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| malformed())?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|_| malformed())?;
        let before = path.len();
        push(path, "@");
        path.push_str(attribute.key.local_name().into_inner());
        take(path, value.trim());
        path.truncate(before);
    }
    Ok(())
}

fn resolve(part: &BytesRef<'_>) -> Result<Cow<'static, str>, RowError> {
    if let Some(character) = part.resolve_char_ref().map_err(|_| malformed())? {
        return Ok(Cow::Owned(character.to_string()));
    }
    let name = part.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name).map(Cow::Borrowed).ok_or_else(|| {
        RowError::row(Reason::RowXml, "the element uses an entity of its own; a document type is never read")
    })
}

fn malformed() -> RowError {
    RowError::row(Reason::RowXml, "the element is not well-formed XML")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &[u8], encoding: Encoding, path: &str) -> Vec<(String, u64, bool)> {
        // A buffer of three bytes puts an edge into everything.
        let input = std::io::BufReader::with_capacity(3, body);
        let mut cutter = ElementCutter::open(Box::new(input), encoding, &[path]).expect("XML");
        let mut seen = Vec::new();
        while let Some(element) = cutter.next_element().expect("memory") {
            assert_eq!(&body[element.offset as usize..(element.offset + element.length) as usize], &element.bytes[..]);
            let text = encoding.decode(&element.bytes).expect("text").into_owned();
            seen.push((text, element.line, element.broken.is_some()));
        }
        seen
    }

    fn fields(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        read_element(text, |path, value| found.push((path.to_owned(), value.to_owned()))).expect("well-formed");
        found.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    #[test]
    fn elements_are_cut_out_whatever_stands_in_comments_texts_and_attributes() {
        let body = "\u{feff}<?xml version=\"1.0\"?>\n<!-- <r>no</r> --><d:doc xmlns:d='u:1' a='>'><x><r/></x>\n\
                    <d:r a=\"</r>\"><![CDATA[</r>]]><r>in</r><!-- </r> --></d:r><rr/><r /></d:doc>\n";
        assert_eq!(
            cut(body.as_bytes(), Encoding::Utf8, "doc/r"),
            [
                ("<d:r a=\"</r>\"><![CDATA[</r>]]><r>in</r><!-- </r> --></d:r>".to_owned(), 3, false),
                ("<r />".to_owned(), 3, false)
            ]
        );
        assert_eq!(cut(body.as_bytes(), Encoding::Utf8, "r").len(), 3);
    }

    #[test]
    fn names_and_texts_may_be_chinese_in_any_encoding() {
        let body = Encoding::Gb18030.encode("<表><行><姓名>璡漘</姓名></行></表>").expect("in GB 18030");
        assert_eq!(cut(&body, Encoding::Gb18030, "表/行"), [("<行><姓名>璡漘</姓名></行>".to_owned(), 1, false)]);
    }

    #[test]
    fn the_encoding_that_a_document_declares_outranks_that_of_the_profile() {
        let read = |body: &[u8], encoding: Encoding| {
            let input = std::io::BufReader::with_capacity(3, body);
            let mut cutter = ElementCutter::open(Box::new(input), encoding, &["r"]).expect("XML");
            let element = cutter.next_element().expect("memory").expect("an element");
            let error = element.broken.map(|error| (error.reason, error.message));
            error.map_or_else(|| Ok(encoding.decode(&element.bytes).expect("text").into_owned()), Err)
        };
        let row = "<r>王小明</r>";
        for label in ["GB18030", "gbk", "GB2312"] {
            let text = format!("<?xml version='1.0' encoding='{label}'?>\n<d>{row}</d>");
            let bytes = Encoding::Gb18030.encode(&text).expect("in GB 18030");
            assert_eq!(read(&bytes, Encoding::Utf8).as_deref(), Ok(row), "{label}");
            let (reason, message) = read(text.as_bytes(), Encoding::Utf8).expect_err("it is UTF-8");
            assert_eq!(reason, Reason::Encoding);
            assert!(message.starts_with("the XML declaration says GB18030: the bytes look like UTF-8"), "{message}");
        }
        let text = format!("\u{feff}<?xml version=\"1.0\" encoding = \"UTF-8\" standalone=\"yes\"?><d>{row}</d>");
        assert_eq!(read(text.as_bytes(), Encoding::Gb18030).as_deref(), Ok(row));
        // What says UTF-16 was turned into UTF-8 when it was stored.
        let text = format!("<?xml version='1.0' encoding='UTF-16'?><d>{row}</d>");
        assert_eq!(read(text.as_bytes(), Encoding::Utf16).as_deref(), Ok(row));
        // A habit of exporters: Chinese is not read as Latin.
        let latin = format!("<?xml version='1.0' encoding='ISO-8859-1'?><d>{row}<行>é</行></d>");
        let gb18030 = Encoding::Gb18030.encode(&latin).expect("in GB 18030");
        for (bytes, usual, found) in [
            (latin.as_bytes(), Encoding::Utf8, "UTF-8"),
            (latin.as_bytes(), Encoding::Gb18030, "UTF-8"),
            (&gb18030[..], Encoding::Gb18030, "GB18030"),
            (&gb18030[..], Encoding::Utf8, "GB18030"),
        ] {
            let (reason, message) = read(bytes, usual).expect_err(found);
            assert_eq!(reason, Reason::Encoding);
            assert!(message.contains(&format!("says Windows-1252: the bytes look like {found}")), "{message}");
            let mut rows = ElementCutter::open(Box::new(bytes), usual, &["d/行"]).expect("XML");
            assert!(rows.next_element().expect("memory").expect("an element").broken.is_some(), "{found}");
        }
        let ascii = latin.replace("ISO-8859-1", "US-ASCII");
        assert_eq!(read(ascii.as_bytes(), Encoding::Utf8).as_deref(), Ok(row));
        for label in ["KOI8-R", "hz-gb-2312", "ISO-2022-JP"] {
            let begin = format!("<?xml version='1.0' encoding='{label}'?>");
            let refused = stated_encoding(begin.as_bytes()).expect_err("no feed has it");
            assert!(refused.to_string().contains(&format!("says {label}")), "{refused}");
        }
    }

    #[test]
    fn what_is_not_well_formed_spoils_its_own_element_or_the_rest() {
        let rows = cut(b"<d><r><a></r><r>2</r></d>", Encoding::Utf8, "d/r");
        assert_eq!(rows.len(), 2);
        assert!(read_element(&rows[0].0, |_, _| {}).is_err() && read_element(&rows[1].0, |_, _| {}).is_ok());
        let broken = |body: &'static [u8]| cut(body, Encoding::Utf8, "d/r").last().map(|row| (row.1, row.2));
        assert_eq!(broken(b"<d><r>1</r>\n<r>"), Some((2, true)));
        assert_eq!(broken(b"<d><r>1</r>\n"), Some((2, true)));
        assert_eq!(broken(b"<d><r>1</r></x><r>2</r></d>"), Some((1, true)));
    }

    #[test]
    fn fields_have_paths_and_attributes_and_only_known_entities() {
        assert_eq!(
            fields(
                "<p:r xmlns:p='u' id='7'><n k='a&amp;b'>王 &lt;<![CDATA[&]]>&#x5C0F;</n><q><v>1</v><v>2</v></q></p:r>"
            ),
            [("@id", "7"), ("n/@k", "a&b"), ("n", "王 <&小"), ("q/v", "1"), ("q/v", "2")]
                .map(|(path, value)| (path.to_owned(), value.to_owned()))
        );
        let own = read_element("<r>&lol;</r>", |_, _| {}).expect_err("refused");
        assert!(own.message.contains("entity"));
    }

    #[test]
    fn a_document_type_is_refused() {
        let body: &[u8] = b"<?xml version='1.0'?><!DOCTYPE d [<!ENTITY a 'b'>]><d><r>&a;</r></d>";
        let mut cutter = ElementCutter::open(Box::new(body), Encoding::Utf8, &["r"]).expect("XML");
        assert!(cutter.next_element().expect_err("refused").to_string().contains("DTD"));
    }
}
