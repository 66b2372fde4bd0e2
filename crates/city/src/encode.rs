//! GB18030 for writing. The general encoder searches its tables anew for each character, which takes longer than
//! everything else here together; this one inverts the two-byte part of the decoder once and leaves the rest to it.

/// An encoder.
pub(crate) struct Gb18030 {
    /// Two bytes for each character of the basic plane; 0 where there are none.
    pairs: Vec<u16>,
}

impl Gb18030 {
    pub(crate) fn new() -> Self {
        let mut pairs = vec![0; 0x1_0000];
        for lead in 0x81..=0xfe_u8 {
            for trail in (0x40..=0xfe_u8).filter(|trail| *trail != 0x7f) {
                let bytes = [lead, trail];
                let (text, failed) = encoding_rs::GB18030.decode_without_bom_handling(&bytes);
                let mut characters = text.chars();
                if let (false, Some(character), None) = (failed, characters.next(), characters.next())
                    && let Some(pair) = pairs.get_mut(character as usize)
                    && *pair == 0
                {
                    *pair = u16::from_be_bytes(bytes);
                }
            }
        }
        Self { pairs }
    }

    pub(crate) fn encode(&self, text: &str, bytes: &mut Vec<u8>) {
        for character in text.chars() {
            if character.is_ascii() {
                bytes.push(character as u8);
                continue;
            }
            match self.pairs.get(character as usize) {
                Some(pair) if *pair != 0 => bytes.extend_from_slice(&pair.to_be_bytes()),
                _ => {
                    let mut buffer = [0; 4];
                    let (encoded, _, _) = encoding_rs::GB18030.encode(character.encode_utf8(&mut buffer));
                    bytes.extend_from_slice(&encoded);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_comes_back() {
        let text = "王小明 𠮷㛃䶮·¥×＊１２３，。欧陽，ABC|\t\u{fffd}";
        let mut bytes = Vec::new();
        Gb18030::new().encode(text, &mut bytes);
        let (decoded, _, failed) = encoding_rs::GB18030.decode(&bytes);
        assert!(!failed);
        assert_eq!(decoded, text);
    }
}
