//! `isthmus contacts` through the real binary: plain files in, pairs out.

use std::io::Write;
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

/// What comes out of bytes: the rows, and what was told of how they were understood.
fn read(bytes: &[u8], more: &[&str]) -> Result<(Vec<String>, String), String> {
    let home = test_support::scratch_dir("contacts");
    let (input, output) = (home.join("in"), home.join("out.csv"));
    std::fs::write(&input, bytes).expect("written");
    let ran = contacts(&input, &output, more);
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    if !ran.status.success() {
        return Err(told);
    }
    let table = std::fs::read_to_string(&output).expect("a table");
    Ok((table.lines().skip(1).map(str::to_owned).collect(), told))
}

/// The pairs of rows, without their times.
fn pairs(rows: &[String]) -> Vec<String> {
    rows.iter().map(|row| row.split(',').take(5).collect::<Vec<_>>().join(",")).collect()
}

/// Seconds after 2022-03-01T08:00:00Z, in a way of writing.
fn written(second: i64, form: &str) -> String {
    let (hours, minutes, seconds) = (8 + second / 3600, second / 60 % 60, second % 60);
    match form {
        "seconds" => second.to_string(),
        "epoch" => (1_646_121_600 + second).to_string(),
        "epoch-ms" => (1_646_121_600_000 + second * 1_000).to_string(),
        "iso" => format!("2022-03-01T{hours:02}:{minutes:02}:{seconds:02}Z"),
        "zone" => format!("2022-03-01 {:02}:{minutes:02}:{seconds:02}+08:00", hours + 8),
        "plain" => format!("2022-03-01 {hours:02}:{minutes:02}:{seconds:02}"),
        "slash" => format!("2022/3/1 {hours}:{minutes:02}:{seconds:02}"),
        "compact" => format!("20220301{hours:02}{minutes:02}{seconds:02}"),
        "minutes" => format!("20220301{hours:02}{minutes:02}"),
        "chinese" => format!("2022年3月1日 {hours}时{minutes}分{seconds}秒"),
        "day-first" => format!("01/03/2022 {hours:02}:{minutes:02}:{seconds:02}"),
        other => panic!("no form {other}"),
    }
}

/// Of four people, 1 and 2 are together for 15 minutes and again for one, 3 and 12 for 20; 1 and 3 for five only.
const SPELLS: [(&str, &str, i64, i64); 4] =
    [("1", "2", 0, 900), ("1", "2", 3_600, 3_660), ("12", "3", 600, 1_800), ("3", "1", 7_200, 7_500)];
const FOUND: [&str; 2] = ["1,2,1,900,900", "3,12,1,1200,1200"];

/// Rows of windows of a minute, of each spell.
fn windows() -> Vec<(&'static str, &'static str, i64)> {
    let of = |(one, other, from, to): (&'static str, &'static str, i64, i64)| {
        (from / 60 + 1..=to / 60).map(move |minute| (one, other, minute * 60))
    };
    let mut rows: Vec<_> = SPELLS.into_iter().flat_map(of).collect();
    rows.sort_by_key(|(_, _, end)| *end);
    rows
}

fn table(head: &str, rows: impl IntoIterator<Item = String>) -> String {
    let head = (!head.is_empty()).then(|| format!("{head}\n"));
    head.into_iter().chain(rows.into_iter().map(|row| row + "\n")).collect()
}

