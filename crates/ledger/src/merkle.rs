//! RFC 6962 hashing over SHA-256: roots, inclusion proofs, consistency proofs, and their verification.
//!
//! Everything is a pure function of the hashes of *complete* subtrees, which the caller looks up: the node at height
//! `h` and position `i` covers the leaves `[i << h, (i + 1) << h)`. Such a node never changes once it exists, so a
//! proof about any earlier size of the tree can be made at any time.

use std::collections::VecDeque;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The height of a tile: 2^8 = 256 hashes.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// A SHA-256 hash of a leaf or of a subtree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Base 64 with padding, as checkpoints and proofs write it.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }

    /// Parses what [`Hash::to_base64`] wrote; `None` for anything else.
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_base64(&text).ok_or_else(|| serde::de::Error::custom("a hash is 32 bytes in base 64"))
    }
}

/// The root of the empty tree.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// The hash of a leaf: SHA-256(0x00 || entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The hash of an inner node: SHA-256(0x01 || left || right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1u8; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(bytes).into())
}

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// What goes wrong when a hash cannot be had.
    type Error;

    /// The hash of the complete subtree of height `height` at position `index`.
    fn node(&self, height: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The largest power of two smaller than `count` (`count` > 1), as its exponent.
const fn split_height(count: u64) -> u32 {
    63 - (count - 1).leading_zeros()
}

/// The hash of the leaves `[low, high)`, where `low` is aligned to the range as RFC 6962 splits it.
fn range_hash<N: Nodes>(nodes: &N, low: u64, high: u64) -> Result<Hash, N::Error> {
    let count = high - low;
    if count.is_power_of_two() {
        let height = count.trailing_zeros();
        return nodes.node(height, low >> height);
    }
    let split = low + (1 << split_height(count));
    Ok(node_hash(&range_hash(nodes, low, split)?, &range_hash(nodes, split, high)?))
}

/// The root of the tree of the first `size` leaves.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(empty_root()) } else { range_hash(nodes, 0, size) }
}

