//! C2SP tlog-tiles: names of tiles, and the form of an entry bundle.

use std::path::PathBuf;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// The longest entry that a bundle can hold, in bytes.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of this level: level 0 are leaves, one of level `n + 1` is the root of a full tile of level `n`.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// One tile: its kind, its index within the level, and how many of its 256 places are filled (1 to 256).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub kind: TileKind,
    /// Its index within the level.
    pub index: u64,
    /// Places filled, 1 to 256; 256 is a full tile.
    pub width: u64,
}

impl Tile {
    /// Whether all 256 places are filled.
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The path below the log's prefix, such as `tile/0/x001/234.p/7`.
    pub fn path(self) -> String {
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        let name = groups.join("/");
        let suffix = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        match self.kind {
            TileKind::Hashes(level) => format!("tile/{level}/{name}{suffix}"),
            TileKind::Entries => format!("tile/entries/{name}{suffix}"),
        }
    }

    /// Parses a path; `None` for anything that [`Tile::path`] would not write.
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?;
        let (kind, rest) = rest.split_once('/')?;
        let kind = if kind == "entries" {
            TileKind::Entries
        } else {
            TileKind::Hashes(kind.parse().ok().filter(|level| *level < 64)?)
        };
        let (name, width) = match rest.split_once(".p/") {
            Some((name, width)) => (name, width.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))?),
            None => (rest, TILE_WIDTH),
        };
        let mut index = 0u64;
        for group in name.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { kind, index, width };
        (tile.path() == path).then_some(tile)
    }

    /// The file of this tile below the log's directory.
    pub(crate) fn file(self) -> PathBuf {
        PathBuf::from(self.path())
    }
}

/// The partial and full tiles of one level of a tree of `size` leaves: (index, width) of the last `count` ones.
pub(crate) const fn width_at(size: u64, level: u8, index: u64) -> u64 {
    let nodes = if level >= 8 { 0 } else { size >> (8 * level as u32) };
    let start = index.saturating_mul(TILE_WIDTH);
    let left = nodes.saturating_sub(start);
    if left > TILE_WIDTH { TILE_WIDTH } else { left }
}

/// Appends an entry to a bundle: its length in two bytes, big-endian, then the entry.
pub(crate) fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) {
    // An entry's length was checked when it was encoded.
    let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(&entry[..usize::from(length)]);
}

/// The entries of a bundle, or `None` when the lengths do not add up to the bytes.
pub fn split_bundle(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        bytes = rest;
    }
    bytes.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |kind, index, width| Tile { kind, index, width };
        for (tile, path) in [
            (tile(TileKind::Hashes(0), 0, 256), "tile/0/000"),
            (tile(TileKind::Hashes(2), 1_234_067, 256), "tile/2/x001/x234/067"),
            (tile(TileKind::Entries, 273, 112), "tile/entries/273.p/112"),
            (tile(TileKind::Hashes(63), 1_000, 1), "tile/63/x001/000.p/1"),
        ] {
            assert_eq!(tile.path(), path);
            assert_eq!(Tile::parse(path), Some(tile));
        }
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/0",
            "tile/00/000",
            "tile/64/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/x000/001",
            "tile/0/../000",
            "tile/0/001/000",
            "tile/0/+01",
            "/tile/0/000",
            "tile/entries/000/",
            "tile/data/000",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_bundle_splits_only_where_it_was_joined() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, b"one");
        push_entry(&mut bundle, b"");
        push_entry(&mut bundle, b"three");
        assert_eq!(split_bundle(&bundle), Some(vec![&b"one"[..], b"", b"three"]));
        assert_eq!(split_bundle(&bundle[..bundle.len() - 1]), None);
        assert_eq!(split_bundle(&[0]), None);
    }
}
