//! Values that too many people share: found from the records, counting for nothing, listed; and back again.

use std::sync::Arc;

use domain::{IdScheme, Sex};
use linkage::{Change, Engine, Field, HotValue, Level, Model};

use crate::common::{Statement, groups_of, key, record, resident};

const COUNTER: &str = "13951234017";
const GIVEN: [&str; 30] = [
    "伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超", "霞", "平", "刚",
    "玲", "辉", "鹏", "华", "红", "玉", "春", "梅", "兰", "云", "凤",
];

fn engine(records: &[Statement]) -> Engine {
    let mut engine = Engine::new(Arc::new(Model::zh()));
    engine.apply(records.iter().map(|statement| Change::Upsert(statement.0.clone())).collect());
    engine
}

/// People of different names, beginning with number 100; each is made by the function from its number.
fn crowd(count: usize, with: impl Fn(Statement, usize) -> Statement) -> Vec<Statement> {
    let name = |n: usize| format!("{}{}{}", ["王", "李", "张"][n % 3], GIVEN[n % 30], GIVEN[(n / 3 + 7) % 30]);
    (0..count).map(|n| with(record(100 + n as u64).name(&name(n)), n)).collect()
}

/// Another day for each number.
fn day(n: usize) -> String {
    format!("{}-{:02}-{:02}", 1940 + n % 60, 1 + n / 60 % 12, 1 + n % 28)
}

fn together(engine: &Engine) -> bool {
    engine.person_of(key(0)) == engine.person_of(key(1))
}

/// Two records link until a crowd states the same value, and again when half of the crowd has gone.
fn turns_hot_and_cold(pair: [Statement; 2], crowd: Vec<Statement>, field: Field) {
    let mut engine = engine(&pair);
    assert!(together(&engine), "{:?}", engine.explain(key(0), key(1)));
    assert_eq!(engine.hot_values(), []);
    // One after the other, as they would come.
    for statement in &crowd {
        engine.apply(vec![Change::Upsert(statement.0.clone())]);
    }
    let hot = engine.hot_values();
    let listed = |value: &&HotValue| value.field == field && value.records >= crowd.len() && value.bearers >= 20;
    assert!(hot.iter().any(|value| listed(&value)), "{hot:?}");
    assert_eq!(engine.statistics().hot_values, hot.len());
    assert!(!together(&engine), "{:?}", engine.explain(key(0), key(1)));
    let parts = engine.explain(key(0), key(1)).expect("both are there").link.parts;
    let part = parts.iter().find(|part| part.level == Level::Hot).expect("the explanation says so");
    assert_eq!((part.field, part.weight, part.frequency), (field, 0.0, 0.0));
    engine.apply(crowd.iter().step_by(2).map(|statement| Change::Remove(statement.0.key)).collect());
    assert_eq!(engine.hot_values(), []);
    assert!(together(&engine));
}

#[test]
fn a_phone_of_a_counter_counts_for_nothing() {
    let patient = |number| record(number).name("欧阳静怡").contact(COUNTER);
    turns_hot_and_cold([patient(0), patient(1)], crowd(30, |who, _| who.contact(COUNTER)), Field::Phone);
}

#[test]
fn a_default_birthday_counts_for_nothing() {
    let resident = |number| record(number).name("欧阳静怡").born("1990-01-01").sex(Sex::Female);
    let crowd = crowd(60, |who, _| who.born("1990-01-01"));
    turns_hot_and_cold([resident(0), resident(1)], crowd, Field::BirthDate);
}

#[test]
fn a_frequent_birthday_among_as_frequent_ones_still_counts() {
    let crowd = crowd(900, |who, n| who.born(&format!("1990-05-{:02}", 1 + n / 3 % 10)));
    let resident = |number| record(number).name("欧阳静怡").born("1990-05-02").sex(Sex::Female);
    let engine = engine(&[vec![resident(0), resident(1)], crowd].concat());
    assert_eq!(engine.hot_values(), []);
    assert!(together(&engine));
}

#[test]
fn a_number_typed_for_everybody_neither_joins_nor_parts() {
    let passport = |who: Statement| who.claim(IdScheme::Passport, "E00000000", None);
    let pair = [passport(record(0).name("欧阳静怡")), passport(record(1).name("欧阳静怡"))];
    turns_hot_and_cold(pair, crowd(30, |who, _| passport(who)), Field::Document);

    let card = |who: Statement, number: &str| who.claim(IdScheme::Mrn, number, Some("h1"));
    let person = |number| record(number).name("欧阳静怡").born("1990-08-17").sex(Sex::Female);
    let pair = [card(person(0), "0000"), card(person(1), "4711")];
    assert!(!together(&engine(&pair)), "two numbers of one hospital keep records apart");
    let with_crowd = [pair.to_vec(), crowd(30, |who, _| card(who, "0000"))].concat();
    assert!(together(&engine(&with_crowd)), "but not a number that everybody has");
}

#[test]
fn a_resident_number_typed_for_everybody_says_nothing_and_nor_does_its_birth_date() {
    let id = resident("320506", "1990-08-17", 341);
    let crowd = crowd(30, |who, _| who.id(&id));
    let engine = engine(&crowd);
    assert_eq!(engine.hot_values().iter().map(|value| value.field).collect::<Vec<_>>(), [Field::NationalId]);
    assert_eq!(groups_of(&engine).len(), 30);
}

#[test]
fn a_name_that_stands_for_nobody_counts_for_nothing() {
    let someone = |number| record(number).name("急诊无主").contact(COUNTER).address("平江路12号3幢402室");
    let crowd: Vec<Statement> = (0..700).map(|n| record(100 + n as u64).name("急诊无主").born(&day(n))).collect();
    turns_hot_and_cold([someone(0), someone(1)], crowd, Field::Name);
}

#[test]
fn a_frequent_name_is_no_placeholder() {
    let crowd: Vec<Statement> = (0..700).map(|n| record(n as u64).name("王伟").born(&day(n))).collect();
    assert_eq!(engine(&crowd).hot_values(), []);
}

#[test]
fn a_family_with_slips_does_not_make_its_phone_hot() {
    let names = ["陈建国", "陈建囯", "刘秀英", "刘秀瑛", "陈晓东", "陈小东", "陈晓燕", "陈*燕", "刘英", "陈东"];
    let rows = (0..60).map(|n| record(n).name(names[n as usize % 10]).contact(COUNTER)).collect::<Vec<_>>();
    assert_eq!(engine(&rows).hot_values(), []);
}
