//! Contacts of an invented city, from its true whereabouts, against its own list of who met whom: precision and recall.
//!
//! The list is made by trying all pairs of stays, with squares of its own making.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::Timestamp;
use exposure::{Case, FactId, Grid, Index, Located, Overlap, PersonId, PlaceId, Position, Rules, Seconds};

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
