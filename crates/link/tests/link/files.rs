//! Files in, clusters out: formats, errors, and the laws of linkage on whole tables.

use std::collections::BTreeSet;
use std::io::Write;

use link::{LinkError, Outcome, run};

use crate::folder::Folder;

const HEADER: &str = "record_id,given_name,surname,gender,dob,phone,street_number,address_1,suburb,postcode";

const GIVEN: [&str; 24] = [
    "anna", "bruno", "carla", "dieter", "emma", "felix", "greta", "hanno", "ida", "jakob", "klara", "lukas", "maria",
    "nils", "olga", "paul", "quirin", "rosa", "simon", "thea", "ulrich", "vera", "wilhelm", "xenia",
];
const SURNAMES: [&str; 28] = [
    "abel", "bauer", "conrad", "dorn", "ebert", "fischer", "graf", "hartmann", "imhof", "jansen", "keller", "lorenz",
    "maurer", "neumann", "otto", "pfeiffer", "quandt", "richter", "schuster", "thoma", "ullmann", "vogel", "winkler",
    "zander", "brandt", "kaiser", "sommer", "winter",
];
const STREETS: [&str; 12] = [
    "mill lane",
    "church street",
    "station road",
    "park avenue",
    "river walk",
    "hill crescent",
    "green close",
    "king street",
    "abbey road",
    "bridge street",
    "castle hill",
    "forest drive",
];

pub(crate) fn row(id: &str, person: &[String]) -> String {
    format!("{id},{}", person.join(","))
}

