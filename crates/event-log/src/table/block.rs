//! Blocks: neighbouring records of a partition as one row of the table.
//!
//! A row of PostgreSQL costs the same whether it holds a hundred bytes or a hundred thousand, so records are packed, as
//! Kafka packs them. A block is compressed; a record in it is key, payload and headers, each after its length (32 bits,
//! big-endian), the names and values of headers likewise.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;

use zstd::bulk::Compressor;

/// Most records of a block. A reader finds the block of an offset by it, so it may shrink but never grow.
pub(super) const BLOCK_RECORDS_MAX: usize = 1_000;
/// Plain bytes after which a block is full.
const BLOCK_BYTES_FULL: usize = 256 << 10;
/// Compresses at several hundred MB/s; the next level costs more time than the disk does.
const COMPRESSION_LEVEL: i32 = -1;

thread_local! {
    /// What compression works with is large: made for each block, it would cost as much as compressing does.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Neighbouring records, packed.
#[derive(Debug)]
pub(super) struct Block {
    /// How many there are.
    pub(super) records: i32,
    /// Bytes when unpacked.
    pub(super) plain_bytes: i32,
    /// The compressed records.
    pub(super) body: Vec<u8>,
}

/// Packs records, one after the other.
#[derive(Debug, Default)]
pub(super) struct Packer {
    plain: Vec<u8>,
    records: usize,
    full: Vec<Block>,
}

impl Packer {
    /// Adds a record behind those that were added before.
    pub(super) fn push(
        &mut self,
        key: &[u8],
        payload: &[u8],
        headers: &[(Cow<'static, str>, Vec<u8>)],
    ) -> io::Result<()> {
        put(&mut self.plain, key);
        put(&mut self.plain, payload);
        let headers_bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        put_length(&mut self.plain, headers_bytes);
        for (name, value) in headers {
            put(&mut self.plain, name.as_bytes());
            put(&mut self.plain, value);
        }
        self.records += 1;
        if self.records == BLOCK_RECORDS_MAX || self.plain.len() >= BLOCK_BYTES_FULL { self.close() } else { Ok(()) }
    }

    /// The blocks of all records that were added.
    pub(super) fn finish(mut self) -> io::Result<Vec<Block>> {
        if self.records > 0 {
            self.close()?;
        }
        Ok(self.full)
    }

    fn close(&mut self) -> io::Result<()> {
        let body = compress(&self.plain)?;
        // Both are small: a block is closed at its limits, and a record has at most 4 MiB.
        self.full.push(Block { records: self.records as i32, plain_bytes: self.plain.len() as i32, body });
        self.plain.clear();
        self.records = 0;
        Ok(())
    }
}

fn compress(plain: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| match compressor {
        Some(compressor) => compressor.compress(plain),
        none => none.insert(Compressor::new(COMPRESSION_LEVEL)?).compress(plain),
    })
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    put_length(bytes, part.len());
    bytes.extend_from_slice(part);
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    // A record is far smaller than 4 GiB; its size was checked.
    bytes.extend_from_slice(&(length as u32).to_be_bytes());
}

/// A record as it lies in an unpacked block.
pub(super) struct Packed<'a> {
    pub(super) key: &'a [u8],
    pub(super) payload: &'a [u8],
    headers: &'a [u8],
}

impl Packed<'_> {
    /// Names and values, in order; `None` when the bytes are not such.
    pub(super) fn headers(&self) -> Option<Vec<(String, Vec<u8>)>> {
        let mut rest = self.headers;
        let mut headers = Vec::with_capacity(8);
        while !rest.is_empty() {
            let name = std::str::from_utf8(part(&mut rest)?).ok()?.to_owned();
            headers.push((name, part(&mut rest)?.to_vec()));
        }
        Some(headers)
    }
}

/// Unpacks a block; `None` when the bytes are none of `plain_bytes` bytes.
pub(super) fn unpack(body: &[u8], plain_bytes: i32) -> Option<Vec<u8>> {
    let plain = zstd::bulk::decompress(body, usize::try_from(plain_bytes).ok()?).ok()?;
    (plain.len() == plain_bytes as usize).then_some(plain)
}

/// The records of an unpacked block; `None` when there are not exactly `records` of them.
pub(super) fn records(mut plain: &[u8], records: i32) -> Option<Vec<Packed<'_>>> {
    let mut found = Vec::with_capacity(usize::try_from(records).ok()?.min(BLOCK_RECORDS_MAX));
    for _ in 0..records {
        let (key, payload, headers) = (part(&mut plain)?, part(&mut plain)?, part(&mut plain)?);
        found.push(Packed { key, payload, headers });
    }
    plain.is_empty().then_some(found)
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

    fn pack(count: usize, payload: &[u8]) -> Vec<Block> {
        let mut packer = Packer::default();
        let headers = [("a".into(), vec![0, 255]), ("".into(), Vec::new()), ("a".into(), vec![1])];
        for number in 0..count {
            packer.push(&number.to_be_bytes(), payload, &headers).expect("memory");
        }
        packer.finish().expect("memory")
    }

    #[test]
    fn records_come_back_as_they_went() {
        let blocks = pack(BLOCK_RECORDS_MAX + 1, b"payload");
        assert_eq!(blocks.iter().map(|block| block.records).collect::<Vec<_>>(), [BLOCK_RECORDS_MAX as i32, 1]);
        let plain = unpack(&blocks[1].body, blocks[1].plain_bytes).expect("a block");
        let records = records(&plain, 1).expect("one record");
        assert_eq!((records[0].key, records[0].payload), (&BLOCK_RECORDS_MAX.to_be_bytes()[..], &b"payload"[..]));
        let names: Vec<String> = records[0].headers().expect("headers").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "", "a"]);
    }

    #[test]
    fn long_records_fill_a_block_early() {
        let blocks = pack(3, &vec![7; BLOCK_BYTES_FULL]);
        assert_eq!(blocks.len(), 3);
        assert!(pack(0, b"").is_empty());
    }

    #[test]
    fn bytes_that_are_no_block_are_refused() {
        let block = pack(3, b"payload").remove(0);
        assert!(unpack(&block.body[1..], block.plain_bytes).is_none());
        assert!(unpack(&block.body, block.plain_bytes - 1).is_none());
        let plain = unpack(&block.body, block.plain_bytes).expect("a block");
        assert!(records(&plain, 2).is_none() && records(&plain, 4).is_none());
        assert!((0..plain.len()).all(|cut| records(&plain[..cut], 3).is_none()));
    }
}
