//! Named situations in which linkage goes wrong easily.

use crate::common::{Statement, explain, groups, masked, record, resident};
use domain::{IdScheme, Sex};
use linkage::{Field, Model};

const PHONE: &str = "13951234017";

fn wang() -> String {
    resident("320506", "1987-02-11", 341)
}

/// The row of the household register.
fn registered(number: u64) -> Statement {
    record(number)
        .name("王小明")
        .id(&wang())
        .born("1987-02-11")
        .sex(Sex::Male)
        .contact(PHONE)
        .household("H00017")
        .address("苏州市姑苏区平江路12号3幢402室")
}

#[track_caller]
fn one_person(what: &str, records: &[Statement]) {
    let found = groups(records);
    if found.len() != 1 && records.len() == 2 {
        explain(&records[0], &records[1]);
    }
    assert_eq!(found.len(), 1, "{what}: {found:?}");
}

#[track_caller]
fn apart(what: &str, records: &[Statement]) {
    let found = groups(records);
    if found.len() != records.len() {
        explain(&records[0], &records[1]);
    }
    assert_eq!(found.len(), records.len(), "{what}: {found:?}");
}

#[test]
fn every_feed_finds_its_person() {
    let id = wang();
    for (what, other) in [
        ("a ticket with a masked number", record(1).name("王小明").id(&masked(&id))),
        (
            "a ticket with a masked number and another's phone",
            record(1).name("王小明").id(&masked(&id)).contact("13777770001"),
        ),
        ("a ticket whose name is a homophone", record(1).name("王晓明").id(&masked(&id))),
        (
            "a wallet with a partly hidden name",
            record(1).name("*小明").sim(PHONE).claim(IdScheme::Wallet, "w-1", Some("pay")),
        ),
        ("a wallet with the whole name", record(1).name("王小明").sim(PHONE)),
        ("a gate scan", record(1).name("王小明").contact(PHONE).claim(IdScheme::GateCard, "G-77", Some("gate"))),
        ("a subscriber", record(1).name("王小明").id(&id).sim("13666660000")),
        ("a laboratory row", record(1).name("王小明").id(&id).contact("13888880012")),
        ("a laboratory row whose name has a wrong character", record(1).name("王小朋").id(&id)),
        ("a hospital row without number", record(1).name("王小明").born("1987-02-11").sex(Sex::Male)),
        (
            "a hospital row whose birth date is a slip away",
            record(1).name("王小明").born("1987-02-12").sex(Sex::Male).contact(PHONE),
        ),
        ("a hospital row in Latin letters", record(1).name_parts("WANG", "XIAOMING").born("1987-02-11").sex(Sex::Male)),
        ("the name in the other order", record(1).name("Xiaoming Wang").born("1987-02-11").contact(PHONE)),
        ("the name in traditional characters", record(1).name("王 小 明").born("1987-02-11").contact(PHONE)),
        ("a name at the same address", record(1).name("王小明").address("姑苏区平江路12号3幢402").contact(PHONE)),
        ("a typed number with a slip, so without number", record(1).name("王小明").born("1987-02-11").contact(PHONE)),
        ("a name with a lost character", record(1).name("王?明").born("1987-02-11").contact(PHONE)),
    ] {
        one_person(what, &[registered(0), other]);
    }
}

#[test]
fn names_are_one_name_in_all_their_forms() {
    for (a, b) in [
        ("張偉強", "张伟强"),
        ("阿卜杜拉·买买提", "阿卜杜拉买买提"),
        ("欧阳娜娜", "歐陽娜娜"),
        ("曾志伟", "ZENG ZHIWEI"),
        ("单雪梅", "Shan Xue Mei"),
        ("吕建国", "LYU JIANGUO"),
        ("尉迟小燕", "Yuchi Xiaoyan"),
        ("Müller, Jürgen", "JURGEN MULLER"),
        ("O'Brien, Kate", "Kate Obrien"),
        ("王李秀英", "李秀英"),
    ] {
        one_person(a, &[record(0).name(a).born("1971-06-03"), record(1).name(b).born("1971-06-03")]);
    }
}

