//! The level that two names reach.

use rapidfuzz::distance::jaro_winkler;

use crate::compare::Reached;
use crate::hanzi;
use crate::name::{HIDDEN, NameForm, NameKind};
use crate::{Field, Level};

/// Jaro-Winkler similarity from which two Latin names are a slip apart.
const LATIN_NEAR_MIN: f64 = 0.9;

/// The best level over all forms of both; `None` when one has no name, or when nothing can be said.
pub(crate) fn compare_names(a: &[NameForm], b: &[NameForm]) -> Option<Reached> {
    let mut best: Option<Reached> = None;
    for left in a {
        for right in b {
            let Some(reached) = compare_forms(left, right) else { continue };
            if best.is_none_or(|best| rank(reached) < rank(best)) {
                best = Some(reached);
            }
        }
    }
    best
}

/// Order of preference; total, so that the order of the records does not matter.
fn rank(reached: Reached) -> (u8, i64) {
    let level = match reached.level {
        Level::Same => 0,
        Level::Sound => 1,
        Level::Fits => 2,
        Level::GivenName => 3,
        Level::Near => 4,
        Level::Surname => 5,
        _ => 6,
    };
    (level, (reached.stranger * 1024.0) as i64)
}

fn compare_forms(a: &NameForm, b: &NameForm) -> Option<Reached> {
    match (a.kind, b.kind) {
        (NameKind::Hidden, _) | (_, NameKind::Hidden) => compare_hidden(a, b),
        (NameKind::Han, NameKind::Han) => Some(compare_han(a, b)),
        (NameKind::Latin, NameKind::Latin) => Some(compare_latin(a, b)),
        (NameKind::Han, NameKind::Latin) => compare_across(a, b),
        (NameKind::Latin, NameKind::Han) => compare_across(b, a),
    }
}

/// A level with the frequency of what agrees. Where the two forms were split differently the greater frequency
/// counts, which is the weaker evidence.
fn reached(level: Level, family: Option<f32>, given: Option<f32>) -> Reached {
    let (family, given) = (f64::from(family.unwrap_or(0.0)), f64::from(given.unwrap_or(0.0)));
    Reached { field: Field::Name, level, stranger: family + given, family: given }
}

fn whole(level: Level, a: &NameForm, b: &NameForm) -> Reached {
    let (x, y) = (&a.frequency, &b.frequency);
    if x.family + x.given >= y.family + y.given {
        reached(level, Some(x.family), Some(x.given))
    } else {
        reached(level, Some(y.family), Some(y.given))
    }
}

fn sounds(a: &NameForm, b: &NameForm) -> Reached {
    let (x, y) = (&a.frequency, &b.frequency);
    if x.family_sound + x.given_sound >= y.family_sound + y.given_sound {
        reached(Level::Sound, Some(x.family_sound), Some(x.given_sound))
    } else {
        reached(Level::Sound, Some(y.family_sound), Some(y.given_sound))
    }
}

fn compare_han(a: &NameForm, b: &NameForm) -> Reached {
    if a.text == b.text {
        return whole(Level::Same, a, b);
    }
    if a.sound == b.sound {
        return sounds(a, b);
    }
    let same_family = a.family != 0 && (a.family == b.family || a.family_sound == b.family_sound);
    if same_family {
        let family = a.frequency.family_sound.max(b.frequency.family_sound);
        let level = if han_given_near(a.given_text(), b.given_text()) { Level::Near } else { Level::Surname };
        return reached(level, Some(family), None);
    }
    if a.family != 0 && b.family != 0 && a.given == b.given && a.given != 0 {
        return reached(Level::GivenName, None, Some(a.frequency.given.max(b.frequency.given)));
    }
    if is_permutation(&a.text, &b.text) || han_long_near(&a.text, &b.text) {
        return reached(Level::Near, Some(a.frequency.family.max(b.frequency.family)), None);
    }
    reached(Level::Different, None, None)
}

/// Given names with one character in common at the same place, one inside the other, or alike in sound.
fn han_given_near(a: &str, b: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if left.len() == right.len() {
        if left.len() > 1 && left.iter().zip(&right).any(|(x, y)| x == y) {
            return true;
        }
        return is_permutation(a, b) && left.len() > 1
            || hanzi::blurred(&hanzi::reading(left.into_iter())) == hanzi::blurred(&hanzi::reading(right.into_iter()));
    }
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    short.len() == 1 && long.len() == 2 && long.contains(&short[0])
}

/// Long transliterated names of which all but one or two characters agree.
fn han_long_near(a: &str, b: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let length = left.len().max(right.len());
    length >= 5 && left.len().min(right.len()) >= 4 && jaro_winkler::similarity(left, right) >= LATIN_NEAR_MIN
}

