//! Who lives in the city: persons in families, rented rooms and collective households, with documents and phones.

use std::collections::BTreeMap;

use domain::{Day, ResidentId, Sex};

use crate::clock::{self, DAY};
use crate::dice::{Dice, Purpose, scattered};
use crate::names::{self, Name};
use crate::places::{CITY, DIVISION, Ground};
use crate::rates::Rates;

/// Places of registration of people who moved in. None of these county codes was ever assigned, so no number made here is
/// that of a living person.
const ORIGINS: [(&str, &str); 4] = [
    ("341198", "安徽省滁州市清河县"),
    ("411598", "河南省信阳市双柳县"),
    ("522298", "贵州省铜仁市云溪县"),
    ("421198", "湖北省黄冈市石塘县"),
];
/// Where those who pass through come from: no resident does.
const ELSEWHERE: &str = "361198";
const PREFIXES: [&str; 14] =
    ["138", "139", "150", "159", "188", "187", "130", "186", "155", "133", "189", "177", "199", "166"];
/// 2022-03-01 in days since 1970-01-01.
const TODAY: i32 = 19_052;

/// What proves who somebody is.
#[derive(Clone, Debug)]
pub(crate) enum Document {
    Resident(String),
    Passport { number: String, country: &'static str },
}

impl Document {
    /// The kind, as Chinese forms name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Resident(_) => "居民身份证",
            Self::Passport { .. } => "护照",
        }
    }

    /// The number.
    pub(crate) fn number(&self) -> &str {
        match self {
            Self::Resident(number) | Self::Passport { number, .. } => number,
        }
    }
}

/// A person, as the truth knows them.
pub(crate) struct Person {
    pub(crate) name: Name,
    /// The name in older sources, for some married women.
    pub(crate) earlier_name: Option<Name>,
    pub(crate) sex: Sex,
    /// Days since 1970-01-01.
    pub(crate) birth: i32,
    pub(crate) document: Document,
    /// Where they live.
    pub(crate) home: u32,
    /// Head of the family; themselves when alone.
    pub(crate) head: u32,
    pub(crate) work: Option<u32>,
    /// Phones they carry, by index; the first that is open is in use.
    pub(crate) phones: Vec<u32>,
    /// A number they had before.
    pub(crate) old_phone: Option<u32>,
    pub(crate) has_wallet: bool,
    pub(crate) has_card: bool,
}

impl Person {
    /// Age in years on the first day.
    pub(crate) fn age(&self) -> i32 {
        (TODAY - self.birth) * 100 / 36_525
    }

    /// Whether they go to school.
    pub(crate) fn is_pupil(&self) -> bool {
        (6..18).contains(&self.age())
    }
}

/// Who a phone is registered to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Holder {
    Person(u32),
    Company(u32),
}

/// A subscription. A recycled number has several, one after the other.
pub(crate) struct Phone {
    /// Eleven digits (thirteen for machines).
    pub(crate) number: String,
    /// How the operator prefixes it; the same in all its feeds.
    pub(crate) prefix: &'static str,
    pub(crate) holder: Holder,
    pub(crate) opened: i64,
    pub(crate) closed: Option<i64>,
    /// Whether its operator delivers locations.
    pub(crate) located: bool,
    pub(crate) machine: bool,
}

/// A household of the register.
pub(crate) struct Household {
    pub(crate) number: String,
    pub(crate) kind: &'static str,
    pub(crate) dwelling: u32,
    pub(crate) registered: String,
    /// Members with their relation to the head.
    pub(crate) members: Vec<(u32, &'static str)>,
}

/// All of it.
pub(crate) struct City {
    pub(crate) seed: u64,
    pub(crate) days: u32,
    pub(crate) rates: Rates,
    pub(crate) ground: Ground,
    pub(crate) people: Vec<Person>,
    pub(crate) households: Vec<Household>,
    pub(crate) phones: Vec<Phone>,
    pub(crate) companies: Vec<String>,
    dice: Dice,
    sequences: BTreeMap<(&'static str, i32), u16>,
    documents: u64,
}

impl City {
    /// Peoples a city.
    pub(crate) fn new(seed: u64, residents: u32, days: u32, rates: Rates) -> Self {
        let mut city = Self {
            seed,
            days,
            rates,
            ground: Ground::new(seed, residents),
            people: Vec::with_capacity(residents as usize),
            households: Vec::new(),
            phones: Vec::new(),
            companies: Vec::new(),
            dice: Dice::new(seed, Purpose::People, 0, 0),
            sequences: BTreeMap::new(),
            documents: 0,
        };
        while city.people.len() < residents as usize {
            let left = residents as usize - city.people.len();
            match city.dice.weighted(&[17, 20, 27, 12, 14, 4, 4, 10, 1]) {
                8 if left > 60 => city.dormitory(),
                7 => city.tenants(left),
                kind => city.family(kind, left),
            }
        }
        city.move_some_out();
        city.give_phones();
        city
    }

