//! A Chinese town of any size whose records need not be kept: each is made from its number.
//!
//! Names have the shares they have among people, so that a larger town has more namesakes. Three make a household: a
//! couple, and a child with the father's surname and the mother's phone. A person has two and a half records on
//! average, a few have ten and more; they come in an order that has nothing to do with the persons.

use domain::{
    Day, IdClaim, IdScheme, IdentityObserved, PersonName, RecordId, ResidentId, Sensitive, Sex, SourceKind, Timestamp,
};
use linkage::{Model, Record};
use uuid::Uuid;

/// Characters of given names that are in no table of the model: new fashions.
const FASHION: &str = "睿梓涵轩宇浩博瑶琪萱怡嘉佳欣悦彤晨诗妍泽昊皓奕琳莹倩蕾颖薇曦航毅鑫坤煜祺翰霖润朗晗宸辰恺铭钰淇澜珊妮娅黛蓉菲菁芸茜莎翠彩仙淑惠慧贤淳善";
const ROADS: [&str; 12] = [
    "平江路",
    "人民路",
    "干将路",
    "中山路",
    "解放路",
    "观前街",
    "星湖街",
    "现代大道",
    "劳动路",
    "竹辉路",
    "东环路",
    "西园路",
];
const DIVISIONS: [&str; 8] = ["320506", "320508", "320505", "320507", "320509", "320571", "320582", "320583"];

/// Records in a group share its persons: two and a half for each on average, unevenly.
const GROUP: (u64, u64) = (20, 8);

/// The town; holds the names only.
pub(crate) struct Town {
    records: u64,
    step: u64,
    families: Shares,
    characters: Shares,
}

/// Texts with the running sum of their shares.
struct Shares(Vec<(f64, String)>);

impl Shares {
    fn new(shares: impl Iterator<Item = (String, f64)>) -> Self {
        let mut sum = 0.0;
        Self(
            shares
                .map(|(text, share)| {
                    sum += share;
                    (sum, text)
                })
                .collect(),
        )
    }

    fn draw(&self, dice: &mut Dice) -> &str {
        let at = dice.unit() * self.0.last().map_or(0.0, |(sum, _)| *sum);
        let place = self.0.partition_point(|(sum, _)| *sum < at).min(self.0.len() - 1);
        &self.0[place].1
    }
}

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn of(what: u64, number: u64) -> Self {
        Self(what.wrapping_mul(0xD1B5_4A32_D192_ED03) ^ number.wrapping_mul(0x8CB9_2BA7_2F3D_8DD7))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.unit() * bound as f64) as u64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }
}

struct Person {
    household: u64,
    name: String,
    born: Day,
    sex: Sex,
    id: String,
    phone: String,
    address: String,
}

