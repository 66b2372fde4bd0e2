//! The laws of the projection, on a real PostgreSQL and the log in its table.

mod decisions;
mod histories;
mod history;
mod models;
mod support;

use domain::{
    Event, IdScheme, IdentityRetracted, Meta, Op, PlaceKind, PlaceRef, PlaceRegistered, PresenceInterval,
    RetractReason, SourceKind, Timestamp,
};
use runtime::Shutdown;
use store::views::{self, Schema};
use support::Hub;
use test_support::build::{
    NOON, claim, event, gate_pass, meta, meta_at, person, record_claim, record_id, resident_number, token_key,
};
use test_support::wait_for;

const HOUR: i64 = 3_600_000;

/// A register, a hospital and a wallet that know some of the same people, and what these people did.
fn town() -> (Vec<Event>, Vec<Event>) {
    let (mut identities, mut facts) = (Vec::new(), Vec::new());
    let names = ["王小明", "李娜", "张伟", "刘洋", "陈静", "欧阳修远", "赵敏", "孙悦"];
    for (i, name) in names.iter().enumerate() {
        let number = resident_number("1980-05-06", 100 + i as u16);
        let key = format!("r{i}");
        let at = |hours: i64| NOON.plus_millis(hours * HOUR);
        let phone = format!("1380000000{i}");
        let resident = person(name).resident(&number).lives("幸福路1号", "320506001007G03").contact(&phone);
        identities.push(resident.clone().event(meta_at("register", &key, 1, at(i as i64))));
        identities.push(resident.clone().event(meta_at("register", &key, 2, at(24 + i as i64))));
        let mut hospital = meta_at("hospital", &key, 1, at(-5 + i as i64));
        hospital.source_kind = SourceKind::Hospital;
        identities.push(person(name).resident(&number).event(hospital));
        let mut wallet = meta_at("wallet", &key, 1, at(9));
        wallet.source_kind = SourceKind::Payment;
        identities.push(person(name).phone(&phone).born("1980-05-06").event(wallet));
        for day in 0..4_i64 {
            let subject = vec![token_key().claim_ref(&claim(IdScheme::Msisdn, &phone))];
            let seen = meta_at("cells", &format!("{phone}/{day}"), 1 + day % 2, at(day * 24));
            let place = PlaceRef { place_id: Some(format!("cells/{i}")), kind: PlaceKind::Cell, ..PlaceRef::default() };
            let stay = PresenceInterval {
                subject,
                place,
                start_time: at(day * 24),
                end_time: Some(at(day * 24 + 2)),
                ..PresenceInterval::default()
            };
            facts.push(event(seen, stay));
            let pass = gate_pass(vec![record_claim(record_id("register", &key))]);
            facts.push(event(meta_at("gates", &format!("{i}/{day}"), 1, at(day * 24)), pass));
        }
        let place = PlaceRef { place_id: Some(format!("cells/{i}")), kind: PlaceKind::Cell, ..PlaceRef::default() };
        facts.push(event(meta("cells", &format!("place{i}")), PlaceRegistered { place, ..PlaceRegistered::default() }));
    }
    identities.push(retraction("hospital", "r7", 2, None));
    (identities, facts)
}

