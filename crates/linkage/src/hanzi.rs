//! Han characters: one form per character, readings, surnames.

use std::sync::OnceLock;

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;
use pinyin::ToPinyin;
use rustc_hash::{FxHashMap, FxHashSet};

/// Characters that registers write for one another and that the traditional-to-simplified table leaves alone.
const VARIANTS: &[(char, char)] = &[
    ('𠮷', '吉'),
    ('髙', '高'),
    ('﨑', '崎'),
    ('峯', '峰'),
    ('堃', '坤'),
    ('喆', '哲'),
    ('彊', '强'),
    ('羣', '群'),
    ('珮', '佩'),
    ('昇', '升'),
    ('陞', '升'),
    ('甯', '宁'),
    ('寗', '宁'),
    ('劵', '券'),
    ('晳', '皙'),
    ('湧', '涌'),
    ('秌', '秋'),
    ('燊', '深'),
    ('祕', '秘'),
    ('嶽', '岳'),
    ('菓', '果'),
    ('韵', '韵'),
    ('澂', '澄'),
    ('皖', '皖'),
    ('煕', '熙'),
    ('凞', '熙'),
    ('晧', '皓'),
    ('皝', '晃'),
    ('邨', '村'),
    ('姪', '侄'),
    ('靑', '青'),
    ('淸', '清'),
    ('眞', '真'),
    ('愼', '慎'),
    ('栢', '柏'),
    ('槑', '梅'),
    ('楳', '梅'),
    ('曻', '升'),
    ('逺', '远'),
    ('呂', '吕'),
    ('亱', '夜'),
    ('丗', '世'),
    ('仝', '同'),
    ('鉄', '铁'),
    ('壻', '婿'),
    ('娍', '娍'),
    ('〇', '零'),
    ('乄', '五'),
    ('歩', '步'),
    ('徳', '德'),
    ('恵', '惠'),
    ('桜', '樱'),
    ('沢', '泽'),
    ('広', '广'),
    ('竜', '龙'),
    ('豊', '丰'),
];

/// Surnames read otherwise than the character alone.
const SURNAME_READINGS: &[(&str, &str)] = &[
    ("曾", "zeng"),
    ("单", "shan"),
    ("仇", "qiu"),
    ("解", "xie"),
    ("查", "zha"),
    ("盖", "ge"),
    ("区", "ou"),
    ("朴", "piao"),
    ("任", "ren"),
    ("华", "hua"),
    ("乐", "yue"),
    ("翟", "zhai"),
    ("冼", "xian"),
    ("洗", "xian"),
    ("折", "she"),
    ("黑", "he"),
    ("缪", "miao"),
    ("宓", "mi"),
    ("祭", "zhai"),
    ("员", "yun"),
    ("贠", "yun"),
    ("召", "shao"),
    ("隗", "wei"),
    ("逄", "pang"),
    ("纪", "ji"),
    ("种", "chong"),
    ("秘", "bi"),
    ("繁", "po"),
    ("覃", "qin"),
    ("晁", "chao"),
    ("燕", "yan"),
    ("宁", "ning"),
    ("葛", "ge"),
    ("令", "ling"),
    ("哈", "ha"),
    ("臧", "zang"),
    ("尹", "yin"),
    ("沈", "shen"),
    ("万", "wan"),
    ("尉", "wei"),
    ("句", "gou"),
    ("那", "na"),
    ("贾", "jia"),
    ("角", "jue"),
    ("石", "shi"),
    ("薄", "bo"),
    ("卜", "bu"),
    ("长", "chang"),
    ("柏", "bai"),
    ("车", "che"),
    ("谌", "chen"),
    ("都", "du"),
    ("过", "guo"),
    ("郝", "hao"),
    ("郇", "huan"),
    ("撒", "sa"),
    ("尉迟", "yuchi"),
    ("万俟", "moqi"),
    ("长孙", "zhangsun"),
    ("澹台", "tantai"),
    ("宰父", "zaifu"),
    ("鲜于", "xianyu"),
    ("单于", "chanyu"),
    ("令狐", "linghu"),
    ("皇甫", "huangfu"),
    ("诸葛", "zhuge"),
    ("夏侯", "xiahou"),
    ("欧阳", "ouyang"),
    ("太史", "taishi"),
    ("赫连", "helian"),
    ("呼延", "huyan"),
];

const COMPOUND: &[&str] = &[
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "东方",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "长孙",
    "宇文",
    "司徒",
    "夏侯",
    "端木",
    "百里",
    "南宫",
    "呼延",
    "轩辕",
    "独孤",
    "澹台",
    "公冶",
    "宗政",
    "濮阳",
    "淳于",
    "单于",
    "太叔",
    "申屠",
    "钟离",
    "闻人",
    "赫连",
    "鲜于",
    "闾丘",
    "万俟",
    "西门",
    "东郭",
    "南门",
    "羊舌",
    "司空",
    "司寇",
    "太史",
    "第五",
    "拓跋",
    "宰父",
    "谷梁",
    "微生",
    "梁丘",
    "左丘",
    "东门",
    "公羊",
    "仲孙",
    "叔孙",
    "纳兰",
    "完颜",
    "耶律",
    "爱新觉罗",
    "那拉",
    "叶赫那拉",
];

/// Surnames that are frequent enough to tell which end of a name in Latin letters, or which character of a long
/// name, is a surname.
const COMMON: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任沈\
姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安\
齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华\
喻祁蒲房滕屈饶解牟艾尤时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁\
沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝";

