//! Models learned from records.

use domain::Sex;
use linkage::{Field, Level, Model, Record, TrainError, train};

use crate::common::{record, resident};

/// 300 people with three records each; every tenth birth date of a second record has a slip.
fn town() -> Vec<Record> {
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
        records.push(row(0).id(&id).contact(&phone).0);
        records.push(row(1).born(if n % 10 == 0 { &slip } else { &born }).sex(sex).contact(&phone).0);
        records.push(row(2).id(&id).0);
    }
    records
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
    let strangers: Vec<Record> = (0..30).map(|n| record(n).0).collect();
    assert!(matches!(train(&strangers, &Model::zh(), "v", 1), Err(TrainError::NoPairs)));
}
