//! How long contacts and codes take in memory, and the city that it is measured on, for other programs:
//!
//!     cargo bench -p exposure -- [--residents N] [--density N] [--days N] [--cases N] [stays | facts]
//!
//! Without a word it measures, and ends with a line of JSON. `stays` writes the city as CSV, `facts` as rows of the table of
//! facts for PostgreSQL's COPY. Nobody here exists: a resident goes between some places around a home, by a fixed rule, and
//! comes home between two errands. No two stays of a resident touch in one square. `density` is residents by square.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::time::Instant;

use domain::Timestamp;
use exposure::{
    Carrier, Case, CaseId, CaseState, Exposed, FactId, Index, KnownCase, Located, Overlap, PersonId, PlaceId, Rules,
    Seconds, Square, TownshipId, TracedCase,
};

const STAYS: u32 = 20;
const DAY: u32 = 86_400;
/// 2022-03-01, midnight in China.
const BEGIN: u32 = 1_646_064_000;
/// Contacts in one answer.
const PAGE: usize = 100;
/// Squares of a township.
const SQUARES: u32 = 4;
/// Questions about single residents.
const ASKED: u32 = 200;

/// An invented city.
#[derive(Clone, Copy)]
struct City {
    residents: u32,
    density: u32,
    days: u32,
    cases: u32,
}

fn main() -> std::io::Result<()> {
    let mut city = City { residents: 100_000, density: 625, days: 14, cases: 1_000 };
    let mut what = String::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).expect("a number");
        match word.as_str() {
            "--residents" => city.residents = number(words.next()),
            "--density" => city.density = number(words.next()),
            "--days" => city.days = number(words.next()),
            "--cases" => city.cases = number(words.next()),
            "stays" | "facts" => what = word,
            // Handed over by cargo.
            _ => {}
        }
    }
    match what.as_str() {
        "stays" => city.write_stays(),
        "facts" => city.write_facts(),
        _ => city.measure(),
    }
}

impl City {
    fn side(self) -> u32 {
        (f64::from(self.residents) / f64::from(self.density)).sqrt().ceil().max(5.0) as u32
    }

    const fn span(self) -> Seconds {
        Seconds { from: BEGIN, to: BEGIN + self.days * DAY }
    }

    fn case(self, number: u32) -> PersonId {
        PersonId(number * (self.residents / self.cases))
    }

    fn stays(self) -> impl Iterator<Item = Located> {
        (0..self.residents).flat_map(move |person| self.whereabouts(person))
    }

    /// The stays of a resident: two thirds of a day at home, the others here and there nearby.
    fn whereabouts(self, person: u32) -> impl Iterator<Item = Located> {
        let side = self.side();
        let home = scattered(person, 0) % (side * side);
        (0..self.days).flat_map(move |day| {
            let end = BEGIN + (day + 1) * DAY;
            let mut at = BEGIN + day * DAY;
            (0..STAYS).map(move |n| {
                let draw = scattered(person, 1 + day * STAYS + n);
                let long = if n == 0 || n == STAYS - 1 { 8 * 3_600 } else { 180 + draw % 2_540 };
                let way = if n % 2 == 0 { 0 } else { 1 + scattered(person, draw % 5) % 3 };
                let place = PlaceId((home + way * (1 + side * (draw % 2))) % (side * side));
                let span = Seconds { from: at, to: (at + long).min(end) };
                at = (span.to + 60).min(end);
                let fact = FactId((person * self.days + day) * STAYS + n);
                Located { person: PersonId(person), place, span, confidence: 0.8, fact }
            })
        })
    }