#[test]
fn twins_are_two_persons() {
    let twin = |number, name: &str, sequence| {
        record(number)
            .name(name)
            .id(&resident("320506", "2009-05-20", sequence))
            .sex(Sex::Male)
            .contact(PHONE)
            .address("平江路12号3幢402室")
    };
    let (a, b) = (twin(0, "张晓明", 311), twin(1, "张晓亮", 313));
    apart("with numbers", &[a.clone(), b.clone()]);
    assert_eq!(explain(&a, &b).conflict, Some(Field::NationalId));
    let bare = |number, name: &str| {
        record(number).name(name).born("2009-05-20").sex(Sex::Male).contact(PHONE).address("平江路12号3幢402室")
    };
    apart("without numbers", &[bare(0, "张晓明"), bare(1, "张晓亮")]);
    apart("without numbers, names without common character", &[bare(0, "张晓明"), bare(1, "张伟")]);
    // A row that fits both must not pull them together.
    let found = groups(&[a, b, record(2).name("张*").contact(PHONE)]);
    assert!(found.iter().all(|group| !(group.contains(&0) && group.contains(&1))), "{found:?}");
}

#[test]
fn a_family_on_one_phone_at_one_address_stays_a_family() {
    let member = |number, name: &str, born: &str, sex| {
        record(number).name(name).born(born).sex(sex).contact(PHONE).household("H1").address("平江路12号3幢402室")
    };
    apart(
        "parents and children",
        &[
            member(0, "陈建国", "1968-03-02", Sex::Male),
            member(1, "刘秀英", "1970-11-23", Sex::Female),
            member(2, "陈晓东", "1993-07-14", Sex::Male),
            member(3, "陈晓燕", "1996-09-30", Sex::Female),
        ],
    );
    apart(
        "shared phone, names alone",
        &[record(0).name("陈建国").contact(PHONE), record(1).name("陈建华").contact(PHONE)],
    );
}

#[test]
fn a_vague_record_does_not_join_two_relatives() {
    // Each of the two brothers has rows with and without birth date; the last row fits both of them.
    let records = [
        record(0).name("陈建国").born("1968-03-02").contact(PHONE),
        record(1).name("陈建国").contact(PHONE),
        record(2).name("陈建华").born("1971-08-19").contact(PHONE),
        record(3).name("陈建华").contact(PHONE),
        record(4).name("陈建*").contact(PHONE),
    ];
    assert!(explain(&records[1], &records[4]).link.weight > 4.0);
    assert!(explain(&records[3], &records[4]).link.weight > 4.0);
    let found = groups(&records);
    assert_eq!(found.len(), 2, "{found:?}");
    let of = |number: u64| found.iter().position(|group| group.contains(&number));
    assert_eq!((of(0), of(2)), (of(1), of(3)));
}

#[test]
fn parent_and_child_of_one_name_stay_apart() {
    let person = |number, born: &str| {
        record(number).name("John Smith").born(born).sex(Sex::Male).contact(PHONE).address("12 High Street, flat 3")
    };
    apart("by birth date", &[person(0, "1955-04-01"), person(1, "1984-12-20")]);
}

#[test]
fn a_name_alone_or_a_phone_alone_is_not_enough() {
    apart("a frequent name", &[record(0).name("王伟").born("1987-02-11").sex(Sex::Male), record(1).name("王伟")]);
    apart("a name", &[record(0).name("欧阳娜娜"), record(1).name("欧阳娜娜")]);
    apart("a recycled phone", &[record(0).name("王小明").sim(PHONE), record(1).name("赵丽颖").sim(PHONE)]);
    apart(
        "a default birthday",
        &[
            record(0).name("王伟").born("1900-01-01").sex(Sex::Male),
            record(1).name("王伟").born("1900-01-01").sex(Sex::Male),
        ],
    );
    apart("a placeholder", &[record(0).name("未知").contact(PHONE), record(1).name("未知").contact(PHONE)]);
}

