//! What became of persons, on a real PostgreSQL: history, old ids, reads as of an instant.

mod topic;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::support::Hub;
use domain::{
    ChangeCause, ChangeKind, Event, IdentityRetracted, Meta, Op, PersonChange, PersonId, RecordId, RetractReason,
    Timestamp,
};
use runtime::Shutdown;
use store::lineage;
use test_support::build::{NOON, event, meta_at, person, record_id, resident_number};

const HOUR: i64 = 3_600_000;

fn retraction(source: &str, key: &str, version: i64, survivor: Option<RecordId>) -> Event {
    let reason = if survivor.is_some() { RetractReason::Merged } else { RetractReason::Deleted };
    let body = IdentityRetracted { reason, survivor };
    event(Meta { op: Op::Retract, ..meta_at(source, key, version, NOON) }, body)
}

/// A statement about the one with this number, made so many hours after noon.
fn says(source: &str, key: &str, version: i64, hours: i64, number: u16) -> Event {
    let at = NOON.plus_millis(hours * HOUR);
    person("王小明").resident(&resident_number("1980-05-06", number)).event(meta_at(source, key, version, at))
}

fn id(source: &str, key: &str) -> PersonId {
    PersonId::from_oldest(record_id(source, key))
}

impl Hub {
    async fn history(&self) -> Vec<PersonChange> {
        lineage::list_changes(&mut *self.conn().await, 0, 10_000).await.expect("read")
    }

    /// Takes events in, and gives what became of persons by that, in the words `id: kind <from >into`.
    async fn tells(&self, names: &[(&str, PersonId)], events: &[Event]) -> Vec<String> {
        let before = self.history().await.len();
        self.take_in(events).await;
        let name = |id: &PersonId| names.iter().find(|known| known.1 == *id).map_or("?", |known| known.0);
        let list = |ids: &[PersonId]| ids.iter().map(name).collect::<Vec<_>>().join("");
        let mut told: Vec<String> = self.history().await[before..]
            .iter()
            .map(|c| {
                let (from, into) = (list(&c.from_persons), list(&c.into_persons));
                format!("{}: {} {} <{from} >{into}", name(&c.person_id), c.kind.code(), c.members.len())
            })
            .collect();
        told.sort();
        told
    }

    async fn holders(&self, id: PersonId) -> Vec<PersonId> {
        let holders = lineage::list_holders(&mut *self.conn().await, id).await.expect("read");
        holders.into_iter().map(|holder| holder.person_id).collect()
    }

