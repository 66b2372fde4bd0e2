//! The model for sources in Latin script.

use std::sync::Arc;

use domain::Sex;
use linkage::{Change, Engine, Model};

use crate::common::{Statement, groups_of, record};

fn engine(records: Vec<Statement>) -> Engine {
    let mut engine = Engine::new(Arc::new(Model::latin()));
    engine.apply(records.into_iter().map(|record| Change::Upsert(record.0)).collect());
    engine
}

fn groups(records: Vec<Statement>) -> Vec<Vec<u64>> {
    groups_of(&engine(records))
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
fn a_surname_with_a_slip_is_one_person() {
    for (one, other) in
        [("Featherstonehaugh", "Featherstonhaugh"), ("Smith", "Smyth"), ("Johnson", "Jonhson"), ("Müller", "Mueller")]
    {
        let records = vec![row(1, one, "Jonathan", "1971-06-03", HOME), row(2, other, "Jonathan", "1971-06-03", HOME)];
        assert_eq!(groups(records), [vec![1, 2]], "{one} {other}");
    }
}

#[test]
fn twins_stay_apart() {
    let home = |row: Statement| row.address("12 High Street, flat 3");
    let one = home(row(1, "Fitzgerald", "Desmond", "1977-11-30", HOME));
    let other = home(row(2, "Fitzgerald", "Terence", "1977-11-30", HOME));
    let similar = home(row(3, "Fitzgerald", "Deirdre", "1977-11-30", HOME));
    assert_eq!(groups(vec![one, other, similar]), [vec![1], vec![2], vec![3]]);
}

#[test]
fn parent_and_child_of_one_name_stay_apart() {
    for (family, given) in [("Smith", "John"), ("Featherstonehaugh", "Peregrine"), ("Fitzgerald", "John")] {
        let bare = vec![row(1, family, given, "1945-04-01", HOME), row(2, family, given, "1974-12-20", HOME)];
        assert_eq!(groups(bare.clone()), [vec![1], vec![2]], "{given} {family}");
        let at_home = bare.into_iter().map(|row| row.address("12 High Street, flat 3")).collect();
        assert_eq!(groups(at_home), [vec![1], vec![2]], "{given} {family} at one address");
    }
}

#[test]
fn parent_and_child_of_one_name_keep_their_own_rows() {
    let rows = vec![
        row(1, "Featherstonehaugh", "Peregrine", "1945-04-01", HOME),
        row(2, "Featherstonehaugh", "Peregrine", "1974-12-20", HOME),
        row(3, "Featherstonehaugh", "Peregrine", "1945-04-01", OTHER),
        row(4, "Featherstonhaugh", "Peregrine", "1974-12-20", HOME),
    ];
    assert_eq!(groups(rows), [vec![1, 3], vec![2, 4]]);
}

#[test]
fn a_slip_in_the_birth_date_is_one_person() {
    let records =
        vec![row(1, "Fitzgerald", "Desmond", "1977-11-30", HOME), row(2, "Fitzgerald", "Desmond", "1977-11-03", HOME)];
    assert_eq!(groups(records), [vec![1, 2]]);
}

#[test]
fn a_family_on_one_phone_at_one_address_stays_a_family() {
    let member = |number, family: &str, given: &str, born: &str, sex| {
        record(number).name_parts(family, given).born(born).sex(sex).contact(HOME).address("12 High Street, flat 3")
    };
    let family = vec![
        member(1, "Fitzgerald", "Desmond", "1948-03-02", Sex::Male),
        member(2, "Fitzgerald", "Maureen", "1950-11-23", Sex::Female),
        member(3, "Fitzgerald", "Terence", "1973-07-14", Sex::Male),
        member(4, "Fitzgerald", "Teresa", "1976-09-30", Sex::Female),
    ];
    assert_eq!(groups(family).len(), 4);
    let names_alone = vec![
        record(1).name_parts("Fitzgerald", "Desmond").contact(HOME),
        record(2).name_parts("Fitzgerald", "Terence").contact(HOME),
    ];
    assert_eq!(groups(names_alone).len(), 2);
}

#[test]
fn who_moves_stays_one_person() {
    let before = row(1, "Fitzgerald", "Desmond", "1977-11-30", HOME).address("12 High Street, flat 3");
    let after = row(2, "Fitzgerald", "Desmond", "1977-11-30", OTHER).address("7 Mill Lane, flat 21");
    assert_eq!(groups(vec![before, after]), [vec![1, 2]]);
}

#[test]
fn a_new_surname_keeps_the_person() {
    let before = row(1, "Fitzgerald", "Maureen", "1977-11-30", HOME).address("12 High Street, flat 3");
    let married = row(2, "Kowalski", "Maureen", "1977-11-30", HOME).address("12 High Street, flat 3");
    assert_eq!(groups(vec![before.clone(), married]), [vec![1, 2]]);
    let moved = row(2, "Kowalski", "Maureen", "1977-11-30", HOME).address("7 Mill Lane, flat 21");
    assert_eq!(groups(vec![before, moved]), [vec![1, 2]]);
}

#[test]
fn a_new_surname_with_nothing_else_in_common_is_not_taken_for_granted() {
    let before = row(1, "Fitzgerald", "Maureen", "1977-11-30", HOME);
    let after = row(2, "Kowalski", "Maureen", "1977-11-30", OTHER);
    assert_eq!(groups(vec![before, after]).len(), 2);
}