fn is_permutation(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (mut left, mut right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    left.sort_unstable();
    right.sort_unstable();
    left == right
}

fn compare_latin(a: &NameForm, b: &NameForm) -> Reached {
    if a.text == b.text || a.sound == b.sound {
        return whole(Level::Same, a, b);
    }
    let (x, y) = (&a.frequency, &b.frequency);
    let same_family = a.family != 0 && (a.family == b.family || a.family_sound == b.family_sound);
    let near = |x: &str, y: &str| !x.is_empty() && jaro_winkler::similarity(x.chars(), y.chars()) >= LATIN_NEAR_MIN;
    if same_family {
        let family = Some(x.family.max(y.family));
        return match given_fits(a.given_text(), b.given_text()) {
            Some(true) => reached(Level::Fits, family, Some(x.given.max(y.given))),
            // An initial says about as much as one letter of twenty.
            Some(false) => reached(Level::Fits, family, Some(-3.3)),
            None if near(a.given_text(), b.given_text()) => reached(Level::Near, family, None),
            None => reached(Level::Surname, family, None),
        };
    }
    if a.given == b.given && a.given != 0 {
        let given = Some(x.given.max(y.given));
        let level = if near(a.family_text(), b.family_text()) { Level::Near } else { Level::GivenName };
        return reached(level, None, given);
    }
    if near(a.family_text(), b.family_text()) && near(a.given_text(), b.given_text()) {
        return reached(Level::Near, Some(x.family.max(y.family)), None);
    }
    reached(Level::Different, None, None)
}

/// Whether two given names agree but for further names (`Some(true)`) or as name and initial (`Some(false)`).
fn given_fits(a: &str, b: &str) -> Option<bool> {
    let (first_a, first_b) = (a.split(' ').next()?, b.split(' ').next()?);
    if first_a.is_empty() || first_b.is_empty() {
        return None;
    }
    if first_a == first_b {
        let further = |name: &str| name.contains(' ');
        return (!(further(a) && further(b)) || initials(a) == initials(b)).then_some(true);
    }
    let (short, long) = if first_a.len() < first_b.len() { (first_a, first_b) } else { (first_b, first_a) };
    (short.chars().count() == 1 && long.starts_with(short)).then_some(false)
}

fn initials(name: &str) -> String {
    name.split(' ').filter_map(|word| word.chars().next()).collect()
}

/// Han characters against Latin letters: by sound alone. A mismatch says nothing, since the Latin name may be
/// another name altogether.
fn compare_across(han: &NameForm, latin: &NameForm) -> Option<Reached> {
    if han.sound == latin.sound {
        return Some(reached(Level::Sound, Some(han.frequency.family_sound), Some(han.frequency.given_sound)));
    }
    if han.family_sound != 0 && (han.family_sound == latin.family_sound || han.family_sound == latin.given_sound) {
        return Some(reached(Level::Surname, Some(han.frequency.family_sound), None));
    }
    None
}

/// A partly hidden name against another: the visible characters must stand at the same end.
fn compare_hidden(a: &NameForm, b: &NameForm) -> Option<Reached> {
    let (hidden, other) = match (a.kind, b.kind) {
        (NameKind::Hidden, NameKind::Hidden) => {
            let fits = pattern_fits(&a.text, &b.text);
            let (x, y) = (&a.frequency, &b.frequency);
            return Some(if fits {
                let less = if x.family + x.given >= y.family + y.given { x } else { y };
                reached(Level::Fits, Some(less.family), Some(less.given))
            } else {
                reached(Level::Different, None, None)
            });
        }
        (NameKind::Hidden, _) => (a, b),
        _ => (b, a),
    };
    let is_han = |form: &NameForm| form.text.chars().any(hanzi::is_han);
    if is_han(hidden) != is_han(other) {
        return None;
    }
    if pattern_fits(&hidden.text, &other.text) {
        return Some(reached(Level::Fits, Some(hidden.frequency.family), Some(hidden.frequency.given)));
    }
    if hidden.family_sound != 0 && hidden.family_sound == other.family_sound {
        return Some(reached(Level::Surname, Some(other.frequency.family_sound), None));
    }
    Some(reached(Level::Different, None, None))
}

/// Whether two texts agree wherever both show a character, from the front up to the first hidden one and from the back
/// down to the last; one character more or less may be hidden than is there.
fn pattern_fits(a: &str, b: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let equal = |(x, y): (&char, &char)| *x == HIDDEN || *y == HIDDEN || x == y;
    if left.len() == right.len() {
        return left.iter().zip(&right).all(equal);
    }
    if left.len().abs_diff(right.len()) > 1 {
        return false;
    }
    let shown = |x: &[char]| x.iter().position(|c| *c == HIDDEN).unwrap_or(x.len());
    let shown_back = |x: &[char]| x.iter().rev().position(|c| *c == HIDDEN).unwrap_or(x.len());
    let front = shown(&left).min(shown(&right));
    let back = shown_back(&left).min(shown_back(&right));
    let shorter = left.len().min(right.len());
    front + back <= shorter
        && left[..front] == right[..front]
        && left[left.len() - back..] == right[right.len() - back..]
}