#[test]
fn a_new_surname_keeps_the_person() {
    let before = record(0).name("陈静怡").born("1990-08-17").sex(Sex::Female).contact(PHONE);
    one_person("married", &[before, record(1).name("王静怡").born("1990-08-17").sex(Sex::Female).contact(PHONE)]);
}

#[test]
fn who_moves_or_marries_is_found_without_a_number() {
    let before = record(0).name("陈静怡").born("1990-08-17").sex(Sex::Female).contact(PHONE);
    let before = before.address("姑苏区平江路12号3幢402室");
    let moved = record(1).name("陈静怡").born("1990-08-17").sex(Sex::Female).contact("13777770001");
    one_person("moved, with a new phone", &[before.clone(), moved.address("工业园区星湖街328号1幢101室")]);
    let married = record(1).name("王静怡").born("1990-08-17").sex(Sex::Female).contact(PHONE);
    one_person(
        "moved and married, with the old phone",
        &[before.clone(), married.address("工业园区星湖街328号1幢101室")],
    );
    let stranger = record(1).name("王静怡").born("1990-08-17").sex(Sex::Female).contact("13777770001");
    apart("another surname and another phone", &[before, stranger.address("工业园区星湖街328号1幢101室")]);
}

#[test]
fn two_valid_numbers_keep_records_apart_whatever_else_agrees() {
    let a = registered(0);
    let mut b = registered(1);
    b.0.statement.person.claims.retain(|claim| claim.scheme != IdScheme::CnId);
    let b = b.id(&resident("320506", "1987-02-11", 343));
    apart("two numbers", &[a, b]);
    let ward =
        |number, mrn: &str| record(number).name("王小明").born("1987-02-11").claim(IdScheme::Mrn, mrn, Some("h1"));
    apart("two medical record numbers of one hospital", &[ward(0, "M1"), ward(1, "M2")]);
    let elsewhere = record(1).name("王小明").born("1987-02-11").claim(IdScheme::Mrn, "M2", Some("h2"));
    one_person("numbers of two hospitals", &[ward(0, "M1"), elsewhere]);
}

#[test]
fn a_third_record_does_not_join_two_numbers() {
    let (a, b) = (resident("320506", "1987-02-11", 341), resident("320506", "1987-02-11", 343));
    let found = groups(&[
        record(0).name("王小明").id(&a).contact(PHONE),
        record(1).name("王小明").id(&b).contact(PHONE),
        record(2).name("王小明").contact(PHONE).born("1987-02-11"),
    ]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn the_sims_of_a_company_make_no_person() {
    let mut records: Vec<Statement> = (0..300)
        .map(|number| {
            record(number)
                .name("苏州平江物流有限公司")
                .claim(IdScheme::Other, "91320508MA1ABCDE0X", Some("USCC"))
                .sim(&format!("1395120{number:04}"))
        })
        .collect();
    records.push(registered(1000).sim("13951200007"));
    assert_eq!(groups(&records).len(), 301);
}

#[test]
fn a_moved_person_is_found_in_both_households() {
    let after = record(1).name("王小明").id(&wang()).household("H99999").address("工业园区星湖街328号1幢101室");
    one_person("moved", &[registered(0), after]);
}

#[test]
fn the_explanation_adds_up() {
    let explanation = explain(&registered(0), &record(1).name("王小明").contact(PHONE).born("1987-02-11"));
    let sum: f64 = explanation.link.parts.iter().map(|part| part.weight + part.frequency).sum();
    assert!((sum - explanation.link.weight).abs() < 1e-9, "{sum}");
    assert!(explanation.together);
    assert_eq!(explanation.model_version, Model::zh().version());
}
