//! Files of a few rows, which anybody tries first: what little they say must not make one person of two.

use link::Outcome;

use crate::folder::Folder;

fn link(folder: &Folder, text: &str) -> Outcome {
    let input = folder.write("a.csv", text);
    folder.link(&folder.options(&[input]))
}

/// Whether all records stand alone, and nothing is promised of pairs that are not claimed.
fn are_all_apart(text: &str) -> bool {
    let folder = Folder::new();
    let outcome = link(&folder, text);
    let alone = folder.clusters().iter().all(|cluster| cluster.len() == 1);
    alone && outcome.summary.precision == 1.0 && outcome.summary.threshold >= 0.0
}

#[test]
fn two_people_of_one_surname_are_two_where_names_are_all_there_is() {
    assert!(are_all_apart("id,full_name\n1,John Lee\n2,Ann Lee\n"));
    assert!(are_all_apart("id,full_name\n1,John Lee\n2,Ann Lee\n3,John Orr\n"));
    assert!(are_all_apart("id,given_name,surname\n1,John,Lee\n2,Ann,Lee\n3,Ann,Orr\n4,Mary,Orr\n"));
}

#[test]
fn a_parent_and_a_child_of_one_name_are_two_in_a_file_of_two_rows() {
    assert!(are_all_apart("id,full_name,dob\n1,John Lee,1980-01-02\n2,John Lee,1955-11-23\n"));
}

#[test]
fn a_town_and_a_sex_name_nobody() {
    assert!(are_all_apart("id,suburb,gender\n1,Bath,F\n2,Bath,F\n"));
    assert!(are_all_apart("id,suburb,gender,dob\n1,Bath,F,1980-01-02\n2,Bath,F,1980-01-02\n"));
}

#[test]
fn the_same_name_and_day_of_birth_are_one_person_in_a_file_of_two_rows() {
    let folder = Folder::new();
    link(&folder, "id,full_name,dob\n1,John Lee,1980-01-02\n2,Lee John,02.01.1980\n");
    assert!(folder.together("1", "2"));
}

#[test]
fn a_threshold_that_nothing_reaches_links_nothing_and_says_so() {
    let folder = Folder::new();
    let input = folder.write("a.csv", "id,full_name\n1,John Lee\n2,Ann Lee\n3,John Orr\n");
    let outcome = folder.link(&link::Options { threshold: Some(1.0), ..folder.options(&[input]) });
    assert_eq!(folder.clusters().len(), 3);
    assert!(!outcome.text.contains("-0.0"), "{}", outcome.text);
}

#[test]
fn year_month_and_day_of_birth_in_columns_of_their_own_are_one_date() {
    let folder = Folder::new();
    let text = "Patient_ID;Name_First;Name_Last;Birth Year;Birth Month;Birth Day\n\
                1;Anna;Berg;1980;2;3\n2;Anna;Berg;1980.0;02;03\n3;Anna;Berg;1955;11;23\n";
    let outcome = link(&folder, text);
    assert!(!outcome.text.contains("not used"), "{}", outcome.text);
    assert!(folder.together("1", "2"));
    assert!(!folder.together("1", "3"));
}

#[test]
fn a_heading_may_explain_itself_in_brackets_and_a_number_of_the_customer_is_an_id_where_no_other_is() {
    let folder = Folder::new();
    let text = "Kundennummer,Name,Date of birth (dd/mm/yyyy)\n7,Anna Berg,02/03/1980\n8,Anna Berg,02/03/1980\n";
    assert!(!link(&folder, text).text.contains("not used"));
    assert!(folder.together("7", "8"));
    let text = "Kundennummer,Name,Geb.-Datum,No,ID\n7,Anna Berg,02/03/1980,1,a\n7,Anna Berg,02/03/1980,2,b\n";
    assert!(link(&folder, text).text.contains("not used: Kundennummer, No"));
    assert!(folder.together("a", "b"));
}

#[test]
fn what_is_read_as_a_gap_is_listed() {
    let folder = Folder::new();
    let mut text = "id,name,dob,phone\n".to_owned();
    for n in 0..30 {
        text += &format!("{n},Anna Abel{n},{},{}\n", if n < 7 { "not known" } else { "1980-01-02" }, "999999999");
    }
    let outcome = link(&folder, &text);
    assert!(outcome.text.contains("read as a gap of dob: `not known` in 7 records"), "{}", outcome.text);
    assert!(outcome.text.contains("read as a gap of phone: `999999999` in 30 records"), "{}", outcome.text);
}

#[test]
fn slips_in_names_speak_for_one_person_also_where_no_other_pair_shows_how_rare_they_are() {
    let folder = Folder::new();
    let text = "record_id;Vorname;Nachname;Geburtsdatum;PLZ;Ort\n\
                1;Jürgen;Müller;04.03.1980;80331;München\n2;Juergen;Mueller;04.03.1980;80331;Muenchen\n\
                3;Anja;Weiß;1.2.1999;10115;Berlin\n";
    link(&folder, text);
    assert!(folder.together("1", "2") && !folder.together("1", "3"));
}
