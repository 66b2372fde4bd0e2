//! The closed registry of reasons for which a row is quarantined or a whole batch refused.
//!
//! Each reason has a code that never changes, what it means, and how the sender mends it. The page `docs/errors.md` is
//! checked against this table.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($name:ident, $code:literal, $meaning:literal, $mend:literal; $meaning_zh:literal, $mend_zh:literal;)+) => {
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

            /// What it means, in Chinese.
            pub const fn meaning_zh(self) -> &'static str {
                match self { $(Self::$name => $meaning_zh,)+ }
            }

            /// What the sender does about it, in Chinese.
            pub const fn mend_zh(self) -> &'static str {
                match self { $(Self::$name => $mend_zh,)+ }
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
        "文件没有传完：未到声明的长度，或压缩数据中断。", "请重新发送整个文件；本次内容均未入库。";
    BodyStalled, "body-stalled", "The body stopped arriving, or arrived slower than any line that feeds use.", "Push the whole file again over a better connection; nothing of it was applied.";
        "文件传输停顿，或速度过慢。", "请换用更好的网络重新推送整个文件；本次内容均未入库。";
    BodyTooLarge, "body-too-large", "The body is larger than this hub takes in one batch.", "Split the file and send the parts one after the other.";
        "文件超过一个批次允许的大小。", "请拆分文件，逐个发送。";
    CompressionBomb, "compression-bomb", "The body unpacks to far more bytes than a feed file does.", "Send the file without compression, or in parts.";
        "文件解压后远大于正常的数据文件。", "请不压缩发送，或分成几部分发送。";
    CompressionUnknown, "compression-unknown", "The body is compressed in a way this hub does not undo.", "Send the file plain, or with Content-Encoding: gzip, zstd or zip.";
        "文件的压缩方式本系统不支持。", "请不压缩发送，或使用 Content-Encoding: gzip、zstd 或 zip。";
    CompressionBroken, "compression-broken", "The compressed body cannot be unpacked.", "Compress the file again and send it again.";
        "压缩文件无法解压。", "请重新压缩后再发送。";
    ArchiveMembers, "archive-members", "The zip archive holds no file, too many, or several where the feed takes one.", "Put one file into the archive, or push the files one by one.";
        "zip 压缩包内没有文件、文件过多，或该数据源只收一个文件而包内有几个。", "请在压缩包内只放一个文件，或逐个推送。";
    ArchiveNested, "archive-nested", "A file in the archive is an archive or compressed itself.", "Pack the plain files, once.";
        "压缩包内的文件本身又是压缩文件。", "请直接打包原始文件，只压缩一次。";
    HeaderMismatch, "header-mismatch", "The header line does not have the columns that the feed's profile names.", "Export with the columns that the message lists, or have a profile made for the new form.";
        "表头与该数据源约定的列不一致。", "请按提示中的列导出，或联系管理员为新格式配置数据源。";
    FormMismatch, "form-mismatch", "The file is of another form than the feed's profile expects, such as a workbook where text in columns is expected.", "Export in the form that the message names, or have a profile made for the other one.";
        "文件格式与该数据源约定的不同，例如应为文本表格而收到电子表格。", "请按提示中的格式导出，或联系管理员为该格式配置数据源。";
    LineEnds, "line-ends", "The lines of the file end with a carriage return alone, as old Macintosh files do.", "Save the file as CSV with CR LF or LF at the end of each line.";
        "文件各行只以回车符（CR）结尾（旧 Macintosh 格式）。", "请另存为以 CR LF 或 LF 换行的 CSV 后重新发送。";
    ColumnUnknown, "column-unknown", "The file has columns that the feed's profile does not know, and the profile wants that settled first.", "Export without them, or have the profile say what they are; rows in quarantine can be replayed then.";
        "文件含有约定之外的列，须先明确其含义。", "请去掉这些列后导出，或联系管理员在配置中说明；隔离的行之后可以重放。";
    ColumnsTooMany, "columns-too-many", "A line has more columns than any feed file.", "Check the separator and the quotes of the export.";
        "一行的列数超过任何正常文件。", "请检查导出的分隔符和引号。";
    EmptyBody, "body-empty", "The body has no data row.", "Check that the export ran; send the file again when it has rows.";
        "文件没有数据行。", "请检查导出是否成功，有数据后再发送。";
    QuarantinedTooMany, "quarantined-too-many", "More of the first rows fail than the feed's profile allows; nothing of the body was applied.", "Compare the file with the profile: try it with `dry_run=true`, which lists the first failures.";
        "开头的行中失败的比例超过该数据源的允许范围；本次内容均未入库。", "请核对文件与约定格式；可先用 `dry_run=true` 试推，查看最先出现的错误。";
    MendsUnknown, "mends-unknown", "The body is said to mend a batch that the feed does not have, or that is not read to its end.", "Take the `batch_id` of the receipt with the failed rows.";
        "所称更正的批次不属于该数据源，或尚未处理完。", "请使用含失败行的回执中的 `batch_id`。";
    MendsUneven, "mends-uneven", "The body has another number of rows than the batch that it mends has failed rows, and they carry no marks.", "Push all rows of the file of failed rows in their order, or leave the marks of `isthmus_error` in.";
        "文件行数与所更正批次的失败行数不同，且各行没有标记。", "请按原顺序推送失败行文件的全部行，或保留 `isthmus_error` 标记。";
    // The form of a row.
    RowTooLong, "row-too-long", "The row is longer than a row may be.", "Check for a missing line end or a quote that is never closed.";
        "该行超过允许的长度。", "请检查是否缺少换行，或引号没有闭合。";
    RowQuote, "row-quote", "A quoted value is not closed, or text follows its closing quote.", "Double each quote inside a value, or drop the stray quote.";
        "引号没有闭合，或闭合引号后还有内容。", "请把值内的引号写成两个，或删去多余的引号。";
    RowColumns, "row-columns", "The row does not have as many columns as the header or the profile.", "Check for a separator inside a value; quote such values.";
        "该行的列数与表头或约定不符。", "请检查值内是否有分隔符；有则给该值加引号。";
    RowJson, "row-json", "The line is not a JSON object with plain values.", "Write one JSON object a line, its values being texts, numbers, booleans or null.";
        "该行不是由简单值组成的 JSON 对象。", "请每行写一个 JSON 对象，值为文本、数字、布尔值或 null。";
    RowXml, "row-xml", "The XML is not well-formed here, has a document type, or uses an entity of its own.", "Export again with a tool that writes XML; a row needs its own begin and end tag.";
        "此处 XML 格式不正确、带有文档类型声明或自定义实体。", "请用能正确生成 XML 的工具重新导出；每行都要有自己的起止标签。";
    CellError, "cell-error", "The cell of a column holds an error of the spreadsheet, such as #REF!, or a formula that was never computed.", "Mend the formula, paste the values, or open the workbook in Excel and save it.";
        "单元格内是表格公式错误（例如 #REF!），或没有算过的公式。", "请修正公式、粘贴为数值，或用 Excel 打开并保存后再报送。";
    WorkbookUnreadable, "workbook-unreadable", "The workbook or its sheet cannot be read.", "Save it again as XLSX without a password, with the sheet that the message names.";
        "工作簿或其工作表无法读取。", "请另存为不加密的 XLSX，并保留提示中的工作表。";
    Encoding, "encoding", "The bytes are not text in the encoding that the profile declares.", "Export in the declared encoding; check that no tool cut or re-coded the file.";
        "内容不是约定编码的文本。", "请按约定的编码导出；检查是否有工具截断或转码了文件。";
    NulByte, "nul-byte", "The row contains NUL bytes.", "Repair the export: NUL bytes come from damaged storage or a wrong encoding.";
        "该行含有空字节（NUL）。", "请修复导出：空字节来自存储损坏或编码错误。";
    ControlCharacter, "control-character", "A value that names a record contains a control character.", "Remove the control characters from the column.";
        "作为记录编号的值含有控制字符。", "请删除该列中的控制字符。";
    // Values.
    RequiredMissing, "required-missing", "A value without which the row means nothing is empty.", "Fill the column in and send the row again.";
        "必填的值为空。", "请填写该列后重新发送该行。";
    IdentityMissing, "identity-missing", "The row names nobody: no identifier and no usable name.", "Fill in an identifier, a name or a phone.";
        "该行没有指明任何人：没有证件号码，也没有可用的姓名。", "请填写证件号码、姓名或电话。";
    IdentifierInvalid, "identifier-invalid", "An identifier has a form or a check digit that no real one has.", "Compare the number with the document and correct it.";
        "证件号码的格式或校验位不正确。", "请与证件核对并更正。";
    IdentifierScientific, "identifier-scientific", "A spreadsheet turned a long number into scientific notation, and its digits are lost.", "Format the column as text before exporting, and export again from the source.";
        "长数字被表格软件转成科学计数法，末位已丢失。", "请先把该列设为文本格式，再从源系统重新导出。";
    IdentifierNumber, "identifier-number", "A spreadsheet holds a long number as a number, of which it keeps 15 digits only.", "Format the column as text before filling it, and fill it again from the source.";
        "长数字以数值形式存放，只保留了 15 位。", "请先把该列设为文本格式，再从源系统重新填写。";
    IdentifierType, "identifier-type", "The kind of document is not one that the profile knows.", "Use a kind that the message lists, or have the profile extended.";
        "证件类型不在约定之内。", "请使用提示中列出的类型，或联系管理员增加。";
    PhoneInvalid, "phone-invalid", "The text is not a phone number.", "Write 11 digits beginning with 1, or + and the country code.";
        "内容不是电话号码。", "请填写 1 开头的 11 位号码，或 + 加国家代码。";
    MachineNumber, "machine-number", "The number belongs to a machine, not to a person (13 digits beginning with 10 or 14).", "Nothing is to be mended; leave such numbers out of the export.";
        "该号码属于设备而不是个人（10 或 14 开头的 13 位号码）。", "无需修改；请在导出时排除这类号码。";
    ValueUnknown, "value-unknown", "The value is not one of those that the profile knows for the column.", "Use a value that the message lists, or have the profile extended.";
        "该值不在该列约定的取值之内。", "请使用提示中列出的取值，或联系管理员增加。";
    ValueNumber, "value-number", "The text is not a number in the range of the column.", "Write digits with a point as decimal mark.";
        "内容不是该列允许范围内的数字。", "请只写数字，小数点用“.”。";
    ValueDay, "value-day", "The text is not a calendar day.", "Write it in the form that the message shows, or as YYYY-MM-DD.";
        "内容不是有效日期。", "请按提示中的写法填写，没有提示时写成 YYYY-MM-DD。";
    ValueTime, "value-time", "The text is not a time in a form that the profile names.", "Write it in the form that the message shows.";
        "时间的写法不在约定之内。", "请按提示中的写法填写。";
    ValueTooLong, "value-too-long", "The value is longer than a value of its column may be.", "Check for a missing separator; shorten the text.";
        "该值超过该列允许的长度。", "请检查是否缺少分隔符，或缩短文字。";
    TimeOutOfRange, "time-out-of-range", "The time is earlier (before 1990, where the profile says nothing else) or later than it can be: a clock was wrong.", "Set the device's clock, correct the time and send the row again.";
        "时间过早（除另有约定外早于 1990 年），或晚于可能的时间：时钟有误。", "请校准设备时钟，更正时间后重新发送该行。";
    TimeOrder, "time-order", "The end lies before the beginning.", "Correct one of the two times.";
        "结束时间早于开始时间。", "请更正其中一个时间。";
    RuleBroken, "rule-broken", "The row breaks a rule of the feed's profile.", "Correct what the message says, and send the row again.";
        "该行违反该数据源约定的规则。", "请按提示更正后重新发送该行。";
    ExpressionFailed, "expression-failed", "A field that the profile computes cannot be computed of this row.", "Correct the columns that it is made of, or have the profile's expression mended.";
        "由其他列计算的字段无法从该行算出。", "请更正相关的列，或联系管理员修改计算规则。";
    // Against what is known.
    VersionConflict, "version-conflict", "The same version of the same record was sent before with another content.", "Raise the version (or time of change) of the corrected row, and send it again.";
        "同一记录的同一版本此前已发送，但内容不同。", "请提高更正行的版本号（或修改时间）后重新发送。";
    // HL7 v2.
    MessageStructure, "message-structure", "The message cannot be read: its first segment or field is missing or malformed.", "Check that the message begins as its standard says (HL7: MSH; EDIFACT: UNB; ISO 8583: the type) and that no tool cut it or changed its line ends.";
        "报文无法读取：开头的段或字段缺失或格式错误。", "请检查报文开头是否符合标准（HL7 为 MSH，EDIFACT 为 UNB，ISO 8583 为报文类型），是否被截断或改动了换行。";
    MessageType, "message-type", "The message is of a type or trigger event that this feed does not take.", "Route only the types that the message lists to this feed.";
        "该数据源不接收这种报文类型或触发事件。", "请只把提示中列出的类型发到该数据源。";
    MessageSegment, "message-segment", "A segment without which the message means nothing is missing, or stands there more often than it may.", "Have the sending system include the segment as often as the message says.";
        "必需的段缺失，或出现次数过多。", "请让发送系统按提示中的次数包含该段。";
    MessageTest, "message-test", "The message says of itself that it is for tests or training (MSH-11 is T or D).", "Send it to a test hub; if it is a true message, have MSH-11 say P.";
        "报文自称用于测试或培训（MSH-11 为 T 或 D）。", "请发送到测试系统；如为真实报文，请把 MSH-11 设为 P。";
    // Other messages.
    ResourceInvalid, "resource-invalid", "The resource is not JSON, or has an element of another type than FHIR R4 gives it.", "Validate the resource against FHIR R4.";
        "资源不是 JSON，或某元素的类型与 FHIR R4 不符。", "请按 FHIR R4 校验该资源。";
    RepetitionsTooMany, "repetitions-too-many", "A field or segment is repeated more often than any real message repeats it.", "Send what is in use only; check the interface for a loop.";
        "字段或段的重复次数超过任何真实报文。", "请只发送在用的内容；检查接口是否循环。";
    MessageTooLong, "message-too-long", "The message is longer than a message may be.", "Send embedded documents apart; check for a missing end of block.";
        "报文超过允许的长度。", "请单独发送嵌入的文档；检查是否缺少结束标记。";
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
            assert!(reason.meaning_zh().ends_with('。') && reason.mend_zh().ends_with('。'), "{}", reason.code());
        }
    }
}
