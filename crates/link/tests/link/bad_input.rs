//! What becomes of files that are not as they should be, and of runs that would destroy something.

use link::{LinkError, Options, Outcome, run};

use crate::folder::Folder;

/// The choices of a run on one file of that text.
fn options(folder: &Folder, text: &str) -> Options {
    folder.options(&[folder.write("a.csv", text)])
}

fn skipping(folder: &Folder, text: &str) -> Outcome {
    folder.link(&Options { skip_bad_rows: true, ..options(folder, text) })
}

/// A file whose row of each id is what `said` gives for its address.
fn people(rows: usize, said: impl Fn(usize) -> String) -> String {
    let mut text = "record_id,name,address,dob\n".to_owned();
    for number in 1..=rows {
        let (month, day) = (1 + number % 12, 1 + number % 28);
        text.push_str(&format!("{number},Anna Abel{number},{},1980-{month:02}-{day:02}\n", said(number)));
    }
    text
}

#[test]
fn a_quote_inside_of_an_unquoted_field_is_a_character() {
    let folder = Folder::new();
    let text = people(200, |number| if number == 7 { "Flat 6\" pipe lane".to_owned() } else { "x".to_owned() });
    let outcome = run(&options(&folder, &text), |_| {}).expect("linked");
    assert_eq!((outcome.summary.records, outcome.skipped_rows), (200, 0));
}

#[test]
fn a_quote_that_is_not_closed_costs_its_line_and_is_named() {
    let folder = Folder::new();
    // To the end of the file; and up to a quote of another row, which text follows or which ends a field.
    for other in ["x", "\"y\"", "6\" pipe", "pipe 6\""] {
        let text = people(200, |number| match number {
            7 => "\"Flat 6".to_owned(),
            150 => other.to_owned(),
            _ => "x".to_owned(),
        });
        match run(&options(&folder, &text), |_| {}) {
            Err(LinkError::BadRow { line: 8, .. }) => {}
            found => panic!("{found:?}"),
        }
        let outcome = skipping(&folder, &text);
        assert_eq!((outcome.summary.records, outcome.skipped_rows), (199, 1), "{other}");
        assert!(outcome.text.contains("a.csv, line 8: "), "{}", outcome.text);
    }
}

#[test]
fn a_quoted_field_of_many_lines_is_one_field_up_to_the_bound() {
    let folder = Folder::new();
    let of = |lines: usize| {
        people(3, |number| if number == 2 { format!("\"{}, \"\"x\"\"\"", "y\n".repeat(lines)) } else { "x".to_owned() })
    };
    let outcome = run(&options(&folder, &of(900)), |_| {}).expect("linked");
    assert_eq!(outcome.summary.records, 3);
    match run(&options(&folder, &of(1_100)), |_| {}) {
        Err(LinkError::BadRow { line: 3, reason, .. }) => assert!(reason.contains("not closed"), "{reason}"),
        found => panic!("{found:?}"),
    }
    let outcome = skipping(&folder, &of(1_100));
    assert_eq!((outcome.summary.records, outcome.skipped_rows), (2, 1_101));
    assert!(outcome.text.contains("and 1,081 more"), "{}", outcome.text);
}

#[test]
fn rows_are_cut_rightly_in_a_file_of_many_parts() {
    let folder = Folder::new();
    let filler = "z".repeat(500);
    let text = people(20_000, |number| match number % 5 {
        0 => format!("\"{filler}\n, {filler} \"\"6\"\"\""),
        1 => format!("{filler} 6\" \"pipe\", lane").replace(',', ""),
        2 => format!("\"{filler}"),
        3 => format!(" \"{filler}, 4\" "),
        _ => filler.clone(),
    });
    let outcome = skipping(&folder, &text);
    assert_eq!((outcome.summary.records, outcome.skipped_rows), (16_000, 4_000));
}

#[test]
fn a_header_whose_quote_is_not_closed_is_refused() {
    let folder = Folder::new();
    let refused = run(&options(&folder, "record_id,\"name\n1,Anna\n2,Bruno\n"), |_| {}).expect_err("refused");
    assert!(refused.to_string().contains("line 1: the header cannot be read: a quote"), "{refused}");
}

#[test]
fn a_file_is_never_read_and_written_nor_written_twice() {
    let folder = Folder::new();
    let text = people(20, |_| "x".to_owned());
    let plain = options(&folder, &text);
    let input = folder.path("./a.csv");
    let once = Some(folder.path("once"));
    std::os::unix::fs::symlink(folder.path("a.csv"), folder.path("link.csv")).expect("a link");
    for options in [
        Options { output: input.clone(), ..plain.clone() },
        Options { output: folder.path("link.csv"), ..plain.clone() },
        Options { pairs: Some(input.clone()), ..plain.clone() },
        Options { save_model: Some(plain.output.clone()), ..plain.clone() },
        Options { svg: once.clone(), pairs: once.clone(), ..plain.clone() },
        Options { model: once.clone(), save_model: once.clone(), ..plain.clone() },
    ] {
        let found = run(&options, |words| panic!("{words}"));
        assert!(matches!(found, Err(LinkError::SameFile { .. })), "{found:?}");
    }
    assert_eq!(std::fs::read_to_string(&input).expect("the input"), text);
    assert!(!plain.output.exists());
}

