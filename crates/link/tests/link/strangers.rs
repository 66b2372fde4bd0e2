//! Files unlike those that linkage was made with: situations that a fresh pair of eyes brought up, by name.

use std::collections::BTreeSet;

use link::Outcome;

use crate::files::drawn;
use crate::folder::Folder;

const GIVEN: [&str; 20] = [
    "adele", "boris", "clara", "dario", "elena", "frank", "gilda", "henry", "irene", "jonas", "karin", "louis",
    "marta", "oscar", "petra", "ralph", "selma", "tomas", "ursel", "viola",
];
const SURNAMES: [&str; 25] = [
    "albers", "becker", "carlow", "dreyer", "engels", "forster", "gerber", "holtz", "immel", "juncker", "kramer",
    "lindner", "mosel", "nagel", "oswald", "pohl", "quint", "reuter", "stahl", "tietz", "unger", "vetter", "wolff",
    "zeller", "ziegler",
];

/// People with names and a birth date, every third of them twice; of these every fourth with a slip.
fn people(count: usize) -> String {
    let mut text = String::new();
    for person in 0..count {
        let mixed = (person as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let draw = |shift: u32, most: u64| (mixed >> shift) % most;
        let (given, surname) = (GIVEN[draw(11, 20) as usize], SURNAMES[draw(23, 25) as usize]);
        let dob = format!("{}-{:02}-{:02}", 1930 + draw(31, 80), 1 + draw(37, 12), 1 + draw(43, 28));
        text += &format!("s{person}a,{given},{surname},{dob}\n");
        if person % 3 == 0 {
            let surname = if person % 4 == 0 { &surname[..surname.len() - 1] } else { surname };
            text += &format!("s{person}b,{given},{surname},{dob}\n");
        }
    }
    text
}

fn link(folder: &Folder, header: &str, rows: &str) -> Outcome {
    let input = folder.write("a.csv", format!("{header}\n{rows}"));
    folder.link(&folder.options(&[input]))
}

const NAMES_AND_BIRTH: &str = "record_id,given_name,surname,dob";

#[test]
fn a_parent_and_a_child_of_one_name_are_two_people_where_names_and_dates_are_all_there_is() {
    let folder = Folder::new();
    let family = "p1,nathaniel,graystone,1975-10-17\np2,nathaniel,graystone,2015-06-21\n\
                  p3,nathaniel,graystone,1975-10-17\np4,tancred,middleton,1978-01-30\np5,tancred,middleton,1987-05-13\n";
    link(&folder, NAMES_AND_BIRTH, &(people(1_500) + family));
    assert!(folder.together("p1", "p3"));
    assert!(!folder.together("p1", "p2"));
    assert!(!folder.together("p4", "p5"));
}

#[test]
fn twins_are_two_people_where_names_and_dates_are_all_there_is() {
    let folder = Folder::new();
    let twins =
        "t1,beverly,quilesberg,2009-03-14\nt2,leopold,quilesberg,2009-03-14\nt3,beverly,quilesberg,2009-03-14\n";
    link(&folder, NAMES_AND_BIRTH, &(people(1_500) + twins));
    assert!(folder.together("t1", "t3"));
    assert!(!folder.together("t1", "t2"));
}

#[test]
fn a_mail_address_that_one_person_has_is_enough_though_the_phone_is_another() {
    let folder = Folder::new();
    let mut rows = String::new();
    for person in 0..1_500_usize {
        let surname = SURNAMES[person * 7 % 25];
        let given = GIVEN[person * 11 % 20];
        let mail = format!("{given}.{surname}{person}@example.org");
        let phone = |number: usize| format!("07{:09}", (number * 611_953 + 7) % 999_999_937);
        rows += &format!("{person}a,{mail},{},{surname}\n", phone(person));
        if person % 3 == 0 {
            // Another phone for every fifth; no surname.
            let other = if person % 5 == 0 { phone(person + 90_000) } else { phone(person) };
            rows += &format!("{person}b,{mail},{other},\n");
        }
    }
    let outcome = link(&folder, "record_id,email,phone,surname", &rows);
    let changed: Vec<usize> = (0..1_500).step_by(15).collect();
    let clusters = folder.clusters();
    let found = changed.iter().filter(|person| {
        clusters.iter().any(|all| all.contains(&format!("{person}a")) && all.contains(&format!("{person}b")))
    });
    assert!(found.count() * 100 >= changed.len() * 95, "{}", outcome.text);
}

#[test]
fn the_words_of_a_name_may_stand_in_another_order() {
    let folder = Folder::new();
    let rows = "v1,hoang minh thao,tran,1981-02-17\nv2,tran hoang minh,thao,1981-02-17\n\
                v3,rosalia,ruizo prietoso,1977-06-05\nv4,rosalia,prietoso ruizo,1977-06-05\n\
                v5,maria doloretta,castillejo,1969-11-23\nv6,ma doloretta,castillejo,1969-11-23\n\
                v7,garcianez gonzalvo,maria pilarica,1990-08-09\nv8,mª pilarica,garcianez gonzalvo,1990-08-09\n\
                v9,minh,thao tran,1993-12-02\n";
    link(&folder, NAMES_AND_BIRTH, &(people(1_500) + rows));
    for (a, b) in [("v1", "v2"), ("v3", "v4"), ("v5", "v6"), ("v7", "v8")] {
        assert!(folder.together(a, b), "{a} {b}");
    }
    assert!(!folder.together("v1", "v9"));
}

#[test]
fn twins_are_two_people_where_all_are_newborns_with_the_phones_of_their_mothers() {
    let folder = Folder::new();
    let mut rows = String::new();
    let twin = |mother: usize, twin: usize| (drawn(mother, 1, 20) + twin * (1 + drawn(mother, 6, 19))) % 20;
    for mother in 0..1_200 {
        let (surname, dob) = (SURNAMES[drawn(mother, 2, 25)], (1 + drawn(mother, 3, 4), 1 + drawn(mother, 4, 28)));
        for child in 0..if mother % 10 == 0 { 2 } else { 1 } {
            let name = twin(mother, child);
            // The first record of a third was written before there was a name.
            for (again, given) in ["", GIVEN[name], GIVEN[name]].into_iter().enumerate().skip((mother % 3).min(1)) {
                let called = format!("06{:08}", drawn(mother, 7, 100_000_000));
                let phone = if drawn(mother * 3 + again, 5, 5) == 0 { "" } else { &called };
                let sex = ["m", "f"][name % 2];
                rows += &format!(
                    "{mother}t{child}r{again},{given},{surname},{sex},2022-{:02}-{:02},{phone}\n",
                    dob.0, dob.1
                );
            }
        }
    }
    let outcome = link(&folder, "record_id,given_name,surname,gender,dob,phone", &rows);
    let clusters = folder.clusters();
    let together = |a: String, b: String| clusters.iter().any(|all| all.contains(&a) && all.contains(&b));
    let of_two_sexes = |mother: &usize| twin(*mother, 0) % 2 != twin(*mother, 1) % 2;
    let twins: Vec<usize> = (0..1_200).step_by(10).filter(of_two_sexes).collect();
    let merged = twins.iter().filter(|mother| together(format!("{mother}t0r2"), format!("{mother}t1r2"))).count();
    // The class of relatives learns from a hundred mothers only.
    assert!(merged * 4 < twins.len(), "{merged} of {}: {}", twins.len(), outcome.text);
    let found = (0..1_200).filter(|mother| together(format!("{mother}t0r1"), format!("{mother}t0r2")));
    assert!(found.count() > 1_150, "{}", outcome.text);
}

#[test]
fn namesakes_whose_mail_addresses_differ_in_their_number_are_two_people() {
    let folder = Folder::new();
    let mut rows = String::new();
    for person in 0..1_500_usize {
        let (given, surname) = (GIVEN[drawn(person, 1, 20)], SURNAMES[drawn(person, 2, 25)]);
        let mail = format!("{given}.{surname}{}@mail.example", 10 + drawn(person, 3, 90));
        let town = drawn(person, 4, 30);
        rows += &format!("{person}a,{given},{surname},{mail},town {town}\n");
        if person % 3 == 0 {
            rows += &format!("{person}b,{given},{surname},{mail},\n");
        }
    }
    let outcome = link(&folder, "record_id,given_name,surname,email,suburb", &rows);
    let clusters = folder.clusters();
    let is_wrong =
        |all: &&BTreeSet<String>| all.iter().map(|id| &id[..id.len() - 1]).collect::<BTreeSet<_>>().len() > 1;
    let wrong = clusters.iter().filter(is_wrong).count();
    assert!(wrong * 20 < 1_500, "{wrong}: {}", outcome.text);
    let found = clusters.iter().filter(|all| all.iter().any(|id| id.ends_with('b')) && all.len() > 1).count();
    assert!(found * 100 >= 500 * 85, "{found}: {}", outcome.text);
}
