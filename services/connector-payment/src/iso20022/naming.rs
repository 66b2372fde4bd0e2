//! What names a payment where the bank gives it no reference.
//!
//! Two equal payments must not become one, and one payment that comes in two files must not become two. Without a reference
//! that can be told by who paid, and when to the second, or under which id of theirs; else by the statement alone:
//! then a payment is told once for each statement. Either way it is flagged.

use domain::TokenKey;

use super::Texts;

/// Words that senders write where they have no reference.
const PLACEHOLDERS: [&str; 8] = ["NOTPROVIDED", "NOT PROVIDED", "NONREF", "NONE", "N/A", "NA", "NULL", "UNKNOWN"];
/// A number of no more digits counts the entries of a statement.
const COUNTER_DIGITS_MAX: usize = 6;

/// Whether a text is a reference, and no word for none.
pub(super) fn is_given(text: &str) -> bool {
    let text = text.trim();
    text.contains(|c: char| c.is_alphanumeric() && c != '0')
        && !PLACEHOLDERS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether the bank's reference of an entry names it outside of its statement.
pub(super) fn names_entry(path: &str, text: &str) -> bool {
    let counts = path.ends_with("NtryRef")
        && text.trim().len() <= COUNTER_DIGITS_MAX
        && text.trim().bytes().all(|byte| byte.is_ascii_digit());
    is_given(text) && !counts
}

/// The middle of the key of a payment without a reference.
pub(super) fn of_content(entry: &Texts, payment: &Texts, at: usize, key: &TokenKey) -> String {
    let booked = ["Ntry/BookgDt/DtTm", "Ntry/BookgDt/Dt", "Ntry/ValDt/DtTm", "Ntry/ValDt/Dt"];
    let booked = booked.iter().find_map(|path| entry.get(*path)).map_or("", String::as_str);
    let payer = digest(key, payment, |path| {
        ["RltdPties/Dbtr/", "RltdPties/DbtrAcct/"].iter().any(|begin| path.starts_with(begin))
    });
    let id_of_payer = payment.get("Refs/EndToEndId").filter(|id| is_given(id));
    // A bank that knows only the day writes midnight.
    let to_the_second = booked.split_once('T').is_some_and(|(_, time)| !time.starts_with("00:00:00"));
    match (payer, id_of_payer) {
        (Some(payer), Some(id)) if !booked.is_empty() => format!("{}:{id}:{payer}", booked.get(..10).unwrap_or(booked)),
        (Some(payer), _) if to_the_second => format!("{booked}:{payer}"),
        _ => {
            let statement = ["Id", "GrpHdr/MsgId"].iter().find_map(|path| entry.get(*path)).map_or("", String::as_str);
            let of_entry = digest(key, entry, |path| path.starts_with("Ntry/") && !path.starts_with("Ntry/Sts"));
            let of_payment = digest(key, payment, |_| true);
            format!("{statement}:{}:{}:{at}", of_entry.unwrap_or_default(), of_payment.unwrap_or_default())
        }
    }
}

/// A short keyed hash of some of the texts; `None` where there are none.
fn digest(key: &TokenKey, texts: &Texts, wanted: impl Fn(&str) -> bool) -> Option<String> {
    let mut parts: Vec<String> =
        texts.iter().filter(|(path, _)| wanted(path)).map(|(path, text)| format!("{path}={text}\n")).collect();
    if parts.is_empty() {
        return None;
    }
    parts.sort_unstable();
    Some(key.opaque("entry", &parts.concat()).iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}