    /// The phone a person carries at an instant.
    pub(crate) fn phone_at(&self, person: u32, at: i64) -> Option<u32> {
        let open = |phone: &&u32| {
            let phone = &self.phones[**phone as usize];
            phone.opened <= at && phone.closed.is_none_or(|closed| at < closed)
        };
        self.people[person as usize].phones.iter().find(open).copied()
    }

    /// Somebody who passes through, and is in no register of the city: name, document and phone. Their numbers follow those
    /// of the residents.
    pub(crate) fn traveller(&self, number: u32, dice: &mut Dice) -> (Name, Document, String) {
        let sex = if dice.chance(0.5) { Sex::Male } else { Sex::Female };
        let name = names::han(&names::surname(dice), sex, dice);
        let birth = TODAY - dice.between(18 * 366, 70 * 365) as i32;
        let sequence = (number * 2 % 998) as u16 + 2 - u16::from(sex == Sex::Male);
        let document = ResidentId::compose(ELSEWHERE, Day::from_epoch_days(birth), sequence);
        let document = Document::Resident(document.map(|number| number.as_str().to_owned()).unwrap_or_default());
        let phone = format!("{}{:08}", dice.pick(&PREFIXES), serial(self.phones.len() as u64 + u64::from(number)));
        (name, document, phone)
    }

    /// Grid of a dwelling.
    pub(crate) fn grid_of(&self, place: u32) -> &crate::places::Grid {
        &self.ground.grids[self.ground.places[place as usize].grid as usize]
    }

