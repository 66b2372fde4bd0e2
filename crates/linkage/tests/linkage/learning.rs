//! Models learned from records.

use domain::{PersonId, Sex};
use linkage::{Field, Level, Model, Record, TrainError, train};

use crate::common::{Statement, record, resident};

/// 300 people with three records each; every tenth birth date of a second record has a slip.
fn town() -> Vec<(Record, PersonId)> {
    const FAMILIES: [&str; 10] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"];
    const GIVEN: [&str; 20] = [
        "伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超", "霞", "平",
        "刚", "玲",
    ];
    let mut records = Vec::new();
    for n in 0..300_usize {
        let (birth_year, month, day) = (1940 + n % 70, 1 + n % 12, 1 + (n * 7) % 28);
        let born = format!("{birth_year}-{month:02}-{day:02}");
        let slip = format!("{birth_year}-{month:02}-{:02}", 1 + (n * 7 + 1) % 28);
        let name = format!("{}{}{}", FAMILIES[n % 10], GIVEN[(n / 10) % 20], GIVEN[(n * 3) % 20]);
        let phone = format!("139{:08}", 20_000_000 + n * 37);
        let id = resident("320506", &born, (n % 500) as u16);
        let sex = if n % 2 == 0 { Sex::Female } else { Sex::Male };
        let row = |k: usize| record((n * 3 + k) as u64).name(&name);
        let slipped = if n % 10 == 0 { &slip } else { &born };
        let rows = [row(0).id(&id).contact(&phone), row(1).born(slipped).sex(sex).contact(&phone), row(2).id(&id)];
        let person = PersonId::from_oldest(rows[0].0.key);
        records.extend(rows.map(|row| (row.0, person)));
    }
    records
}

/// A record that is a person of its own.
fn alone(row: Statement) -> (Record, PersonId) {
    let person = PersonId::from_oldest(row.0.key);
    (row.0, person)
}

#[test]
fn a_name_is_learned_when_ten_persons_bear_it_however_often_one_is_recorded() {
    let with = |more: Vec<(Record, PersonId)>| {
        let trained = train(&[town(), more].concat(), &Model::zh(), "town-1", 7).expect("learned");
        trained.model.file().names.family.get("诸葛").copied()
    };
    let named = |n: u64, family: &str| alone(record(9_000 + n).name(&format!("{family}小明")));
    let hermit = named(0, "诸葛").1;
    let one_person = (0..40).map(|n| (named(n, "诸葛").0, hermit)).collect();
    assert_eq!(with(one_person), None);
    assert_eq!(with((0..9).map(|n| named(n, "诸葛")).collect()), None);
    let share = with((0..10).map(|n| named(n, "诸葛")).collect()).expect("ten bear it");
    assert!((share - 10.0 / 310.0).abs() < 1e-9, "{share}");
}

#[test]
fn what_is_hot_for_the_engine_teaches_nothing() {
    let phone_share = |counter: &str| {
        let mut town = town();
        for (n, (record, _)) in town.iter_mut().enumerate().filter(|(n, _)| n % 3 == 0) {
            let phone = if counter.is_empty() { format!("137{n:08}") } else { counter.to_owned() };
            record.statement.contacts.push(domain::Sensitive::from(format!("86{phone}")));
        }
        let trained = train(&town, &Model::zh(), "town-1", 7).expect("learned");
        let levels = trained.model.file().level.clone();
        levels
            .into_iter()
            .find(|entry| entry.field == Field::Phone && entry.level == Level::Contact)
            .expect("a level")
            .u
    };
    // The counter's own number on every person: strangers would share a phone.
    assert!(phone_share("13951234017") < 2.0 * phone_share(""), "{}", phone_share("13951234017"));
}

#[test]
fn training_finds_the_shares_that_the_records_have() {
    let trained = train(&town(), &Model::zh(), "town-1", 7).expect("learned");
    let m = |field, level| {
        let found = trained.model.file().level.iter().find(|entry| entry.field == field && entry.level == level);
        found.expect("a level").m
    };
    let near = m(Field::BirthDate, Level::Near);
    assert!((0.05..0.15).contains(&near), "{near}");
    assert!(m(Field::NationalId, Level::Same) > 0.98);
    // Three pairs for each person.
    assert!((850.0..950.0).contains(&trained.expected_matches), "{}", trained.expected_matches);
    assert!((trained.model.file().prior.match_log2_odds + 8.8).abs() < 0.3);
    assert!((trained.model.file().names.family["王"] - 0.1).abs() < 0.01);
    assert!(trained.model.version().starts_with("town-1+"));
}

#[test]
fn the_same_records_and_seed_give_the_same_model() {
    let learn = || train(&town(), &Model::zh(), "town-1", 7).expect("learned").model.to_toml().expect("TOML");
    assert_eq!(learn(), learn());
}

#[test]
fn nothing_is_learned_from_nothing() {
    assert!(matches!(train(&town()[..5], &Model::zh(), "v", 1), Err(TrainError::TooFew(5))));
    let strangers: Vec<_> = (0..30).map(|n| alone(record(n))).collect();
    assert!(matches!(train(&strangers, &Model::zh(), "v", 1), Err(TrainError::NoPairs)));
}
