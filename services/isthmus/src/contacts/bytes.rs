//! From the bytes of a file to its text: packing and encoding, told by the bytes themselves.

use std::io::Read;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use connector::Encoding;
use link::is_mostly_han;

/// No file is packed in more layers than a gzip in a zip: one may unpack to itself without end.
const LAYERS_MAX: usize = 2;
/// No more bytes than these are unpacked: a small file may unpack to more than fits into memory.
const UNPACKED_MAX: u64 = 4 << 30;

/// Encodings that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TextEncoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "utf-16")]
    Utf16,
    #[value(name = "gb18030", aliases = ["gbk", "gb2312"])]
    Gb18030,
    #[value(name = "big5")]
    Big5,
    #[value(name = "windows-1252", alias = "latin1")]
    Windows1252,
}

/// A file's text.
#[derive(Debug)]
pub(super) struct Text {
    /// Its lines end with a line feed.
    pub(super) text: String,
    /// Name of the encoding.
    pub(super) encoding: &'static str,
    /// Another encoding would have been possible.
    pub(super) is_guess: bool,
}

/// The text of a file, which may be packed.
pub(super) fn text(bytes: Vec<u8>, encoding: Option<TextEncoding>) -> anyhow::Result<Text> {
    let bytes = without_packing(bytes, UNPACKED_MAX)?;
    let is_wide = encoding.map_or_else(|| is_big(&bytes).is_some(), |encoding| encoding == TextEncoding::Utf16);
    ensure!(is_wide || !bytes.contains(&0), "it is no text: it has bytes of zero; save the table as CSV");
    let mut text = decoded(&bytes, encoding)?;
    if text.text.contains('\r') {
        text.text = text.text.replace("\r\n", "\n").replace('\r', "\n");
    }
    Ok(text)
}

/// The file within all layers, each of which unpacks to so many bytes at most.
fn without_packing(bytes: Vec<u8>, most: u64) -> anyhow::Result<Vec<u8>> {
    let (mut bytes, mut layers) = (bytes, 0);
    loop {
        let is_packed = matches!(bytes.as_slice(), [0x1f, 0x8b, ..] | [b'P', b'K', 3 | 5, 4 | 6, ..]);
        ensure!(layers < LAYERS_MAX || !is_packed, "it is packed more than {LAYERS_MAX} times over: unpack it");
        match unpacked(&bytes, most)? {
            Some(plain) => (bytes, layers) = (plain, layers + 1),
            None => return Ok(bytes),
        }
    }
}

/// What is in a packed file; `None` when it is not packed.
fn unpacked(bytes: &[u8], most: u64) -> anyhow::Result<Option<Vec<u8>>> {
    let plain = match bytes {
        [0x1f, 0x8b, ..] => {
            let wrong = "it is no sound gzip file: pack or fetch it again";
            read_all(flate2::read::MultiGzDecoder::new(bytes), most, wrong)?
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] => {
            let wrong = "it is no sound zip file: pack or fetch it again";
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).context(wrong)?;
            let name = only_member(archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect())?;
            let member = archive.by_name(&name).context(wrong)?;
            read_all(member, most, wrong)?
        }
        [b'P', b'A', b'R', b'1', ..] => bail!("it is a Parquet file: write the table as CSV"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => bail!("it is a workbook: save its sheet as CSV"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', ..] | [b'7', b'z', 0xbc, ..] => {
            bail!("it is packed in a way that is not read here: unpack it, or pack it with gzip or zip")
        }
        _ => return Ok(None),
    };
    Ok(Some(plain))
}

/// All that a packing holds, unless that is more than so many bytes.
fn read_all(packed: impl Read, most: u64, wrong: &'static str) -> anyhow::Result<Vec<u8>> {
    let mut plain = Vec::new();
    packed.take(most + 1).read_to_end(&mut plain).context(wrong)?;
    ensure!(plain.len() as u64 <= most, "it unpacks to more than {} MiB: unpack it, and see what it is", most >> 20);
    Ok(plain)
}

/// The one table of an archive.
fn only_member(names: Vec<String>) -> anyhow::Result<String> {
    ensure!(!names.iter().any(|name| name.starts_with("xl/")), "it is a workbook: save its sheet as CSV");
    let is_file =
        |name: &&String| !name.ends_with('/') && !name.starts_with("__MACOSX") && !name.ends_with(".DS_Store");
    let mut files = names.iter().filter(is_file);
    match (files.next(), files.count()) {
        (Some(only), 0) => Ok(only.clone()),
        (None, _) => bail!("it is an archive without a file"),
        (Some(_), more) => {
            let listed: Vec<&str> = names.iter().filter(is_file).take(5).map(String::as_str).collect();
            bail!("it is an archive of {} files ({}): unpack it and name one of them", more + 1, listed.join(", "))
        }
    }
}