    fn family(&mut self, kind: usize, left: usize) {
        let (origin, address) = self.origin(0.88);
        let dwelling = self.ground.add_dwelling(&mut self.dice);
        let own = match address {
            Some(county) => self.address(county),
            None => self.ground.places[dwelling as usize].name.clone(),
        };
        let mut members: Vec<(u32, &'static str)> = Vec::new();
        let head_sex = if kind >= 5 || (kind == 0 && self.dice.chance(0.5)) { Sex::Female } else { Sex::Male };
        let age = match kind {
            0 => self.dice.between(22, 85),
            1 => self.dice.between(24, 78),
            6 => self.dice.between(60, 72),
            _ => self.dice.between(29, 54),
        };
        let surname = self.surname();
        let head = self.person(head_sex, age, &surname, origin, dwelling, None);
        members.push((head, "户主"));
        let room = |members: &Vec<(u32, &str)>| members.len() < left;
        if matches!(kind, 1..=4) && room(&members) {
            let age = age + self.dice.between(-4, 2);
            let maiden = self.surname();
            let wife = self.person(Sex::Female, age, &maiden, origin, dwelling, Some(head));
            if self.dice.chance(self.rates.married_in_name) && !self.people[wife as usize].name.latin {
                let name = &self.people[wife as usize].name;
                let earlier = Name { family: format!("{surname}{}", name.family), ..name.clone() };
                self.people[wife as usize].earlier_name = Some(earlier);
            }
            members.push((wife, "配偶"));
        }
        let twins = kind == 3 && self.dice.chance(0.12);
        let children = match kind {
            2 | 5 => 1,
            3 => 2,
            4 => self.dice.between(1, 2),
            _ => 0,
        };
        self.children(children as usize, twins, age, (&surname, origin, dwelling, head), &mut members, left);
        if kind == 4 {
            for (sex, relation) in [(Sex::Male, "父亲"), (Sex::Female, "母亲")] {
                if members.len() < left && self.dice.chance(0.7) {
                    let family = if sex == Sex::Male { surname.clone() } else { self.surname() };
                    let age = age + self.dice.between(23, 30);
                    members.push((self.person(sex, age, &family, origin, dwelling, Some(head)), relation));
                }
            }
        } else if kind == 6 && members.len() < left {
            let age = self.dice.between(3, 15);
            let family = self.surname();
            members.push((self.person(Sex::Male, age, &family, origin, dwelling, Some(head)), "孙子"));
        }
        self.household("家庭户", dwelling, own, members);
    }

    fn children(
        &mut self,
        count: usize,
        twins: bool,
        parent_age: i64,
        (surname, origin, dwelling, head): (&str, &'static str, u32, u32),
        members: &mut Vec<(u32, &'static str)>,
        left: usize,
    ) {
        let mut first = None;
        for _ in 0..count {
            if members.len() >= left {
                return;
            }
            let sex = if self.dice.chance(0.52) { Sex::Male } else { Sex::Female };
            let age = (parent_age - self.dice.between(23, 29)).clamp(0, 24);
            let child = match first.filter(|_| twins) {
                Some(twin) => self.twin_of(twin, origin, dwelling, head),
                None => self.person(sex, age, surname, origin, dwelling, Some(head)),
            };
            first = first.or(Some(child));
            members.push((child, if self.people[child as usize].sex == Sex::Male { "子" } else { "女" }));
        }
    }

    /// A twin: same day, same sex, a name that differs in one character, a number that differs in two digits.
    fn twin_of(&mut self, twin: u32, origin: &'static str, dwelling: u32, head: u32) -> u32 {
        let (sex, birth, name) = {
            let twin = &self.people[twin as usize];
            (twin.sex, twin.birth, twin.name.clone())
        };
        let other = names::han(&name.family, sex, &mut self.dice);
        let mut given: Vec<char> = name.given.chars().collect();
        let last = other.given.chars().next_back().filter(|c| !given.contains(c)).unwrap_or('双');
        given.pop();
        given.push(last);
        let document = self.resident(origin, birth, sex);
        self.add(Name { given: given.into_iter().collect(), ..name }, sex, birth, document, dwelling, Some(head))
    }

    fn tenants(&mut self, left: usize) {
        let dwelling = self.ground.add_dwelling(&mut self.dice);
        let count = (self.dice.between(1, 4) as usize).min(left);
        let mut members = Vec::new();
        let mut address = CITY.to_owned();
        for index in 0..count {
            let (origin, text) = self.origin(0.15);
            address = self.address(text.unwrap_or(CITY));
            let sex = if self.dice.chance(0.5) { Sex::Male } else { Sex::Female };
            let (age, family) = (self.dice.between(18, 42), self.surname());
            let person = self.person(sex, age, &family, origin, dwelling, None);
            members.push((person, if index == 0 { "户主" } else { "非亲属" }));
        }
        self.household("租住", dwelling, address, members);
    }

    /// A collective household: workers of one firm under one number.
    fn dormitory(&mut self) {
        let dwelling = self.ground.add_dwelling(&mut self.dice);
        let firm = *self.dice.pick(&self.ground.workplaces);
        let address = format!("{}宿舍", self.ground.places[firm as usize].name);
        self.ground.places[dwelling as usize].name = format!("{CITY}{address}");
        let mut members = Vec::new();
        for index in 0..self.dice.between(16, 48) {
            let (origin, _) = self.origin(0.1);
            let sex = if self.dice.chance(0.6) { Sex::Male } else { Sex::Female };
            let (age, family) = (self.dice.between(18, 45), self.surname());
            let person = self.person(sex, age, &family, origin, dwelling, None);
            self.people[person as usize].work = Some(firm);
            members.push((person, if index == 0 { "户主" } else { "集体户成员" }));
        }
        self.household("集体户", dwelling, format!("{CITY}{address}"), members);
    }

    /// 人户分离: some adults rent elsewhere, have a second row there, and keep the first.
    fn move_some_out(&mut self) {
        for index in 0..self.households.len() {
            if self.households[index].kind != "家庭户" {
                continue;
            }
            let members = self.households[index].members.clone();
            for (person, _) in members {
                let is_adult = self.people[person as usize].age() >= 20;
                if !is_adult || !self.dice.chance(self.rates.lives_elsewhere) {
                    continue;
                }
                let dwelling = self.ground.add_dwelling(&mut self.dice);
                self.people[person as usize].home = dwelling;
                let registered = self.households[index].registered.clone();
                self.household("租住", dwelling, registered, vec![(person, "户主")]);
            }
        }
    }

    fn household(&mut self, kind: &'static str, dwelling: u32, registered: String, members: Vec<(u32, &'static str)>) {
        let number = format!("H{:09}", scattered(self.households.len() as u64, 48_271_003, 999_999_937));
        self.households.push(Household { number, kind, dwelling, registered, members });
    }

    fn person(&mut self, sex: Sex, age: i64, surname: &str, origin: &'static str, home: u32, head: Option<u32>) -> u32 {
        let birth = TODAY - (age.max(0) * 36_525 / 100) as i32 - self.dice.below(364) as i32 - 1;
        if head.is_none() && self.dice.chance(0.006) {
            let name = names::foreign(sex, &mut self.dice);
            let country = *self.dice.pick(&["USA", "DEU", "JPN", "KOR", "VNM"]);
            self.documents += 1;
            let number = format!("E{:08}", scattered(self.documents, 7_654_321, 99_999_989));
            return self.add(name, sex, birth, Document::Passport { number, country }, home, None);
        }
        let name = if self.dice.chance(0.008) {
            names::minority(&mut self.dice)
        } else {
            names::han(surname, sex, &mut self.dice)
        };
        let document = self.resident(origin, birth, sex);
        self.add(name, sex, birth, document, home, head)
    }

    fn add(&mut self, name: Name, sex: Sex, birth: i32, document: Document, home: u32, head: Option<u32>) -> u32 {
        let index = self.people.len() as u32;
        let age = (TODAY - birth) / 365;
        let work = match age {
            6..18 => Some(*self.dice.pick(&self.ground.schools)),
            18..61 if self.dice.chance(0.78) => Some(*self.dice.pick(&self.ground.workplaces)),
            _ => None,
        };
        let has_wallet = age >= 14 && self.dice.chance(if age < 65 { 0.93 } else { 0.45 });
        let has_card = self.dice.chance(0.8);
        let head = head.unwrap_or(index);
        let (earlier_name, phones, old_phone) = (None, Vec::new(), None);
        self.people.push(Person {
            name,
            earlier_name,
            sex,
            birth,
            document,
            home,
            head,
            work,
            phones,
            old_phone,
            has_wallet,
            has_card,
        });
        index
    }

    fn resident(&mut self, division: &'static str, birth: i32, sex: Sex) -> Document {
        let first = self.dice.below(480) as u16;
        let count = self.sequences.entry((division, birth * 2 + i32::from(sex == Sex::Male))).or_insert(first);
        *count = (*count + 1) % 499;
        let sequence = *count * 2 + 2 - u16::from(sex == Sex::Male);
        let number = ResidentId::compose(division, Day::from_epoch_days(birth), sequence);
        Document::Resident(number.map(|number| number.as_str().to_owned()).unwrap_or_default())
    }

    fn surname(&mut self) -> String {
        names::surname(&mut self.dice)
    }

    /// Division code of a resident number and, for people from elsewhere, their county.
    fn origin(&mut self, native: f64) -> (&'static str, Option<&'static str>) {
        if self.dice.chance(native) {
            return (DIVISION, None);
        }
        let (code, county) = *self.dice.pick(&ORIGINS);
        (code, Some(county))
    }

    fn address(&mut self, county: &str) -> String {
        format!("{county}{}村{}组", self.dice.pick(&["前进", "大塘", "上湾", "李家"]), self.dice.between(1, 20))
    }

    fn give_phones(&mut self) {
        let mut dice = Dice::new(self.seed, Purpose::Phones, 0, 0);
        for index in 0..(self.people.len() / 150).max(2) {
            let place = self.ground.workplaces[index % self.ground.workplaces.len()];
            self.companies.push(self.ground.places[place as usize].name.clone());
        }
        for person in 0..self.people.len() as u32 {
            let (age, head) = (self.people[person as usize].age(), self.people[person as usize].head);
            let holder = match age {
                ..10 => continue,
                10..16 if head == person || dice.chance(0.5) => continue,
                10..16 => Holder::Person(head),
                65.. if head != person && dice.chance(0.3) => Holder::Person(head),
                _ if dice.chance(0.02) => Holder::Company(dice.below(self.companies.len()) as u32),
                _ => Holder::Person(person),
            };
            let phone = self.new_phone(holder, -dice.between(200, 4_000) * DAY, &mut dice);
            self.people[person as usize].phones.push(phone);
            if age >= 18 && dice.chance(self.rates.second_phone) {
                let phone = self.new_phone(Holder::Person(person), -dice.between(100, 2_000) * DAY, &mut dice);
                self.people[person as usize].phones.push(phone);
            }
        }
        self.recycle(&mut dice);
        for _ in 0..(self.people.len() / 100).max(3) {
            let holder = Holder::Company(dice.below(self.companies.len()) as u32);
            let phone = self.new_phone(holder, -dice.between(100, 1_000) * DAY, &mut dice) as usize;
            self.phones[phone].number = format!("10648{:08}", scattered(phone as u64, 1_234_577, 99_999_989));
            self.phones[phone].prefix = "";
            self.phones[phone].machine = true;
            self.phones[phone].located = dice.chance(0.2);
        }
    }

    /// Numbers with two owners, one after the other: most long ago, some in the days of the feeds (two days apart, where an
    /// operator waits ninety).
    fn recycle(&mut self, dice: &mut Dice) {
        let people = self.people.len();
        let count = ((self.phones.len() as f64 * self.rates.phone_recycled) as usize).max(2);
        for turn in 0..count {
            let (a, b) = (dice.below(people) as u32, dice.below(people) as u32);
            let (Some(&old), Some(&new)) =
                (self.people[a as usize].phones.first(), self.people[b as usize].phones.first())
            else {
                continue;
            };
            if a == b || self.people[a as usize].old_phone.is_some() {
                continue;
            }
            let own = |phone: u32, person: u32| self.phones[phone as usize].holder == Holder::Person(person);
            if !own(old, a) || !own(new, b) || self.phones[old as usize].closed.is_some() {
                continue;
            }
            if turn % 10 != 0 || self.days < 5 {
                // `b` has today what `a` had until some months before.
                let (number, prefix) = (self.phones[new as usize].number.clone(), self.phones[new as usize].prefix);
                let closed = self.phones[new as usize].opened - 90 * DAY;
                let former = self.push_phone(number, prefix, Holder::Person(a), closed - 700 * DAY, dice);
                self.phones[former as usize].closed = Some(closed);
                self.people[a as usize].old_phone = Some(former);
            } else {
                let closed = dice.between(1, i64::from(self.days) - 4) * DAY + 12 * clock::HOUR;
                let (number, prefix) = (self.phones[old as usize].number.clone(), self.phones[old as usize].prefix);
                self.phones[old as usize].closed = Some(closed);
                self.people[a as usize].old_phone = Some(old);
                let next = self.new_phone(Holder::Person(a), closed, dice);
                self.people[a as usize].phones.push(next);
                let again = self.push_phone(number, prefix, Holder::Person(b), closed + 2 * DAY, dice);
                // The new owner puts it in use at once.
                self.people[b as usize].phones.insert(0, again);
            }
        }
    }

    fn new_phone(&mut self, holder: Holder, opened: i64, dice: &mut Dice) -> u32 {
        let number = format!("{}{:08}", dice.pick(&PREFIXES), serial(self.phones.len() as u64));
        let prefix = *dice.pick(&["", "", "", "86", "+86", "0086"]);
        self.push_phone(number, prefix, holder, opened, dice)
    }

    fn push_phone(
        &mut self,
        number: String,
        prefix: &'static str,
        holder: Holder,
        opened: i64,
        dice: &mut Dice,
    ) -> u32 {
        let opened = opened + dice.between(0, 36_000);
        let located = dice.chance(0.6);
        self.phones.push(Phone { number, prefix, holder, opened, closed: None, located, machine: false });
        self.phones.len() as u32 - 1
    }
}

/// The last eight digits of a phone, of which no two are the same.
fn serial(phone: u64) -> u64 {
    scattered(phone, 48_271_003, 99_999_989)
}
