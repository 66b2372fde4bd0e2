//! Roots, proofs, tiles and notes, checked by implementations that share no code with ours.

mod common;

use common::{ORIGIN, Place, append_many};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ledger::{Hash, Tile, TileKind};
use signed_note::{Note, StandardVerifier, VerifierList};

fn foreign(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_receipts_verify_with_the_tools_of_others() {
    let place = Place::new();
    let ledger = place.open();
    let receipts = append_many(&ledger, 0..600).await;
    for receipt in &receipts {
        let note = Note::from_bytes(receipt.checkpoint.as_bytes()).expect("a note");
        let verifier = StandardVerifier::new(&ledger.verifier().to_string()).expect("a verifier key");
        let (verified, _) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("it verifies");
        assert_eq!(verified.len(), 1);
        let head = tlog_tiles::Checkpoint::from_bytes(note.text()).expect("a checkpoint");
        assert_eq!(head.origin(), ORIGIN);
        let proof: Vec<_> = receipt.proof.iter().copied().map(foreign).collect();
        tlog_tiles::check_record(&proof, head.size(), *head.hash(), receipt.index, foreign(receipt.leaf_hash))
            .expect("the inclusion proof verifies");
    }
    let first = receipts.iter().min_by_key(|receipt| receipt.index).expect("there are some");
    let earlier = first.verify(ledger.verifier()).expect("it verifies");
    let (head, _) = ledger.head();
    if earlier.size < head.size {
        let (proof, _) = ledger.consistency(earlier.size).expect("the log had that size");
        let proof: Vec<_> = proof.into_iter().map(foreign).collect();
        tlog_tiles::check_tree(&proof, head.size, foreign(head.root), earlier.size, foreign(earlier.root))
            .expect("the consistency proof verifies");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_directory_gives_the_root_that_another_tree_computes() {
    let place = Place::new();
    let ledger = place.open();
    append_many(&ledger, 0..777).await;
    ledger.publish().await.expect("published");
    let (head, _) = ledger.head();
    let mut tree = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    for index in 0..head.size.div_ceil(256) {
        let width = (head.size - index * 256).min(256);
        let tile = Tile { kind: TileKind::Entries, index, width };
        let bytes = std::fs::read(place.dir().join(tile.path())).expect("the bundle is published");
        assert_eq!(ledger.tile(tile).expect("readable").as_ref(), Some(&bytes), "the same from memory");
        for entry in ledger::split_bundle(&bytes).expect("a bundle") {
            tree.push(entry.to_vec());
        }
        let theirs = tlog_tiles::Tile::new(8, 0, index, u32::try_from(width).expect("small"), false);
        let ours = Tile { kind: TileKind::Hashes(0), index, width };
        // Their paths carry the height of a tile, which the specification fixes at 8.
        assert_eq!(theirs.path().replacen("tile/8/", "tile/", 1), ours.path());
        let hashes = std::fs::read(place.dir().join(ours.path())).expect("the tile is published");
        assert_eq!(hashes.len() as u64, width * 32);
    }
    assert_eq!(tree.root().as_bytes().as_slice(), head.root.0);
}