impl Town {
    /// A town in which so many records are made.
    pub(crate) fn new(records: u64) -> Self {
        let records = records.next_multiple_of(GROUP.0);
        // Nearly the golden section of the records and prime to their number: a walk that visits each once.
        let divides = |mut a: u64, mut b: u64| {
            while b > 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        let golden = (records as f64 * 0.618_033_988_75) as u64;
        let step = (golden..).find(|step| divides(*step, records) == 1).unwrap_or(1);
        let names = Model::zh().file().names.clone();
        let fashion = FASHION.chars().map(|c| (c.to_string(), 0.0018));
        Self {
            records,
            step,
            families: Shares::new(names.family.into_iter()),
            characters: Shares::new(names.characters.into_iter().chain(fashion)),
        }
    }

    /// The record with this number, and whose it is.
    pub(crate) fn record(&self, number: u64) -> (Record, u64) {
        let place = (u128::from(number) * u128::from(self.step) % u128::from(self.records)) as u64;
        let mut dice = Dice::of(1, place);
        let person = place / GROUP.0 * GROUP.1 + (dice.unit().powf(1.4) * GROUP.1 as f64) as u64;
        let statement = self.statement(&self.person(person), &mut dice);
        let first_time = Timestamp::from_millis(1_646_000_000_000 + number as i64);
        (Record { key: key(number), first_time, statement, source_kind: SourceKind::Other }, person)
    }

    fn person(&self, number: u64) -> Person {
        let household = number / 3;
        let mut home = Dice::of(2, household);
        let mut own = Dice::of(3, number);
        let (father, mother) = (self.families.draw(&mut home), self.families.draw(&mut home));
        let year = 1935 + home.below(60) as i16;
        let address = format!(
            "苏州市姑苏区{}{}号{}幢{}0{}室",
            ROADS[home.below(12) as usize],
            1 + home.below(900 + self.records / 2000),
            1 + home.below(20),
            1 + home.below(18),
            1 + home.below(4)
        );
        let (family, year, sex) = match number % 3 {
            0 => (father, year, Sex::Male),
            1 => (mother, year + own.below(7) as i16 - 3, Sex::Female),
            _ => (father, year + 22 + own.below(12) as i16, if own.chance(0.5) { Sex::Male } else { Sex::Female }),
        };
        let mut name = family.to_owned();
        for _ in 0..if own.chance(0.18) { 1 } else { 2 } {
            name.push_str(self.characters.draw(&mut own));
        }
        let born = day(year, 1 + own.below(12) as i8, 1 + own.below(28) as i8);
        let division = DIVISIONS[own.below(8) as usize];
        let sequence = (own.below(500) * 2) as u16 + u16::from(sex == Sex::Male);
        let id = ResidentId::compose(division, born, sequence).map_or_else(String::new, |id| id.as_str().to_owned());
        let holder = if number % 3 == 2 { number - 1 } else { number };
        let phone = phone(holder);
        Person { household, name, born, sex, id, phone, address }
    }

    fn statement(&self, person: &Person, dice: &mut Dice) -> IdentityObserved {
        let mut stated = IdentityObserved::default();
        let mut name = person.name.clone();
        if dice.chance(0.02) {
            name.pop();
            name.push_str(self.characters.draw(dice));
        }
        let phone = if dice.chance(0.06) { self::phone(1 << 40 | dice.below(1 << 33)) } else { person.phone.clone() };
        let born = if dice.chance(0.015) { Day::from_epoch_days(person.born.as_epoch_days() + 1) } else { person.born };
        let mut claim = |scheme, value: &str, issuer| {
            let claim = IdClaim::parse(scheme, value, issuer);
            stated.person.claims.extend(claim);
        };
        let kind = dice.below(100);
        let (mut shows_birth, mut shows_phone, mut shows_address) = (false, false, false);
        match kind {
            // The household register.
            0..20 => {
                claim(IdScheme::CnId, &person.id, None);
                claim(IdScheme::Household, &format!("H{}", person.household), Some("register"));
                (shows_birth, shows_phone, shows_address) = (true, dice.chance(0.8), true);
            }
            // A hospital that has not asked for the number.
            20..40 => {
                claim(IdScheme::Mrn, &format!("M{}", dice.next() >> 20), None);
                (shows_birth, shows_phone, shows_address) = (true, dice.chance(0.85), dice.chance(0.3));
            }
            // A laboratory.
            40..60 => {
                claim(IdScheme::CnId, &person.id, None);
                shows_phone = dice.chance(0.7);
            }
            // A ticket: month and day of the number are hidden.
            60..75 if person.id.len() == 18 => {
                claim(IdScheme::CnId, &format!("{}****{}", &person.id[..10], &person.id[14..]), None);
                shows_phone = dice.chance(0.4);
            }
            // A wallet: the surname is hidden.
            75..85 => {
                claim(IdScheme::Msisdn, &phone, None);
                name = std::iter::once('*').chain(name.chars().skip(1)).collect();
            }
            // A subscriber.
            85..95 => {
                claim(IdScheme::CnId, &person.id, None);
                claim(IdScheme::Msisdn, &phone, None);
            }
            // A gate.
            _ => {
                claim(IdScheme::GateCard, &format!("G{}", dice.next() >> 30), Some("gate"));
                shows_phone = true;
            }
        }
        stated.person.names.extend(PersonName::whole(&name));
        if shows_birth {
            stated.person.birth_date = Some(born);
            stated.person.sex = person.sex;
        }
        if shows_phone {
            stated.contacts.push(Sensitive::from(format!("86{phone}")));
        }
        if shows_address {
            stated.address = Some(person.address.as_str().into());
        }
        stated
    }
}

fn phone(holder: u64) -> String {
    format!("1{:010}", 3_000_000_000 + Dice::of(4, holder).below(6_900_000_000))
}

fn day(year: i16, month: i8, day: i8) -> Day {
    Day::from_ymd(year, month, day).unwrap_or(Day::from_epoch_days(0))
}

/// The key of a record; spread, as keyed hashes are.
fn key(number: u64) -> RecordId {
    RecordId::from_uuid(Uuid::from_u64_pair((number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15), number))
}

/// The number of the record with this key.
pub(crate) fn number(key: RecordId) -> u64 {
    key.as_uuid().as_u64_pair().1
}
