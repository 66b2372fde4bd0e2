//! The model for sources in Latin script.

use std::sync::Arc;

use domain::Sex;
use linkage::{Change, Engine, Model};

use crate::common::{Statement, groups_of, record};

fn groups(records: Vec<Statement>) -> Vec<Vec<u64>> {
    let mut engine = Engine::new(Arc::new(Model::latin()));
    engine.apply(records.into_iter().map(|record| Change::Upsert(record.0)).collect());
    groups_of(&engine)
}

/// A row of a register: name, day of birth, phone of the household.
fn row(number: u64, family: &str, given: &str, born: &str, phone: &str) -> Statement {
    record(number).name_parts(family, given).born(born).sex(Sex::Male).contact(phone)
}

const HOME: &str = "+442079460011";
const OTHER: &str = "+442079460099";

#[test]
fn capitals_and_another_phone_are_one_person() {
    let records = vec![
        row(1, "Featherstonehaugh", "Jonathan", "1971-06-03", HOME),
        row(3, "FEATHERSTONEHAUGH", "JONATHAN", "1971-06-03", OTHER),
    ];
    assert_eq!(groups(records), [vec![1, 3]]);
}

#[test]
fn twins_stay_apart() {
    let one = row(1, "Fitzgerald", "Desmond", "1977-11-30", HOME);
    let other = row(2, "Fitzgerald", "Terence", "1977-11-30", HOME);
    assert_eq!(groups(vec![one, other]), [vec![1], vec![2]]);
}
