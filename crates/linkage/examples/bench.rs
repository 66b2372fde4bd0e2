//! Records per second of the engine on synthetic statements: a first load, then batches of new records on top.
//!
//! `cargo run --release -p linkage --example bench -- [persons] [batch] [threads]`
//!
//! Every person has a register row, a subscriber row, gate rows, laboratory rows, tickets and wallet rows, with slips
//! in some. Prints one line per stage with records per second, pairs compared per record, and precision and recall of
//! the pairs against the known persons.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use domain::{
    Day, IdClaim, IdScheme, IdentityObserved, PersonName, RecordId, ResidentId, Sensitive, Sex, SourceKind, Timestamp,
};
use linkage::{Change, Engine, Model, Record};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

struct Person {
    name: String,
    id: ResidentId,
    phone: String,
    family_phone: String,
    household: String,
    address: String,
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let mut number = |default: usize| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (persons, batch, threads) = (number(20_000), number(5_000), number(1));
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("one pool");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut records = town(persons, &mut random);
    let count = records.len();
    for place in (1..count).rev() {
        records.swap(place, random.random_range(0..=place));
    }
    let truth: HashMap<RecordId, usize> = records.iter().map(|(person, record)| (record.key, *person)).collect();
    let mut records = records.into_iter().map(|(_, record)| Change::Upsert(record));
    let mut engine = Engine::new(Arc::new(Model::zh()));
    let half: Vec<Change> = records.by_ref().take(count / 2).collect();
    report("first load", half.len(), threads, || {
        engine.apply(half);
    });
    let rest: Vec<Change> = records.collect();
    let length = rest.len();
    let mut rest = rest.into_iter();
    let mut slowest = 0.0_f64;
    report("batches on top", length, threads, || {
        loop {
            let next: Vec<Change> = rest.by_ref().take(batch).collect();
            if next.is_empty() {
                break;
            }
            let start = Instant::now();
            engine.apply(next);
            slowest = slowest.max(start.elapsed().as_secs_f64());
        }
    });
    println!("slowest batch of {batch}: {:.1} ms", slowest * 1000.0);
    let statistics = engine.statistics();
    println!("{statistics:?}, {:.1} pairs compared per record", statistics.compared as f64 / count as f64);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("memory unknown"));
    quality(&engine, &truth);
}

fn report(what: &str, records: usize, threads: usize, work: impl FnOnce()) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    work();
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!(
        "{what}: {records} records on {threads} threads in {wall:.2} s, {:.0}/s; {cpu:.2} s of processor, {:.0}/s per core",
        records as f64 / wall,
        records as f64 / cpu,
    );
}

/// Processor time of this process so far, where the system tells (Linux: in hundredths of a second).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: Vec<f64> = stat.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    ticks.iter().sum::<f64>() / 100.0
}

fn quality(engine: &Engine, truth: &HashMap<RecordId, usize>) {
    let pairs = |n: usize| (n * n.saturating_sub(1) / 2) as f64;
    let mut by_person: HashMap<usize, usize> = HashMap::new();
    for person in truth.values() {
        *by_person.entry(*person).or_default() += 1;
    }
    let real: f64 = by_person.values().map(|n| pairs(*n)).sum();
    let (mut found, mut right) = (0.0, 0.0);
    for (_, members) in engine.clusters() {
        found += pairs(members.len());
        let mut inside: HashMap<usize, usize> = HashMap::new();
        for member in members {
            *inside.entry(truth[&member]).or_default() += 1;
        }
        right += inside.values().map(|n| pairs(*n)).sum::<f64>();
    }
    println!("pair precision {:.5}, pair recall {:.5}", right / found, right / real);
}

const FAMILIES: &str = "王王王李李李张张张刘刘陈陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段";
const GIVEN: &str = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国文志海春梅红玲林辉波斌鹏飞晓东宇浩晨雨思欣佳怡涵梓轩博睿嘉天瑞雅琳倩颖瑶淑爱翠清新成立祥忠庆光元福峰凯毅宁阳旭宏家学世振仁亮";