#[test]
fn the_same_contacts_in_many_layouts_are_the_same_pairs() {
    let spans = |head: &str, separator: &str, form: &str| {
        let row = |(one, other, from, to): (&str, &str, i64, i64)| {
            [one, other, &written(from, form), &written(to, form)].join(separator)
        };
        table(head, SPELLS.map(row))
    };
    let of_windows = |head: &str, row: &dyn Fn(&str, &str, i64) -> String| {
        table(head, windows().into_iter().map(|(one, other, end)| row(one, other, end)))
    };
    // Places of their own, so that who is together is told by the place.
    let presences = |head: &str, row: &dyn Fn(&str, usize, i64, i64) -> String| {
        let rows = SPELLS
            .into_iter()
            .enumerate()
            .flat_map(|(place, (one, other, from, to))| [row(one, place, from, to), row(other, place, from, to)]);
        table(head, rows)
    };
    let sightings = |head: &str, row: &dyn Fn(&str, i64) -> String| {
        table(head, windows().into_iter().flat_map(|(one, other, end)| [row(one, end), row(other, end)]))
    };
    let place = |one: &str| if ["1", "2"].contains(&one) { "hall" } else { "\"room, north\"" };
    let layouts: Vec<(&str, String, Vec<&str>)> = vec![
        ("spans", spans("i,j,start,end", ",", "seconds"), vec![]),
        ("spans of instants", spans("Person A;Person B;Start Time;End Time", ";", "iso"), vec![]),
        ("spans by tabs", spans("user_1\tuser_2\ttime_in\ttime_out", "\t", "slash"), vec![]),
        ("spans by pipes", spans("人员1|人员2|开始时间|结束时间", "|", "chinese"), vec![]),
        ("spans with zones", spans("source,target,begin,until", ",", "zone"), vec![]),
        ("spans of 14 digits", spans("p1,p2,from,to", ",", "compact"), vec![]),
        ("spans of 12 digits", spans("p1,p2,from,to", ",", "minutes"), vec![]),
        ("spans of milliseconds", spans("id1,id2,t_start,t_end", ",", "epoch-ms"), vec![]),
        ("spans by blanks", spans("i j start end", " ", "plain"), vec![]),
        ("day first", spans("i,j,start,end", ",", "day-first"), vec!["--time-format", "%d/%m/%Y %H:%M:%S"]),
        ("no heads", spans("", ",", "epoch"), vec!["--columns", "i,j,start,end"]),
        (
            "strange heads",
            spans("left,right,s,e", ",", "seconds"),
            vec!["--column", "person_a=left", "--column", "person_b=2", "--column", "from=s", "--column", "to=E"],
        ),
        (
            "durations",
            table("i,j,start,duration", SPELLS.map(|(i, j, from, to)| format!("{i},{j},{from},{}", to - from))),
            vec![],
        ),
        (
            "durations of minutes",
            table(
                "i,j,end,duration (min)",
                SPELLS.map(|(i, j, from, to)| format!("{i},{j},{to},{}", (to - from) / 60)),
            ),
            vec![],
        ),
        (
            "date apart",
            table(
                "date,i,j,from,to",
                SPELLS.map(|(i, j, from, to)| {
                    format!("2022-03-01,{i},{j},{},{}", &written(from, "plain")[11..], &written(to, "plain")[11..])
                }),
            ),
            vec![],
        ),
        ("tij", of_windows("", &|i, j, t| format!("{t}\t{i}\t{j}")), vec![]),
        ("tij by blanks", of_windows("", &|i, j, t| format!("{t} {i}  {j}")), vec![]),
        ("tij with heads", of_windows("t,i,j", &|i, j, t| format!("{t},{i},{j}")), vec![]),
        (
            "tij with classes",
            of_windows("t\ti\tj\tCi\tCj", &|i, j, t| format!("{}\t{i}\t{j}\t2BIO\tMP", written(t, "epoch"))),
            vec![],
        ),
        (
            "tij with classes and no heads",
            of_windows("", &|i, j, t| format!("{} {i} {j} 2BIO MP", written(t, "epoch"))),
            vec![],
        ),
        (
            "milliseconds from the begin",
            of_windows("time (ms),id1,id2", &|i, j, t| format!("{},{i},{j}", t * 1_000)),
            vec![],
        ),
        ("ijt", of_windows("i,j,t", &|i, j, t| format!("{i},{j},{t}")), vec![]),
        ("ijt without heads", of_windows("", &|i, j, t| format!("{i};{j};{}", written(t, "epoch"))), vec![]),
        ("ijt of small numbers", of_windows("", &|i, j, t| format!("{i} {j} {t}")), vec!["--columns", "i,j,t"]),
        ("scans", of_windows("# timestamp,user_a,user_b,rssi", &|i, j, t| format!("{t},{i},{j},-60")), vec![]),
        ("users", of_windows("user_a,user_b,timestamp", &|i, j, t| format!("{i},{j},{}", written(t, "iso"))), vec![]),
        ("dates of two cells", of_windows("", &|i, j, t| format!("{} {i} {j}", written(t, "plain"))), vec![]),
        (
            "whereabouts",
            presences("person,place,from,to", &|one, at, from, to| format!("{one},P{at},{from},{to}")),
            vec![],
        ),
        (
            "whereabouts in quotes",
            presences("人员;地点;开始;结束", &|one, at, from, to| {
                format!("\"{one}\";\"Hall; {at}\";{};{}", written(from, "slash"), written(to, "slash"))
            }),
            vec![],
        ),
        (
            "positions",
            presences("id,lat,lon,start,end", &|one, at, from, to| format!("{one},{},120.6,{from},{to}", 31 + at)),
            vec![],
        ),
        (
            "positions with commas",
            presences("用户;纬度;经度;进入时间;离开时间", &|one, at, from, to| {
                format!("{one};3{at},5;120,6;{};{}", written(from, "plain"), written(to, "plain"))
            }),
            vec![],
        ),
        (
            "whereabouts without heads",
            presences("", &|one, at, from, to| format!("{one} P{at} {from} {to}")),
            vec!["--columns", "person,place,from,to"],
        ),
        (
            "sightings",
            sightings("person,place,time", &|one, t| format!("{one},{},{t}", place(one))),
            vec!["--over-s", "600"],
        ),
        (
            "sightings, time first",
            sightings("t|id|room|battery", &|one, t| format!("{}|{one}|{}|3", written(t, "compact"), place(one))),
            vec![],
        ),
    ];
    for (layout, text, more) in &layouts {
        let (rows, told) = read(text.as_bytes(), more).unwrap_or_else(|told| panic!("{layout}: {told}"));
        // By sightings in common rooms, 1 is with 2 only while both are there.
        assert_eq!(pairs(&rows), FOUND, "{layout}\n{told}");
        assert!(told.contains("\n  form ") && told.contains("\n  columns "), "{layout}: {told}");
    }
}

