//! Roots, proofs, tiles and notes, checked by implementations that share no code with ours.

mod common;

use common::{ORIGIN, Place, append_many};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ledger::{Archive, Hash, LedgerError, Receipt, Tile, TileKind};
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
    let earlier = first.verify(&ledger.verifier()).expect("it verifies");
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

/// Checks a tlog-proof of an entry with nothing of ours but the text of the public key.
fn holds_elsewhere(proof: &str, entry: &[u8], vkey: &str) -> bool {
    let check = || {
        let (head, note) = proof.split_once("\n\n")?;
        let mut lines = head.lines();
        (lines.next()? == "c2sp.org/tlog-proof@v1").then_some(())?;
        let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
        let hashes = lines.map(|line| tlog_tiles::Hash::parse_hash(line).ok()).collect::<Option<Vec<_>>>()?;
        let note = Note::from_bytes(note.as_bytes()).ok()?;
        let verifier = StandardVerifier::new(vkey).ok()?;
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).ok()?;
        let head = tlog_tiles::Checkpoint::from_bytes(note.text()).ok()?;
        tlog_tiles::check_record(&hashes, head.size(), *head.hash(), index, tlog_tiles::record_hash(entry)).ok()
    };
    check().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_proof_holds_with_the_tools_of_others_and_no_longer_when_anything_of_it_is_changed() {
    let place = Place::new();
    let ledger = place.open();
    append_many(&ledger, 0..700).await;
    let vkey = ledger.verifier().to_string();
    ledger.publish().await.expect("published");
    // Beside the sequencer, and of full and of partial tiles.
    let archive = Archive::open(&place.dir(), &ledger.verifier()).expect("the head is signed");
    assert_eq!(archive.head().size, 700);
    for index in [0, 255, 256, 511, 512, 699] {
        let (receipt, entry) = archive.prove(index).expect("it is in the log");
        let text = receipt.to_tlog_proof();
        assert!(holds_elsewhere(&text, &entry, &vkey), "{index}");
        let mut other = entry.clone();
        other[40] ^= 1;
        assert!(!holds_elsewhere(&text, &other, &vkey), "another entry");
        for (position, _) in text.char_indices().filter(|(_, letter)| letter.is_ascii_alphanumeric()) {
            // Another letter of the same kind: index, hash, size, root, origin or signature become others.
            let mut bytes = text.clone().into_bytes();
            bytes[position] = match bytes[position] {
                b'9' => b'8',
                b'0'..=b'8' => bytes[position] + 1,
                b'z' | b'Z' => bytes[position] - 1,
                letter => letter + 1,
            };
            let changed = String::from_utf8(bytes).expect("ASCII for ASCII");
            let ours = Receipt::from_tlog_proof(&changed, receipt.leaf_hash);
            let ours = ours.is_some_and(|receipt| receipt.verify(&ledger.verifier()).is_ok());
            assert!(!ours && !holds_elsewhere(&changed, &entry, &vkey), "{index}: letter {position} of\n{changed}");
        }
    }
    assert!(matches!(archive.prove(700), Err(LedgerError::NoEntry(700))));
    let stranger = Place::new().open();
    assert!(matches!(Archive::open(&place.dir(), &stranger.verifier()), Err(LedgerError::Note(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_gives_out_no_entry_that_was_not_signed() {
    let place = Place::new();
    let ledger = place.open();
    append_many(&ledger, 0..600).await;
    let key = ledger.verifier();
    ledger.close().await;
    let archive = Archive::open(&place.dir(), &key).expect("the head is signed");
    let bundle = place.dir().join("tile/entries/001");
    let mut bytes = std::fs::read(&bundle).expect("the bundle is there");
    bytes[2_000] ^= 1;
    std::fs::write(&bundle, bytes).expect("own file");
    assert_eq!(archive.entries(0, 256).expect("untouched").len(), 256);
    assert!(matches!(archive.entries(300, 1), Err(LedgerError::Damaged { file, .. }) if file == "tile/entries/001"));
    assert_eq!(archive.entries(512, 1_000).expect("untouched").len(), 88);
}
