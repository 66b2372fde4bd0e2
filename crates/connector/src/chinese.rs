//! What senders are told, in Chinese: the same facts as in English.
//!
//! Messages are made and stored in English. Each sentence of the table is one of them with holes for its facts, and the
//! same in Chinese with the holes by number. A message that is in no sentence is told by its reason alone.

use crate::reason::Reason;

/// What is wrong and how to mend it.
pub fn message(reason: Reason, message: &str) -> String {
    // A rule's message has the profile's own words in both languages.
    let told = match reason {
        Reason::RuleBroken => Some(message.to_owned()),
        _ => translate(message),
    };
    let ended = |text: String| if text.ends_with(['。', '.', '！']) { text } else { text + "。" };
    format!("{}{}", told.map_or_else(|| reason.meaning_zh().to_owned(), ended), reason.mend_zh())
}

/// What is wrong with a field.
pub(crate) fn of_field(field: Option<&str>, reason: Reason, text: &str) -> String {
    let message = message(reason, text);
    field.map_or_else(|| message.clone(), |field| format!("“{field}”：{message}"))
}

fn translate(message: &str) -> Option<String> {
    // Several sentences first: the last hole of one would swallow the others.
    let parts = message.contains("; ").then(|| message.split("; ").map(translate).collect::<Option<Vec<String>>>());
    let whole = || SENTENCES.iter().find_map(|(english, chinese)| Some(fill(chinese, &facts(english, message)?)));
    parts.flatten().map(|parts| parts.join("；")).or_else(whole)
}

/// What stands in the holes of a sentence, if the message is that sentence.
fn facts<'m>(sentence: &str, message: &'m str) -> Option<Vec<&'m str>> {
    let mut words = sentence.split("{}");
    let mut rest = message.strip_prefix(words.next()?)?;
    let mut words = words.peekable();
    let mut facts = Vec::new();
    while let Some(next) = words.next() {
        let end = match words.peek() {
            None => rest.strip_suffix(next)?.len(),
            Some(_) => rest.find(next)?,
        };
        facts.push(&rest[..end]);
        rest = &rest[end + next.len()..];
    }
    rest.is_empty().then_some(facts)
}

fn fill(chinese: &str, facts: &[&str]) -> String {
    facts.iter().enumerate().fold(chinese.to_owned(), |text, (place, fact)| {
        let hole = format!("{{{place}}}");
        // A fact may be a sentence itself.
        if text.contains(&hole) {
            text.replace(&hole, &translate(fact).unwrap_or_else(|| (*fact).to_owned()))
        } else {
            text
        }
    })
}

