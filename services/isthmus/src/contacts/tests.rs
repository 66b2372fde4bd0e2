//! The rules of contact, and that layouts, an independent count and the command agree.

use super::*;

const MIDNIGHT: u32 = 86_400;
const DAYS: Days = Days { before: 0, steps: 86_400 };

fn by(rule: Rule, over: u32, spells: Vec<Seconds>) -> Option<Vec<Seconds>> {
    counted(Limit::new(rule, over, 1), DAYS, spells)
}

fn spell(from: u32, to: u32) -> Seconds {
    Seconds { from, to }
}

#[test]
fn each_rule_has_both_sides_of_its_number() {
    let short = vec![spell(0, 300), spell(1_000, 1_301)];
    assert_eq!(by(Rule::Spell, 600, vec![spell(0, 600)]), None);
    assert_eq!(by(Rule::Spell, 600, vec![spell(0, 601)]).map(|spells| spells.len()), Some(1));
    assert_eq!(by(Rule::Spell, 600, short.clone()), None);
    assert_eq!(by(Rule::Total, 600, short.clone()), Some(short.clone()));
    assert_eq!(by(Rule::Total, 601, short.clone()), None);
    assert_eq!(by(Rule::Day, 600, short.clone()), Some(short.clone()));
    assert_eq!(by(Rule::Ever, 600, short.clone()), Some(short));
    assert_eq!(by(Rule::Ever, 600, Vec::new()), None);
}

#[test]
fn a_spell_over_midnight_counts_on_both_days_and_the_offset_says_when_midnight_is() {
    let over = vec![spell(MIDNIGHT - 400, MIDNIGHT + 400)];
    assert_eq!(by(Rule::Day, 600, over.clone()), None);
    assert_eq!(by(Rule::Day, 399, over.clone()), Some(over.clone()));
    assert_eq!(counted(Limit::new(Rule::Day, 600, 1), Days { before: 28_800, ..DAYS }, over.clone()), Some(over));
}

#[test]
fn time_in_two_squares_at_once_is_counted_once() {
    let both = joined(vec![spell(0, 700), spell(100, 900), spell(900, 950)]);
    assert_eq!(both, [spell(0, 900), spell(900, 950)]);
}

/// Numbers that look random: the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

const RULES: [Rule; 4] = [Rule::Spell, Rule::Day, Rule::Total, Rule::Ever];
const OVER_S: u32 = 600;

/// What comes out of a text: names of pairs with their spells in seconds of the file.
fn found(text: &str, rule: Rule) -> BTreeMap<(String, String), Vec<(i64, i64)>> {
    let rules = Rules::default();
    let how = How::default();
    let seen = read::read(text.as_bytes().to_vec(), &how, &rules, rule == Rule::Ever).expect("a file that can be read");
    let limit = Limit::new(rule, OVER_S, seen.clock.steps);
    let (pairs, left_out) = contacts(rules, &seen, limit, 0).expect("contacts");
    assert_eq!(left_out, 0);
    let second = |step| seen.clock.time(step).parse::<i64>().expect("whole seconds");
    let name = |person: u32| seen.people[person as usize].clone();
    let spells = |spells: Vec<Seconds>| spells.iter().map(|spell| (second(spell.from), second(spell.to))).collect();
    pairs.into_iter().map(|((one, other), all)| ((name(one), name(other)), spells(all))).collect()
}

/// A presence: who, where, from, to. A person is in one place at a time; pieces of a stay touch, overlap or repeat.
type Presence = (u64, u64, i64, i64);

fn presences(dice: &mut Dice) -> Vec<Presence> {
    let mut all = Vec::new();
    for person in 1..=9 {
        let mut now = dice.below(3_000) as i64;
        // Over midnight of the second day.
        while now < 90_000 {
            let (place, end) = (dice.below(4), now + 1 + dice.below(4_000) as i64);
            let cut = now + dice.below((end - now) as u64) as i64;
            let overlap = dice.below(2) as i64 * (cut - now) / 2;
            all.push((person, place, now, cut.max(now + 1)));
            all.push((person, place, cut - overlap, end));
            now = end + dice.below(3) as i64 * dice.below(2_000) as i64;
        }
    }
    all
}