pub(crate) fn person(
    given: &str,
    surname: &str,
    sex: &str,
    dob: &str,
    phone: &str,
    home: (usize, usize),
) -> Vec<String> {
    let (number, street) = home;
    let (street_name, town) = (STREETS[street % 12], street % 7);
    [
        given,
        surname,
        sex,
        dob,
        phone,
        &number.to_string(),
        street_name,
        &format!("town {town}"),
        &format!("{}", 2000 + town),
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A town of families: spouses and two children share surname, phone and address; a third of the people stand twice,
/// some with a slip. Gives the rows.
pub(crate) fn town(families: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for family in 0..families {
        let surname = SURNAMES[(family * 5 + family / 28) % 28];
        let phone = format!("04{:08}", family * 7919 + 1_000_003);
        let home = (1 + family % 97, family * 7 % 83);
        for member in 0..4 {
            let given = GIVEN[(family * 11 + member * 7 + family / 24) % 24];
            let year = if member < 2 { 1950 + family % 25 } else { 1982 + family % 20 } + member;
            let dob =
                format!("{year}-{:02}-{:02}", 1 + (family * 3 + member) % 12, 1 + (family * 13 + member * 9) % 28);
            let sex = if member % 2 == 0 { "f" } else { "m" };
            let said = person(given, surname, sex, &dob, &phone, home);
            rows.push(row(&format!("f{family}m{member}a"), &said));
            if (family + member) % 3 == 0 {
                let mut again = said.clone();
                match family % 4 {
                    0 => {
                        again[0].remove(1);
                    }
                    1 => again[4].clear(),
                    2 => again[6] = again[6].replace("street", "str"),
                    _ => {}
                }
                rows.push(row(&format!("f{family}m{member}b"), &again));
            }
        }
    }
    rows
}

pub(crate) fn file(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

#[test]
fn families_on_one_phone_and_address_stay_apart_and_repeats_come_together() {
    let folder = Folder::new();
    let rows = town(300);
    let input = folder.write("a.csv", file(&rows));
    let outcome = folder.link(&folder.options(&[input]));
    let found = folder.clusters();
    let wrong = found.iter().filter(|cluster| {
        let people: BTreeSet<&str> = cluster.iter().map(|id| &id[..id.len() - 1]).collect();
        people.len() > 1
    });
    assert_eq!(wrong.count(), 0);
    let repeats = rows.len() - 1200;
    let right = found.iter().filter(|cluster| cluster.len() == 2).count();
    assert!(right * 100 >= repeats * 99, "{right} of {repeats}");
    assert!(outcome.summary.precision > 0.98 && outcome.summary.recall > 0.97, "{}", outcome.text);
}

/// A number below `most` that depends on a person and on what is drawn, and on nothing else.
pub(crate) fn drawn(person: usize, what: u64, most: usize) -> usize {
    let mixed =
        (person as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(what.wrapping_mul(0xBF58_476D_1CE4_E5B9));
    let mixed = (mixed ^ mixed >> 31).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed >> 33) as usize % most
}

#[test]
fn where_names_and_a_year_are_all_that_is_stated_it_knows_how_often_it_errs() {
    let folder = Folder::new();
    for people in [500, 1_000, 2_000] {
        let mut text = "record_id,given_name,surname,dob\n".to_owned();
        for person in 0..people {
            let (given, surname) = (GIVEN[drawn(person, 1, 24)], SURNAMES[drawn(person, 2, 28)]);
            let year = 1940 + drawn(person, 3, 60);
            text += &format!("{person}a,{given},{surname},{year}\n");
            if person % 3 == 0 {
                let (surname, year) = match drawn(person, 4, 10) {
                    0 => (&surname[..surname.len() - 1], year),
                    1 => (surname, year + 1),
                    _ => (surname, year),
                };
                text += &format!("{person}b,{given},{surname},{year}\n");
            }
        }
        let outcome = folder.link(&folder.options(&[folder.write("a.csv", text)]));
        let (mut claimed, mut right) = (0, 0);
        for cluster in folder.clusters() {
            let people: Vec<&str> = cluster.iter().map(|id| &id[..id.len() - 1]).collect();
            claimed += people.len() * (people.len() - 1) / 2;
            right += (1..people.len())
                .map(|n| people[..n].iter().filter(|other| **other == people[n]).count())
                .sum::<usize>();
        }
        let (expected, reached) = (outcome.summary.precision, right as f64 / claimed as f64);
        assert!(reached < 0.95, "the test asks nothing: {reached}");
        assert!((expected - reached).abs() < 0.03, "{expected} expected, {reached} reached of {people} people");
    }
}

/// The town with some records beside it.
fn with(folder: &Folder, beside: &[String]) -> Outcome {
    let mut rows = town(300);
    rows.extend_from_slice(beside);
    let input = folder.write("a.csv", file(&rows));
    folder.link(&folder.options(&[input]))
}

#[test]
fn twins_are_two_people() {
    let folder = Folder::new();
    let twin = |given: &str, sex: &str| person(given, "lindqvist", sex, "2001-05-17", "0477001122", (14, 3));
    with(&folder, &[row("t1", &twin("agnes", "f")), row("t2", &twin("beatrice", "f")), row("t3", &twin("agnes", "f"))]);
    assert!(folder.together("t1", "t3"));
    assert!(!folder.together("t1", "t2"));
}

#[test]
fn a_parent_and_a_child_of_one_name_are_two_people() {
    let folder = Folder::new();
    let named = |dob: &str| person("sigmund", "lindqvist", "m", dob, "0477001122", (14, 3));
    with(&folder, &[row("p1", &named("1951-03-02")), row("p2", &named("1984-11-25")), row("p3", &named("1951-03-02"))]);
    assert!(folder.together("p1", "p3"));
    assert!(!folder.together("p1", "p2"));
}

#[test]
fn a_person_who_moves_and_a_person_who_marries_stay_one() {
    let folder = Folder::new();
    let at = |surname: &str, phone: &str, home| person("sigrid", surname, "f", "1979-08-23", phone, home);
    with(
        &folder,
        &[
            row("m1", &at("lindqvist", "0477001122", (14, 3))),
            row("m2", &at("lindqvist", "0499887766", (61, 8))),
            row("w1", &person("ottilie", "sandberg", "f", "1985-01-30", "0455667788", (9, 10))),
            row("w2", &person("ottilie", "hallstrom", "f", "1985-01-30", "0455667788", (9, 10))),
        ],
    );
    assert!(folder.together("m1", "m2"));
    assert!(folder.together("w1", "w2"));
}

#[test]
fn a_phone_of_everybody_and_a_default_birthday_are_found_and_say_nothing() {
    let folder = Folder::new();
    let mut rows = town(300);
    for number in 0..60 {
        let (given, surname) = (GIVEN[number % 24], SURNAMES[(number * 3 + 1) % 28]);
        rows.push(row(
            &format!("h{number}"),
            &person(given, surname, "m", "1900-01-01", "0299001000", (number + 1, number * 5)),
        ));
    }
    let input = folder.write("a.csv", file(&rows));
    let outcome = folder.link(&folder.options(&[input]));
    let hot: Vec<&str> = outcome.summary.hot_values.iter().map(|hot| hot.value.as_str()).collect();
    assert!(hot.contains(&"299001000") && hot.contains(&"19000101"), "{hot:?}");
    let largest = folder.clusters().iter().map(BTreeSet::len).max();
    assert!(largest <= Some(3), "{largest:?}");
}

#[test]
fn people_who_all_stand_once_are_not_linked() {
    let folder = Folder::new();
    let rows: Vec<String> =
        town(300).into_iter().filter(|row| !row.split(',').next().is_some_and(|id| id.ends_with('b'))).collect();
    let input = folder.write("a.csv", file(&rows));
    folder.link(&folder.options(&[input]));
    assert_eq!(folder.clusters().len(), rows.len());
}

#[test]
fn the_order_of_rows_and_files_and_the_format_change_nothing() {
    let folder = Folder::new();
    let rows = town(150);
    let whole = folder.write("a.csv", file(&rows));
    folder.link(&folder.options(&[whole]));
    let expected = folder.clusters();
    let mut turned = rows.clone();
    turned.reverse();
    let semicolons = file(&turned).replace(',', ";").replace('\n', "\r\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(semicolons.as_bytes()).expect("packed");
    let packed = folder.write("b.csv.gz", packed.finish().expect("packed"));
    folder.link(&folder.options(&[packed]));
    assert_eq!(folder.clusters(), expected);
    let (first, second) = rows.split_at(200);
    let (first, second) = (folder.write("c.csv", file(first)), folder.write("d.csv", file(second)));
    folder.link(&folder.options(&[first.clone(), second.clone()]));
    let found = folder.clusters();
    folder.link(&folder.options(&[second, first]));
    assert_eq!(folder.clusters(), found);
}

#[test]
fn broken_rows_are_named_with_line_and_reason_or_left_out() {
    let folder = Folder::new();
    let text =
        "record_id,name,dob\n1,Anna Abel,1980-01-02\n2,\"Bruno\nBauer\",1981-02-03\n3,Carla\n,Dieter Dorn,1982-03-04\n";
    let input = folder.write("a.csv", text);
    let mut options = folder.options(&[input]);
    let refused = run(&options, |_| {}).expect_err("refused").to_string();
    assert!(refused.contains("line 5: 2 fields where the header has 3"), "{refused}");
    options.skip_bad_rows = true;
    let outcome = folder.link(&options);
    assert_eq!((outcome.summary.records, outcome.skipped_rows), (2, 2));
}

#[test]
fn a_record_id_that_stands_twice_is_refused_with_both_lines() {
    let folder = Folder::new();
    let input = folder.write("a.csv", "record_id,name\n7,Anna Abel\n8,Bruno Bauer\n7,Carla Conrad\n");
    let mut options = folder.options(&[input]);
    match run(&options, |_| {}) {
        Err(LinkError::DuplicateId { line: 4, before: 2, id, .. }) => assert_eq!(id, "7"),
        other => panic!("{other:?}"),
    }
    options.skip_bad_rows = true;
    assert_eq!(folder.link(&options).skipped_rows, 1);
}

#[test]
fn a_file_without_ids_or_without_anything_understood_is_refused() {
    let folder = Folder::new();
    let no_id = folder.options(&[folder.write("a.csv", "name,dob\nAnna Abel,1980-01-02\n")]);
    assert!(matches!(run(&no_id, |_| {}), Err(LinkError::NoRecordId { .. })));
    let nothing = folder.options(&[folder.write("b.csv", "record_id,colour\n1,red\n")]);
    assert!(matches!(run(&nothing, |_| {}), Err(LinkError::NoColumns { .. })));
    let empty = folder.options(&[folder.write("c.csv", "")]);
    assert!(matches!(run(&empty, |_| {}), Err(LinkError::NoHeader(_))));
}

#[test]
fn a_chinese_file_in_gb18030_is_understood() {
    let folder = Folder::new();
    let mut text = "记录编号,姓名,出生日期,联系电话\n".to_owned();
    for number in 0..40 {
        let name = ["王静怡", "李明华", "张伟强", "刘淑芬", "陈国栋"][number % 5];
        text.push_str(&format!(
            "a{number},{name},19{:02}-0{}-1{},138{:08}\n",
            40 + number,
            1 + number % 9,
            number % 10,
            number * 7919
        ));
        text.push_str(&format!(
            "b{number},{name},19{:02}-0{}-1{},138{:08}\n",
            40 + number,
            1 + number % 9,
            number % 10,
            number * 7919
        ));
    }
    let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
    let input = folder.write("a.csv", bytes);
    folder.link(&folder.options(&[input]));
    assert_eq!(folder.clusters().len(), 40);
}

const TEN: &str = "record_id,first_name,last_name,DateOfBirth,tel,mobile,city
r0,Anna,Miller,1980-02-03,5550101,,Leeds
r1,John,Miller,1955-07-13,5550199,,York
r2,Peter,Jones,1990-11-30,5550333,,Leeds
r3,Mary,Walker,1971-01-09,5550777,,Hull
r4,Susan,Clark,1966-12-24,5550881,,York
r5,David,Hill,1988-05-05,5550912,,Bath
r6,Laura,Evans,1993-03-17,5550645,,Hull
r7,James,Cole,1949-10-01,5550230,,Bath
r8,Emily,Reed,2001-08-22,5550518,,Leeds
";

#[test]
fn in_a_file_of_ten_rows_the_same_record_is_the_same_person_and_a_surname_is_not() {
    let folder = Folder::new();
    folder.link(&folder.options(&[folder.write("nine.csv", TEN)]));
    assert_eq!(folder.clusters().len(), 9);
    let ten = format!("{TEN}r9,Anna,Miller,1980-02-03,5550101,,Leeds\n");
    let outcome = folder.link(&folder.options(&[folder.write("ten.csv", ten)]));
    assert_eq!(folder.clusters().len(), 9);
    assert!(folder.together("r0", "r9"));
    assert!(outcome.text.contains("not used: mobile"), "{}", outcome.text);
}

#[test]
fn a_pet_name_a_date_of_a_spreadsheet_and_a_turned_name_are_understood() {
    let folder = Folder::new();
    let mut text = "id,Name,DOB,Telephone\n".to_owned();
    for (number, given) in GIVEN.iter().enumerate() {
        let (surname, day) = (SURNAMES[number], 10 + number % 19);
        text.push_str(&format!("a{number},{given} {surname},1970-03-{day},020 55{number:02}731\n"));
    }
    text.push_str("w1,William Abel,1987-02-11,020 7788991\nw2,ABEL WM,31819,+44 20 7788991\n");
    text.push_str("w3,Abel William Junior,11-Feb-87,\n");
    folder.link(&folder.options(&[folder.write("a.csv", text)]));
    assert!(folder.together("w1", "w2"));
    assert_eq!(folder.clusters().iter().map(BTreeSet::len).max(), Some(3));
}

#[test]
fn a_pair_is_explained_and_the_parts_add_up() {
    let folder = Folder::new();
    let mut options = folder.options(&[folder.write("a.csv", file(&town(200)))]);
    options.explain = Some(("f0m0a".to_owned(), "f0m0b".to_owned()));
    options.pairs = Some(folder.path("pairs.csv"));
    let outcome = folder.link(&options);
    assert!(outcome.text.contains("f0m0a and f0m0b are in one cluster"), "{}", outcome.text);
    let pairs = std::fs::read_to_string(folder.path("pairs.csv")).expect("pairs");
    for line in pairs.lines().skip(1) {
        let numbers: Vec<f64> = line.split(',').skip(2).map(|field| field.parse().unwrap_or(0.0)).collect();
        let sum: f64 = numbers[2..].iter().sum();
        assert!((numbers[0] - sum).abs() < 0.05, "{line}");
    }
    options.svg = Some(folder.path("why.svg"));
    folder.link(&options);
    let picture = std::fs::read_to_string(folder.path("why.svg")).expect("a picture");
    assert!(picture.starts_with("<svg ") && picture.contains("f0m0a · f0m0b"), "{picture}");
    options.explain = Some(("f0m0a".to_owned(), "nobody".to_owned()));
    assert!(matches!(run(&options, |_| {}), Err(LinkError::NoSuchRecord(_))));
}

#[test]
fn one_record_ten_thousand_times_is_one_person_and_one_common_name_is_not() {
    let folder = Folder::new();
    let same = (0..10_000).map(|n| format!("r{n},anna,berg,f,1990-01-02,0412345678,5,mill lane,town 1,2001"));
    folder.link(&folder.options(&[folder.write("a.csv", file(&same.collect::<Vec<_>>()))]));
    assert_eq!(folder.clusters().len(), 1);
    let mut names = "record_id,full_name\n".to_owned();
    (0..10_000).for_each(|n| names.push_str(&format!("r{n},Wang Wei\n")));
    folder.link(&folder.options(&[folder.write("b.csv", names)]));
    assert_eq!(folder.clusters().len(), 10_000);
}

#[test]
fn records_that_say_the_same_are_told_pair_by_pair() {
    let folder = Folder::new();
    let mut rows = town(60);
    let said = person("zoe", "quirk", "f", "1971-03-04", "0455512345", (7, 3));
    rows.extend(["z1", "z2", "z3"].map(|id| row(id, &said)));
    let mut slip = said.clone();
    slip[1] = "quirke".to_owned();
    rows.push(row("z4", &slip));
    let mut options = folder.options(&[folder.write("a.csv", file(&rows))]);
    options.pairs = Some(folder.path("pairs.csv"));
    folder.link(&options);
    let pairs = std::fs::read_to_string(folder.path("pairs.csv")).expect("pairs");
    let told = |line: &&str| line.split(',').take(2).all(|id| id.starts_with('z'));
    assert_eq!(pairs.lines().filter(told).count(), 6, "{pairs}");
    assert!(["z2", "z3", "z4"].iter().all(|id| folder.together("z1", id)));
}