/// Sentences in English and Chinese; of those that fit, the first counts.
const SENTENCES: &[(&str, &str)] = &[
    ("{} (cell {}) is a formula that was never computed", "{0}（单元格 {1}）是没有算过的公式"),
    (
        "{} holds the number by which spreadsheets count days; format the column as date and save it again",
        "{0} 是表格软件内部的日期序号：请把该列设为日期格式后重新保存",
    ),
    ("nothing ends the last segment: it may be cut", "最后一段没有结束符，消息可能被截断"),
    // Files.
    ("the body is empty", "文件为空"),
    ("the body has no header line", "文件没有表头行"),
    ("the sheet has no header row", "工作表没有表头行"),
    ("{} of {} declared bytes arrived", "声明 {1} 字节，只收到 {0} 字节"),
    ("the connection ended after {} bytes, before the end of the body", "连接在收到 {0} 字节后中断，文件没有传完"),
    ("less than {} bytes of the body came in {}", "{1} 内收到的数据不足 {0} 字节"),
    ("a body has at most {} bytes when unpacked", "解压后的文件最多 {0} 字节"),
    ("the body unpacks to more than {} times its bytes", "解压后超过原大小的 {0} 倍"),
    ("the compressed body ends in the middle, or its checksum does not fit", "压缩数据中断，或校验和不符"),
    ("the compressed body ends in the middle", "压缩数据中断"),
    ("the body is not gzip, or its checksum does not fit", "文件不是 gzip，或校验和不符"),
    (
        "the Content-Encoding is none of gzip, zstd, zip and identity",
        "Content-Encoding 不是 gzip、zstd、zip 或 identity",
    ),
    ("the archive holds several files; this feed takes one at a time", "压缩包内有几个文件，该数据源一次只收一个"),
    ("file {} of the archive is an archive or compressed itself", "压缩包内第 {0} 个文件本身又是压缩文件"),
    ("file {} of the archive has another header line than file {}", "压缩包内文件 {0} 的表头与文件 {1} 不同"),
    ("the archive holds no file", "压缩包内没有文件"),
    ("what the archive holds is empty", "压缩包内的文件是空的"),
    ("the body is compressed twice", "文件被压缩了两次"),
    (
        "this is a workbook (Excel); the profile expects text: save the sheet as CSV, or have a profile made for workbooks",
        "这是电子表格（Excel），约定的格式是文本：请另存为 CSV，或联系管理员为电子表格配置数据源",
    ),
    (
        "this is a web page (HTML) called a workbook: open it in the spreadsheet and save it as XLSX",
        "这是以电子表格命名的网页（HTML）：请用表格软件打开后另存为 XLSX",
    ),
    (
        "this is XML called a workbook: open it in the spreadsheet and save it as XLSX",
        "这是以电子表格命名的 XML：请用表格软件打开后另存为 XLSX",
    ),
    (
        "this is text (CSV) called a workbook: open it in the spreadsheet and save it as XLSX",
        "这是以电子表格命名的文本（CSV）：请用表格软件打开后另存为 XLSX",
    ),
    ("the file is UTF-16; the profile expects {}", "文件是 UTF-16 编码，应为 {0}"),
    ("the file is UTF-8; the profile expects {}", "文件是 UTF-8 编码，应为 {0}"),
    ("the lines end with a carriage return (CR) and no line feed (LF)", "各行以回车符（CR）结尾，没有换行符（LF）"),
    ("line {}: in the header, {}", "第 {0} 行表头：{1}"),
    ("line {} is not the header of feed {}", "第 {0} 行不是数据源 {1} 的表头"),
    ("missing: {}", "缺少的列：{0}"),
    ("there twice: {}", "重复的列：{0}"),
    ("found: {}", "实有的列：{0}"),
    ("{} may be called {} now", "“{0}”现在可能叫“{1}”"),
    (
        "none of the expected columns was found among {} (is the separator `{}`, the encoding {}, and are there {} lines before the header?)",
        "{0} 列中没有一列是约定的列（请核对：分隔符为 `{1}`，编码为 {2}，表头之前有 {3} 行）",
    ),
    (
        "none of the expected columns was found (are there {} rows before it?)",
        "没有一列是约定的列（请核对：表头之前有 {0} 行）",
    ),
    (
        "line {} has the columns, and the profile expects {} lines before them",
        "约定的列在第 {0} 行，而约定表头之前有 {1} 行",
    ),
    (
        "the first line says that the separator is `{}`; the profile expects `{}`",
        "首行声明的分隔符是 `{0}`，应为 `{1}`",
    ),
    ("of the sheets {} only {} was read", "工作表 {0} 中只读取了 {1}"),
    ("the XML declaration says {}: {}", "XML 声明的编码是 {0}：{1}"),
    (
        "the XML declaration says {}; feeds are in UTF-8, GB18030, Big5 or Windows-1252",
        "XML 声明的编码是 {0}；数据源可用 UTF-8、GB18030、Big5 或 Windows-1252",
    ),
    ("the element has characters that {} lacks", "该元素含有 {0} 中没有的字符"),
    ("columns that the profile does not know: {}", "约定之外的列：{0}"),
    ("the header has more than {} columns", "表头超过 {0} 列"),
    ("the header line has {} bytes; at most {} are read", "表头行有 {0} 字节，最多 {1} 字节"),
    ("{} of the first {} rows fail, the first of them so: {}: {}", "前 {1} 行中有 {0} 行不能使用，第一处（{2}）：{3}"),
    (
        "the body is no JSON list (one object a line is the format ndjson)",
        "文件不是 JSON 列表（每行一个对象的格式是 ndjson）",
    ),
    ("the body is no JSON document with a list at {}", "文件不是 JSON，或在 {0} 处没有列表"),
    ("the feed has no finished batch {}", "该数据源没有已完成的批次 {0}"),
    ("the stored file of batch {} is gone", "批次 {0} 的原始文件已不在"),
    (
        "{} rows carry no mark, and the file of failed rows of batch {} has {} that no mark names",
        "{0} 行没有标记，而批次 {1} 的失败行文件中没有被标记指明的有 {2} 行",
    ),
    // Rows.
    ("the row has more than {} columns instead of {}", "该行超过 {0} 列，应为 {1} 列"),
    ("the row has {} columns instead of {}", "该行有 {0} 列，应为 {1} 列"),
    ("the line has {} bytes; a row has at most {}", "该行有 {0} 字节，一行最多 {1} 字节"),
    ("a quoted value is not closed, or text follows its closing quote", "引号没有闭合，或闭合的引号之后还有文字"),
    ("the line is not a JSON object (character {})", "该行不是 JSON 对象（第 {0} 个字符处）"),
    (
        "{} holds a list or an object; name the value in it by its path ({})",
        "{0} 的值是列表或对象，请用路径（{1}）指明其中的值",
    ),
    ("the row contains NUL bytes", "该行含有 NUL 字节"),
    ("the bytes look like {}; {} is expected", "内容看起来是 {0} 编码，应为 {1}"),
    ("the bytes are not text in {}", "内容不是 {0} 编码的文字"),
    (
        "the row names nobody: no identifier, no phone and no usable name",
        "该行没有指明任何人：没有证件号码、电话，也没有可用的姓名",
    ),
    ("this version of the record was sent before with another content", "该记录的这一版本此前已发送，但内容不同"),
    // Values.
    ("{} is none of {}", "取值应为以下之一：{1}"),
    ("{} is not a value that the profile knows", "取值不在约定之内"),
    ("{} is not a number from {} to {}", "应为 {1} 至 {2} 之间的数字"),
    ("{} is not a whole number", "应为整数"),
    ("{} is not a number with at most {} digits after the point", "应为数字，小数点后最多 {1} 位"),
    ("{} names a day that its month does not have", "该月没有这一天"),
    ("{} holds a line break", "“{0}”的值含有换行"),
    ("{} stands in the object twice; leave one out", "“{0}”在对象中出现了两次，请只保留一个"),
    ("{} is not a time of the form {}", "应为 {1} 形式的时间"),
    ("{} is before {}, the earliest that can be (a clock was wrong?)", "早于可能的最早时间 {1}（时钟有误？）"),
    ("{} is after {}, the latest that can be (a clock was wrong?)", "晚于可能的最晚时间 {1}（时钟有误？）"),
    ("{} has more than {} characters", "超过 {1} 个字符"),
    ("{} contains a control character", "含有控制字符"),
    ("{} is the number of a machine", "是设备的号码"),
    ("not a day; write it as YYYY-MM-DD", "不是有效日期，应写成 YYYY-MM-DD"),
    ("the day of birth has not come yet", "出生日期尚未到来"),
    (
        "digits 7 to 14 of the resident number are a day of birth that has not come yet",
        "居民身份证号码第 7 至 14 位的出生日期尚未到来",
    ),
    ("the day of birth is more than {} years ago", "出生日期早于 {0} 年前"),
    (
        "digits 7 to 14 of the resident number are a day of birth more than {} years ago",
        "居民身份证号码第 7 至 14 位的出生日期早于 {0} 年前",
    ),
    (
        "a spreadsheet kept the first digits only of a number that names the record",
        "作为记录编号的长数字被表格软件只保留了前几位",
    ),
    ("nobody alive was born then", "不可能是在世者的出生日期"),
    ("the sex is none of {}", "性别应为 {0} 之一"),
    ("a train number is a letter and digits, such as {}", "车次应为字母加数字，如 {0}"),
    ("a division code has {} to {} digits", "区划代码应为 {0} 至 {1} 位数字"),
    ("the time of day is not of the form {}", "时刻应写成 {0}"),
    ("the end lies before the begin", "结束早于开始"),
    ("the arrival lies before the departure", "到达早于出发"),
    ("the day of moving out lies before moving in", "迁出日期早于迁入日期"),
    ("the end of the validity lies before its begin", "有效期的结束早于开始"),
    (
        "not a mobile number: 11 digits beginning with 1, or + and 7 to 15 digits",
        "不是手机号码：应为 1 开头的 11 位数字，或 + 加 7 至 15 位数字",
    ),
    ("an identifier has 1 to 64 letters, digits, - . / or *", "证件号码应为 1 至 64 个字母、数字或 - . / *"),
    ("a resident number has 18 characters (or 15 in the old form)", "居民身份证号码应为 18 位（旧证 15 位）"),
    ("a resident number has only digits; the last may be X", "居民身份证号码只含数字，末位可为 X"),
    ("digits 7 to 14 of the resident number are not a day of birth", "居民身份证号码第 7 至 14 位不是出生日期"),
    (
        "the check digit of the resident number does not fit: a digit is wrong or two are swapped",
        "居民身份证号码校验位不符：有一位写错，或有两位颠倒",
    ),
    // HL7.
    ("{}: name the character set of the message in MSH-18", "{0}；请在 MSH-18 写明报文的字符集"),
    ("the message is longer than {} bytes", "报文超过 {0} 字节"),
    ("only its MSH segment is kept", "只保留了 MSH 段"),
    ("the message does not begin with an MSH segment", "报文不以 MSH 段开头"),
    ("the message has no OBX segment with a result", "报文没有带结果的 OBX 段"),
    ("the message has no {} segment", "报文缺少 {0} 段"),
    ("this feed takes ADT and ORU messages; MSH-9 names another", "该数据源接收 ADT 和 ORU 报文，MSH-9 是另一种"),
    ("MSH-7 (time of the message) is empty", "报文时间（MSH-7）为空"),
    ("{} does not begin with a day as YYYYMMDD", "不是以 YYYYMMDD 开头的日期"),
    ("{} is not an HL7 time such as {}", "不是 HL7 时间，应如 {1}"),
    (
        "{} lies before any message, or later than the day after it arrived: a clock was wrong",
        "早于任何报文，或晚于收到的次日：时钟有误",
    ),
    ("{} is before 1900 or later than it can be: a clock was wrong", "早于 1900 年，或晚于可能的时间：时钟有误"),
    ("{} is repeated more than {} times", "重复超过 {1} 次"),
    ("{} does not name a patient", "没有指明患者"),
    ("{} is longer than {} characters", "超过 {1} 个字符"),
    ("{} is empty", "值为空"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_of_a_message_are_told_in_chinese_too() {
        for (reason, english, chinese) in [
            (
                Reason::ValueUnknown,
                "体温 is none of 正常, 异常",
                "取值应为以下之一：正常, 异常。请使用提示中列出的取值，或联系管理员增加。",
            ),
            (
                Reason::HeaderMismatch,
                "line 1 is not the header of feed tickets; missing: 到站; 到站 may be called 终到站 now; found: 票号, 终到站",
                "第 1 行不是数据源 tickets 的表头；缺少的列：到站；“到站”现在可能叫“终到站”；实有的列：票号, 终到站。请按提示中的列导出，或联系管理员为新格式配置数据源。",
            ),
            (
                Reason::Encoding,
                "line 1: in the header, the bytes look like UTF-8; GB18030 is expected",
                "第 1 行表头：内容看起来是 UTF-8 编码，应为 GB18030。",
            ),
            (Reason::ValueNumber, "something that no table has", Reason::ValueNumber.meaning_zh()),
        ] {
            let told = message(reason, english);
            assert!(told.starts_with(chinese) && told.ends_with(reason.mend_zh()), "{told}");
        }
        assert_eq!(
            of_field(Some("体温"), Reason::ValueNumber, "体温 is not a number from 30 to 45"),
            "“体温”：应为 30 至 45 之间的数字。请只写数字，小数点用“.”。"
        );
    }

    /// A sentence that nobody says any more would be a translation of nothing.
    #[test]
    fn every_sentence_is_said_somewhere() {
        fn sources(folder: &std::path::Path, text: &mut String) {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    sources(&path, text);
                } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("chinese.rs") {
                    text.push_str(&std::fs::read_to_string(&path).expect("a source"));
                }
            }
        }
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut said = String::new();
        for folder in ["crates/connector/src", "crates/domain/src", "services/connector-hospital/src"] {
            sources(&root.join(folder), &mut said);
        }
        // Literals may be broken over lines.
        let said: String = said.split("\\\n").map(str::trim_start).collect();
        for (english, _) in SENTENCES {
            let longest = english.split("{}").max_by_key(|words| words.len()).expect("words");
            assert!(said.contains(longest), "nobody says `{english}`");
        }
    }
}
