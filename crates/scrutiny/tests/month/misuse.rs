//! People who misuse their access: what drives them, how often they give in, and how they cover it.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::city::{BEGIN, City, DAYS, MINUTES_OF_DAY, Person, Work};
use crate::looks::{Happened, Stated};

/// What drives somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Where was my wife, my child?
    Household,
    /// What is it with the people across the yard?
    Neighbour,
    /// Is it true what they say of the one at the next desk?
    Colleague,
    /// Everybody talks of them.
    Prominent,
    /// Once together; looks again and again, for weeks.
    Former,
    /// The relatives with whom one fell out.
    Relative,
    /// Alone in the office late, reading files as others read novels.
    LateHours,
    /// Sells addresses: a few every day, under a case that is the caller's own.
    Seller,
}

const KINDS: [Kind; 8] = [
    Kind::Household,
    Kind::Neighbour,
    Kind::Colleague,
    Kind::Prominent,
    Kind::Former,
    Kind::Relative,
    Kind::LateHours,
    Kind::Seller,
];

/// Lets `count` people misuse their access, and says what drives each.
pub(crate) fn plant(city: &City, dice: &mut ChaCha8Rng, count: usize, looks: &mut Vec<Happened>) -> Vec<Kind> {
    let mut misusers = Vec::new();
    let mut used = vec![false; city.officials.len()];
    while misusers.len() < count {
        let kind = KINDS[misusers.len() % KINDS.len()];
        let official = dice.random_range(0..city.officials.len());
        if std::mem::replace(&mut used[official], true) {
            continue;
        }
        let before = looks.len();
        misuse(city, dice, (kind, official, misusers.len()), looks);
        // Somebody without family, colleagues or namesakes is curious about something else.
        if looks.len() > before {
            misusers.push(kind);
        }
    }
    misusers
}

fn misuse(
    city: &City,
    dice: &mut ChaCha8Rng,
    (kind, official, misuser): (Kind, usize, usize),
    looks: &mut Vec<Happened>,
) {
    let own = city.officials[official].person;
    let caller = &city.residents[own];
    let alike = |fits: &dyn Fn(&crate::city::Resident) -> bool| -> Vec<Person> {
        (0..city.residents.len()).filter(|one| *one != own && fits(&city.residents[*one])).collect()
    };
    let targets: Vec<Person> = match kind {
        Kind::Household => alike(&|one| one.dwelling == caller.dwelling),
        Kind::Neighbour => alike(&|one| one.grid == caller.grid && one.dwelling.abs_diff(caller.dwelling) <= 5),
        Kind::Colleague => {
            city.works_in(city.officials[official].office, official).map(|one| city.officials[one].person).collect()
        }
        Kind::Prominent => alike(&|one| one.is_prominent),
        Kind::Relative => alike(&|one| one.surname == caller.surname && one.dwelling != caller.dwelling),
        Kind::Former | Kind::LateHours | Kind::Seller => alike(&|_| true),
    };
    if targets.is_empty() {
        return;
    }
    let target = |dice: &mut ChaCha8Rng| targets[dice.random_range(0..targets.len())];
    // How many days, how many people a day, whether late.
    let (days, people, late) = match kind {
        Kind::Former => (dice.random_range(9..16), 1, 0.4),
        Kind::Seller => (20, dice.random_range(2..5), 0.05),
        Kind::LateHours => (dice.random_range(2..5), dice.random_range(8..30), 1.0),
        Kind::Relative => (dice.random_range(3..6), 1, 0.5),
        Kind::Neighbour | Kind::Colleague => (dice.random_range(2..5), 1, 0.5),
        Kind::Household | Kind::Prominent => (dice.random_range(1..4), 1, 0.3),
    };
    let one = target(dice);
    for _ in 0..days {
        let day = dice.random_range(0..DAYS);
        let late = dice.random_bool(late);
        let begin = if late { dice.random_range(1_330..1_420) } else { dice.random_range(480..1_100) };
        let mut minute = BEGIN + day * MINUTES_OF_DAY + begin;
        for _ in 0..people {
            let person = if people == 1 { one } else { target(dice) };
            let stated = cover(city, dice, kind, official);
            for step in 0..dice.random_range(1..4) {
                looks.push(Happened { minute, official, person, stated, is_search: step == 0, misuser: Some(misuser) });
                minute += dice.random_range(0..3);
            }
        }
    }
}

/// What they say it is for. The hub refuses a worker another unit's residents, and has the try on record all the same.
fn cover(city: &City, dice: &mut ChaCha8Rng, kind: Kind, official: usize) -> Stated {
    if city.officials[official].work != Work::Tracing {
        return Stated::Nothing;
    }
    let own: Vec<usize> = (0..city.cases.len()).filter(|case| city.cases[*case].tracers.contains(&official)).collect();
    let borrowed = kind != Kind::Seller && dice.random_bool(0.4);
    match own.is_empty() || borrowed {
        true => Stated::Case(official % city.cases.len()),
        false => Stated::Case(own[dice.random_range(0..own.len())]),
    }
}
