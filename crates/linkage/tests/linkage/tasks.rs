//! What a reviewer is asked, trigger by trigger.

use std::sync::Arc;

use domain::{Sex, Timestamp, Verdict};
use linkage::{Change, Engine, Model, Order, Pair, TaskKind};

use crate::common::{Statement, groups_of, key, masked, record, resident};

fn engine(records: &[Statement]) -> Engine {
    let mut engine = Engine::new(Arc::new(Model::zh()));
    engine.apply(records.iter().map(|statement| Change::Upsert(statement.0.clone())).collect());
    engine
}

fn asked(engine: &Engine) -> Vec<(TaskKind, Pair)> {
    engine.tasks().iter().map(|task| (task.kind, (task.link.a, task.link.b))).collect()
}

fn pair(a: u64, b: u64) -> Pair {
    (key(a).min(key(b)), key(a).max(key(b)))
}

fn decided(a: u64, b: u64, verdict: Verdict) -> Change {
    Change::Order(Order::new(key(a), key(b), verdict, Timestamp::from_millis(10), false))
}

#[test]
fn a_pair_between_the_two_thresholds_joins_nobody_and_is_asked_about() {
    let records = [record(1).name("王小明").born("1987-02-11"), record(2).name("王小明").born("1987-02-12")];
    let engine = engine(&records);
    let said = engine.explain(key(1), key(2)).expect("both are there");
    assert!((said.review_threshold..said.link_threshold).contains(&said.link.weight), "{said:?}");
    assert_eq!(groups_of(&engine), [vec![1], vec![2]]);
    assert_eq!(asked(&engine), [(TaskKind::Band, pair(1, 2))]);
}

/// Two resident numbers that a ticket shows alike, because it hides month and day.
fn shown_alike() -> [String; 2] {
    let days = (1..=12).flat_map(|month| (1..=28).map(move |day| format!("1987-{month:02}-{day:02}")));
    let numbers: Vec<String> = days.map(|day| resident("320506", &day, 341)).collect();
    let other = numbers.iter().skip(1).find(|number| masked(number) == masked(&numbers[0]));
    [numbers[0].clone(), other.expect("a year has many days").clone()]
}

#[test]
fn a_record_that_could_nearly_as_well_be_of_another_person_is_asked_about_as_runner_up() {
    let [one, other] = shown_alike();
    let records = [
        record(1).name("王小明").id(&one),
        record(2).name("王小明").id(&other),
        record(3).name("王小明").id(&masked(&one)),
    ];
    let mut engine = engine(&records);
    let (home, away) = if engine.person_of(key(3)) == engine.person_of(key(1)) { (1, 2) } else { (2, 1) };
    assert_eq!(engine.person_of(key(3)), engine.person_of(key(home)));
    assert_eq!(asked(&engine), [(TaskKind::RunnerUp, pair(3, away))]);
    // Either answer settles it, and the one that moves the record does so at once.
    engine.apply(vec![decided(3, away, Verdict::Different)]);
    assert_eq!(asked(&engine), []);
    engine.apply(vec![decided(3, away, Verdict::Same)]);
    assert_eq!(engine.person_of(key(3)), engine.person_of(key(away)));
    assert!(!asked(&engine).contains(&(TaskKind::RunnerUp, pair(3, away))));
    // The number without its mask tells the two apart, and nothing is near any more.
    engine.apply(vec![Change::OrderEnded(key(3), key(away)), Change::Upsert(record(3).name("王小明").id(&one).0)]);
    assert_eq!(engine.person_of(key(3)), engine.person_of(key(1)));
    assert_eq!(asked(&engine), []);
}

#[test]
fn an_edit_that_pushes_a_member_below_the_floor_is_asked_about_and_its_correction_ends_the_question() {
    let number = resident("320506", "1987-02-11", 341);
    let known = |n: u64| {
        let known = record(n).claim(domain::IdScheme::Passport, "E11111111", None).name("欧阳静怡");
        known.contact("13951234017").address("平江路12号3幢402室")
    };
    let bare = |n| record(n).id(&number);
    let mut engine = engine(&[known(1).id(&number), known(2), bare(3), bare(4), bare(5)]);
    assert_eq!(groups_of(&engine), [vec![1, 2, 3, 4, 5]]);
    assert_eq!(asked(&engine), []);
    // Now of another day and sex than the number says, which three of the others state and nothing else.
    let edited = engine.apply(vec![Change::Upsert(known(2).born("1990-05-20").sex(Sex::Female).0)]);
    assert_eq!(groups_of(&engine), [vec![1, 2, 3, 4, 5]], "one edit tears nobody apart");
    let told: Vec<_> = edited.review.iter().map(|task| (task.kind, (task.link.a, task.link.b))).collect();
    assert_eq!(told, [(TaskKind::LooseMember, pair(1, 2))]);
    assert_eq!(asked(&engine), told);
    let corrected = engine.apply(vec![Change::Upsert(known(2).0)]);
    assert_eq!(corrected.review_ended, [pair(1, 2)]);
    assert_eq!(asked(&engine), []);
    // What an order holds is not asked about.
    engine.apply(vec![Change::Upsert(known(2).born("1990-05-20").sex(Sex::Female).0), decided(1, 2, Verdict::Same)]);
    assert_eq!(asked(&engine), []);
}

#[test]
fn a_pair_that_the_weight_would_link_and_the_clusters_do_not_is_asked_about_as_held_apart() {
    let numbers = [resident("320506", "1987-02-11", 341), resident("320506", "1987-02-11", 343)];
    let vague = |n| record(n).name("欧阳静怡").born("1987-02-11").contact("13951234017");
    let passport = |n| vague(n).claim(domain::IdScheme::Passport, "E11111111", None);
    let records = [passport(1).id(&numbers[0]), passport(2), vague(3).id(&numbers[1])];
    let held = engine(&records);
    assert_eq!(groups_of(&held), [vec![1, 2], vec![3]]);
    let said = held.explain(key(2), key(3)).expect("both are there");
    assert!(said.link.weight >= said.link_threshold, "{said:?}");
    assert!(asked(&held).contains(&(TaskKind::HeldApart, pair(2, 3))), "{:?}", asked(&held));
    assert_eq!(groups_of(&engine(&records[1..])), [vec![2, 3]], "nothing but the other number holds them apart");
}
