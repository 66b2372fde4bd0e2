//! A workbook of the old binary form (BIFF8 in a compound file), with as little in it as readers need.

/// A cell.
pub(crate) enum Cell {
    Text(&'static str),
    Number(f64),
}

const SECTOR: usize = 512;
const END_OF_CHAIN: u32 = 0xFFFF_FFFE;
const NOTHING: u32 = 0xFFFF_FFFF;
/// Shorter streams would have to lie in another place.
const STREAM_MIN: usize = 4096;

/// A workbook with one sheet.
pub(crate) fn workbook(rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut stream = globals(0);
    stream = globals(stream.len());
    stream.extend(record(0x0809, &begin(0x0010)));
    for (row, cells) in (0_u16..).zip(rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            let place = [row.to_le_bytes(), column.to_le_bytes(), 0_u16.to_le_bytes()].concat();
            stream.extend(match cell {
                Cell::Text(text) => {
                    let units: Vec<u16> = text.encode_utf16().collect();
                    let length = (units.len() as u16).to_le_bytes();
                    let text: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
                    record(0x0204, &[&place[..], &length, &[1], &text].concat())
                }
                Cell::Number(number) => record(0x0203, &[&place[..], &number.to_le_bytes()].concat()),
            });
        }
    }
    stream.extend(record(0x000A, &[]));
    compound_file(stream)
}

/// What stands before the sheet, which begins at a place.
fn globals(sheet_at: usize) -> Vec<u8> {
    let sheet = [&(sheet_at as u32).to_le_bytes()[..], &[0, 0, 5, 0], b"Sheet"].concat();
    [
        record(0x0809, &begin(0x0005)),
        record(0x0042, &1200_u16.to_le_bytes()),
        record(0x0085, &sheet),
        record(0x000A, &[]),
    ]
    .concat()
}

/// The begin of a part of this kind.
fn begin(kind: u16) -> Vec<u8> {
    [&0x0600_u16.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 12]].concat()
}

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
}

/// The stream in sectors behind the header, the table of sectors and the directory.
fn compound_file(mut stream: Vec<u8>) -> Vec<u8> {
    stream.resize(stream.len().max(STREAM_MIN).next_multiple_of(SECTOR), 0);
    let sectors = (stream.len() / SECTOR) as u32;
    let mut table = vec![0xFFFF_FFFD, END_OF_CHAIN];
    table.extend((3..2 + sectors).chain([END_OF_CHAIN]));
    table.resize(SECTOR / 4, NOTHING);

    let mut header = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    header.resize(24, 0);
    for half in [0x003E_u16, 0x0003, 0xFFFE, 0x0009, 0x0006] {
        header.extend(half.to_le_bytes());
    }
    header.resize(44, 0);
    // One sector of the table; the directory in sector 1; the table in sector 0, and none elsewhere.
    for word in [1, 1, 0, STREAM_MIN as u32, END_OF_CHAIN, 0, END_OF_CHAIN, 0, 0] {
        header.extend(word.to_le_bytes());
    }
    header.resize(SECTOR, 0xFF);

    let mut directory = entry("Root Entry", 5, 1, END_OF_CHAIN, 0);
    directory.extend(entry("Workbook", 2, NOTHING, 2, stream.len() as u64));
    directory.resize(SECTOR, 0);
    let table: Vec<u8> = table.into_iter().flat_map(u32::to_le_bytes).collect();
    [header, table, directory, stream].concat()
}

fn entry(name: &str, kind: u8, child: u32, start: u32, bytes: u64) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    entry.resize(64, 0);
    entry.extend((name.len() as u16 * 2 + 2).to_le_bytes());
    entry.extend([kind, 1]);
    for other in [NOTHING, NOTHING, child] {
        entry.extend(other.to_le_bytes());
    }
    entry.resize(116, 0);
    entry.extend(start.to_le_bytes());
    entry.extend(bytes.to_le_bytes());
    entry
}