/// The same answer, second by second.
fn counted_by_hand(all: &[Presence], rule: Rule) -> BTreeMap<(String, String), Vec<(i64, i64)>> {
    let last = all.iter().map(|(.., to)| *to).max().unwrap_or(0);
    let mut at = vec![[None::<u64>; 10]; last as usize + 1];
    for (person, place, from, to) in all {
        (*from..*to).for_each(|second| at[second as usize][*person as usize] = Some(*place));
    }
    let mut found = BTreeMap::new();
    for (one, other) in (1..10).flat_map(|one| (one + 1..10).map(move |other| (one, other))) {
        let together = |second: &usize| at[*second][one].filter(|place| at[*second][other] == Some(*place));
        let seconds: Vec<(usize, u64)> =
            (0..at.len()).filter_map(|second| Some((second, together(&second)?))).collect();
        let unbroken = |a: &(usize, u64), b: &(usize, u64)| a.0 + 1 == b.0 && a.1 == b.1;
        let mut spells: Vec<(i64, i64)> = seconds
            .chunk_by(unbroken)
            .map(|spell| (spell[0].0 as i64, spell[0].0 as i64 + spell.len() as i64))
            .collect();
        let on = |day: usize| seconds.iter().filter(|(second, _)| second / 86_400 == day).count();
        let is_contact = match rule {
            Rule::Spell => {
                spells.retain(|(from, to)| to - from > i64::from(OVER_S));
                !spells.is_empty()
            }
            Rule::Day => (0..3).any(|day| on(day) > OVER_S as usize),
            Rule::Total => seconds.len() > OVER_S as usize,
            Rule::Ever => !seconds.is_empty(),
        };
        if is_contact {
            found.insert((one.to_string(), other.to_string()), spells);
        }
    }
    found
}

fn text(head: &str, rows: impl Iterator<Item = String>) -> String {
    std::iter::once(head.to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}

#[test]
fn random_whereabouts_give_what_counting_second_by_second_gives_by_name_of_place_and_by_position() {
    for seed in 1..=6 {
        let all = presences(&mut Dice(seed));
        let rows = || all.iter().copied();
        let by_name =
            text("person,place,from,to", rows().map(|(who, at, from, to)| format!("{who},P{at},{from},{to}")));
        let by_position = text(
            "start;duration;user_id;latitude;longitude",
            rows().map(|(who, at, from, to)| format!("{from};{};{who};3{at},5;120,6", to - from)),
        );
        for rule in RULES {
            let wanted = counted_by_hand(&all, rule);
            assert!(wanted.len() > 10, "seed {seed}, {rule:?}: a question without an answer");
            assert_eq!(found(&by_name, rule), wanted, "seed {seed}, {rule:?}");
            assert_eq!(found(&by_position, rule), wanted, "seed {seed}, {rule:?}");
        }
    }
}

#[test]
fn random_windows_give_the_same_as_their_spells_and_as_sightings_in_a_place_of_their_own() {
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        // Windows of 20 s that end at `time`, of each pair in runs.
        let mut windows: Vec<(i64, u64, u64)> = Vec::new();
        for (one, other) in (1..8).flat_map(|one| (one + 1..8).map(move |other| (one, other))) {
            let mut now = 86_400 - 20 * dice.below(300) as i64;
            for _ in 0..dice.below(6) {
                let length = 1 + dice.below(40) as i64;
                windows.extend((1..=length).map(|n| (now + 20 * n, one, other)));
                now += 20 * (length + 1 + dice.below(60) as i64);
            }
        }
        windows.sort_unstable();
        let rows = || windows.iter().copied();
        let tij = rows().map(|(t, i, j)| format!("{t}\t{i}\t{j}")).collect::<Vec<_>>().join("\n");
        let ijt = text("j,i,time", rows().map(|(t, i, j)| format!("{j},{i},{t}")));
        let spans = text("p1|p2|start|end", rows().map(|(t, i, j)| format!("{i}|{j}|{}|{t}", t - 20)));
        let places = rows().flat_map(|(t, i, j)| [(t, i, i, j), (t, j, i, j)]);
        let sightings = text("t id room", places.map(|(t, who, i, j)| format!("{t} {who} r{i}-{j}")));
        for rule in RULES {
            let wanted = found(&tij, rule);
            assert!(!wanted.is_empty(), "seed {seed}, {rule:?}");
            for (layout, text) in [("ijt", &ijt), ("spans", &spans), ("sightings", &sightings)] {
                assert_eq!(found(text, rule), wanted, "seed {seed}, {rule:?}, {layout}");
            }
        }
    }
}
