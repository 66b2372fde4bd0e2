//! Real contacts of 92 people in an office, in windows of 20 seconds, from a folder beside the repository. Where there is
//! no such folder, the test says so and passes.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use exposure::{Case, FactId, Index, Located, Overlap, PersonId, PlaceId, Rules, Seconds, Square};

const WINDOW: u32 = 20;
const DAY: u32 = 86_400;

#[test]
fn unbroken_time_is_what_makes_a_contact_of_the_people_of_an_office() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/contacts/workplace_InVS13_tij.dat.zip");
    let Some(seen) = read(Path::new(path)) else {
        eprintln!("skipped, 1 test: there is no {path}");
        return;
    };
    // Ten unbroken minutes, as the rules that ship say.
    assert_eq!(pairs(&seen, Rules::default()).len(), 7);
    // The same index, whatever the length of a meeting: what other readings of "ten minutes" would have made of it.
    let any = include_str!("../rules/default.toml").replace("square_over_min = 10", "square_over_min = 0");
    let all = pairs(&seen, Rules::parse(&any).expect("sound rules"));
    let of_a_day = |spans: &Vec<Seconds>| {
        let mut days = BTreeMap::new();
        for span in spans {
            *days.entry(span.from / DAY).or_insert(0) += span.count();
        }
        days.into_values().max() > Some(600)
    };
    let in_all = |spans: &Vec<Seconds>| spans.iter().map(|span| span.count()).sum::<u32>() > 600;
    assert_eq!(all.values().filter(|spans| of_a_day(spans)).count(), 41);
    assert_eq!(all.values().filter(|spans| in_all(spans)).count(), 70);
    assert_eq!(all.len(), 755);
}

/// Begin of a window, and the two who saw each other.
type Seen = (u32, u32, u32);

fn read(path: &Path) -> Option<Vec<Seen>> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).ok()?).expect("a zip file");
    let mut text = String::new();
    archive.by_index(0).expect("one file").read_to_string(&mut text).expect("text");
    let line = |line: &str| {
        let numbers: Vec<u32> = line.split_ascii_whitespace().map(|word| word.parse().expect("a number")).collect();
        (numbers[0], numbers[1].min(numbers[2]), numbers[1].max(numbers[2]))
    };
    Some(text.lines().map(line).collect())
}

/// The meetings of each pair. Who saw whom is known and not where, so each pair has a place of its own.
fn pairs(seen: &[Seen], rules: Rules) -> BTreeMap<(u32, u32), Vec<Seconds>> {
    let mut numbers: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut stays = Vec::new();
    for (index, (at, one, other)) in seen.iter().enumerate() {
        let count = numbers.len() as u32;
        let place = PlaceId(*numbers.entry((*one, *other)).or_insert(count));
        let (span, fact) = (Seconds { from: *at, to: at + WINDOW }, FactId(index as u32));
        let there = |person| Located { person: PersonId(person), place, span, confidence: 1.0, fact };
        stays.extend([there(*one), there(*other)]);
    }
    let place = |number: usize| vec![Overlap { square: Square { row: 0, column: number as i32 * 10 }, share: 1.0 }];
    let places: Vec<_> = (0..numbers.len()).map(place).collect();
    let index = Index::build(rules, &places, &stays, Vec::new()).expect("known places");
    let people: std::collections::BTreeSet<u32> = numbers.keys().flat_map(|(one, other)| [*one, *other]).collect();
    let always = Seconds { from: 0, to: u32::MAX };
    let cases: Vec<Case> = people.into_iter().map(|person| Case { person: PersonId(person), span: always }).collect();
    let mut found = BTreeMap::new();
    for contacts in index.contacts_of_all(&cases, |contacts| contacts) {
        for contact in contacts.contacts.iter().filter(|contact| contact.person > contacts.case.person) {
            let spans = contact.meetings.iter().map(|meeting| meeting.span).collect();
            found.insert((contacts.case.person.0, contact.person.0), spans);
        }
    }
    found
}