    fn write_stays(self) -> std::io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
        writeln!(out, "person,place,from,to")?;
        for Located { person, place, span, .. } in self.stays() {
            writeln!(out, "{},{},{},{}", person.0, place.0, span.from, span.to)?;
        }
        out.flush()
    }

    fn write_facts(self) -> std::io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
        for Located { person, place, span, fact, .. } in self.stays() {
            let (id, subject, place) = (fact.0, person.0, place.0);
            let [from, to] = [span.from, span.to].map(instant);
            let (from_ms, to_ms) = (from.as_millis(), to.as_millis());
            write!(out, "00000000-0000-5000-8001-{id:012x}\t3\tf\t1\t0\t00000000-0000-5000-8002-{id:012x}\tcells\t")?;
            write!(out, "00000000-0000-5000-8000-{subject:012x}\t{from}\t{to}\tcells/{place}\t")?;
            write!(out, r#"{{"place":{{"place_id":"cells/{place}","kind":"CELL","datum":"UNKNOWN"}},"#)?;
            writeln!(out, r#""start_time":{from_ms},"end_time":{to_ms},"method":"CELL"}}"#)?;
        }
        out.flush()
    }

    fn measure(self) -> std::io::Result<()> {
        let side = self.side();
        let square = |number: u32| Square { row: (number / side) as i32, column: (number % side) as i32 };
        let places: Vec<_> =
            (0..side * side).map(|number| vec![Overlap { square: square(number), share: 1.0 }]).collect();
        let stays: Vec<Located> = self.stays().collect();
        println!("{} residents, {} squares, {} stays", self.residents, side * side, stays.len());
        let mut told = vec![format!("\"stays\":{}", stays.len())];
        let mut tell = |name: &str, value: f64| told.push(format!("\"{name}\":{value:.6}"));
        let both = |took: Took| format!("{:.1} s, {:.1} s of processor", took.clock, took.processor);
        let single = |each: &Each| {
            let Each { p50, p99, processor, .. } = each;
            format!("{p50:.1} ms in the middle, p99 {p99:.1} ms, {processor:.1} ms of processor on average")
        };

        let (index, took) =
            timed(|| Index::build(Rules::default(), &places, &stays, Vec::new()).expect("known places"));
        println!("index of {} entries: {}", index.entries(), both(took));
        tell("index_s", took.clock);
        tell("index_cpu_s", took.processor);

        let cases: Vec<Case> = (0..self.cases).map(|n| Case { person: self.case(n), span: self.span() }).collect();
        let asked = || cases.iter().take(ASKED as usize);
        let ranked = each(asked().map(|case| || index.rank(*case, |_| true).ranked(0, PAGE).len()));
        println!("one case, its first {PAGE} contacts: {}", single(&ranked));
        tell("ranked_p50_ms", ranked.p50);
        tell("ranked_p99_ms", ranked.p99);
        tell("ranked_cpu_ms", ranked.processor);
        let with_meetings = |case: &Case| {
            // As the hub answers: the meetings of a page, too.
            let ranking = index.rank(*case, |_| true);
            std::hint::black_box(ranking.contacts(&ranking.ranked(0, PAGE)));
            ranking.exposed().len()
        };
        let asked_one = each(asked().map(|case| || with_meetings(case)));
        println!("one case with all their meetings: {}, {} contacts", single(&asked_one), asked_one.count);
        tell("case_p50_ms", asked_one.p50);
        tell("case_p99_ms", asked_one.p99);
        tell("case_cpu_ms", asked_one.processor);
        tell("case_contacts", asked_one.count as f64);

        let carriers = |found: exposure::Ranking<'_>| {
            let carrier =
                |one: &Exposed| Carrier { person: one.person, span: Seconds { from: one.first, to: self.span().to } };
            found.exposed().iter().map(carrier).collect::<Vec<_>>()
        };
        let (carriers, took) = timed(|| index.rank_all(&cases, |_| true, carriers));
        let mut carriers: Vec<Carrier> = carriers.into_iter().flatten().collect();
        println!("contacts of {} cases: {}, {} in all", self.cases, both(took), carriers.len());
        tell("batch_s", took.clock);
        tell("batch_cpu_s", took.processor);
        tell("batch_contacts", carriers.len() as f64);
        // Of a contact of several cases, the first meeting counts.
        carriers.sort_unstable_by_key(|carrier| (carrier.person, carrier.span.from));
        carriers.dedup_by_key(|carrier| carrier.person);
        let (found, took) = timed(|| index.sub_contacts(&carriers));
        println!("sub-contacts of {} contacts: {}, {} people", carriers.len(), both(took), found.links.len());
        tell("sub_s", took.clock);
        tell("sub_cpu_s", took.processor);
        tell("sub_contacts", found.links.len() as f64);

        let traced: Vec<TracedCase> = (0..self.cases).map(|number| self.traced(number)).collect();
        let townships: Vec<_> = (0..side * side).map(|place| Some(TownshipId(place / SQUARES))).collect();
        let now = instant(self.span().to);
        let (codes, took) = timed(|| index.codes(&traced, &stays, &townships, now));
        let count = |colour| codes.iter().filter(|code| code.colour == colour).count();
        let [green, yellow, red] =
            [exposure::Colour::Green, exposure::Colour::Yellow, exposure::Colour::Red].map(count);
        println!("risk and codes of everybody: {}: {green} green, {yellow} yellow, {red} red", both(took));
        tell("codes_s", took.clock);
        tell("codes_cpu_s", took.processor);

        let asked: Vec<PersonId> = (0..ASKED).map(|n| PersonId(n * (self.residents / ASKED) + 1)).collect();
        let code = each(asked.iter().take(50).map(|person| || index.grounds(*person, &traced, now).len()));
        println!("reasons of one code: {}, {} reasons", single(&code), code.count);
        tell("code_p50_ms", code.p50);
        tell("code_p99_ms", code.p99);
        tell("code_cpu_ms", code.processor);

        let fact = each(asked.iter().take(50).map(|person| {
            let (index, places) = (&index, &places);
            move || {
                let own: Vec<Located> = self.whereabouts(person.0).skip(1).collect();
                let later = index.with(&BTreeSet::from([*person]), places, &own, &[]).expect("known places");
                later.rank(Case { person: *person, span: self.span() }, |_| true).exposed().len()
            }
        }));
        println!("a fact taken in and the changed answer: {}", single(&fact));
        tell("fact_p50_ms", fact.p50);
        tell("fact_p99_ms", fact.p99);
        tell("fact_cpu_ms", fact.processor);
        println!("{{{}}}", told.join(","));
        Ok(())
    }

    fn traced(self, number: u32) -> TracedCase {
        let side = self.side();
        let person = self.case(number);
        let known = KnownCase {
            case: CaseId(number),
            person,
            township: TownshipId(scattered(person.0, 0) % (side * side) / SQUARES),
            state: CaseState::Confirmed,
            confirmed: Some(instant(self.span().to - DAY)),
            closed: None,
            cluster: Some(number / 4),
        };
        TracedCase { known, infectious: Some(self.span()) }
    }
}

