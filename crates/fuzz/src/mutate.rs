//! Random changes of inputs.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Bytes of an input; what a repetition would bring beyond is left out.
const BYTES_MAX: usize = 1 << 16;

/// What parsers look for, and what they do not expect.
const WORDS: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\r\n",
    b"\"",
    b"\"\"",
    b",",
    b"|",
    b"\t",
    b"'",
    b"+",
    b":",
    b"?",
    b"*",
    b"^",
    b"~",
    b"&",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"<",
    b">",
    b"</",
    b"/>",
    b"<!",
    b"&amp;",
    b"&#0;",
    b"<![CDATA[",
    b"]]>",
    b"<?",
    b"null",
    b"\x0b",
    b"\x1c",
    b"\0",
    b"\xff",
    b"\x81",
    b"\x81\x30\x81\x30",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x92\xa9",
    b"\\u0000",
    b"\\ud800",
    b"MSH|^~\\&|",
    b"\rMSH",
    b"PID|",
    b"OBX|",
    b"MRG|",
    b"FHS|",
    b"BHS|",
    b"\\X",
    b"\\.br\\",
    b"UNA:+.? '",
    b"UNB+",
    b"UNH+",
    b"UNT+",
    b"UNZ+",
    b"NAD+",
    b"DTM+",
    b"TVL+",
    b"-1",
    b"0",
    b"1e309",
    b"99999999999999999999",
    b"0001-01-01",
    b"9999-12-31",
    b"99991231235959",
    b"00000000",
    b"+2359",
    b"-0000",
    b"NaN",
    b"0200",
    b"0800",
    b"8000000000000001",
    b"FFFFFFFFFFFFFFFF",
    b"\x7f\xff\xff\xff\xff",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
];

/// One of the inputs, changed in one to eight ways.
pub(crate) fn mutate(inputs: &[Vec<u8>], dice: &mut ChaCha8Rng) -> Vec<u8> {
    let mut input = pick(inputs, dice).clone();
    for _ in 0..1 << dice.random_range(0..4) {
        change(&mut input, inputs, dice);
    }
    input.truncate(BYTES_MAX);
    input
}

fn pick<'i, T>(of: &'i [T], dice: &mut ChaCha8Rng) -> &'i T {
    &of[dice.random_range(0..of.len())]
}

fn change(input: &mut Vec<u8>, inputs: &[Vec<u8>], dice: &mut ChaCha8Rng) {
    let at = dice.random_range(0..=input.len());
    let end = (at + dice.random_range(0..64)).min(input.len());
    match dice.random_range(0..9) {
        0 if at < input.len() => input[at] ^= 1 << dice.random_range(0..8),
        1 if at < input.len() => input[at] = dice.random(),
        2 => drop(input.drain(at..end)),
        3 => input.truncate(at),
        4 => {
            // A stretch again, many times over.
            let stretch = input[at..end].repeat(dice.random_range(1..200));
            input.splice(end..end, stretch);
        }
        5 => {
            // From here on, another input.
            let other = pick(inputs, dice);
            let from = dice.random_range(0..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        6 => {
            let other = pick(inputs, dice);
            let from = dice.random_range(0..=other.len());
            let to = (from + dice.random_range(0..256)).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
        7 => drop(input.splice(at..end, pick(WORDS, dice).iter().copied())),
        _ => drop(input.splice(at..at, pick(WORDS, dice).iter().copied())),
    }
}
