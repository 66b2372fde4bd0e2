//! The closed registry of reasons for which a row is quarantined or a whole batch refused.
//!
//! Each reason has a code that never changes, what it means, and how the sender mends it. The page `docs/errors.md` is
//! checked against this table.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($name:ident, $code:literal, $meaning:literal, $mend:literal;)+) => {
        /// Why a row was quarantined or a batch refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code in listings and metrics; it never changes.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// What the sender does about it, in one sentence.
            pub const fn mend(self) -> &'static str {
                match self { $(Self::$name => $mend,)+ }
            }

            /// The reason with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }
        }
    };
}

reasons! {
    // The body as a whole.
    BodyTruncated, "body-truncated", "The body ended before its declared length or in the middle of its compression.", "Send the whole file again; nothing of it was applied.";
    BodyStalled, "body-stalled", "The body stopped arriving, or arrived slower than any line that feeds use.", "Push the whole file again over a better connection; nothing of it was applied.";
    BodyTooLarge, "body-too-large", "The body is larger than this hub takes in one batch.", "Split the file and send the parts one after the other.";
    CompressionBomb, "compression-bomb", "The body unpacks to far more bytes than a feed file does.", "Send the file without compression, or in parts.";
    CompressionUnknown, "compression-unknown", "The body is compressed in a way this hub does not undo.", "Send the file plain, or with Content-Encoding: gzip, zstd or zip.";
    CompressionBroken, "compression-broken", "The compressed body cannot be unpacked.", "Compress the file again and send it again.";
    ArchiveMembers, "archive-members", "The zip archive holds no file, too many, or several where the feed takes one.", "Put one file into the archive, or push the files one by one.";
    ArchiveNested, "archive-nested", "A file in the archive is an archive or compressed itself.", "Pack the plain files, once.";
    HeaderMismatch, "header-mismatch", "The header line does not have the columns that the feed's profile names.", "Export with the columns that the message lists, or have a profile made for the new form.";
    ColumnsTooMany, "columns-too-many", "A line has more columns than any feed file.", "Check the separator and the quotes of the export.";
    EmptyBody, "body-empty", "The body has no data row.", "Check that the export ran; send the file again when it has rows.";
    // The form of a row.
    RowTooLong, "row-too-long", "The row is longer than a row may be.", "Check for a missing line end or a quote that is never closed.";
    RowQuote, "row-quote", "A quoted value is not closed, or text follows its closing quote.", "Double each quote inside a value, or drop the stray quote.";
    RowColumns, "row-columns", "The row does not have as many columns as the header or the profile.", "Check for a separator inside a value; quote such values.";
    RowJson, "row-json", "The line is not a JSON object with plain values.", "Write one JSON object a line, its values being texts, numbers, booleans or null.";
    RowXml, "row-xml", "The XML is not well-formed here, has a document type, or uses an entity of its own.", "Export again with a tool that writes XML; a row needs its own begin and end tag.";
    CellError, "cell-error", "The cell of a column holds an error of the spreadsheet, such as #REF!.", "Mend the formula, or paste the values.";
    WorkbookUnreadable, "workbook-unreadable", "The workbook or its sheet cannot be read.", "Save it again as XLSX without a password, with the sheet that the message names.";
    Encoding, "encoding", "The bytes are not text in the encoding that the profile declares.", "Export in the declared encoding; check that no tool cut or re-coded the file.";
    NulByte, "nul-byte", "The row contains NUL bytes.", "Repair the export: NUL bytes come from damaged storage or a wrong encoding.";
    ControlCharacter, "control-character", "A value that names a record contains a control character.", "Remove the control characters from the column.";
    // Values.
    RequiredMissing, "required-missing", "A value without which the row means nothing is empty.", "Fill the column in and send the row again.";
    IdentityMissing, "identity-missing", "The row names nobody: no identifier and no usable name.", "Fill in an identifier, a name or a phone.";
    IdentifierInvalid, "identifier-invalid", "An identifier has a form or a check digit that no real one has.", "Compare the number with the document and correct it.";
    IdentifierScientific, "identifier-scientific", "A spreadsheet turned a long number into scientific notation, and its digits are lost.", "Format the column as text before exporting, and export again from the source.";
    IdentifierNumber, "identifier-number", "A spreadsheet holds a long number as a number, of which it keeps 15 digits only.", "Format the column as text before filling it, and fill it again from the source.";
    IdentifierType, "identifier-type", "The kind of document is not one that the profile knows.", "Use a kind that the message lists, or have the profile extended.";
    PhoneInvalid, "phone-invalid", "The text is not a phone number.", "Write 11 digits beginning with 1, or + and the country code.";
    MachineNumber, "machine-number", "The number belongs to a machine, not to a person (13 digits beginning with 10 or 14).", "Nothing is to be mended; leave such numbers out of the export.";
    ValueUnknown, "value-unknown", "The value is not one of those that the profile knows for the column.", "Use a value that the message lists, or have the profile extended.";
    ValueNumber, "value-number", "The text is not a number in the range of the column.", "Write digits with a point as decimal mark.";
    ValueDay, "value-day", "The text is not a calendar day.", "Write it as YYYY-MM-DD.";
    ValueTime, "value-time", "The text is not a time in a form that the profile names.", "Write it in the form that the message shows.";
    ValueTooLong, "value-too-long", "The value is longer than a value of its column may be.", "Check for a missing separator; shorten the text.";
    TimeOutOfRange, "time-out-of-range", "The time is before 1990 or later than it can be: a clock was wrong.", "Set the device's clock, correct the time and send the row again.";
    TimeOrder, "time-order", "The end lies before the beginning.", "Correct one of the two times.";
    // Against what is known.
    VersionConflict, "version-conflict", "The same version of the same record was sent before with another content.", "Raise the version (or time of change) of the corrected row, and send it again.";
    // HL7 v2.
    MessageStructure, "message-structure", "The message cannot be read as HL7 v2: MSH is missing or malformed.", "Check that the message begins with MSH and that segments end with a carriage return.";
    MessageType, "message-type", "The message is of a type or trigger event that this feed does not take.", "Route only the types that the message lists to this feed.";
    MessageSegment, "message-segment", "A segment without which the message means nothing is missing.", "Have the sending system include the segment.";
    // Other messages.
    ResourceInvalid, "resource-invalid", "The resource is not JSON, or has an element of another type than FHIR R4 gives it.", "Validate the resource against FHIR R4.";
    RepetitionsTooMany, "repetitions-too-many", "A field or segment is repeated more often than any real message repeats it.", "Send what is in use only; check the interface for a loop.";
    MessageTooLong, "message-too-long", "The message is longer than a message may be.", "Send embedded documents apart; check for a missing end of block.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_code_and_says_how_to_mend_it() {
        for (position, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
            assert!(Reason::ALL[..position].iter().all(|before| before.code() != reason.code()));
            assert!(reason.meaning().ends_with('.') && reason.mend().ends_with('.'), "{}", reason.code());
        }
    }
}
