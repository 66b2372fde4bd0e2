//! Names that are those of firms: where a message names a party and does not say what it is.

/// Legal forms at the end of a name, in capitals and without a last dot. Those that are given names somewhere, as `SA`,
/// count only as firms write them, with dots.
const LATIN: [&str; 34] = [
    "A.S",
    "A/S",
    "AG",
    "APS",
    "B.V",
    "BV",
    "BVBA",
    "CORP",
    "CORPORATION",
    "E.V",
    "GMBH",
    "INC",
    "INCORPORATED",
    "KG",
    "KGAA",
    "LIMITED",
    "LLC",
    "LLP",
    "LTD",
    "MBH",
    "N.V",
    "OHG",
    "OOO",
    "OYJ",
    "PLC",
    "PTY",
    "S.A",
    "S.A.S",
    "S.P.A",
    "S.R.L",
    "SARL",
    "SPRL",
    "SRL",
    "UG",
];

/// The same in Chinese.
const CHINESE: [&str; 11] =
    ["公司", "集团", "企业", "合作社", "事务所", "基金会", "协会", "商行", "经营部", "门市部", "个体工商户"];

/// Partnerships have theirs in brackets.
const PARTNERSHIPS: [&str; 4] = ["（有限合伙）", "(有限合伙)", "（普通合伙）", "(普通合伙)"];

/// Whether a name ends in a legal form. The lists are closed: a firm that is taken for a person is a file that nobody
/// asks for, a person who is taken for a firm is lost.
pub(crate) fn is_organisation(name: &str) -> bool {
    let name = name.trim();
    if PARTNERSHIPS.iter().any(|form| name.ends_with(form)) {
        return true;
    }
    if CHINESE.iter().any(|form| name.strip_suffix(form).is_some_and(|before| !before.is_empty())) {
        return true;
    }
    let Some((before, last)) = name.rsplit_once([' ', ',']) else { return false };
    let last = last.trim_end_matches('.').to_uppercase();
    !before.trim().is_empty() && LATIN.contains(&last.as_str())
}

#[cfg(test)]
mod tests {
    use super::is_organisation;

    #[test]
    fn a_name_that_ends_in_a_legal_form_is_a_firm_and_no_other_is() {
        for firm in [
            "Beispiel GmbH",
            "BEISPIEL GMBH & CO. KG",
            "Example Trading Co., Ltd.",
            "Example (Asia) Limited",
            "Exemple S.A.",
            "Voorbeeld B.V.",
            "苏州某某贸易有限公司",
            "某某中心（有限合伙）",
            "城东蔬菜专业合作社",
        ] {
            assert!(is_organisation(firm), "{firm}");
        }
        for person in ["王小明", "Sa Wang", "WANG SA", "Inc", "GmbH", "公司", "Limited Edition", "Kg Wang", ""] {
            assert!(!is_organisation(person), "{person}");
        }
    }
}
