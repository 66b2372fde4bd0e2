//! What fields and levels are called, in English and Chinese.

/// A code of the linkage model with its two names.
type Word = (&'static str, &'static str, &'static str);

const FIELDS: &[Word] = &[
    ("prior", "before looking", "先验"),
    ("national_id", "national id", "身份证件号码"),
    ("record_number", "record number", "病历或卡号"),
    ("document", "document", "护照与通行证"),
    ("account", "account", "账户"),
    ("name", "name", "姓名"),
    ("full_name", "name", "姓名"),
    ("given_name", "given name", "名"),
    ("surname", "surname", "姓"),
    ("birth_date", "birth date", "出生日期"),
    ("dob", "birth date", "出生日期"),
    ("sex", "sex", "性别"),
    ("gender", "sex", "性别"),
    ("phone", "phone", "电话"),
    ("email", "email", "电子邮件"),
    ("address", "address", "地址"),
    ("address_1", "address, line 1", "地址第一行"),
    ("address_2", "address, line 2", "地址第二行"),
    ("street_number", "street number", "门牌号"),
    ("suburb", "town", "城镇"),
    ("postcode", "postcode", "邮政编码"),
    ("state", "state", "省州"),
    ("birth_place", "birth place", "出生地"),
    ("occupation", "occupation", "职业"),
    ("household", "household", "户号"),
    ("kinship", "relatives", "亲属共有"),
    ("relatives", "relatives", "亲属共有"),
];

const LEVELS: &[Word] = &[
    ("given", "", ""),
    ("same", "same", "相同"),
    ("sound", "same sound", "同音"),
    ("fits", "shown part fits", "可见部分相符"),
    ("given_name", "given name only", "仅名相同"),
    ("near", "nearly the same", "相近"),
    ("surname", "surname only", "仅姓相同"),
    ("year", "year only", "仅年份相同"),
    ("contact", "as a contact", "仅为联系电话"),
    ("loose", "alike", "相似"),
    ("part", "in part", "部分相同"),
    ("swapped", "swapped", "顺序对调"),
    ("far", "far apart", "相差较远"),
    ("different", "different", "不同"),
    ("hot", "too common to count", "过于常见，不计"),
];

const ORDER_STATES: &[Word] = &[
    ("in-force", "in force", "有效"),
    ("resting", "resting", "暂停"),
    ("set-aside", "set aside", "搁置"),
    ("ended", "taken back", "已撤销"),
];

fn find(words: &[Word], code: &str) -> (String, String) {
    let known = words.iter().find(|(known, ..)| *known == code);
    known.map_or_else(|| (code.replace('_', " "), String::new()), |(_, en, zh)| ((*en).to_owned(), (*zh).to_owned()))
}

/// A reviewer's order with its state, in both languages.
pub(crate) fn order_and_state(same: bool, state: &str) -> (String, String) {
    let (verdict, zh) = if same { ("one person", "同一人") } else { ("two persons", "两个人") };
    let (state, state_zh) = find(ORDER_STATES, state);
    (format!("a reviewer decided: {verdict}, {state}"), format!("复核决定：{zh}，{state_zh}"))
}

/// A field with its level, in both languages. A code that is not known stands for itself.
pub(crate) fn field_and_level(field: &str, level: &str) -> (String, String) {
    let ((field, field_zh), (level, level_zh)) = (find(FIELDS, field), find(LEVELS, level));
    let join = |a: String, b: String| match (a.is_empty(), b.is_empty()) {
        (_, true) => a,
        (true, _) => b,
        _ => format!("{a} · {b}"),
    };
    (join(field, level), join(field_zh, level_zh))
}