fn decoded(bytes: &[u8], encoding: Option<TextEncoding>) -> anyhow::Result<Text> {
    let sure = |text: String, encoding| Ok(Text { text, encoding, is_guess: false });
    let with = |encoding: Encoding| {
        let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
        let bytes = if encoding == Encoding::Gb18030 {
            bytes.strip_prefix(&[0x84, 0x31, 0x95, 0x33]).unwrap_or(bytes)
        } else {
            bytes
        };
        match encoding.decode(bytes) {
            Ok(text) => Ok(Text { text: text.into_owned(), encoding: encoding.name(), is_guess: false }),
            Err(error) => Err(anyhow::Error::new(error).context(format!(
                "line {}: its bytes cannot be read as {}: say another with --encoding, or mend the line",
                1 + bytes.split(|byte| *byte == b'\n').take_while(|line| encoding.decode(line).is_ok()).count(),
                encoding.name()
            ))),
        }
    };
    match encoding {
        Some(TextEncoding::Utf16) => return sure(utf16(bytes, is_big(bytes).unwrap_or(false))?, "UTF-16"),
        Some(TextEncoding::Utf8) => return with(Encoding::Utf8),
        Some(TextEncoding::Gb18030) => return with(Encoding::Gb18030),
        Some(TextEncoding::Big5) => return with(Encoding::Big5),
        Some(TextEncoding::Windows1252) => return with(Encoding::Windows1252),
        None => {}
    }
    if let Some(big) = is_big(bytes) {
        return sure(utf16(bytes, big)?, "UTF-16");
    }
    if std::str::from_utf8(bytes).is_ok() {
        return with(Encoding::Utf8);
    }
    // Text in UTF-8 with some broken bytes is not taken for another encoding.
    let loose = String::from_utf8_lossy(bytes);
    let broken = loose.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
    if loose.chars().filter(|c| *c >= '\u{800}').count() > broken * 3 {
        return with(Encoding::Utf8);
    }
    let is_chinese = are_paired(bytes) && Encoding::Gb18030.decode(bytes).is_ok_and(|text| is_mostly_han(&text));
    let likely = if is_chinese { Encoding::Gb18030 } else { Encoding::Windows1252 };
    Ok(Text { is_guess: true, ..with(likely)? })
}

/// Whether bytes beyond ASCII come by twos, as those of common Chinese characters do, and letters with accents do not.
fn are_paired(bytes: &[u8]) -> bool {
    let runs = || bytes.split(u8::is_ascii).map(<[u8]>::len).filter(|length| *length > 0);
    runs().filter(|length| length % 2 == 0).count() * 5 >= runs().count() * 4
}

/// Whether it is UTF-16 with the higher bytes first, or with the lower; `None` when it is no UTF-16. Without a mark, line
/// feeds and digits have bytes of zero all on one side.
fn is_big(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0xff, 0xfe, ..] => return Some(false),
        [0xfe, 0xff, ..] => return Some(true),
        _ => {}
    }
    let head = &bytes[..bytes.len().min(4096)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    match (zeros(0), zeros(1)) {
        (0, 1..) => Some(false),
        (1.., 0) => Some(true),
        _ => None,
    }
}

fn utf16(bytes: &[u8], is_big: bool) -> anyhow::Result<String> {
    let unit = |pair: &[u8]| match is_big {
        true => u16::from_be_bytes([pair[0], pair[1]]),
        false => u16::from_le_bytes([pair[0], pair[1]]),
    };
    let units: Vec<u16> = bytes.chunks_exact(2).map(unit).collect();
    let text = String::from_utf16(&units).ok().filter(|_| bytes.len().is_multiple_of(2));
    let text = text.context("it is broken UTF-16: save it again, or say another with --encoding")?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_told_by_the_bytes() {
        let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let gb = [b"1,".to_vec(), vec![0xcd, 0xf5, 0xc3, 0xf7], b",2\n".to_vec()].concat();
        for (bytes, encoding, holds) in [
            (b"1,2\n".to_vec(), "UTF-8", "1,2\n"),
            ("\u{feff}王,2\r\n".as_bytes().to_vec(), "UTF-8", "王,2\n"),
            (wide("\u{feff}王,2\n"), "UTF-16", "王,2\n"),
            (wide("20\t1\t2\n"), "UTF-16", "20\t1\t2\n"),
            (gb, "GB18030", "1,王明,2\n"),
            (b"M\xfcller,1\n".to_vec(), "Windows-1252", "Müller,1\n"),
        ] {
            let text = text(bytes, None).expect(encoding);
            assert_eq!((text.encoding, text.text.as_str()), (encoding, holds));
        }
    }

    #[test]
    fn a_broken_line_of_utf8_is_named_and_not_taken_for_another_encoding() {
        let bytes = ["王明,1\n赵六,2\n".as_bytes(), b"\xff\n"].concat();
        let told = format!("{:#}", text(bytes, None).expect_err("broken"));
        assert!(told.contains("line 3: its bytes cannot be read as UTF-8"), "{told}");
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut reader = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
        reader.read_to_end(&mut packed).expect("packed");
        packed
    }

    #[test]
    fn a_file_that_unpacks_without_end_is_refused() {
        let twice = gzip(&gzip(b"1,2\n"));
        assert_eq!(text(twice.clone(), None).expect("two layers").text, "1,2\n");
        let told = text(gzip(&twice), None).expect_err("three layers").to_string();
        assert!(told.contains("packed more than 2 times over"), "{told}");
        let most = 1 << 20;
        let bytes = |count: usize| without_packing(gzip(&vec![b'1'; count]), most).map(|bytes| bytes.len());
        assert_eq!(bytes(1 << 20).expect("as many as may be"), 1 << 20);
        let told = bytes((1 << 20) + 1).expect_err("one more").to_string();
        assert!(told.contains("it unpacks to more than 1 MiB"), "{told}");
    }

    #[test]
    fn what_is_no_text_is_told_with_a_mend() {
        for (bytes, told) in [
            (b"PAR1xx".as_slice(), "write the table as CSV"),
            (b"BZh91AY", "unpack it"),
            (b"\x1f\x8b\x08", "no sound gzip file"),
            (b"PK\x03\x04", "no sound zip file"),
            (b"a\0\0b\0\0\0", "bytes of zero"),
        ] {
            let error = format!("{:#}", text(bytes.to_vec(), None).expect_err(told));
            assert!(error.contains(told), "{error}");
        }
    }
}
