//! What a body is that was expected to be something else, told by its first bytes.

use crate::feed::BatchError;
use crate::reason::Reason;

/// Why a body is not text, where its first bytes tell.
pub(crate) fn not_text(begin: &[u8]) -> Option<BatchError> {
    match begin {
        [0x1F, 0x8B, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            Some(BatchError::refused(Reason::ArchiveNested, "the body is compressed twice"))
        }
        [0xD0, 0xCF, 0x11, 0xE0, ..] | [b'P', b'K', 3, 4, ..] => Some(workbook()),
        _ => None,
    }
}

/// A workbook came to a feed of another form.
pub(crate) fn workbook() -> BatchError {
    let message = "this is a workbook (Excel); the profile expects text: save the sheet as CSV, or have a profile made for workbooks";
    BatchError::refused(Reason::FormMismatch, message)
}

/// What a file is that is called a workbook and is none.
pub(crate) fn called_workbook(begin: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&begin[..begin.len().min(1024)]);
    let text = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if is_page(&text) {
        return Some("this is a web page (HTML) called a workbook: open it in the spreadsheet and save it as XLSX");
    }
    if text.starts_with("<?xml") {
        return Some("this is XML called a workbook: open it in the spreadsheet and save it as XLSX");
    }
    let is_text = !text.is_empty() && !begin.contains(&0);
    is_text.then_some("this is text (CSV) called a workbook: open it in the spreadsheet and save it as XLSX")
}

/// Whether a text begins as web pages do.
pub(crate) fn is_page(begin: &str) -> bool {
    let begin: String = begin.trim_start().chars().take(64).collect::<String>().to_ascii_lowercase();
    ["<html", "<!doctype html", "<table", "<head", "<meta"].iter().any(|tag| begin.starts_with(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_a_workbook_is_named_as_what_it_is() {
        let told = |bytes: &[u8]| called_workbook(bytes).unwrap_or_default();
        assert!(told(b"\xef\xbb\xbf<html xmlns:x='y'><table>").contains("HTML"));
        assert!(told(b"<?xml version='1.0'?><Workbook>").contains("XML"));
        assert!(told("姓名,手机号\n".as_bytes()).contains("CSV"));
        assert_eq!(called_workbook(b"\x01\x00\x02"), None);
    }

    #[test]
    fn what_is_no_text_is_named_as_what_it_is() {
        let reason = |bytes: &[u8]| match not_text(bytes) {
            Some(BatchError::Refused { reason, .. }) => Some(reason),
            _ => None,
        };
        assert_eq!(reason(&[0x1F, 0x8B, 8]), Some(Reason::ArchiveNested));
        assert_eq!(reason(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1]), Some(Reason::FormMismatch));
        assert_eq!(reason(b"PKW,1"), None);
    }
}