fn instant(second: u32) -> Timestamp {
    Timestamp::from_millis(i64::from(second) * 1_000)
}

/// What something took: seconds by the clock, and of the processor in all threads, which a busy machine does not stretch.
#[derive(Clone, Copy)]
struct Took {
    clock: f64,
    processor: f64,
}

/// Seconds of the processor that this process has had, to the hundredth.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // Fields 14 and 15 of all: user and system time, in hundredths of seconds.
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (start, before) = (Instant::now(), processor());
    let done = work();
    (done, Took { clock: start.elapsed().as_secs_f64(), processor: processor() - before })
}

/// What each of some took.
struct Each {
    /// Milliseconds by the clock of the middle one, and of the 99th in a hundred.
    p50: f64,
    p99: f64,
    /// Milliseconds of the processor on average.
    processor: f64,
    /// The count that the middle one gave.
    count: usize,
}

fn each<F: FnOnce() -> usize>(all: impl Iterator<Item = F>) -> Each {
    let before = processor();
    let mut times: Vec<(f64, usize)> = all
        .map(|one| {
            let start = Instant::now();
            let count = one();
            (start.elapsed().as_secs_f64() * 1_000.0, count)
        })
        .collect();
    let processor = (processor() - before) * 1_000.0 / times.len().max(1) as f64;
    times.sort_by(|one, other| one.0.total_cmp(&other.0));
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    Each { p50: at(50).0, p99: at(99).0, processor, count: at(50).1 }
}

/// A number that looks drawn and is always the same.
fn scattered(person: u32, n: u32) -> u32 {
    let mut x = (u64::from(person) << 32 | u64::from(n)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((x ^ (x >> 27)) >> 33) as u32
}
