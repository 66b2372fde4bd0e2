//! Names: how people are called, and how others write that down.

use domain::Sex;

use crate::dice::Dice;

/// Surnames with their share per thousand, roughly as in the 2020 census. Those with a second reading
/// (曾 单 仇 解 查 尉迟) and the compound ones are a little more frequent than in life, so that a small city has them.
const SURNAMES: [(&str, u32); 72] = [
    ("王", 72),
    ("李", 71),
    ("张", 66),
    ("刘", 52),
    ("陈", 48),
    ("杨", 31),
    ("黄", 24),
    ("赵", 23),
    ("吴", 21),
    ("周", 20),
    ("徐", 15),
    ("孙", 15),
    ("马", 14),
    ("朱", 13),
    ("胡", 13),
    ("郭", 12),
    ("何", 12),
    ("林", 12),
    ("罗", 11),
    ("高", 11),
    ("郑", 10),
    ("梁", 10),
    ("谢", 8),
    ("宋", 8),
    ("唐", 7),
    ("许", 7),
    ("邓", 7),
    ("韩", 7),
    ("冯", 7),
    ("曹", 6),
    ("彭", 6),
    ("曾", 6),
    ("肖", 6),
    ("田", 5),
    ("董", 5),
    ("潘", 5),
    ("袁", 5),
    ("于", 5),
    ("蒋", 5),
    ("余", 4),
    ("杜", 4),
    ("叶", 4),
    ("程", 4),
    ("苏", 4),
    ("魏", 4),
    ("吕", 4),
    ("丁", 4),
    ("沈", 4),
    ("任", 3),
    ("姚", 3),
    ("卢", 3),
    ("钟", 3),
    ("姜", 3),
    ("崔", 3),
    ("谭", 3),
    ("陆", 3),
    ("汪", 3),
    ("范", 3),
    ("石", 3),
    ("顾", 2),
    ("单", 2),
    ("仇", 1),
    ("解", 1),
    ("查", 1),
    ("闫", 2),
    ("欧阳", 3),
    ("上官", 1),
    ("司马", 1),
    ("诸葛", 1),
    ("令狐", 1),
    ("尉迟", 1),
    ("𠮷", 1),
];

const MALE: &str = "伟强军勇磊涛斌波辉刚健亮俊飞超平东明建国志海鹏宇浩杰峰林龙华新荣良成文武博睿轩泽豪子铭晨昊天";
const FEMALE: &str = "芳娜敏静秀丽艳娟霞燕玲红英梅莉萍丹琳雪慧颖洁婷倩云兰凤珍淑桂香月欣怡雨涵梓萱诗琪佳思";
const RARE: [&str; 5] = ["㛃", "䶮", "喆", "堃", "犇"];
const UYGHUR: [&str; 10] =
    ["买买提", "阿卜杜拉", "艾合买提", "吐尔逊", "玉素甫", "热依汗", "古丽娜尔", "阿依古丽", "帕提古丽", "木拉提"];
const TIBETAN: [&str; 8] = ["扎西", "次仁", "卓玛", "旺堆", "央金", "洛桑", "拉姆", "平措"];
const FOREIGN_FAMILY: [&str; 8] = ["SMITH", "MUELLER", "TANAKA", "KIM", "NGUYEN", "GARCIA LOPEZ", "O'BRIEN", "IVANOV"];
const FOREIGN_MALE: [&str; 6] = ["JOHN PAUL", "LUKAS", "KENJI", "MIN JUN", "VAN HUNG", "DIEGO"];
const FOREIGN_FEMALE: [&str; 6] = ["ANNA", "MARIE CLAIRE", "YUKI", "SEO YEON", "THI MAI", "LUCIA"];

/// Characters that sound alike, or are taken for one another at the keyboard.
const ALIKE: [&str; 22] = [
    "伟玮炜维",
    "静婧靖",
    "丽莉利",
    "建健剑",
    "志智致",
    "军君俊",
    "艳燕彦",
    "芳方",
    "萍平苹",
    "敏民",
    "国果",
    "华桦",
    "明名铭",
    "娜那",
    "红宏洪",
    "秀绣",
    "英瑛",
    "波博",
    "佳家嘉",
    "子梓紫",
    "雨宇语",
    "兰蓝",
];

/// Simplified characters with their traditional or variant form.
const VARIANTS: [(char, char); 40] = [
    ('张', '張'),
    ('刘', '劉'),
    ('陈', '陳'),
    ('杨', '楊'),
    ('黄', '黃'),
    ('赵', '趙'),
    ('吴', '吳'),
    ('孙', '孫'),
    ('马', '馬'),
    ('罗', '羅'),
    ('郑', '鄭'),
    ('谢', '謝'),
    ('许', '許'),
    ('邓', '鄧'),
    ('韩', '韓'),
    ('冯', '馮'),
    ('肖', '蕭'),
    ('蒋', '蔣'),
    ('叶', '葉'),
    ('苏', '蘇'),
    ('卢', '盧'),
    ('钟', '鐘'),
    ('谭', '譚'),
    ('陆', '陸'),
    ('顾', '顧'),
    ('闫', '閆'),
    ('伟', '偉'),
    ('强', '強'),
    ('军', '軍'),
    ('华', '華'),
    ('国', '國'),
    ('丽', '麗'),
    ('艳', '艷'),
    ('红', '紅'),
    ('兰', '蘭'),
    ('凤', '鳳'),
    ('云', '雲'),
    ('龙', '龍'),
    ('东', '東'),
    ('颖', '穎'),
];

