//! A synthetic city's files get the outcomes that the city's truth expects of them: traps, damage and repeats included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector::{Feed, Profile, ProfileFeed, tokens};
use domain::FeedId;
use test_support::{database, scratch_dir};

use crate::hub::{Hub, counters};

/// The profiles of named columns that the services ship.
fn shipped_feeds() -> Vec<Arc<dyn Feed>> {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
    let mut feeds: Vec<Arc<dyn Feed>> = Vec::new();
    for connector in ["telecom", "transport", "payment", "community", "hospital"] {
        let folder: PathBuf = services.join(format!("connector-{connector}/profiles"));
        for profile in Profile::load(connector, &[], Some(&folder)).expect("sound profiles") {
            if profile.format.kind.home().is_none() {
                feeds.push(Arc::new(ProfileFeed::new(profile).expect("a feed")));
            }
        }
    }
    feeds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_of_a_city_become_what_its_truth_expects() {
    let out = scratch_dir("city").join("out");
    let options = city::Options { residents: 600, days: 3, seed: 7 };
    let city = city::generate(&options, &out, &mut |_| {}).expect("a city");

    let database = database().await;
    let store = store::Store::connect(database.connect_options(), 10).await.expect("connects");
    store.migrate().await.expect("migrates");
    let hub = Hub::start_with(database, store, scratch_dir("raw"), shipped_feeds()).await;

    let mut wrong = Vec::new();
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    for file in city.files.iter().filter(|file| !file.path.ends_with("hl7") && file.feed != "hospital-hl7") {
        let id = FeedId::parse(file.feed).expect("a name");
        tokens::grant(&hub.store, &id, "test", &format!("token-{}", file.feed)).await.expect("granted");
        let body = std::fs::read(out.join(&file.path)).expect("a file");
        let (status, receipt) = hub.push(file.feed, body).await;
        assert!(matches!(status, 200 | 201), "{}: {receipt}", file.path.display());
        assert_eq!(receipt["repeated"], file.repeat_of.is_some(), "{}", file.path.display());
        if file.repeat_of.is_some() {
            continue;
        }
        if let Some(link) = receipt["links"]["quarantined"].as_str() {
            let (_, page) = hub.get(file.feed, &format!("{link}&limit=1000")).await;
            for row in page["quarantined"].as_array().expect("rows") {
                *codes.entry(format!("{} {} {}", file.feed, row["code"], row["field"])).or_default() += 1;
            }
        }
        let unusable = file.broken + file.excluded;
        let expected = [file.rows, file.accepted, file.duplicate, file.superseded, unusable];
        if counters(&receipt)[..5] != expected.map(|count| count as i64) {
            wrong.push(format!("{}: {:?}, expected {expected:?}", file.path.display(), counters(&receipt)));
        }
    }
    assert!(wrong.is_empty(), "{}\n{codes:#?}", wrong.join("\n"));
    // Every kind of damage that the city does was seen.
    for code in ["row-columns", "encoding", "identifier-invalid", "value-time", "machine-number"] {
        assert!(codes.keys().any(|key| key.contains(code)), "{code} was never seen: {codes:#?}");
    }
}
