//! `isthmus contacts` through the real binary: plain files in, pairs out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn contacts(input: &Path, output: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isthmus"));
    command.arg("contacts").arg("--input").arg(input).arg("--output").arg(output).args(more);
    command.output().expect("the binary runs")
}

/// The rows that come out of a file with this text.
fn rows(text: &str, more: &[&str]) -> Result<Vec<String>, String> {
    let home = test_support::scratch_dir("contacts");
    let (input, output) = (home.join("in.csv"), home.join("out.csv"));
    std::fs::write(&input, text).expect("written");
    let ran = contacts(&input, &output, more);
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
    }
    let table = std::fs::read_to_string(&output).expect("a table");
    Ok(table.lines().skip(1).map(str::to_owned).collect())
}

#[test]
fn real_contacts_of_an_office_give_the_known_number_of_pairs_by_each_reading_of_ten_minutes() {
    let input = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/samples/contacts/workplace_InVS13_tij.dat.zip"
    ));
    if !input.exists() {
        eprintln!("skipped, 1 test: there is no {}", input.display());
        return;
    }
    let output = test_support::scratch_dir("contacts-of-an-office").join("pairs.csv");
    for (rule, pairs) in [("spell", 7), ("day", 41), ("total", 70), ("ever", 755)] {
        let ran = contacts(&input, &output, &["--rule", rule]);
        let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert!(
            printed.starts_with(&format!("92 people, 9827 rows: {pairs} pairs in contact by the rule `{rule}`")),
            "{printed}"
        );
        let table = std::fs::read_to_string(&output).expect("a table");
        assert_eq!(table.lines().count(), pairs + 1, "{rule}");
        assert!(table.starts_with("person_a,person_b,spells,seconds,longest_s,first,last\n"));
    }
}

#[test]
fn whereabouts_by_place_or_by_position_give_pairs_in_one_place_or_square() {
    let by_place = "person,place,from,to\nanna,P1,0,3600\nbob,P1,2999,9000\ncara,P1,3000,9000\ndan,P2,0,3600\n";
    assert_eq!(
        rows(by_place, &[]),
        Ok(vec!["anna,bob,1,601,601,2999,3600".to_owned(), "bob,cara,1,6000,6000,3000,9000".to_owned()])
    );
    let by_position = "Person;lat;lon;start;end\n\
                       7;31.3005;120.6005;2022-03-01T08:00:00Z;2022-03-01 09:00\n\
                       12;31.3006;120.6006;2022-03-01T16:30:00+08:00;2022-03-01T09:30:00Z\n\
                       3;31.5;120.6;2022-03-01T08:00:00Z;2022-03-01T09:00:00Z\n";
    let pair = "7,12,1,1800,1800,2022-03-01T08:30:00Z,2022-03-01T09:00:00Z".to_owned();
    assert_eq!(rows(by_position, &[]), Ok(vec![pair.clone()]));
    assert_eq!(rows(by_position, &["--over-s", "1800"]), Ok(Vec::new()));
    assert_eq!(rows(by_position, &["--rule", "total", "--over-s", "1799"]), Ok(vec![pair]));
}

#[test]
fn pairs_with_their_times_are_taken_as_they_are() {
    let text = "i,j,start,end\n1,2,0,400\n2,1,400,700\n1,3,0,500\n";
    assert_eq!(rows(text, &[]), Ok(vec!["1,2,1,700,700,0,700".to_owned()]));
    assert_eq!(rows(text, &["--rule", "ever"]).map(|rows| rows.len()), Ok(2));
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_line_reason_and_mend() {
    for (text, told) in [
        ("", "it is empty"),
        ("person,place,from,to\n", "it has no rows"),
        ("who,where,when\na,b,1\n", "its columns are who, where, when: a file of whereabouts has person, place"),
        (
            "person,place,from,to\na,P,0,10\na,P,noon,10\n",
            "line 3: `noon` is no time: write seconds, or 2022-03-01T08:00:00Z",
        ),
        ("person,place,from,to\na,P,10,5\n", "line 2: the end lies before the begin"),
        ("person,place,from,to\na,,1,5\n", "line 2: neither a place nor lat and lon are given"),
        ("person,lat,lon,from,to\na,91,0,1,5\n", "a latitude must be between -85 and 85 degrees"),
        ("5 1 2\n", "say with --window-s how long a window is"),
    ] {
        let error = rows(text, &[]).expect_err(text);
        assert!(error.contains(told), "{error}");
    }
}