fn retraction(source: &str, key: &str, version: i64, survivor: Option<domain::RecordId>) -> Event {
    let reason = if survivor.is_some() { RetractReason::Merged } else { RetractReason::Deleted };
    let meta = Meta { op: Op::Retract, ..meta_at(source, key, version, NOON) };
    event(meta, IdentityRetracted { reason, survivor })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_of_several_sources_has_one_file() {
    let hub = Hub::new().await;
    let (identities, facts) = town();
    hub.take_in(&[identities, facts].concat()).await;
    let whose = hub.person_of(record_id("register", "r0")).await.expect("a person");
    assert_eq!(hub.person_of(record_id("hospital", "r0")).await, Some(whose));
    assert_eq!(whose.as_record(), record_id("hospital", "r0"), "named by the record stated first");
    let file = hub.person(whose).await.expect("a file");
    let name = file.golden.name.expect("a name");
    assert_eq!(name.value.text.expose(), "王小明");
    assert!(file.units.contains(&"320506001007G03".to_owned()));
    let mut conn = hub.conn().await;
    let links = views::list_links_of_person(&mut conn, whose, 10).await.expect("read");
    assert_eq!(links.len() + 1, usize::try_from(file.record_count).expect("a count"));
    let records = views::list_records_of_person(&mut conn, whose, 10).await.expect("read");
    assert_eq!(records.len(), links.len() + 1);
    let register = records.iter().find(|record| record.source == "register").expect("the register's record");
    let stated = register.stated.as_ref().expect("stated");
    assert_eq!((stated.edition.version, stated.first_time, stated.last_time), (2, NOON, NOON.plus_millis(24 * HOUR)));
    assert_eq!(hub.facts(record_id("register", "r0").into()).await.len(), 4);
    let phone = token_key().claim_token(&claim(IdScheme::Msisdn, "13800000000"));
    let stays = hub.facts(phone).await;
    assert_eq!(stays.len(), 4);
    assert!(matches!(stays[0].body().expect("a body"), domain::Body::PresenceInterval(b) if b.start_time == NOON));
    let places = views::list_places(&mut conn, &["cells/0".to_owned()]).await.expect("read");
    assert_eq!(places["cells/0"].len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_event_changes_nothing() {
    let hub = Hub::new().await;
    let (identities, facts) = town();
    let all = [identities, facts].concat();
    hub.take_in(&all).await;
    let once = hub.fingerprint().await;
    assert!(once["person"].starts_with("8:"), "{once:?}");
    assert!(once["fact"].starts_with("64:"), "{once:?}");
    hub.take_in(&all).await;
    assert_eq!(hub.fingerprint().await, once);
    hub.take_in(&all.iter().rev().cloned().collect::<Vec<_>>()).await;
    assert_eq!(hub.fingerprint().await, once);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_sources_and_the_size_of_batches_do_not_matter() {
    let (identities, facts) = town();
    let straight = Hub::new().await;
    straight.take_in(&[identities.clone(), facts.clone()].concat()).await;
    let facts_first = Hub::with_batches_of(3).await;
    facts_first.take_in(&facts).await;
    facts_first.take_in(&identities.iter().rev().cloned().collect::<Vec<_>>()).await;
    assert_eq!(facts_first.fingerprint().await, straight.fingerprint().await);
    let by_source = Hub::with_batches_of(7).await;
    for source in ["wallet", "gates", "hospital", "cells", "register"] {
        let of_source = identities.iter().chain(&facts).filter(|event| event.meta.source == source);
        by_source.take_in(&of_source.cloned().collect::<Vec<_>>()).await;
    }
    assert_eq!(by_source.fingerprint().await, straight.fingerprint().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_gives_the_same_views_and_the_projector_goes_on_with_them() {
    let hub = Hub::with_batches_of(10).await;
    let (identities, facts) = town();
    let running = hub.start();
    for part in [identities, facts].concat().chunks(13) {
        hub.publish(part).await;
    }
    hub.publish_garbage(domain::EventType::GatePass).await;
    hub.caught_up().await;
    // A connection with prepared statements on the views before must read the views after.
    let mut reader = hub.conn().await;
    let whose = views::find_person_of_record(&mut reader, record_id("register", "r0")).await.expect("read");
    let before = hub.fingerprint().await;
    let generation = views::find_checkpoint(&mut reader).await.expect("a checkpoint").generation;

    let report = projector::rebuild(&hub.config, &running.shutdown).await.expect("rebuilt");
    assert!(report.exchanged && !report.log_is_cut && report.differing.is_empty());
    assert_eq!(hub.fingerprint().await, before);
    assert_ne!(views::find_checkpoint(&mut reader).await.expect("a checkpoint").generation, generation);
    let previous = views::fingerprint(&mut *hub.conn().await, Schema::Previous).await.expect("the views before");
    assert_eq!(previous, before);

    // The running projector notices and writes the new views.
    let late = person("钱多多").resident(&resident_number("1990-01-01", 5)).event(meta("register", "late"));
    hub.publish(&[late]).await;
    hub.caught_up().await;
    running.stop().await;
    assert_eq!(
        views::find_person_of_record(&mut reader, record_id("register", "r0")).await.expect("read"),
        whose,
        "the same id"
    );
    assert!(views::find_person_of_record(&mut reader, record_id("register", "late")).await.expect("read").is_some());
    let report = projector::check(&hub.config, &Shutdown::new()).await.expect("checked");
    assert_eq!((report.differing, report.exchanged), (Vec::new(), false));
    assert!(!views::exists(&mut reader, Schema::Next).await.expect("read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_the_table_that_is_not_what_the_log_says() {
    let hub = Hub::new().await;
    let (identities, facts) = town();
    hub.take_in(&[identities, facts].concat()).await;
    sqlx::query("UPDATE fact SET place_id = 'elsewhere' WHERE ctid = (SELECT min(ctid) FROM fact)")
        .execute(&mut *hub.conn().await)
        .await
        .expect("tampered");
    let report = projector::check(&hub.config, &Shutdown::new()).await.expect("checked");
    assert_eq!(report.differing, ["fact"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_point_loses_nothing_and_doubles_nothing() {
    let (identities, facts) = town();
    let all = [identities, facts].concat();
    let whole = Hub::new().await;
    whole.take_in(&all).await;
    let hub = Hub::with_batches_of(2).await;
    hub.publish(&all).await;
    let mut at = serde_json::Value::Null;
    for _ in 0..12 {
        let running = hub.start();
        let store = hub.config.store.clone();
        // Killed as soon as it has moved the checkpoint: the next batch is then somewhere between read and written.
        at = wait_for("the checkpoint moves", async || {
            let mut conn = store.acquire().await.expect("a connection");
            let now = views::find_checkpoint(&mut conn).await.expect("a checkpoint").positions;
            (now != at).then_some(now)
        })
        .await;
        running.kill().await;
    }
    hub.project().await;
    assert_eq!(hub.fingerprint().await, whole.fingerprint().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_projector_waits_and_takes_over() {
    let hub = Hub::new().await;
    let (identities, facts) = town();
    let first = hub.start();
    hub.publish(&identities).await;
    hub.caught_up().await;
    let second = hub.start();
    hub.publish(&facts).await;
    hub.caught_up().await;
    first.stop().await;
    hub.publish(&[person("周杰").event(meta("register", "late"))]).await;
    hub.caught_up().await;
    second.stop().await;
    assert!(hub.person_of(record_id("register", "late")).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_another_has_overtaken_is_refused_and_changes_nothing() {
    let hub = Hub::new().await;
    let stale = views::find_checkpoint(&mut *hub.conn().await).await.expect("a checkpoint");
    let (identities, _) = town();
    hub.take_in(&identities).await;
    let before = hub.fingerprint().await;
    let mut tx = hub.config.store.begin("stale").await.expect("a transaction");
    let moved = views::advance(&mut tx, &stale, &stale.positions, "zh").await;
    assert!(matches!(moved, Err(store::Error::CheckpointMoved)));
    drop(tx);
    assert_eq!(hub.fingerprint().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_version_never_overwrites_nor_brings_back() {
    let hub = Hub::new().await;
    let gate = |version: i64, op: Op, gate: &str| {
        let mut pass = gate_pass(vec![record_claim(record_id("register", "r0"))]);
        pass.gate_id = gate.to_owned();
        event(Meta { op, ..meta_at("gates", "g", version, NOON) }, pass)
    };
    let subject = record_id("register", "r0").into();
    hub.take_in(&[gate(5, Op::Upsert, "G5")]).await;
    hub.take_in(&[gate(4, Op::Upsert, "G4"), gate(3, Op::Retract, "G3")]).await;
    let facts = hub.facts(subject).await;
    assert_eq!((facts.len(), facts[0].version, facts[0].detail["gate_id"].as_str()), (1, 5, Some("G5")));
    hub.take_in(&[gate(7, Op::Retract, "G7")]).await;
    assert!(hub.facts(subject).await.is_empty());
    hub.take_in(&[gate(6, Op::Upsert, "G6"), gate(7, Op::Upsert, "G7")]).await;
    assert!(hub.facts(subject).await.is_empty(), "a retraction beats its own and lower versions");
    hub.take_in(&[gate(8, Op::Upsert, "G8")]).await;
    assert_eq!(hub.facts(subject).await.len(), 1);

    let says = |version: i64, name: &str, at: Timestamp| person(name).event(meta_at("register", "v", version, at));
    hub.take_in(&[says(5, "王五", NOON)]).await;
    hub.take_in(&[says(4, "王四", NOON.plus_millis(-HOUR))]).await;
    let whose = hub.person_of(record_id("register", "v")).await.expect("a person");
    let file = hub.person(whose).await.expect("a file");
    assert_eq!(file.golden.name.expect("a name").value.text.expose(), "王五");
    assert_eq!(file.first_time, NOON.plus_millis(-HOUR), "the earliest time counts, of whatever version");
    hub.take_in(&[retraction("register", "v", 6, None)]).await;
    hub.take_in(&[says(6, "王六", NOON)]).await;
    assert_eq!(hub.person_of(record_id("register", "v")).await, None);
    assert_eq!(hub.person(whose).await, None);
    hub.take_in(&[says(7, "王七", NOON)]).await;
    assert_eq!(hub.person_of(record_id("register", "v")).await, Some(whose));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_source_merged_away_leads_to_the_survivors_person() {
    let hub = Hub::new().await;
    let number = resident_number("1980-05-06", 101);
    let (old, new) = (record_id("hospital", "old"), record_id("hospital", "new"));
    let pass = event(meta("gates", "g"), gate_pass(vec![record_claim(old)]));
    // The merge is known before either record is.
    hub.take_in(&[pass, retraction("hospital", "old", 2, Some(new))]).await;
    assert_eq!(hub.person_of(old).await, None);
    hub.take_in(&[
        person("王小名").claim(IdScheme::GateCard, "C1").event(meta("hospital", "old")),
        person("王小明").resident(&number).event(meta("hospital", "new")),
    ])
    .await;
    let whose = hub.person_of(new).await.expect("a person");
    assert_eq!(hub.person_of(old).await, Some(whose));
    let file = hub.person(whose).await.expect("a file");
    assert_eq!(file.record_count, 1, "what was merged away states nothing");
    let card = token_key().claim_token(&claim(IdScheme::GateCard, "C1"));
    assert!(hub.claims(card).await.is_empty());
    assert_eq!(hub.claims(old.into()).await[0].person, Some(whose));
    // The survivor moves to an older person, and the record with it.
    let older = person("王小明").resident(&number).event(meta_at("register", "r", 1, NOON.plus_millis(-HOUR)));
    hub.take_in(&[older]).await;
    let older = hub.person_of(record_id("register", "r")).await.expect("a person");
    assert_eq!((hub.person_of(new).await, hub.person_of(old).await), (Some(older), Some(older)));
    assert_eq!(
        views::resolve_person(&mut *hub.conn().await, whose).await.expect("read"),
        Some(older),
        "the id given out before still leads to the file"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_a_statement_equals_never_having_made_it() {
    let (a, b) = (resident_number("1980-05-06", 101), resident_number("1980-05-06", 103));
    let register = person("王小明").resident(&a).event(meta("register", "r"));
    let wrong = person("王小明").resident(&a).event(meta_at("lab", "l", 1, NOON.plus_millis(-HOUR)));
    let right = person("李大明").resident(&b).event(meta_at("lab", "l", 2, NOON));
    let hub = Hub::new().await;
    hub.take_in(&[register.clone(), wrong]).await;
    let together = hub.person_of(record_id("register", "r")).await.expect("a person");
    assert_eq!(hub.person_of(record_id("lab", "l")).await, Some(together));
    hub.take_in(std::slice::from_ref(&right)).await;
    let register_person = hub.person_of(record_id("register", "r")).await.expect("a person");
    let lab_person = hub.person_of(record_id("lab", "l")).await.expect("a person");
    assert_ne!(register_person, lab_person, "the corrected record is another person");
    let resolved = views::resolve_person(&mut *hub.conn().await, together).await.expect("read").expect("still answers");
    assert!([register_person, lab_person].contains(&resolved));
    let before = hub.person(register_person).await.expect("a file");
    let never = Hub::new().await;
    never.take_in(&[register]).await;
    let file = never.person(register_person).await.expect("a file");
    assert_eq!(before, file);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_goes_to_quarantine_and_the_rest_goes_on() {
    let hub = Hub::new().await;
    hub.publish_garbage(domain::EventType::IdentityObserved).await;
    let nameless = PlaceRegistered::default();
    hub.take_in(&[person("王小明").event(meta("register", "r")), event(meta("cells", "p"), nameless)]).await;
    assert!(hub.person_of(record_id("register", "r")).await.is_some());
    let mut reasons: Vec<String> = views::list_quarantined(&mut *hub.conn().await, 10)
        .await
        .expect("read")
        .into_iter()
        .map(|row| row.reason)
        .collect();
    reasons.sort();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].starts_with("event-truncated"), "{reasons:?}");
    assert!(reasons[1].starts_with("place-id"), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_the_database_refuses_is_found_and_set_aside() {
    let hub = Hub::new().await;
    sqlx::query("ALTER TABLE fact ADD CHECK (source <> 'poison')")
        .execute(&mut *hub.conn().await)
        .await
        .expect("a check");
    let (identities, mut facts) = town();
    let count = facts.len();
    facts.insert(30, event(meta("poison", "p"), gate_pass(Vec::new())));
    hub.take_in(&[identities, facts].concat()).await;
    let mut conn = hub.conn().await;
    let quarantined = views::list_quarantined(&mut conn, 10).await.expect("read");
    assert_eq!(quarantined.len(), 1);
    assert!(quarantined[0].reason.starts_with("database-refused"));
    let counts = views::counts(&mut conn).await.expect("read");
    assert_eq!(counts.facts, i64::try_from(count).expect("small") - 8, "eight are places");
    // A rebuild leaves it out as well, although its tables would take it.
    let report = projector::check(&hub.config, &Shutdown::new()).await.expect("compared");
    assert_eq!(report.differing, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_character_does_not_stop_the_projection() {
    let hub = Hub::new().await;
    let mut pass = gate_pass(vec![record_claim(record_id("register", "r"))]);
    pass.gate_id = "G\0 1".to_owned();
    pass.place.place_id = Some("gates/\0".to_owned());
    hub.take_in(&[person("王\0小明").event(meta("register", "r")), event(meta("gates", "g"), pass)]).await;
    assert!(hub.person_of(record_id("register", "r")).await.is_some());
    assert_eq!(hub.facts(record_id("register", "r").into()).await.len(), 1);
    assert!(views::list_quarantined(&mut *hub.conn().await, 10).await.expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_decides_all_persons_anew() {
    let mut hub = Hub::new().await;
    let (identities, facts) = town();
    hub.take_in(&[identities, facts].concat()).await;
    let before = hub.fingerprint().await;
    hub.config.model = std::sync::Arc::new(linkage::Model::latin());
    hub.project().await;
    hub.publish(&[person("周杰").event(meta("register", "late"))]).await;
    hub.project().await;
    let checkpoint = views::find_checkpoint(&mut *hub.conn().await).await.expect("a checkpoint");
    assert_eq!(checkpoint.model_version.as_deref(), Some(hub.config.model.version()));
    hub.config.model = std::sync::Arc::new(linkage::Model::zh());
    hub.publish(&[retraction("register", "late", 2, None)]).await;
    hub.project().await;
    let after = hub.fingerprint().await;
    for table in ["claim", "person", "link", "review", "fact"] {
        assert_eq!(after[table], before[table], "{table}");
    }
}