fn town(persons: usize, random: &mut ChaCha8Rng) -> Vec<(usize, Record)> {
    let families: Vec<char> = FAMILIES.chars().collect();
    let given: Vec<char> = GIVEN.chars().collect();
    let mut records = Vec::with_capacity(persons * 9);
    let mut family_phone = String::new();
    let mut household = 0;
    let mut family = '王';
    for person in 0..persons {
        if person % 3 == 0 {
            household += 1;
            family_phone = format!("86138{:08}", random.random_range(0..100_000_000));
            family = families[random.random_range(0..families.len())];
        }
        let own = if random.random_bool(0.7) { family } else { families[random.random_range(0..families.len())] };
        let mut name = String::from(own);
        for _ in 0..if random.random_bool(0.2) { 1 } else { 2 } {
            name.push(given[random.random_range(0..given.len())]);
        }
        let birth = Day::from_epoch_days(random.random_range(-12_000..18_000));
        let id = ResidentId::compose("320506", birth, random.random_range(1..999)).expect("a number");
        let described = Person {
            name,
            id,
            phone: format!("86139{:08}", random.random_range(0..100_000_000)),
            family_phone: family_phone.clone(),
            household: format!("H{household:07}"),
            address: format!("苏州市姑苏区平江路{}号{}幢{}室", household % 900, household % 40, household % 1700),
        };
        for statement in statements(&described, random) {
            let key = RecordId::from_uuid(Uuid::from_u128(random.random()));
            let first_time = Timestamp::from_millis(1_646_000_000_000 + records.len() as i64);
            records.push((person, Record { key, first_time, statement, source_kind: SourceKind::Other }));
        }
    }
    records
}

fn statements(person: &Person, random: &mut ChaCha8Rng) -> Vec<IdentityObserved> {
    let id = person.id.as_str();
    let masked = format!("{}****{}", &id[..10], &id[14..]);
    let phone = if random.random_bool(0.3) { &person.family_phone } else { &person.phone };
    let tail: String = person.name.chars().skip(1).collect();
    let mut register = statement(&person.name);
    claim(&mut register, IdScheme::CnId, id);
    claim(&mut register, IdScheme::Household, &person.household);
    register.contacts.push(Sensitive::from(phone.clone()));
    register.person.birth_date = person.id.birth_day();
    register.person.sex = person.id.sex();
    register.address = Some(person.address.as_str().into());
    let mut subscriber = statement(&person.name);
    claim(&mut subscriber, IdScheme::CnId, id);
    claim(&mut subscriber, IdScheme::Msisdn, &format!("+{}", person.phone));
    let mut ticket = statement(&person.name);
    claim(&mut ticket, IdScheme::CnId, &masked);
    ticket.contacts.push(Sensitive::from(phone.clone()));
    let mut wallet = statement(&format!("*{tail}"));
    claim(&mut wallet, IdScheme::Msisdn, &format!("+{}", person.phone));
    claim(&mut wallet, IdScheme::Wallet, &format!("w{}", person.phone));
    let mut gate = statement(&person.name);
    gate.contacts.push(Sensitive::from(phone.clone()));
    claim(&mut gate, IdScheme::GateCard, &format!("G{}", &person.phone[5..]));
    let mut visit = gate.clone();
    visit.person.claims.clear();
    let mut laboratory = statement(&person.name);
    claim(&mut laboratory, IdScheme::CnId, id);
    laboratory.contacts.push(Sensitive::from(person.phone.clone()));
    let mut ward = statement(&person.name);
    ward.person.birth_date = person.id.birth_day();
    ward.person.sex = person.id.sex();
    ward.contacts.push(Sensitive::from(person.phone.clone()));
    if random.random_bool(0.05) {
        ward.person.birth_date = ward.person.birth_date.map(|day| Day::from_epoch_days(day.as_epoch_days() + 1));
    }
    vec![register, subscriber, ticket, wallet, gate, visit, laboratory, ward]
}

fn statement(name: &str) -> IdentityObserved {
    let mut statement = IdentityObserved::default();
    statement.person.names.extend(PersonName::whole(name));
    statement.person.sex = Sex::Unknown;
    statement
}

fn claim(statement: &mut IdentityObserved, scheme: IdScheme, value: &str) {
    statement.person.claims.push(IdClaim::parse(scheme, value, Some("source")).expect("an identifier"));
}