/// A name in its pieces. For Han names the whole is family and given name together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) family: String,
    pub(crate) given: String,
    pub(crate) latin: bool,
}

impl Name {
    /// The name as a register holds it.
    pub(crate) fn whole(&self) -> String {
        if self.latin { format!("{} {}", self.family, self.given) } else { format!("{}{}", self.family, self.given) }
    }
}

/// A surname, drawn by its share.
pub(crate) fn surname(dice: &mut Dice) -> String {
    let weights: Vec<u32> = SURNAMES.iter().map(|(_, weight)| *weight).collect();
    SURNAMES[dice.weighted(&weights)].0.to_owned()
}

/// A Han name with a given surname.
pub(crate) fn han(family: &str, sex: Sex, dice: &mut Dice) -> Name {
    let pool: Vec<char> = if sex == Sex::Male { MALE } else { FEMALE }.chars().collect();
    let mut given = String::new();
    given.push(*dice.pick(&pool));
    if dice.chance(0.82) {
        if dice.chance(0.012) {
            given.push_str(dice.pick::<&str>(&RARE));
        } else {
            given.push(*dice.pick(&pool));
        }
    }
    Name { family: family.to_owned(), given, latin: false }
}

/// A name of an ethnic minority: own name and father's name with a middle dot, or two names without surname.
pub(crate) fn minority(dice: &mut Dice) -> Name {
    let (family, given) = if dice.chance(0.6) {
        (String::new(), format!("{}·{}", dice.pick(&UYGHUR), dice.pick(&UYGHUR)))
    } else {
        (String::new(), format!("{}{}", dice.pick(&TIBETAN), dice.pick(&TIBETAN)))
    };
    Name { family, given, latin: false }
}

/// A name in Latin capitals.
pub(crate) fn foreign(sex: Sex, dice: &mut Dice) -> Name {
    let given = dice.pick(if sex == Sex::Male { &FOREIGN_MALE } else { &FOREIGN_FEMALE });
    Name { family: (*dice.pick(&FOREIGN_FAMILY)).to_owned(), given: (*given).to_owned(), latin: true }
}

/// A wrong character in the given name: one that sounds alike where there is one, else some other.
pub(crate) fn mistyped(name: &Name, dice: &mut Dice) -> (Name, &'static str) {
    let mut characters: Vec<char> = name.given.chars().collect();
    for (index, character) in characters.iter().enumerate() {
        if let Some(group) = ALIKE.iter().find(|group| group.contains(*character)) {
            let others: Vec<char> = group.chars().filter(|other| other != character).collect();
            characters[index] = *dice.pick(&others);
            return (Name { given: characters.into_iter().collect(), ..name.clone() }, "name-homophone");
        }
    }
    if name.latin || characters.is_empty() {
        characters.pop();
    } else {
        let pool: Vec<char> = MALE.chars().collect();
        let last = characters.len() - 1;
        characters[last] = *dice.pick(&pool);
    }
    (Name { given: characters.into_iter().collect(), ..name.clone() }, "name-typo")
}

/// The name in traditional or variant characters, when it has any.
pub(crate) fn in_variants(name: &Name) -> Option<Name> {
    let change = |text: &str| -> String {
        let variant = |c: char| VARIANTS.iter().find(|(simple, _)| *simple == c).map_or(c, |(_, other)| *other);
        text.chars().map(variant).collect()
    };
    let changed = Name { family: change(&name.family), given: change(&name.given), latin: name.latin };
    (changed != *name).then_some(changed)
}

/// Another way to set the same characters: a blank in a short name, another dot.
pub(crate) fn respaced(name: &Name, dice: &mut Dice) -> Option<String> {
    if name.given.contains('·') {
        return Some(name.given.replace('·', dice.pick::<&str>(&["•", ".", "‧", ""])));
    }
    let short = !name.latin && !name.family.is_empty() && name.family.chars().count() + name.given.chars().count() == 2;
    short.then(|| format!("{}{}{}", name.family, dice.pick(&[" ", "　"]), name.given))
}

/// The name after a system that knows only GBK; `None` when nothing is lost.
pub(crate) fn lossy(name: &Name) -> Option<Name> {
    let rare = |c: char| matches!(c, '\u{3400}'..='\u{4dbf}') || c as u32 > 0xffff;
    let change = |text: &str| -> String { text.chars().map(|c| if rare(c) { '?' } else { c }).collect() };
    let changed = Name { family: change(&name.family), given: change(&name.given), latin: name.latin };
    (changed != *name).then_some(changed)
}