fn simplified_table() -> &'static FxHashMap<char, char> {
    static TABLE: OnceLock<FxHashMap<char, char>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: FxHashMap<char, char> = FxHashMap::default();
        // One pass over the characters, because converting names one by one costs microseconds each. A name has
        // no phrases that the phrase tables would read better.
        if let Ok(converter) = OpenCC::from_config(BuiltinConfig::T2s) {
            let mut buffer = [0; 4];
            for c in ('\u{3400}'..='\u{4dbf}').chain('\u{4e00}'..='\u{9fff}') {
                let converted = converter.convert(c.encode_utf8(&mut buffer));
                if let Some(first) = converted.chars().next().filter(|first| *first != c) {
                    table.insert(c, first);
                }
            }
        }
        for (from, to) in VARIANTS {
            table.insert(*from, *to);
        }
        table
    })
}

/// The one form of a character: simplified, and the common one among variants.
pub(crate) fn unify(c: char) -> char {
    if (c as u32) < 0x3000 { c } else { simplified_table().get(&c).copied().unwrap_or(c) }
}

/// Whether NFKC leaves a text as it is: nothing but ASCII and the common Han characters, as nearly every name is.
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii() || matches!(c, '\u{4e00}'..='\u{9fff}'))
}

/// Whether this is a Han character.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// How many characters of a name (in unified characters) are its surname; 0 when that cannot be told.
pub(crate) fn surname_length(name: &[char]) -> usize {
    let starts = |compound: &&str| {
        let length = compound.chars().count();
        name.len() > length && compound.chars().zip(name).all(|(a, b)| a == *b)
    };
    if let Some(compound) = COMPOUND.iter().filter(|c| starts(c)).max_by_key(|c| c.len()) {
        return compound.chars().count();
    }
    match name.len() {
        2 | 3 => 1,
        4 if is_common(name[0]) => 1,
        _ => 0,
    }
}

/// Whether a single character is a common surname.
pub(crate) fn is_common(c: char) -> bool {
    static SET: OnceLock<FxHashSet<char>> = OnceLock::new();
    SET.get_or_init(|| COMMON.chars().collect()).contains(&c)
}

/// Whether a word in Latin letters is how a common surname is read.
pub(crate) fn is_surname_reading(word: &str) -> bool {
    static SET: OnceLock<FxHashSet<String>> = OnceLock::new();
    let set = SET.get_or_init(|| {
        let single = COMMON.chars().map(|c| surname_reading(&c.to_string()));
        let compound = COMPOUND.iter().map(|c| surname_reading(c));
        single.chain(compound).collect()
    });
    set.contains(word)
}

/// How a surname is read, without tones.
pub(crate) fn surname_reading(surname: &str) -> String {
    static TABLE: OnceLock<FxHashMap<&'static str, &'static str>> = OnceLock::new();
    let table = TABLE.get_or_init(|| SURNAME_READINGS.iter().copied().collect());
    match table.get(surname) {
        Some(reading) => (*reading).to_owned(),
        None => reading(surname.chars()),
    }
}

/// How characters are read, without tones, joined. A character without reading stands for itself.
pub(crate) fn reading(chars: impl Iterator<Item = char>) -> String {
    let mut joined = String::with_capacity(12);
    for c in chars {
        match c.to_pinyin() {
            Some(pinyin) => push_syllable(&mut joined, pinyin.plain()),
            None => joined.push(c),
        }
    }
    joined
}

/// How one character is read, without tone; `None` for what is not a Han character.
pub(crate) fn syllable(c: char) -> Option<&'static str> {
    c.to_pinyin().map(pinyin::Pinyin::plain)
}

fn push_syllable(joined: &mut String, syllable: &str) {
    joined.extend(syllable.chars().map(|c| if matches!(c, 'ü' | 'v') { 'u' } else { c }));
}

/// A syllable as people confuse them when they listen or type: no retroflex, no back nasal, n for l.
pub(crate) fn blurred(reading: &str) -> String {
    let mut text = reading.replace("zh", "z").replace("ch", "c").replace("sh", "s");
    for (from, to) in [("ang", "an"), ("eng", "en"), ("ing", "in")] {
        text = text.replace(from, to);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unified(text: &str) -> String {
        text.chars().map(unify).collect()
    }

    #[test]
    fn traditional_and_variant_characters_have_one_form() {
        for (from, to) in [("張偉", "张伟"), ("劉峯", "刘峰"), ("陳德華", "陈德华"), ("𠮷田", "吉田"), ("堃", "坤")]
        {
            assert_eq!(unified(from), unified(to), "{from}");
        }
    }

    #[test]
    fn surnames_are_read_as_surnames() {
        for (surname, reading) in [
            ("曾", "zeng"),
            ("单", "shan"),
            ("仇", "qiu"),
            ("解", "xie"),
            ("查", "zha"),
            ("尉迟", "yuchi"),
            ("王", "wang"),
        ] {
            assert_eq!(surname_reading(surname), reading, "{surname}");
        }
        assert_eq!(reading("吕".chars()), "lu");
    }

    #[test]
    fn compound_surnames_have_two_characters() {
        for (name, length) in
            [("欧阳娜娜", 2), ("王小明", 1), ("李四", 1), ("诸葛亮", 2), ("东方", 1), ("买买提艾力", 0)]
        {
            assert_eq!(surname_length(&name.chars().collect::<Vec<_>>()), length, "{name}");
        }
    }

    #[test]
    fn readings_of_common_surnames_are_known() {
        assert!(is_surname_reading("wang") && is_surname_reading("ouyang") && is_surname_reading("zeng"));
        assert!(!is_surname_reading("john"));
    }
}
