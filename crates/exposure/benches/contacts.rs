//! How long contacts take: `cargo bench -p exposure -- <residents> <residents per square>` (100,000 and 2,500 unless told),
//! 14 days of 20 stays. Nobody here exists: a resident goes between six places around a home, by a fixed rule.

use std::time::Instant;

use exposure::{Carrier, Case, FactId, Index, Located, Overlap, PersonId, PlaceId, Rules, Seconds, Square};

const DAYS: u32 = 14;
const STAYS: u32 = 20;
const DAY: u32 = 86_400;
const CASES: u32 = 1_000;
/// Contacts in one answer.
const PAGE: usize = 100;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u32>().ok());
    let residents = arguments.next().unwrap_or(100_000);
    let density = arguments.next().unwrap_or(2_500);
    let side = (f64::from(residents) / f64::from(density)).sqrt().ceil() as u32;
    let square = |number: u32| Square { row: (number / side) as i32, column: (number % side) as i32 };
    let places: Vec<_> = (0..side * side).map(|number| vec![Overlap { square: square(number), share: 1.0 }]).collect();
    let stays: Vec<Located> = (0..residents).flat_map(|person| whereabouts(person, side)).collect();
    println!("{residents} residents, {} squares, {} stays", side * side, stays.len());

    let start = Instant::now();
    let index = Index::build(Rules::default(), &places, &stays, Vec::new()).expect("known places");
    drop(stays);
    println!("index of {} entries: {:.1} s", index.entries(), start.elapsed().as_secs_f64());

    let always = Seconds { from: 0, to: DAYS * DAY };
    let cases: Vec<Case> =
        (0..CASES).map(|n| Case { person: PersonId(n * (residents / CASES)), span: always }).collect();
    let mut times: Vec<(f64, usize)> = cases
        .iter()
        .take(200)
        .map(|case| {
            let start = Instant::now();
            // As the hub answers: everybody ranked, and the meetings of a page.
            let ranking = index.rank(*case, |_| true);
            let page = ranking.exposed().iter().take(PAGE).map(|exposed| ranking.contact(exposed));
            std::hint::black_box(page.collect::<Vec<_>>());
            (start.elapsed().as_secs_f64() * 1_000.0, ranking.exposed().len())
        })
        .collect();
    times.sort_by(|one, other| one.0.total_cmp(&other.0));
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].0;
    println!("one case: {:.1} ms in the middle, p99 {:.1} ms, {} contacts", at(50), at(99), times[times.len() / 2].1);

    let start = Instant::now();
    let carriers: Vec<Carrier> = index
        .rank_all(&cases, |_| true, |found| {
            let carrier = |one: &exposure::Exposed| Carrier {
                person: one.person,
                span: Seconds { from: one.first, to: DAYS * DAY },
            };
            found.exposed().iter().map(carrier).collect::<Vec<_>>()
        })
        .into_iter()
        .flatten()
        .collect();
    println!("contacts of {CASES} cases: {:.1} s, {} in all", start.elapsed().as_secs_f64(), carriers.len());
    // Of a contact of several cases, the first meeting counts.
    let mut carriers = carriers;
    carriers.sort_unstable_by_key(|carrier| (carrier.person, carrier.span.from));
    carriers.dedup_by_key(|carrier| carrier.person);
    let start = Instant::now();
    let found = index.sub_contacts(&carriers);
    let seconds = start.elapsed().as_secs_f64();
    println!("sub-contacts of {} contacts: {seconds:.1} s, {} people", carriers.len(), found.links.len());
}

/// The stays of a resident: two thirds of a day at home, the others here and there nearby.
fn whereabouts(person: u32, side: u32) -> impl Iterator<Item = Located> {
    let home = scattered(person, 0) % (side * side);
    (0..DAYS).flat_map(move |day| {
        let mut at = day * DAY;
        (0..STAYS).map(move |n| {
            let draw = scattered(person, 1 + day * STAYS + n);
            let long = if n == 0 || n == STAYS - 1 { 8 * 3_600 } else { 120 + draw % 2_600 };
            let way = if n % 2 == 0 { 0 } else { 1 + scattered(person, draw % 5) % 3 };
            let place = PlaceId((home + way * (1 + side * (draw % 2))) % (side * side));
            let span = Seconds { from: at, to: (at + long).min((day + 1) * DAY) };
            at = (span.to + 60).min((day + 1) * DAY);
            let fact = FactId((person * DAYS + day) * STAYS + n);
            Located { person: PersonId(person), place, span, confidence: 0.8, fact }
        })
    })
}

/// A number that looks drawn and is always the same.
fn scattered(person: u32, n: u32) -> u32 {
    let mut x = (u64::from(person) << 32 | u64::from(n)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((x ^ (x >> 27)) >> 33) as u32
}