#[test]
fn packing_encoding_marks_and_breaks_of_lines_change_nothing() {
    let text = "人员,地点,开始,结束\n王明,礼堂,0,900\n赵六,礼堂,0,1800\n";
    let wanted = vec!["王明,赵六,1,900,900,0,900".to_owned()];
    let wide = |big: bool| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    // The heads and names of the text, in GB18030.
    let gb: Vec<u8> = [
        b"\xc8\xcb\xd4\xb1,\xb5\xd8\xb5\xe3,\xbf\xaa\xca\xbc,\xbd\xe1\xca\xf8\n".as_slice(),
        b"\xcd\xf5\xc3\xf7,\xc0\xf1\xcc\xc3,0,900\n\xd5\xd4\xc1\xf9,\xc0\xf1\xcc\xc3,0,1800\n",
    ]
    .concat();
    for (name, bytes, encoding) in [
        ("plain", text.as_bytes().to_vec(), "UTF-8"),
        ("mark", format!("\u{feff}{text}").into_bytes(), "UTF-8"),
        ("crlf", text.replace('\n', "\r\n").into_bytes(), "UTF-8"),
        ("cr", text.replace('\n', "\r").into_bytes(), "UTF-8"),
        ("no last break", text.trim_end().as_bytes().to_vec(), "UTF-8"),
        ("comments", format!("# made by hand, \"quickly\"\n\n{text}% end\n").into_bytes(), "UTF-8"),
        ("title", format!("接触名单\n{text}").into_bytes(), "UTF-8"),
        ("utf-16", wide(false), "UTF-16"),
        ("utf-16, big end first", wide(true), "UTF-16"),
        ("gb18030", gb, "GB18030 (guessed)"),
        ("gzip", gzip(text.as_bytes()), "UTF-8"),
        ("zip", zipped(&[("table.csv", text)]), "UTF-8"),
        ("zip of a Mac", zipped(&[("__MACOSX/._table.csv", "x"), ("table.csv", text)]), "UTF-8"),
        ("gzip in zip", gzip(&zipped(&[("table.csv", text)])), "UTF-8"),
    ] {
        let (rows, told) = read(&bytes, &[]).unwrap_or_else(|told| panic!("{name}: {told}"));
        assert_eq!(rows, wanted, "{name}");
        assert!(told.contains(&format!("text     {encoding}, columns parted by `,`")), "{name}: {told}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).expect("packed");
    writer.finish().expect("packed")
}

fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("packed");
        writer.write_all(text.as_bytes()).expect("packed");
    }
    writer.finish().expect("packed").into_inner()
}