/// The inclusion proof of the leaf `index` in the tree of `size` leaves, the leaf's sibling first.
/// `index` must be smaller than `size`.
pub fn inclusion_proof<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut low, mut high) = (0, size);
    let mut proof = Vec::new();
    while high - low > 1 {
        let split = low + (1 << split_height(high - low));
        if index < split {
            proof.push(range_hash(nodes, split, high)?);
            high = split;
        } else {
            proof.push(range_hash(nodes, low, split)?);
            low = split;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `size` leaves extends the tree of `old_size` leaves (0 < `old_size` ≤ `size`).
pub fn consistency_proof<N: Nodes>(nodes: &N, old_size: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut low, mut high) = (0, size);
    let mut proof = Vec::new();
    while old_size < high {
        let split = low + (1 << split_height(high - low));
        if old_size <= split {
            proof.push(range_hash(nodes, split, high)?);
            high = split;
        } else {
            proof.push(range_hash(nodes, low, split)?);
            low = split;
        }
    }
    if low > 0 {
        proof.push(range_hash(nodes, low, high)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root that an inclusion proof leads to, or `None` when the proof has not the length that `index` and `size` ask
/// for (RFC 9162, section 2.1.3.2).
pub fn root_of_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Whether `proof` shows that the tree (`size`, `root`) extends the tree (`old_size`, `old_root`)
/// (RFC 9162, section 2.1.4.2). Every tree extends the empty one.
pub fn verify_consistency(old_size: u64, old_root: Hash, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if old_size == 0 {
        return proof.is_empty() && old_root == empty_root();
    }
    if old_size >= size {
        return old_size == size && proof.is_empty() && old_root == root;
    }
    let (mut node, mut last) = (old_size - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let mut rest = proof.iter();
    let first = if old_size.is_power_of_two() { old_root } else { *rest.next().unwrap_or(&Hash([0; 32])) };
    let (mut old, mut new) = (first, first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == old_root && new == root
}

/// The hashes of complete subtrees in memory. Below the height of a tile only a window is kept (the tiles on disk hold
/// the rest); above it, everything: 2/256 hash per entry, 2.5 MB for ten million entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeStore {
    size: u64,
    levels: Vec<Level>,
}

#[derive(Clone, Debug, Default)]
struct Level {
    /// Position of the first hash kept.
    first: u64,
    hashes: VecDeque<Hash>,
}

impl NodeStore {
    /// A store that begins with `roots`, the hashes of the first full tiles of the lowest level.
    pub(crate) fn from_tile_roots(roots: impl IntoIterator<Item = Hash>) -> Self {
        let mut store = Self::default();
        for root in roots {
            store.carry(TILE_HEIGHT as usize, root);
            store.size += 1 << TILE_HEIGHT;
        }
        for height in 0..TILE_HEIGHT as usize {
            store.level_mut(height).first = store.size >> height;
        }
        store
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        self.carry(0, leaf);
        self.size += 1;
    }

    /// The hash, unless the window no longer holds it or the subtree is not complete.
    pub(crate) fn get(&self, height: u32, index: u64) -> Option<Hash> {
        let level = self.levels.get(height as usize)?;
        level.hashes.get(usize::try_from(index.checked_sub(level.first)?).ok()?).copied()
    }

    /// Forgets what lies below the height of a tile and before the leaf `base` (a multiple of 256).
    pub(crate) fn forget_before(&mut self, base: u64) {
        for height in 0..TILE_HEIGHT as usize {
            let level = self.level_mut(height);
            let dropped = (base >> height).saturating_sub(level.first).min(level.hashes.len() as u64);
            level.hashes.drain(..usize::try_from(dropped).unwrap_or(0));
            level.first += dropped;
        }
    }

    fn carry(&mut self, mut height: usize, mut hash: Hash) {
        loop {
            let level = self.level_mut(height);
            let index = level.first + level.hashes.len() as u64;
            let left = level.hashes.back().copied();
            level.hashes.push_back(hash);
            match left {
                Some(left) if index % 2 == 1 => hash = node_hash(&left, &hash),
                _ => return,
            }
            height += 1;
        }
    }

    fn level_mut(&mut self, height: usize) -> &mut Level {
        if self.levels.len() <= height {
            self.levels.resize_with(height + 1, Level::default);
        }
        &mut self.levels[height]
    }
}

/// A hash that the store does not hold.
#[derive(Debug)]
pub(crate) struct MissingNode;

impl Nodes for NodeStore {
    type Error = MissingNode;

    fn node(&self, height: u32, index: u64) -> Result<Hash, MissingNode> {
        self.get(height, index).ok_or(MissingNode)
    }
}

/// The hash of consecutive hashes of one level; a power of two of them.
pub(crate) fn fold(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = hashes.split_at(1 << split_height(hashes.len() as u64));
            node_hash(&fold(left), &fold(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn store(size: u64) -> NodeStore {
        let mut store = NodeStore::default();
        for leaf in 0..size {
            store.push(leaf_hash(&leaf.to_be_bytes()));
        }
        store
    }

    fn get_root(store: &NodeStore, size: u64) -> Hash {
        root(store, size).expect("all nodes are kept")
    }

    #[test]
    fn roots_are_those_of_the_test_vectors_of_certificate_transparency() {
        let leaves =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut store = NodeStore::default();
        for (size, expected) in roots.iter().enumerate() {
            assert_eq!(hex::encode(get_root(&store, size as u64).0), *expected, "size {size}");
            if let Some(leaf) = leaves.get(size) {
                store.push(leaf_hash(&hex::decode(leaf).expect("a vector is hex")));
            }
        }
    }

    #[test]
    fn every_proof_of_every_small_tree_verifies_and_no_other_does() {
        let store = store(70);
        for size in 1..=70 {
            let root = get_root(&store, size);
            for index in 0..size {
                let leaf = leaf_hash(&index.to_be_bytes());
                let proof = inclusion_proof(&store, index, size).expect("all nodes are kept");
                assert_eq!(root_of_inclusion(leaf, index, size, &proof), Some(root));
                if size > 1 {
                    assert_ne!(root_of_inclusion(leaf, (index + 1) % size, size, &proof), Some(root));
                    assert_eq!(root_of_inclusion(leaf, index, size, &proof[1..]), None);
                }
            }
            for old in 1..=size {
                let old_root = get_root(&store, old);
                let proof = consistency_proof(&store, old, size).expect("all nodes are kept");
                assert!(verify_consistency(old, old_root, size, root, &proof), "{old} to {size}");
                assert!(!verify_consistency(old, leaf_hash(b"other"), size, root, &proof));
                assert!(!verify_consistency(old, old_root, size, leaf_hash(b"other"), &proof) || old == size);
            }
        }
    }

    proptest! {
        #[test]
        fn a_store_that_forgot_the_past_gives_the_same_roots(size in 256u64..2_000, keep in 0u64..4) {
            let mut whole = store(size);
            let expected = get_root(&whole, size);
            let base = (size / 256).saturating_sub(keep) * 256;
            whole.forget_before(base);
            prop_assert_eq!(get_root(&whole, size), expected);
            let roots = (0..base / 256).map(|tile| whole.get(8, tile).expect("kept"));
            let mut restored = NodeStore::from_tile_roots(roots);
            for leaf in base..size {
                restored.push(leaf_hash(&leaf.to_be_bytes()));
            }
            prop_assert_eq!(get_root(&restored, size), expected);
        }
    }
}