#[test]
fn what_is_written_replaces_the_old_file_whole_and_leaves_nothing_beside() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let options = options(&folder, &people(20, |_| "x".to_owned()));
    let old = folder.write("clusters.csv", "old");
    std::fs::set_permissions(&old, PermissionsExt::from_mode(0o600)).expect("set");
    // Who has the old file open goes on to read the old one: it is replaced, not written over.
    let mut open = std::fs::File::open(&old).expect("opened");
    run(&options, |_| {}).expect("linked");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut open, &mut text).expect("read");
    assert_eq!(text, "old");
    assert!(std::fs::read_to_string(&old).expect("read").starts_with("record_id,cluster_id\n"));
    assert_eq!(std::fs::metadata(&old).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path(".")).expect("a folder").count(), 2);
}

#[test]
fn an_unknown_id_to_explain_and_one_id_twice_are_refused_before_anything_is_written() {
    let folder = Folder::new();
    let mut options = options(&folder, &people(20, |_| "x".to_owned()));
    options.explain = Some(("1".to_owned(), "99".to_owned()));
    let found = run(&options, |_| {});
    assert!(matches!(&found, Err(LinkError::NoSuchRecord(id)) if id == "99"), "{found:?}");
    options.explain = Some(("1".to_owned(), "1".to_owned()));
    let found = run(&options, |_| {});
    assert!(matches!(&found, Err(LinkError::SameRecord(id)) if id == "1"), "{found:?}");
    assert!(!options.output.exists());
}

#[test]
fn a_file_that_is_not_there_is_named_with_one_reason() {
    let folder = Folder::new();
    let options = Options { inputs: vec![folder.path("nope.csv")], ..options(&folder, "") };
    let refused = run(&options, |_| {}).expect_err("refused");
    assert!(refused.to_string().contains("nope.csv: No such file"), "{refused}");
    // Whoever prints an error with its causes would say the reason again.
    assert!(std::error::Error::source(&refused).is_none());
}

#[test]
fn more_inputs_than_can_be_told_apart_are_refused() {
    let folder = Folder::new();
    let plain = options(&folder, "");
    let options = Options { inputs: vec![plain.inputs[0].clone(); 256], ..plain };
    assert!(matches!(run(&options, |_| {}), Err(LinkError::TooManyInputs(256))));
}

#[test]
fn what_spreadsheets_write_is_read_and_a_spreadsheet_itself_is_refused_with_advice() {
    let folder = Folder::new();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let rows = "id;name;dob\r\n1;Anna Abel;1980-02-03\r\n2;Anna Abel;1980-02-03\r\n";
    for bytes in [format!("sep=;\r\n{rows}").into_bytes(), utf16(rows)] {
        let input = folder.write("a.csv", bytes);
        assert_eq!(folder.link(&folder.options(&[input])).summary.clusters, 1);
    }
    let broken = folder.write("a.csv", "sep=;\nid;name\n1;Anna\n2;Bruno;x\n");
    match run(&folder.options(&[broken]), |_| {}) {
        Err(LinkError::BadRow { line: 4, .. }) => {}
        found => panic!("{found:?}"),
    }
    for (bytes, what) in [(&b"PK\x03\x04rest"[..], "a spreadsheet"), (&b"\x00\x00\x01ab,\x07"[..], "no text")] {
        let input = folder.write("a.csv", bytes);
        let refused = run(&folder.options(&[input]), |_| {}).expect_err("refused").to_string();
        assert!(refused.contains(what) && refused.contains("save it as CSV"), "{refused}");
    }
}

#[test]
fn a_stray_zero_byte_spoils_its_row_and_an_empty_file_says_what_it_needs() {
    let folder = Folder::new();
    let error = |name: &str, bytes: &[u8]| {
        let options = folder.options(&[folder.write(name, bytes)]);
        run(&options, |_| {}).expect_err("refused").to_string()
    };
    let rows = b"record_id,given_name,surname\n1,An\0na,Berg\n2,Bodil,Lund\n3,Carla,Holm\n";
    let stray = error("stray.csv", rows);
    assert!(stray.contains("line 2: a zero byte"), "{stray}");
    let mut lenient = folder.options(&[folder.write("lenient.csv", rows)]);
    lenient.skip_bad_rows = true;
    let outcome = folder.link(&lenient);
    assert_eq!((outcome.skipped_rows, outcome.summary.records), (1, 2));
    let empty = error("empty.csv", b"");
    assert!(empty.contains("first line must name the columns"), "{empty}");
    let binary = error("binary.csv", &[b"record_id,name\n".as_slice(), &[0; 100]].concat());
    assert!(binary.contains("no text"), "{binary}");
}

#[test]
fn lines_that_end_with_a_carriage_return_alone_are_lines() {
    let folder = Folder::new();
    let options = folder.options(&[folder.write("old.csv", b"record_id,given_name\r1,Anna\r2,Bodil\r")]);
    assert_eq!(folder.link(&options).summary.records, 2);
}

#[test]
fn a_place_that_cannot_be_written_to_is_told_before_anything_is_read() {
    let folder = Folder::new();
    let mut options = folder.options(&[folder.write("in.csv", b"record_id,given_name\n1,Anna\n")]);
    options.output = options.output.with_file_name("no such folder").join("clusters.csv");
    let mut said = Vec::new();
    let error = run(&options, |doing| said.push(doing.to_owned())).expect_err("refused").to_string();
    assert!(error.contains("no such folder"), "{error}");
    assert!(said.is_empty(), "{said:?}");
}
