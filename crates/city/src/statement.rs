//! How a source states a person: the truth with the errors of its forms, keyboards and systems.

use crate::clock;
use crate::dice::Dice;
use crate::names::{self, Name};
use crate::people::{City, Document};

/// How carefully a source works.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Factor on the rates of wrong characters.
    pub(crate) typing: f64,
    /// The system knows only GBK, so rare characters may be lost.
    pub(crate) gbk_only: bool,
    /// Probability of the earlier name, where there is one.
    pub(crate) earlier_name: f64,
}

/// A register kept by officials for years.
pub(crate) const REGISTER: Manner = Manner { typing: 0.5, gbk_only: false, earlier_name: 0.7 };
/// Typed in a hurry, at a counter or a sampling point.
pub(crate) const COUNTER: Manner = Manner { typing: 1.5, gbk_only: true, earlier_name: 0.2 };
/// Taken over from an app where the person is known.
pub(crate) const APP: Manner = Manner { typing: 0.1, gbk_only: false, earlier_name: 0.0 };

/// The name as the source writes it, as one text and in its pieces.
pub(crate) struct SaidName {
    pub(crate) text: String,
    pub(crate) name: Name,
}

/// States a name.
pub(crate) fn name(
    city: &City,
    person: u32,
    manner: Manner,
    dice: &mut Dice,
    traps: &mut Vec<&'static str>,
) -> SaidName {
    let (someone, rates) = (&city.people[person as usize], &city.rates);
    let mut name = someone.name.clone();
    if let Some(earlier) = &someone.earlier_name
        && dice.chance(manner.earlier_name)
    {
        name = earlier.clone();
        traps.push("name-married-in");
    }
    if dice.chance(rates.name_placeholder * manner.typing) {
        let text = (*dice.pick(&["无名氏", "测试", "未知", "患者"])).to_owned();
        traps.push("name-placeholder");
        return SaidName { name: Name { family: text.clone(), given: String::new(), latin: false }, text };
    }
    if dice.chance(rates.name_typo * manner.typing) {
        let (changed, trap) = names::mistyped(&name, dice);
        name = changed;
        traps.push(trap);
    }
    if dice.chance(rates.name_variant * manner.typing)
        && let Some(changed) = names::in_variants(&name)
    {
        name = changed;
        traps.push("name-variant");
    }
    if manner.gbk_only
        && let Some(changed) = names::lossy(&name)
        && dice.chance(rates.name_loss)
    {
        name = changed;
        traps.push("name-lost-character");
    }
    let mut text = name.whole();
    if dice.chance(rates.name_spacing)
        && let Some(changed) = names::respaced(&name, dice)
    {
        text = changed;
        traps.push("name-spacing");
    }
    SaidName { text, name }
}

/// States the document's number; empty when it is left out.
pub(crate) fn number(city: &City, person: u32, missing: f64, dice: &mut Dice, traps: &mut Vec<&'static str>) -> String {
    let (someone, rates) = (&city.people[person as usize], &city.rates);
    let Document::Resident(number) = &someone.document else { return someone.document.number().to_owned() };
    if dice.chance(missing) {
        traps.push("id-missing");
        return String::new();
    }
    let born_before_1970 = someone.birth < 0 && number[6..8] == *"19";
    if born_before_1970 && dice.chance(rates.id_old_form) {
        traps.push("id-15-digits");
        return format!("{}{}", &number[..6], &number[8..17]);
    }
    if number.ends_with('X') && dice.chance(rates.id_small_x) {
        traps.push("id-small-x");
        return number.to_lowercase();
    }
    if dice.chance(rates.id_full_width) {
        traps.push("id-full-width");
        let wide = |c: char| char::from_u32(c as u32 + 0xfee0).unwrap_or(c);
        return number.chars().map(wide).collect();
    }
    number.clone()
}

/// States a phone: the one in use, an old one, or that of the head of the family; empty when there is none.
pub(crate) fn phone(city: &City, person: u32, at: i64, dice: &mut Dice, traps: &mut Vec<&'static str>) -> String {
    let (someone, rates) = (&city.people[person as usize], &city.rates);
    let text = |phone: u32| city.phones[phone as usize].number.clone();
    if let Some(old) = someone.old_phone
        && dice.chance(rates.phone_old * 8.0)
    {
        traps.push("phone-old");
        return text(old);
    }
    let of_head = city.phone_at(someone.head, at).filter(|_| someone.head != person);
    let family = of_head.filter(|_| dice.chance(rates.phone_family));
    match family.or(city.phone_at(person, at)).or(of_head) {
        Some(phone) => {
            if of_head == Some(phone) {
                traps.push("phone-family");
            }
            text(phone)
        }
        None => String::new(),
    }
}

/// States the day of birth with a separator.
pub(crate) fn birth(
    city: &City,
    person: u32,
    separator: &str,
    dice: &mut Dice,
    traps: &mut Vec<&'static str>,
) -> String {
    if dice.chance(city.rates.birth_default) {
        traps.push("birth-default");
        return (*dice.pick(&[-25_567, 0])).to_day(separator);
    }
    city.people[person as usize].birth.to_day(separator)
}

/// Day text of a day since 1970-01-01.
trait ToDay {
    fn to_day(&self, separator: &str) -> String;
}

impl ToDay for i32 {
    fn to_day(&self, separator: &str) -> String {
        clock::day_text(i64::from(*self), separator)
    }
}
