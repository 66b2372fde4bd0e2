//! Identifiers have no place in an address: addresses end up in logs of proxies and in browsers' histories.

use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// The shortest run of digits that could be a person's number: a mobile number.
const DIGITS_MIN: usize = 11;
/// An address that is encoded as often as this is refused.
const LAYERS_MAX: usize = 8;

/// Whether a path with its query could hold an identity, phone or card number: eleven or more digits in a row, also
/// percent-encoded however often, in the digits of another script, or broken up by blanks and hyphens, in a path by anything but
/// letters. UUIDs are left out: they are this server's own ids. So is the code of a community unit where one is named, in a form that
/// no such number has.
pub(crate) fn holds_identifier(path_and_query: &str) -> bool {
    // Clients may encode the tilde that stands before an id in a cursor.
    let plain = path_and_query.replace("%7E", "~").replace("%7e", "~");
    let (path, query) = plain.split_once('?').unwrap_or((&plain, ""));
    // In a query a bare plus stands for a blank; an encoded one is a plus and begins something new.
    part_holds_identifier(path, true) || part_holds_identifier(&query.replace('+', " "), false)
}

fn part_holds_identifier(part: &str, is_path: bool) -> bool {
    let mut text = part.to_owned();
    for _ in 0..LAYERS_MAX {
        if layer_holds_identifier(&text, is_path) {
            return true;
        }
        let decoded = percent_decode(&text);
        if decoded == text {
            return false;
        }
        text = decoded;
    }
    // Whoever encodes so often hides something.
    true
}

fn layer_holds_identifier(text: &str, is_path: bool) -> bool {
    let plain: String = text.nfkc().collect();
    let mut before = "";
    let parts = |c: char| matches!(c, '/' | '?') || !is_path && matches!(c, '&' | '=' | '#' | ';' | ',' | '~');
    plain.split(parts).any(|piece| {
        let names_unit = matches!(before, "units" | "unit") && is_unit_code(piece);
        before = piece;
        !names_unit && piece_holds_identifier(piece, is_path)
    })
}

/// A division code of twelve digits, which begins with a province and so never with 0 or 8, or a grid unit below one: a
/// letter and at most three digits more.
fn is_unit_code(piece: &str) -> bool {
    let is_division = |code: &str| {
        code.len() == 12 && code.bytes().all(|b| b.is_ascii_digit()) && (b'1'..=b'7').contains(&code.as_bytes()[0])
    };
    match piece.split_at_checked(12) {
        Some((division, "")) => is_division(division),
        Some((division, grid)) => {
            let is_number = (2..=4).contains(&grid.len()) && grid.bytes().skip(1).all(|b| b.is_ascii_digit());
            is_division(division) && grid.as_bytes()[0].is_ascii_uppercase() && is_number
        }
        None => false,
    }
}

fn piece_holds_identifier(piece: &str, is_path: bool) -> bool {
    if is_uuid(piece) {
        return false;
    }
    let mut digits = 0;
    for c in piece.chars() {
        // Points and colons belong to instants and positions, which stand in queries alone.
        let parts_nothing =
            matches!(c, '-' | ' ' | '_' | '(' | ')' | char::REPLACEMENT_CHARACTER) || is_path && !c.is_alphabetic();
        if c.is_numeric() {
            digits += 1;
        } else if !parts_nothing {
            digits = 0;
        }
        if digits >= DIGITS_MIN {
            return true;
        }
    }
    false
}

/// A UUID in the one form that this server writes.
fn is_uuid(piece: &str) -> bool {
    piece.len() == 36 && Uuid::try_parse(piece).is_ok()
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let hex = |b: u8| (b as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high * 16 + low);
                    rest = after;
                }
                _ => {
                    decoded.push(b'%');
                    rest = tail;
                }
            },
            _ => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_persons_are_seen_in_every_disguise() {
        for address in [
            "/v1/persons/11010519491231002X",
            "/v1/persons/110105194912310021",
            "/v1/persons/find?phone=13812345678",
            "/v1/persons/find?phone=138-1234-5678",
            "/v1/persons/find?phone=138%201234%205678",
            "/v1/persons/find?phone=%2B8613812345678",
            "/v1/persons/find?phone=138+1234+5678",
            "/v1/persons/%31%33%38%31%32%33%34%35%36%37%38",
            "/v1/persons/%2531%2533%2538%2531%2532%2533%2534%2535%2536%2537%2538",
            "/v1/persons/１３８１２３４５６７８",
            "/v1/persons/%EF%BC%91%EF%BC%93%EF%BC%98%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96%EF%BC%97%EF%BC%98",
            "/anything/6222021234567890123",
            "/x?13812345678",
            "/v1/units/13812345678/summary",
            "/v1/units/8613812345678/summary",
            "/v1/units/11010519491231002X/summary",
            "/v1/units/110105491231002/summary",
            "/v1/units/x/residents?unit=13812345678",
            "/v1/persons/320506001007",
            "/v1/persons/137.1234.5678",
            "/v1/persons/137%2E1234%2E5678",
            "/v1/persons/320588:19801024:5935",
            "/v1/persons/137*1234*5678",
            "/v1/persons/137%E2%80%931234%E2%80%935678",
            "/v1/persons/١٣٧١٢٣٤٥٦٧٨",
            "/v1/persons/137%25252D12345678",
            "/v1/persons/find?phone=137%25252D12345678",
        ] {
            assert!(holds_identifier(address), "{address}");
        }
    }

    #[test]
    fn ids_and_instants_of_this_server_pass() {
        for address in [
            "/v1/persons/3f2504e0-4f89-11d3-9a0c-123456789012",
            "/v1/persons/00000000-0000-5000-8000-000000000000/timeline?from=2022-03-01T00:00:00Z&to=2022-03-14T00:00:00Z",
            "/v1/persons/00000000-0000-5000-8000-000000000000/timeline?from=2022-03-01T00:00:00.123456789%2B08:00",
            "/v1/persons/00000000-0000-5000-8000-000000000000/timeline?after=2022-03-01T00:00:00Z~3f2504e0-4f89-11d3-9a0c-123456789012",
            "/v1/changes?after=1746%7E51025a49-4f89-51d3-9a0c-783831441233",
            "/v1/ledger/entries?after=1234567890&limit=100",
            "/v1/units/320506001007/summary",
            "/v1/units/320506001007G03/residents?limit=10",
            "/openapi.json",
            "/registry/schemas/ids/7",
        ] {
            assert!(!holds_identifier(address), "{address}");
        }
    }

    #[test]
    fn broken_percent_signs_do_no_harm() {
        for address in ["/%", "/%4", "/%zz", "/%ff%fe", ""] {
            assert!(!holds_identifier(address), "{address}");
        }
    }
}
