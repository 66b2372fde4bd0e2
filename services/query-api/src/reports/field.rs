//! What a form can ask for: fields, the words of forms for them, and the group that each is in.

use access::FieldGroup;
use domain::FollowUpState;
use exposure::follow_up::FollowUpStanding;

/// A field that a report can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportField {
    /// Running number of the row.
    Number,
    /// Id of the person in the hub.
    PersonId,
    /// The township that the resident counts in.
    Township,
    /// The unit that the resident counts in.
    Unit,
    /// Name in use.
    Name,
    /// Sex.
    Sex,
    /// Day of birth.
    BirthDate,
    /// Completed years of age.
    Age,
    /// Resident number.
    IdNumber,
    /// The phone to try first.
    Phone,
    /// Address.
    Address,
    /// Addresses where the resident is registered.
    RegisteredAddress,
    /// Households that the resident belongs to.
    Household,
    /// What kind of households these are.
    HouseholdKind,
    /// Relation to their heads.
    Relation,
    /// Key groups that the resident belongs to.
    KeyGroups,
    /// Where the follow-ups are that the unit has of the resident.
    FollowUp,
    /// The last day of the quarantine that the resident is in.
    QuarantineUntil,
}

/// Headings of columns that are filled by hand: they stay empty.
const BY_HAND: &[&str] = &[
    "备注",
    "说明",
    "签名",
    "签字",
    "本人签字",
    "填表人",
    "填表日期",
    "填报人",
    "填报日期",
    "审核人",
    "remarks",
    "notes",
    "signature",
];

/// The words of a heading, without the blanks that forms are spaced with.
fn words_of(heading: &str) -> String {
    heading.chars().filter(|c| !c.is_whitespace()).collect()
}

impl ReportField {
    /// Every field with its name, and what Chinese forms call it.
    pub const ALL: &[(Self, &'static str, &'static [&'static str])] = &[
        (Self::Number, "number", &["序号", "编号"]),
        (Self::PersonId, "person_id", &["人员标识"]),
        (Self::Township, "township", &["乡镇街道", "街道乡镇", "街道", "乡镇"]),
        (Self::Unit, "unit", &["网格", "所属网格", "网格编码"]),
        (Self::Name, "name", &["姓名"]),
        (Self::Sex, "sex", &["性别"]),
        (Self::BirthDate, "birth_date", &["出生日期", "出生年月日"]),
        (Self::Age, "age", &["年龄"]),
        (Self::IdNumber, "id_number", &["公民身份号码", "身份证号", "身份证号码"]),
        (Self::Phone, "phone", &["联系电话", "手机号", "手机号码", "电话", "联系方式"]),
        (Self::Address, "address", &["现住址", "居住地址", "住址", "家庭住址", "现居住地址"]),
        (Self::RegisteredAddress, "registered_address", &["户籍地址", "户籍所在地"]),
        (Self::Household, "household", &["户号", "户编号"]),
        (Self::HouseholdKind, "household_kind", &["户别", "户类型"]),
        (Self::Relation, "relation", &["与户主关系"]),
        (Self::KeyGroups, "key_groups", &["重点人群", "重点人群类别"]),
        (Self::FollowUp, "follow_up", &["随访状态", "管控状态", "管理状态"]),
        (
            Self::QuarantineUntil,
            "quarantine_until",
            &["隔离截止日期", "隔离截止时间", "隔离截止", "隔离期至", "解除隔离日期"],
        ),
    ];

    /// The field that a heading names.
    pub fn of_heading(heading: &str) -> Option<Self> {
        let heading = words_of(heading);
        let is_named = |name: &str, chinese: &[&str]| name == heading || chinese.contains(&heading.as_str());
        Self::ALL.iter().find(|(_, name, chinese)| is_named(name, chinese)).map(|(field, ..)| *field)
    }

    /// Whether a column is to be filled by hand: its heading says so, or there is none.
    pub(super) fn is_by_hand(heading: &str) -> bool {
        let heading = words_of(heading).to_lowercase();
        heading.is_empty() || BY_HAND.contains(&heading.as_str())
    }

    /// Every word that names a field, for whom one did not.
    pub fn words() -> String {
        let words = Self::ALL.iter().map(|(_, name, chinese)| format!("{name} ({})", chinese.join(", ")));
        words.collect::<Vec<_>>().join("; ")
    }

    /// Whether it tells of follow-ups.
    pub(super) const fn is_of_follow_ups(self) -> bool {
        matches!(self, Self::FollowUp | Self::QuarantineUntil)
    }

    /// The group that it is in; none for what tells nothing of anybody.
    pub(super) const fn group(self) -> Option<FieldGroup> {
        match self {
            Self::Number | Self::PersonId => None,
            Self::Name | Self::Sex | Self::BirthDate | Self::Age | Self::IdNumber => Some(FieldGroup::Identity),
            Self::Phone => Some(FieldGroup::Contact),
            Self::Township | Self::Unit | Self::Address | Self::RegisteredAddress => Some(FieldGroup::Residence),
            Self::Household | Self::HouseholdKind | Self::Relation => Some(FieldGroup::Household),
            Self::KeyGroups | Self::FollowUp | Self::QuarantineUntil => Some(FieldGroup::Care),
        }
    }
}

/// Words of a cell: those of Chinese forms under a Chinese heading, otherwise codes.
pub(super) fn sex(code: &'static str, is_chinese: bool) -> &'static str {
    match (code, is_chinese) {
        ("MALE", true) => "男",
        ("FEMALE", true) => "女",
        _ => code,
    }
}

pub(super) const fn household_kind(is_collective: bool, is_chinese: bool) -> &'static str {
    match (is_collective, is_chinese) {
        (true, true) => "集体户",
        (false, true) => "家庭户",
        (true, false) => "collective",
        (false, false) => "family",
    }
}

pub(super) const fn standing(standing: FollowUpStanding, is_chinese: bool) -> &'static str {
    if !is_chinese {
        return standing.code();
    }
    match standing {
        FollowUpStanding::Now(FollowUpState::ToNotify) => "待告知",
        FollowUpStanding::Now(FollowUpState::Notified) => "已告知",
        FollowUpStanding::Now(FollowUpState::NotReached) => "未联系上",
        FollowUpStanding::Now(FollowUpState::Refused) => "拒绝配合",
        FollowUpStanding::Now(FollowUpState::Quarantined) => "隔离中",
        FollowUpStanding::Now(FollowUpState::Released) => "已解除",
        FollowUpStanding::Now(FollowUpState::Covered) => "另有任务",
        FollowUpStanding::Now(FollowUpState::PeriodOver) => "已过管理期",
        FollowUpStanding::Now(FollowUpState::Died) => "死亡",
        FollowUpStanding::Now(FollowUpState::NotThisPerson) => "非本人",
        FollowUpStanding::Now(FollowUpState::MovedAway) => "已迁出",
        FollowUpStanding::Withdrawn => "已撤销",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_heading_is_a_field_or_what_chinese_forms_call_it() {
        let mut words = BTreeSet::new();
        for (field, name, chinese) in ReportField::ALL {
            for word in chinese.iter().chain([name]) {
                assert_eq!(ReportField::of_heading(&format!(" {word} ")), Some(*field));
                assert!(words.insert(*word), "{word} names two fields");
            }
        }
        assert_eq!(ReportField::of_heading("姓 名"), Some(ReportField::Name), "forms set two characters wide");
        assert_eq!(ReportField::of_heading("diagnosis"), None);
    }
}
