//! Contacts of an invented city, from its true whereabouts, against its own list of who met whom: precision and recall.
//!
//! The list is made by trying all pairs of stays, with squares of its own making.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::{PresenceMethod, Timestamp};
use exposure::{
    Case, FactId, Grid, Index, Located, Overlap, PersonId, PlaceId, Position, Presence, Rules, Seconds, stays,
};

/// The lines of a table without its header, cut at commas.
fn table(home: &Path, name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(home.join("truth").join(name)).expect("a table");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// Local times of a city, to the minute, as if they were in UTC.
fn second(text: &str) -> u32 {
    let at = Timestamp::parse(&format!("{text}:00Z")).expect("a time");
    u32::try_from(at.as_millis() / 1_000).expect("after 1970")
}

fn number(people: &mut BTreeMap<String, u32>, name: &str) -> PersonId {
    let next = people.len() as u32;
    PersonId(*people.entry(name.to_owned()).or_insert(next))
}

#[test]
fn contacts_of_true_whereabouts_are_those_of_the_city() {
    let home = tempfile::tempdir().expect("a directory");
    let options = city::Options { residents: 2_000, days: 6, seed: 11 };
    city::generate(&options, home.path(), &mut |_| {}).expect("a city");

    let rules = Rules::default();
    let grid = Grid::new(&rules.square);
    let coordinate = |text: &str| text.parse::<f64>().expect("degrees");
    let places: Vec<Vec<Overlap>> = table(home.path(), "places.csv")
        .iter()
        .map(|line| {
            let position = Position::new(coordinate(&line[4]), coordinate(&line[5])).expect("on earth");
            vec![Overlap { square: grid.at(position), share: 1.0 }]
        })
        .collect();
    let mut people = BTreeMap::new();
    let stays: Vec<Located> = table(home.path(), "itinerary.csv")
        .iter()
        .enumerate()
        .map(|(line, cells)| Located {
            person: number(&mut people, &cells[0]),
            place: PlaceId(cells[1].parse().expect("a place")),
            span: Seconds { from: second(&cells[2]), to: second(&cells[3]) },
            confidence: 1.0,
            fact: FactId(line as u32),
        })
        .collect();
    let index = Index::build(rules, &places, &stays, Vec::new()).expect("known places");

    // Whom the city lists in all of the square: of a case, on one day.
    let mut listed: BTreeMap<(PersonId, u32), BTreeSet<PersonId>> = BTreeMap::new();
    let met = table(home.path(), "contacts.csv");
    let day = |text: &str| second(text) / 86_400;
    let whole: BTreeSet<(String, u32)> =
        met.iter().filter(|cells| cells[2] == "square").map(|cells| (cells[0].clone(), day(&cells[4]))).collect();
    for cells in met.iter().filter(|cells| cells[2] != "carriage") {
        if whole.contains(&(cells[0].clone(), day(&cells[4]))) {
            let case = number(&mut people, &cells[0]);
            listed.entry((case, day(&cells[4]))).or_default().insert(number(&mut people, &cells[1]));
        }
    }
    assert!(listed.len() >= 2, "the city lists nobody's square");
    let (mut right, mut found_in_all, mut true_in_all) = (0, 0, 0);
    for ((person, day), truth) in listed {
        let span = Seconds { from: day * 86_400, to: (day + 1) * 86_400 };
        let found: BTreeSet<PersonId> =
            index.rank(Case { person, span }, |_| true).exposed().iter().map(|exposed| exposed.person).collect();
        right += found.intersection(&truth).count();
        (found_in_all, true_in_all) = (found_in_all + found.len(), true_in_all + truth.len());
    }
    let share = |of: usize| right as f64 / of as f64;
    let (precision, recall) = (share(found_in_all), share(true_in_all));
    println!("precision {precision:.4}, recall {recall:.4} of {true_in_all} contacts");
    assert!(true_in_all > 100 && precision >= 0.99 && recall >= 0.99, "{precision} {recall} of {true_in_all}");
}

/// What is known of where people were: stays by person, and the squares of the places.
struct Known {
    stays: Vec<Located>,
    places: Vec<Vec<Overlap>>,
}

impl Known {
    /// Who met each of the first persons, over all days.
    fn met(&self) -> BTreeSet<(PersonId, PersonId)> {
        let index = Index::build(Rules::default(), &self.places, &self.stays, Vec::new()).expect("known places");
        let span = Seconds { from: 0, to: u32::MAX };
        let of = |person| index.rank(Case { person, span }, |_| true).exposed().to_vec();
        (0..300).map(PersonId).flat_map(|case| of(case).into_iter().map(move |one| (case, one.person))).collect()
    }

    fn kept(&self, keep: impl Fn(&Located) -> bool) -> Self {
        let stays = self.stays.iter().filter(|stay| keep(stay)).copied().collect();
        Self { stays, places: self.places.clone() }
    }
}

/// Local times of the feed of a network, to the second, as if they were in UTC.
fn network_second(text: &str) -> Option<u32> {
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or("x");
    let (date, clock) = ([part(0..4), part(4..6), part(6..8)], [part(8..10), part(10..12), part(12..14)]);
    let at = Timestamp::parse(&format!("{}T{}Z", date.join("-"), clock.join(":"))).ok()?;
    u32::try_from(at.as_millis() / 1_000).ok().filter(|_| text.len() == 14)
}

/// What the feed of the network says, by the true users of its phones.
fn seen(
    home: &Path,
    summary: &city::Summary,
    cells: &BTreeMap<String, u32>,
    people: &BTreeMap<String, u32>,
) -> Vec<Located> {
    let mut users: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for phone in table(home, "phones.csv") {
        users.entry(phone[0].clone()).or_default().push(phone);
    }
    let mut presences: BTreeMap<u32, Vec<Presence>> = BTreeMap::new();
    for file in summary.files.iter().filter(|file| file.feed == "location-updates") {
        let text = std::fs::read(home.join(&file.path)).expect("a file");
        for line in String::from_utf8_lossy(&text).lines() {
            let [from, to, phone, cell, _] = line.split('|').collect::<Vec<_>>()[..] else { continue };
            let Some((from, to)) = network_second(from).zip(network_second(to)) else { continue };
            let digits = phone.get(phone.len().saturating_sub(11)..).unwrap_or("");
            let is_theirs = |phone: &&Vec<String>| {
                second(&phone[3][..16]) <= from && (phone[4].is_empty() || from < second(&phone[4][..16]))
            };
            let user = users.get(digits).and_then(|all| all.iter().find(is_theirs)).and_then(|one| people.get(&one[1]));
            let Some((person, place)) = user.zip(cells.get(cell)) else { continue };
            let at = |second: u32| Timestamp::from_millis(i64::from(second) * 1_000);
            let of = presences.entry(*person).or_default();
            of.push(Presence {
                fact: FactId(of.len() as u32),
                track: 0,
                place: PlaceId(*place),
                from: at(from),
                to: Some(at(to)),
                method: PresenceMethod::Cell,
                confidence: None,
            });
        }
    }
    let located = |(person, presences): (u32, Vec<Presence>)| {
        stays(&Rules::default().stay, &presences).into_iter().filter_map(move |stay| {
            let span = Seconds::within(stay.span)?;
            let (person, fact) = (PersonId(person), stay.facts[0]);
            Some(Located { person, place: stay.place, span, confidence: stay.confidence, fact })
        })
    };
    presences.into_iter().flat_map(located).collect()
}

#[test]
fn what_each_kind_of_dirt_takes_away_from_contacts() {
    let folder = tempfile::tempdir().expect("a directory");
    let options = city::Options { residents: 2_000, days: 6, seed: 11 };
    let summary = city::generate(&options, folder.path(), &mut |_| {}).expect("a city");
    let home = folder.path();
    let grid = Grid::new(&Rules::default().square);
    let degrees = |text: &str| text.parse::<f64>().expect("degrees");
    let at = |lat, lon| vec![Overlap { square: grid.at(Position::new(lat, lon).expect("on earth")), share: 1.0 }];
    let lines = table(home, "places.csv");
    let mut served: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for line in &lines {
        served.entry(line[8].clone()).or_default().push((degrees(&line[4]), degrees(&line[5])));
    }
    let cells: BTreeMap<String, u32> = served.keys().cloned().zip(0..).collect();
    // A cell is taken to be in the middle of the places that it serves.
    let of_cells = served.values().map(|all| {
        let mean = |part: fn(&(f64, f64)) -> f64| all.iter().map(part).sum::<f64>() / all.len() as f64;
        at(mean(|one| one.0), mean(|one| one.1))
    });
    let of_cells: Vec<_> = of_cells.collect();
    let mut people = BTreeMap::new();
    let stay = |(line, cells): (usize, &Vec<String>)| Located {
        person: number(&mut people, &cells[0]),
        place: PlaceId(cells[1].parse().expect("a place")),
        span: Seconds { from: second(&cells[2]), to: second(&cells[3]) },
        confidence: 1.0,
        fact: FactId(line as u32),
    };
    let truth = Known {
        stays: table(home, "itinerary.csv").iter().enumerate().map(stay).collect(),
        places: lines.iter().map(|line| at(degrees(&line[4]), degrees(&line[5]))).collect(),
    };
    let feed = Known { stays: seen(home, &summary, &cells, &people), places: of_cells.clone() };
    let located: BTreeSet<PersonId> = feed.stays.iter().map(|stay| stay.person).collect();
    let by_cell = Known {
        stays: truth
            .stays
            .iter()
            .map(|stay| Located { place: PlaceId(cells[&lines[stay.place.0 as usize][8]]), ..*stay })
            .collect(),
        places: of_cells,
    };
    let reached = |known: &Known| known.kept(|stay| located.contains(&stay.person));
    let rows = [
        ("one stay of 300 lost", truth.met(), truth.kept(|stay| stay.fact.0 % 300 != 0).met()),
        ("phones of one operator only", truth.met(), reached(&truth).met()),
        ("the middle of the cell for the place", truth.met(), by_cell.met()),
        ("the feed, beside its phones and cells when clean", reached(&by_cell).met(), feed.met()),
        ("the feed, beside the truth", truth.met(), feed.met()),
    ];
    for (what, truth, found) in &rows {
        let both = truth.intersection(found).count() as f64;
        let (precision, recall) = (both / found.len() as f64, both / truth.len() as f64);
        println!("{what}: {} of {} contacts, precision {precision:.3}, recall {recall:.3}", found.len(), truth.len());
    }
    let recall = |row: usize| rows[row].1.intersection(&rows[row].2).count() as f64 / rows[row].1.len() as f64;
    assert!(recall(0) >= 0.98, "what is lost of a few rows is a few contacts");
    assert!(recall(3) >= 0.95, "what swings, stands twice or is late is mended");
}