    async fn name_then(&self, id: PersonId, at: Timestamp) -> Option<String> {
        let then = lineage::find_as_of(&mut *self.conn().await, id, at).await.expect("read")?;
        Some(then.golden.name.expect("a name").value.text.expose().clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_split_undo_and_end_are_told_with_both_sides_and_old_ids_answer() {
    let hub = Hub::new().await;
    let (a, b) = (id("register", "a"), id("lab", "b"));
    let names = [("a", a), ("b", b)];
    let born = [says("register", "a", 1, 0, 1), says("lab", "b", 1, 1, 2)];
    assert_eq!(hub.tells(&names, &born).await, ["a: created 1 < >", "b: created 1 < >"]);
    // The laboratory corrects the number: it is the same person.
    let merged = says("lab", "b", 2, 2, 1);
    assert_eq!(hub.tells(&names, &[merged]).await, ["a: joined 2 <b >", "b: merged 1 < >a"]);
    assert_eq!(hub.holders(b).await, [a]);
    // It was wrong after all.
    let undone = says("lab", "b", 3, 3, 2);
    assert_eq!(hub.tells(&names, &[undone]).await, ["a: split 1 < >b", "b: restored 1 <a >"]);
    assert_eq!((hub.holders(a).await, hub.holders(b).await), (vec![a], vec![b]));
    // Merged once more, and then the record that names the old id is withdrawn: the id still leads to the survivor.
    let again = says("lab", "b", 4, 4, 1);
    assert_eq!(hub.tells(&names, &[again]).await, ["a: joined 2 <b >", "b: merged 1 < >a"]);
    assert_eq!(hub.tells(&names, &[retraction("lab", "b", 5, None)]).await, ["a: changed 1 < >"]);
    assert_eq!(hub.holders(b).await, [a]);
    assert_eq!(hub.tells(&names, &[retraction("register", "a", 5, None)]).await, ["a: ended 1 < >"]);
    assert_eq!((hub.holders(a).await, hub.holders(b).await), (vec![], vec![]));
    let history = hub.history().await;
    assert!(history.is_sorted_by(|x, y| x.seq < y.seq && x.at <= y.at));
    let joined = history.iter().find(|change| change.kind == ChangeKind::Joined).expect("told");
    assert_eq!((joined.cause, &*joined.model_version), (ChangeCause::Event, hub.config.model.version()));
    let cause = says("lab", "b", 2, 2, 1).meta;
    assert_eq!((joined.cause_event, joined.cause_batch), (Some(cause.event_id), Some(cause.batch_id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_record_gives_the_person_another_id_and_the_former_one_leads_to_it() {
    let hub = Hub::new().await;
    let (late, early) = (id("register", "late"), id("lab", "early"));
    let names = [("late", late), ("early", early)];
    hub.take_in(&[says("register", "late", 1, 5, 1)]).await;
    let told = hub.tells(&names, &[says("lab", "early", 1, 0, 1)]).await;
    assert_eq!(told, ["early: created 2 <late >", "late: merged 1 < >early"]);
    assert_eq!(hub.holders(late).await, [early]);
    // The early one is taken back: the late one is a person again, and what was called early leads there too.
    let told = hub.tells(&names, &[retraction("lab", "early", 2, None)]).await;
    assert_eq!(told, ["early: merged 2 < >late", "late: restored 1 <early >"]);
    assert_eq!(hub.holders(early).await, [late]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_went_into_several_persons_leads_to_all_of_them_until_they_are_one_again() {
    let hub = Hub::new().await;
    let (a, x, y) = (id("register", "a"), id("lab", "x"), id("wallet", "y"));
    let names = [("a", a), ("x", x), ("y", y)];
    let one = [says("register", "a", 1, 0, 1), says("lab", "x", 1, 1, 1), says("wallet", "y", 1, 2, 1)];
    assert_eq!(hub.tells(&names, &one).await, ["a: created 3 < >"]);
    // The record that names the person is withdrawn while the others turn out to be two.
    let parted = [retraction("register", "a", 2, None), says("wallet", "y", 2, 3, 2)];
    let told = hub.tells(&names, &parted).await;
    assert_eq!(
        told,
        ["a: forked 3 < >xy", "x: created 1 <a >", "y: created 1 <a >"].map(|line| {
            // The order of the two is that of their ids.
            if x < y { line.to_owned() } else { line.replace(">xy", ">yx") }
        })
    );
    let mut both = vec![x, y];
    both.sort();
    assert_eq!(hub.holders(a).await, both);
    hub.take_in(&[says("wallet", "y", 3, 4, 1)]).await;
    assert_eq!((hub.holders(a).await, hub.holders(y).await), (vec![x], vec![x]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_merges_is_told_as_well() {
    let hub = Hub::new().await;
    let (old, new) = (id("hospital", "old"), id("hospital", "new"));
    let names = [("old", old), ("new", new)];
    hub.take_in(&[says("hospital", "old", 1, 0, 1), says("hospital", "new", 1, 1, 2)]).await;
    let told = hub.tells(&names, &[retraction("hospital", "old", 2, Some(new.as_record()))]).await;
    assert_eq!(told, ["new: joined 1 <old >", "old: merged 1 < >new"]);
    assert_eq!(hub.holders(old).await, [new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_a_repeat_a_restatement_and_a_rebuild_without_difference_write_nothing() {
    let hub = Hub::new().await;
    let events = [says("register", "a", 1, 0, 1), says("lab", "b", 1, 1, 1), says("lab", "c", 1, 1, 2)];
    hub.take_in(&events).await;
    let before = hub.history().await;
    hub.take_in(&events).await;
    hub.project().await;
    hub.take_in(&[says("lab", "b", 2, 170, 1)]).await;
    let report = projector::rebuild(&hub.config, &Shutdown::new()).await.expect("rebuilt");
    assert!(report.exchanged && report.differing.is_empty(), "{report:?}");
    assert_eq!(hub.history().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_tells_what_it_changed_whether_at_a_start_or_by_a_rebuild() {
    let mut hub = Hub::new().await;
    // The Chinese model sees one person in these two, a model that links nothing does not.
    hub.take_in(&[says("register", "a", 1, 0, 1), says("lab", "b", 1, 1, 1)]).await;
    let (a, b) = (id("register", "a"), id("lab", "b"));
    let zh = Arc::clone(&hub.config.model);
    let nothing = zh.to_toml().expect("a file").replace("link = ", "link = 1000.0 # ");
    let nothing = nothing.replacen("version = \"", "version = \"apart-", 1);
    let nothing = Arc::new(linkage::Model::parse(&nothing).expect("a model"));
    let told = async |hub: &Hub, known: usize| {
        let rows = hub.history().await.split_off(known);
        rows.into_iter().map(|row| (row.person_id, row.kind, row.cause)).collect::<BTreeSet<_>>()
    };
    hub.config.model = Arc::clone(&nothing);
    hub.take_in(&[]).await;
    hub.publish(&[says("lab", "other", 1, 2, 9)]).await;
    hub.project().await;
    let other = (id("lab", "other"), ChangeKind::Created, ChangeCause::Event);
    let parted = [(a, ChangeKind::Split, ChangeCause::Model), (b, ChangeKind::Created, ChangeCause::Model), other];
    assert_eq!(told(&hub, 1).await, BTreeSet::from(parted));
    hub.config.model = zh;
    projector::rebuild(&hub.config, &Shutdown::new()).await.expect("rebuilt");
    let joined = [(a, ChangeKind::Joined, ChangeCause::Model), (b, ChangeKind::Merged, ChangeCause::Model)];
    assert_eq!(told(&hub, 4).await, BTreeSet::from(joined));
    assert_eq!(hub.holders(b).await, [a]);
    let members = hub.history().await.into_iter().find(|row| row.person_id == a && row.kind == ChangeKind::Joined);
    assert_eq!(members.expect("told").members, [a.as_record(), b.as_record()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_as_the_hub_knew_it_at_an_instant() {
    let hub = Hub::new().await;
    let a = id("register", "a");
    let named = |version: i64, name: &str| {
        let number = resident_number("1980-05-06", 1);
        person(name).resident(&number).event(meta_at("register", "a", version, NOON.plus_millis(version)))
    };
    hub.take_in(&[named(1, "王一")]).await;
    hub.take_in(&[named(2, "王二")]).await;
    let number = resident_number("1980-05-06", 1);
    let other = person("王三").resident(&number).event(meta_at("lab", "b", 1, NOON.plus_millis(9 * HOUR)));
    hub.take_in(&[named(3, "王三")]).await;
    let times: Vec<Timestamp> = hub.history().await.iter().map(|change| change.at).collect();
    let (first, second, third) = (times[0], times[1], times[2]);
    assert_eq!(hub.name_then(a, first.plus_millis(-1)).await, None);
    for (at, name) in [(first, "王一"), (second.plus_millis(-1), "王一"), (second, "王二"), (third, "王三")] {
        // Rows of one millisecond cannot be told apart by an instant.
        if at >= first && times.iter().filter(|time| **time == at).count() <= 1 {
            assert_eq!(hub.name_then(a, at).await.as_deref(), Some(name), "{at}");
        }
    }
    // What is known later does not change what was known then, not even by a rebuild or the person's end.
    hub.take_in(&[other]).await;
    hub.take_in(&[retraction("register", "a", 9, None)]).await;
    projector::rebuild(&hub.config, &Shutdown::new()).await.expect("rebuilt");
    assert_eq!(hub.name_then(a, third).await.as_deref(), Some("王三"));
    assert_eq!(hub.name_then(a, first).await.as_deref(), Some("王一"));
    let last = hub.history().await.last().expect("rows").at;
    assert_eq!(hub.name_then(a, last).await, None);
    let then = async |at| {
        let holders = lineage::list_holders_then(&mut *hub.conn().await, a, at).await.expect("read");
        holders.into_iter().map(|holder| holder.person_id).collect::<Vec<_>>()
    };
    assert_eq!(then(last).await, [id("lab", "b")], "it had gone into the other");
    assert_eq!(then(third).await, [a]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_misses_nothing_while_rebuilds_and_batches_write() {
    let hub = Hub::with_batches_of(3).await;
    let running = hub.start();
    let done = Shutdown::new();
    let follower = {
        let (store, done) = (hub.config.store.clone(), done.clone());
        tokio::spawn(async move {
            let mut seen: Vec<i64> = Vec::new();
            loop {
                let last_round = done.has_begun();
                let mut conn = store.acquire().await.expect("a connection");
                let after = seen.last().copied().unwrap_or(0);
                let rows = lineage::list_changes(&mut conn, after, 1_000).await.expect("read");
                seen.extend(rows.iter().map(|row| row.seq));
                if last_round && rows.is_empty() {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        })
    };
    let zh = Arc::clone(&hub.config.model);
    for round in 0..4_i64 {
        let events: Vec<Event> = (0..20_u16).map(|n| says("lab", &n.to_string(), 1 + round, round, n / 2)).collect();
        hub.publish(&events).await;
        let mut config = hub.config.clone();
        config.model = if round % 2 == 0 { Arc::new(linkage::Model::latin()) } else { Arc::clone(&zh) };
        projector::rebuild(&config, &Shutdown::new()).await.expect("rebuilt");
    }
    hub.caught_up().await;
    running.stop().await;
    done.begin();
    let seen = follower.await.expect("no panic");
    let all: Vec<i64> = hub.history().await.iter().map(|row| row.seq).collect();
    assert!(all.len() > 20);
    assert_eq!(seen, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_forgets_answers_and_keeps_where_ids_lead() {
    let hub = Hub::new().await;
    let (a, b) = (id("register", "a"), id("lab", "b"));
    hub.take_in(&[says("register", "a", 1, 0, 1), says("lab", "b", 1, 1, 2)]).await;
    hub.take_in(&[says("lab", "b", 2, 2, 1)]).await;
    hub.take_in(&[retraction("lab", "b", 3, None)]).await;
    let last = hub.history().await.last().expect("rows").at;
    let mut conn = hub.conn().await;
    assert_eq!(lineage::prune(&mut conn, last.plus_millis(1)).await.expect("pruned"), 3);
    assert_eq!(lineage::kept_since(&mut conn).await.expect("read"), last.plus_millis(1));
    assert_eq!(hub.holders(b).await, [a]);
    assert_eq!(hub.name_then(a, last.plus_millis(1)).await.as_deref(), Some("王小明"));
}
