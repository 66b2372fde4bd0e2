//! Headers as one column: each name and each value after its length.

/// Writes headers as bytes.
pub(super) fn encode(headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum());
    for (name, value) in headers {
        for part in [name.as_bytes(), value] {
            // A record is far smaller than 4 GiB; its size was checked.
            bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

/// Reads them back; `None` when the bytes are not such headers.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let name = String::from_utf8(part(&mut bytes)?.to_vec()).ok()?;
        headers.push((name, part(&mut bytes)?.to_vec()));
    }
    Some(headers)
}

fn part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (part, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *bytes = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_went() {
        let headers = vec![("a".to_owned(), vec![0, 255]), (String::new(), Vec::new()), ("a".to_owned(), vec![1])];
        assert_eq!(decode(&encode(&headers)), Some(headers));
        assert_eq!(decode(&[]), Some(Vec::new()));
    }

    #[test]
    fn bytes_that_are_no_headers_are_refused() {
        let good = encode(&[("name".to_owned(), vec![1, 2, 3])]);
        for cut in 1..good.len() {
            assert_eq!(decode(&good[..cut]), None, "cut at {cut}");
        }
        assert_eq!(decode(&[0, 0, 0, 1, 0xff, 0, 0, 0, 0]), None, "the name is not UTF-8");
    }
}
