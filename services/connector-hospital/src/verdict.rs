//! What a laboratory's value says, read from the codes and the words that laboratories write.

use domain::TestOutcome;

/// What is odd about a result whose value holds no verdict that is known here.
pub(crate) const UNREAD: &str = "result-unknown";

/// The verdict in a coded or textual value: SNOMED CT qualifiers and findings, and words. Never guessed: a value that is
/// not known says nothing.
pub(crate) fn outcome(code: &str, text: &str) -> TestOutcome {
    [code, text].into_iter().map(read).find(|outcome| *outcome != TestOutcome::Unknown).unwrap_or_default()
}

/// What the laboratory says that its value means (HL7 table 0078).
pub(crate) fn interpreted(code: &str) -> TestOutcome {
    match code {
        "POS" | "DET" | "RR" | "WR" => TestOutcome::Positive,
        "NEG" | "ND" | "NR" => TestOutcome::Negative,
        "IND" | "E" => TestOutcome::Suspected,
        _ => TestOutcome::Unknown,
    }
}

/// Whether a value ought to have held a verdict: a code or a word, not a measured quantity.
pub(crate) fn is_qualitative(text: &str) -> bool {
    text.contains(['阴', '阳', '±'])
        || text.chars().any(char::is_alphabetic)
            && !text.starts_with(|c: char| c.is_ascii_digit() || "<>=+-.".contains(c))
}

fn read(value: &str) -> TestOutcome {
    let value: String = value.trim().chars().map(halfwidth).collect::<String>().to_uppercase();
    // 阳性(+), 阴性(-): the sign only repeats the word.
    let word = value.trim_end_matches(|c: char| "(+-) ".contains(c));
    match if word.is_empty() { value.as_str() } else { word } {
        // Qualifiers, then organism and disease (SARS-CoV-2) named as what was found.
        "260373001" | "10828004" | "11214006" | "840533007" | "840539006" | "POSITIVE" | "POS" | "DETECTED"
        | "REACTIVE" | "WEAKLY REACTIVE" | "WEAKLY POSITIVE" | "阳性" | "弱阳性" | "(弱)阳性" | "检出" | "(+)"
        | "+" => TestOutcome::Positive,
        "260415000" | "260385009" | "131194007" | "NEGATIVE" | "NEG" | "NOT DETECTED" | "NON-REACTIVE"
        | "NONREACTIVE" | "阴性" | "未检出" | "(-)" | "-" => TestOutcome::Negative,
        "419984006" | "42425007" | "INCONCLUSIVE" | "EQUIVOCAL" | "INDETERMINATE" | "可疑" | "灰区" => {
            TestOutcome::Suspected
        }
        "单管复核" | "待复核" | "混检阳性" => TestOutcome::PoolRetest,
        "125154007" | "455371000124106" | "INVALID" | "无效" => TestOutcome::Invalid,
        _ => TestOutcome::Unknown,
    }
}

/// The full-width forms of parentheses and signs that Chinese input methods write.
fn halfwidth(character: char) -> char {
    match character {
        '（' => '(',
        '）' => ')',
        '＋' => '+',
        '－' | '—' => '-',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read_from_codes_and_words_and_never_guessed() {
        for (code, text, verdict) in [
            ("260373001", "Detected", TestOutcome::Positive),
            ("840539006", "Disease caused by SARS-CoV-2", TestOutcome::Positive),
            ("260415000", "", TestOutcome::Negative),
            ("NEGATIVE", "", TestOutcome::Negative),
            ("L1", "阳性", TestOutcome::Positive),
            ("", "阳性（+）", TestOutcome::Positive),
            ("", "弱阳性(+)", TestOutcome::Positive),
            ("阴性(-)", "", TestOutcome::Negative),
            ("", "单管复核", TestOutcome::PoolRetest),
            ("", "-", TestOutcome::Negative),
            ("", "（＋）", TestOutcome::Positive),
            ("4.06", "", TestOutcome::Unknown),
            ("", "不阳性", TestOutcome::Unknown),
            ("", "", TestOutcome::Unknown),
        ] {
            assert_eq!(outcome(code, text), verdict, "{code} {text}");
        }
    }

    #[test]
    fn a_value_that_should_have_been_a_verdict_is_told_from_a_measured_one() {
        assert!(["见报告", "weird", "阳性?", "1:阴性", "<0.1 阴性", "±"].into_iter().all(is_qualitative));
        assert!(!["4.06", "<0.5 mg/L", "12 mmol/L", ""].into_iter().any(is_qualitative));
    }
}