#[test]
fn one_odd_time_changes_no_window_and_what_was_guessed_is_told() {
    let regular = windows_of(&(1..60).map(|n| 20 * n).collect::<Vec<_>>());
    let (rows, told) = read(format!("{regular}1201 3 4\n").as_bytes(), &[]).expect("understood");
    assert_eq!(rows, ["1,2,1,1180,1180,0,1180"]);
    for part in [
        "form     pairs of one time each",
        "columns  column 1 = time, column 2 = person_a, column 3 = person_b (guessed, as there are no headings",
        "text     UTF-8, columns parted by blanks",
        "times    seconds",
        "window   20 s (guessed: of 59 steps between times 1 do not fit it)",
        "span     0 to 1201",
        "people   4",
        "rows     60 used, 0 of them hold no time",
        "warning: 1 rows, of 1 times, do not fit the window",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let drifting = windows_of(&(0..100).map(|n| 300 * n + n / 2).collect::<Vec<_>>());
    let told = read(drifting.as_bytes(), &[]).expect_err("no window");
    assert!(
        told.contains("its times are not of one step: the most frequent one, 300 s") && told.contains("--window-s"),
        "{told}"
    );
    assert_eq!(read(drifting.as_bytes(), &["--window-s", "301"]).map(|(rows, _)| rows.len()), Ok(1));
    let (_, told) = read(windows_of(&[600, 1_200, 1_800]).as_bytes(), &[]).expect("a long window");
    assert!(
        told.contains("warning: the window is a guess, and a long one: each row counts as 600 s together"),
        "{told}"
    );
    let (_, told) = read(windows_of(&[600, 1_200, 1_800]).as_bytes(), &["--window-s", "20"]).expect("a short window");
    assert!(
        told.contains("warning: times are 600 s apart, so windows that follow one another are not one spell"),
        "{told}"
    );
    let told = read(windows_of(&[3_600, 7_200, 10_800]).as_bytes(), &[]).expect_err("sparse");
    assert!(told.contains("its times are 3600 s apart at least") && told.contains("--window-s"), "{told}");
}

fn windows_of(times: &[i64]) -> String {
    times.iter().map(|time| format!("{time} 1 2\n")).collect()
}

#[test]
fn no_time_is_lost_at_the_begin_in_fractions_or_in_moments() {
    // The first window ends at 0.
    assert_eq!(
        rows("0 1 2\n20 3 4\n40 3 4\n", &["--rule", "ever"]),
        Ok(vec!["1,2,1,20,20,-20,0".to_owned(), "3,4,1,40,40,0,40".to_owned()])
    );
    assert_eq!(rows("i,j,start,end\n1,2,-100,700\n", &[]), Ok(vec!["1,2,1,800,800,-100,700".to_owned()]));
    let fractions = "person,place,from,to\na,P,0.9,600.95\nb,P,0.9,601.5\n";
    assert_eq!(rows(fractions, &[]), Ok(vec!["a,b,1,600.05,600.05,0.9,600.95".to_owned()]));
    assert_eq!(rows(&fractions.replace("600.95", "600.9"), &[]), Ok(Vec::new()));
    let moments = "i,j,start,end\n1,2,5,5\n1,3,0,900\n1,3,900,900\n";
    assert_eq!(
        rows(moments, &["--rule", "ever"]),
        Ok(vec!["1,2,1,0,0,5,5".to_owned(), "1,3,1,900,900,0,900".to_owned()])
    );
    let (found, told) = read(moments.as_bytes(), &["--rule", "total"]).expect("understood");
    assert_eq!(found, ["1,3,1,900,900,0,900"]);
    assert!(told.contains("2 of them hold no time") && told.contains("they count by the rule `ever` only"), "{told}");
    let there = "person,place,from,to\na,P,0,100\nb,P,50,50\nc,P,100,100\nd,Q,50,50\n";
    assert_eq!(rows(there, &["--rule", "ever"]), Ok(vec!["a,b,1,0,0,50,50".to_owned()]));
}

#[test]
fn zones_are_told_and_can_be_said() {
    let text = "person,place,from,to\na,P,2022-03-01 23:50,2022-03-02 00:20\nb,P,2022-03-01T15:50:00Z,2022-03-02T00:20:00+08:00\n";
    let (rows, told) = read(text.as_bytes(), &["--zone", "+08:00"]).expect("understood");
    assert_eq!(rows, ["a,b,1,1800,1800,2022-03-01T15:50:00Z,2022-03-01T16:20:00Z"]);
    assert!(told.contains("dates, taken as of UTC+08:00 where they state no zone"), "{told}");
    assert!(told.contains("warning: 2 times state their zone and 2 do not"), "{told}");
    // Midnight is that of the zone: ten minutes before, twenty after.
    let on_a_day =
        |over| read(text.as_bytes(), &["--zone=+08:00", "--rule", "day", "--over-s", over]).map(|(rows, _)| rows.len());
    assert_eq!((on_a_day("1199"), on_a_day("1200")), (Ok(1), Ok(0)));
    assert_eq!(read(text.as_bytes(), &[]).map(|(rows, _)| rows.len()), Ok(0));
}

#[test]
fn scans_of_nobody_and_bad_rows_are_left_out_and_counted() {
    let text = "# timestamp,user_a,user_b,rssi\n0,1,-1,0\n300,1,2,-70\n600,1,2,-71\n900,2,1,-60\n900,2,-2,-60\n";
    let (rows, told) = read(text.as_bytes(), &[]).expect("understood");
    assert_eq!(rows, ["1,2,1,900,900,0,900"]);
    assert!(told.contains("warning: 2 rows name a person below zero") && told.contains("not used: rssi"), "{told}");
    let bad = "i,j,start,end\n1,2,0,700\n1,1,0,5\n1,3,noon,5\n2,3,9,\n";
    assert!(read(bad.as_bytes(), &[]).expect_err("bad").contains("line 4: `noon` is no time"));
    let (rows, told) = read(bad.as_bytes(), &["--skip-bad-rows"]).expect("understood");
    assert_eq!(rows, ["1,2,1,700,700,0,700"]);
    assert!(told.contains("2 rows cannot be used and are left out; the first is line 4: `noon`"), "{told}");
    assert!(told.contains("1 rows pair a person with the same person"), "{told}");
}

#[test]
fn what_others_wrote_is_no_formula_of_a_spreadsheet_and_no_command_of_the_terminal() {
    let text = "person_a,person_b,from,to,\u{1b}]0;x\u{7}\n=1+1,@sum,0,900,\n+8613,-x,0,900,\n";
    let (rows, told) = read(text.as_bytes(), &[]).expect("understood");
    assert_eq!(rows, ["+8613,'-x,1,900,900,0,900", "'=1+1,'@sum,1,900,900,0,900"]);
    assert!(told.contains("not used: \\u{1b}]0;x\\u{7} (by their headings)"), "{told}");
    let told = read(b"i,j,start,end\n1,2,\x1b[2J,5\n", &[]).expect_err("no time");
    assert!(told.contains("line 2: `\\u{1b}[2J` is no time") && !told.contains('\u{1b}'), "{told}");
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_line_reason_and_mend() {
    for (text, told) in [
        ("", "it is empty"),
        ("person,place,from,to\n", "it has no rows"),
        ("alpha,beta,gamma\na,b,1\n", "its columns are alpha, beta, gamma: a file of whereabouts has person, place"),
        (
            "person,place,from,to\na,P,0,10\na,P,noon,10\n",
            "line 3: `noon` is no time: write seconds, or 2022-03-01T08:00:00Z",
        ),
        ("person,place,from,to\na,P,10,5\n", "line 2: the end lies before the begin"),
        ("person,place,from,to\na,,1,5\n", "line 2: neither a place nor lat and lon are given"),
        ("person,lat,lon,from,to\na,91,0,1,5\n", "`91` is not between -90 and 90 degrees: are lat and lon exchanged?"),
        ("person,lat,lon,from,to\na,89,0,1,5\n", "a latitude must be between -85 and 85 degrees"),
        ("t,i,j\n5,1,2\n", "say with --window-s how long a window is"),
        (
            "5 1 2\n",
            "the first column has one value only, and time has more): say it in their order, as --columns t,i,j",
        ),
        ("1 2 20\n1 2 40\n3 4 60\n", "more than one reading is possible): say it in their order, as --columns"),
        ("1 2 0 700\n1 3 0 500\n", "--columns i,j,start,end"),
        (
            "i,j,start,end\n1,2,0,700,9\n",
            "line 2: it has 5 cells, and the table has 4 columns: put a cell that holds the separator in quotes",
        ),
        (
            "i,j,start,end\n1,2,0\n",
            "line 2: the column `end` is empty: fill it, or leave such rows out with --skip-bad-rows",
        ),
        ("i,j,start,end\n1,\"2,0,5\n1,3,0,5\n", "a cell goes on over several lines: is a quote not closed?"),
        (
            "i,j,start,end\n1,2,2022-03-01 08:00,900\n",
            "line 2: `900` is in seconds, and the times before it are dates: write all in one way",
        ),
        (
            "i,j,start,end\n1,2,01/03/2022 08:00,01/03/2022 09:00\n",
            "or say how it is written, as --time-format '%d/%m/%Y %H:%M:%S'",
        ),
        ("i,j,start,end\n1,2,20220301,20220302\n", "may be days, hours or seconds: say --time-format"),
        ("i,j,start,end\n1,2,2022030108,2022030109\n", "may be days, hours or seconds: say --time-format"),
        ("i,j,start,end\n1,1,0,5\n", "each of its rows pairs a person with nobody or with the same person"),
        ("person,lat,lon,from,to\na,31,120,1,5\na,89,120,1,5\n", "line 3: a latitude must be"),
        ("i,j,start,end\n1,2,0,1646121600\n1,2,0,9999999999\n", "lie more than 68 years apart"),
        ("i,j,start,end,start\n1,2,0,700,5\n", "`start` and `start` may both be `from`: say which, as --column from=5"),
        (
            "a,b\n1,2\n",
            "fewer than 3 columns, whether parted by commas, semicolons, tabs, pipes or blanks: say with --separator",
        ),
    ] {
        let error = rows(text, &[]).expect_err(text);
        assert!(error.contains(told), "{error}");
    }
}
