//! How well the values of a field agree: one of a few levels per field.

use super::field::{FIELDS, TableField};
use super::store::{Row, Table, Value};

/// A level of agreement; 0 where one record does not state the field.
pub(crate) type Level = u8;

pub(crate) const MISSING: Level = 0;
pub(crate) const SAME: Level = 1;
/// A slip away.
pub(crate) const NEAR: Level = 2;
/// Much in common.
pub(crate) const LOOSE: Level = 3;
/// An initial for a name, what is not hidden, a year.
pub(crate) const PART: Level = 4;
pub(crate) const DIFFERENT: Level = 5;
/// The values have changed places with those of the neighbouring field; of birth dates: other in every part,
/// or half a generation apart.
pub(crate) const SWAPPED: Level = 6;
/// How many levels there are, the missing one included.
pub(crate) const LEVELS: usize = 7;

/// The levels of all fields.
pub(crate) type Levels = [Level; FIELDS];

/// What a level is called.
pub(crate) const fn level_name(field: TableField, level: Level) -> &'static str {
    match level {
        SAME => "same",
        NEAR => "near",
        LOOSE => "loose",
        PART => "part",
        SWAPPED if matches!(field, TableField::Birth) => "far",
        SWAPPED => "swapped",
        MISSING => "missing",
        _ => "different",
    }
}

/// Compares two records field by field.
pub(crate) fn compare(table: &Table, a: &Row, b: &Row) -> Levels {
    let mut levels = [MISSING; FIELDS];
    for field in TableField::ALL {
        let place = field as usize;
        let (x, y) = (a[place], b[place]);
        if x == 0 || y == 0 {
            continue;
        }
        levels[place] = if x == y { SAME } else { differing(table, field, x, y) };
    }
    swapped(table, a, b, TableField::Given, TableField::Surname, &mut levels);
    swapped(table, a, b, TableField::Address1, TableField::Address2, &mut levels);
    if levels[TableField::Email as usize] == LOOSE && [a, b].into_iter().all(|row| is_of_name(table, row)) {
        levels[TableField::Email as usize] = DIFFERENT;
    }
    levels
}

/// Whether the half of the mail address before the sign says nothing but the name that stands beside it: namesakes have such
/// halves in common, which was said already.
fn is_of_name(table: &Table, row: &Row) -> bool {
    let text = |field: TableField| -> &str {
        match row[field as usize] {
            0 => "",
            number => table.text(field, number),
        }
    };
    let (half, _) = text(TableField::Email).split_once('@').unwrap_or_default();
    let given = || text(TableField::Given).split(' ');
    let words: Vec<&str> =
        given().chain(text(TableField::Surname).split(' ')).filter(|word| !word.is_empty()).collect();
    let mut parts = half.split(['.', '_', '-']).filter(|part| !part.is_empty()).peekable();
    // A beginning of a word is an initial or a short form; written together, the words follow each other.
    let is_word = |part: &str| words.iter().any(|word| word.starts_with(part)) || is_joined(part, &words);
    parts.peek().is_some() && parts.all(is_word)
}

/// Whether a text is two of the words written together, the first one perhaps as a beginning.
fn is_joined(text: &str, words: &[&str]) -> bool {
    words.iter().any(|last| {
        text.strip_suffix(last)
            .is_some_and(|first| words.iter().any(|word| !first.is_empty() && word.starts_with(first)))
    })
}

/// Looks whether the values of two fields have changed places.
fn swapped(table: &Table, a: &Row, b: &Row, first: TableField, second: TableField, levels: &mut Levels) {
    let (p, q) = (first as usize, second as usize);
    let crosses = (a[p] != 0 && a[p] == b[q], a[q] != 0 && a[q] == b[p]);
    if levels[p] == SAME || levels[q] == SAME {
        return;
    }
    if crosses == (false, false) {
        if first == TableField::Given
            && (levels[p] == DIFFERENT || levels[q] == DIFFERENT)
            && have_same_words(table, a, b)
        {
            levels[p] = SWAPPED;
            levels[q] = MISSING;
        }
        return;
    }
    let fits = |x: u32, y: u32| x == 0 || y == 0 || differing(table, first, x, y) <= LOOSE;
    let is_swap = match crosses {
        (true, true) => true,
        (true, false) => fits(a[q], b[p]),
        _ => fits(a[p], b[q]),
    };
    if is_swap {
        levels[p] = SWAPPED;
        levels[q] = MISSING;
    }
}

/// Whether two whole names are made of the same words, or one of some of the other's: who splits names does it in
/// more than one way.
fn have_same_words(table: &Table, a: &Row, b: &Row) -> bool {
    const PARTS: [TableField; 2] = [TableField::Given, TableField::Surname];
    let parts = |row: &Row| PARTS.map(|field| row[field as usize]);
    let (x, y) = (parts(a), parts(b));
    let value = |number: &u32| table.value(TableField::Given, *number);
    let all = || x.iter().chain(&y);
    if all().any(|number| *number == 0 || !value(number).ascii) || !all().any(|number| value(number).spaced) {
        return false;
    }
    let letters = |parts: &[u32; 2]| value(&parts[0]).mask | value(&parts[1]).mask;
    if letters(&x) & !letters(&y) != 0 && letters(&y) & !letters(&x) != 0 {
        return false;
    }
    let words = |parts: &[u32; 2]| -> Vec<&str> {
        parts.iter().flat_map(|number| table.text(TableField::Given, *number).split(' ')).collect()
    };
    let (mut few, mut many) = (words(&x), words(&y));
    if few.len() > many.len() {
        (few, many) = (many, few);
    }
    has_runs(&many, &few) || has_words(many, few.into_iter())
}

/// Whether the words of a name are those of the other, some of them written together.
fn has_runs(many: &[&str], few: &[&str]) -> bool {
    let mut left: Vec<&str> = many.to_vec();
    let all = few.iter().all(|word| {
        let is_run =
            |run: &[&str]| run.iter().map(|part| part.len()).sum::<usize>() == word.len() && run.concat() == *word;
        let found = (1..=left.len()).find_map(|long| Some((left.windows(long).position(is_run)?, long)));
        found.map(|(place, long)| left.drain(place..place + long)).is_some()
    });
    all && left.is_empty()
}

/// Whether a name has all these words, in whatever order; initials are none.
fn has_words<'a>(mut name: Vec<&str>, mut words: impl Iterator<Item = &'a str>) -> bool {
    words.all(|word| {
        let found = name.iter().position(|other| word == *other && word.len() > 1);
        found.map(|place| name.swap_remove(place)).is_some()
    })
}

fn differing(table: &Table, field: TableField, x: u32, y: u32) -> Level {
    let (left, right) = (table.value(field, x), table.value(field, y));
    match field {
        TableField::Sex => DIFFERENT,
        TableField::Birth => births(left.mask as u32, right.mask as u32),
        TableField::Given | TableField::Surname => names(table, field, x, y, left, right),
        TableField::NationalId | TableField::Phone | TableField::Postcode | TableField::StreetNumber => {
            codes(table, field, x, y, left, right)
        }
        TableField::Email => emails(table, field, x, y, left, right),
        _ => words(table, field, x, y, left, right),
    }
}

/// Years apart from which two birth dates are of two generations.
const GENERATION_YEARS: u32 = 14;

fn births(a: u32, b: u32) -> Level {
    let parts = |date: u32| (date / 10_000, date / 100 % 100, date % 100);
    let ((y1, m1, d1), (y2, m2, d2)) = (parts(a), parts(b));
    if m1 == 0 || m2 == 0 {
        return years(y1, y2, m1 == 0 && m2 == 0);
    }
    let vague = |m: u32, d: u32| (m == 1 && d == 1) || d == 0;
    if y1 == y2 && m1 == d2 && d1 == m2 {
        return NEAR;
    }
    let digits = |date: u32| -> [u8; 8] {
        let mut rest = date;
        let mut found = [0; 8];
        for digit in found.iter_mut().rev() {
            *digit = (rest % 10) as u8;
            rest /= 10;
        }
        found
    };
    let (left, right) = (digits(a), digits(b));
    let differing = (0..8).filter(|place| left[*place] != right[*place]).count();
    if y1 == y2 && (vague(m1, d1) || vague(m2, d2)) {
        return PART;
    }
    if differing == 1 || differing == 2 && within(&left, &right, 1).is_some() {
        return NEAR;
    }
    let same_day = m1 == m2 && d1 == d2;
    if y1 == y2 && (m1 == m2 || d1 == d2) || same_day && !vague(m1, d1) || differing == 2 {
        return LOOSE;
    }
    let all_differ = y1 != y2 && m1 != m2 && d1 != d2 && !vague(m1, d1) && !vague(m2, d2);
    if y1.abs_diff(y2) >= GENERATION_YEARS || all_differ { SWAPPED } else { DIFFERENT }
}

/// Years of which one or both are all that is known.
fn years(a: u32, b: u32, both: bool) -> Level {
    match a.abs_diff(b) {
        0 => PART,
        1 if both => NEAR,
        1..=3 => LOOSE,
        GENERATION_YEARS.. => SWAPPED,
        _ => DIFFERENT,
    }
}

fn names(table: &Table, field: TableField, x: u32, y: u32, left: &Value, right: &Value) -> Level {
    let (short, long) = if left.chars <= right.chars { (left, right) } else { (right, left) };
    if left.hidden || right.hidden {
        return fits(table.text(field, x), table.text(field, y));
    }
    if short.reading == long.reading {
        return NEAR;
    }
    if (left.spaced || right.spaced) && left.ascii && right.ascii {
        let level = several_words(table.text(field, x), table.text(field, y));
        if level != DIFFERENT {
            return level;
        }
    }
    let changed = (left.mask ^ right.mask).count_ones();
    if short.chars == 1 && long.ascii && short.ascii {
        let heads = table.text(field, x).as_bytes().first() == table.text(field, y).as_bytes().first();
        return if heads { PART } else { DIFFERENT };
    }
    if !left.ascii || !right.ascii {
        return han_names(table, field, x, y, left, right);
    }
    let most = match long.chars {
        0..4 => 0,
        4..6 => 1,
        6..9 => 2,
        // What several words have in common makes room for no more slips.
        _ if left.spaced && right.spaced => 2,
        _ => 3,
    };
    if most > 0 && changed <= 2 * most && long.chars - short.chars <= most as u8 {
        let (a, b) = (table.text(field, x).as_bytes(), table.text(field, y).as_bytes());
        match within(a, b, most as usize) {
            Some(0 | 1) => return NEAR,
            Some(_) => return LOOSE,
            None => {}
        }
    }
    if field == TableField::Given && table.are_pet_names(x, y) {
        return LOOSE;
    }
    if long.chars == 3 && changed <= 2 {
        let (a, b) = (table.text(field, x).as_bytes(), table.text(field, y).as_bytes());
        if a.first() == b.first() && within(a, b, 1).is_some() {
            return LOOSE;
        }
    }
    if short.sound == long.sound && short.chars >= 4 {
        return LOOSE;
    }
    if (short.mask & !long.mask) == 0 && short.chars >= 3 {
        let (a, b) = (table.text(field, x), table.text(field, y));
        if b.starts_with(a) || a.starts_with(b) {
            return LOOSE;
        }
    }
    DIFFERENT
}

/// Names of several words: the words of the shorter must be words, initials or beginnings of words of the longer, in
/// order; whole words may stand in another order.
fn several_words(a: &str, b: &str) -> Level {
    let (few, many) = if a.split(' ').count() <= b.split(' ').count() { (a, b) } else { (b, a) };
    let fits = |x: &str, y: &str| {
        if x == y {
            return 2;
        }
        let initial = (x.len() == 1 || y.len() == 1) && x.as_bytes().first() == y.as_bytes().first();
        if initial {
            1
        } else if x.len() > 3 && y.len() > 3 && within(x.as_bytes(), y.as_bytes(), 1).is_some() {
            3
        } else if x.len().abs_diff(y.len()) > 1 && (x.starts_with(y) || y.starts_with(x)) {
            4
        } else {
            0
        }
    };
    let mut rest = many.split(' ');
    let (mut whole, mut near, mut skipped_first) = (false, false, false);
    for (place, word) in few.split(' ').enumerate() {
        let mut skipped = false;
        let found = rest.by_ref().map(|other| fits(word, other)).find(|fit| {
            skipped |= *fit == 0;
            *fit != 0
        });
        match found {
            Some(2) if word.len() > 1 => whole = true,
            Some(3) => near = true,
            Some(_) => {}
            None if few.contains(' ') && has_words(many.split(' ').collect(), few.split(' ')) => {
                return if few.len() == many.len() { NEAR } else { LOOSE };
            }
            None => return DIFFERENT,
        }
        skipped_first |= place == 0 && skipped;
    }
    match (whole, near) {
        (true, false) if !skipped_first => NEAR,
        (true, _) | (_, true) => LOOSE,
        _ if !skipped_first => PART,
        _ => DIFFERENT,
    }
}

fn han_names(table: &Table, field: TableField, x: u32, y: u32, left: &Value, right: &Value) -> Level {
    if left.sound == right.sound {
        return LOOSE;
    }
    if left.ascii != right.ascii {
        return DIFFERENT;
    }
    let chars = |number: u32| -> Vec<char> { table.text(field, number).chars().collect() };
    let (a, b) = (chars(x), chars(y));
    match (within(&a, &b, 2), a.len().max(b.len())) {
        (Some(1), 5..) => NEAR,
        (Some(1), 2..) | (Some(2), 6..) => LOOSE,
        _ => DIFFERENT,
    }
}

/// Whether what is not hidden agrees.
fn fits(a: &str, b: &str) -> Level {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let agrees = |x: &[char], y: &[char]| x.iter().zip(y).all(|(p, q)| p == q || *p == '*' || *q == '*');
    // One star may stand for several characters at the end.
    let open = a.ends_with(&['*']) || b.ends_with(&['*']);
    if (a.len() == b.len() || open) && agrees(&a, &b) { PART } else { DIFFERENT }
}

fn codes(table: &Table, field: TableField, x: u32, y: u32, left: &Value, right: &Value) -> Level {
    let (a, b) = (table.text(field, x), table.text(field, y));
    if left.hidden || right.hidden {
        let shown = |text: &str| text.bytes().filter(|byte| *byte != b'*').count();
        return if a.len() == b.len() && shown(a).min(shown(b)) >= 4 { fits(a, b) } else { DIFFERENT };
    }
    let long = left.chars.max(right.chars);
    let most = match long {
        0..2 => 0,
        2..7 => 1,
        _ => 2,
    };
    if most == 0 || (left.mask ^ right.mask).count_ones() > 2 * most || left.chars.abs_diff(right.chars) > most as u8 {
        return DIFFERENT;
    }
    match within(a.as_bytes(), b.as_bytes(), most as usize) {
        Some(_) if field == TableField::NationalId && is_resident(a) && is_resident(b) => DIFFERENT,
        Some(0 | 1) if long >= 4 => NEAR,
        Some(_) => LOOSE,
        None => DIFFERENT,
    }
}

/// Whether a number is a resident number whose check digit fits. No single slip leads from one such number to another,
/// so two of them are two people's, though those of twins differ in two digits only.
fn is_resident(number: &str) -> bool {
    number.len() == 18 && domain::ResidentId::parse(number).is_ok()
}

fn emails(table: &Table, field: TableField, x: u32, y: u32, left: &Value, right: &Value) -> Level {
    let (a, b) = (table.text(field, x), table.text(field, y));
    if (left.mask ^ right.mask).count_ones() <= 4
        && left.chars.abs_diff(right.chars) <= 2
        && within(a.as_bytes(), b.as_bytes(), 2).is_some()
        && !are_numbered(a, b)
    {
        return NEAR;
    }
    // The half before the sign.
    if left.reading == right.reading { LOOSE } else { DIFFERENT }
}

/// Whether two mail addresses are of one name and differ in its digits alone: namesakes are told apart so, and a slip
/// seldom falls on just these.
fn are_numbered(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|c| !c.is_ascii_digit()).collect() };
    let name = letters(a);
    !name.starts_with('@') && name == letters(b)
}

fn words(table: &Table, field: TableField, x: u32, y: u32, left: &Value, right: &Value) -> Level {
    let long = left.chars.max(right.chars);
    let most = u32::from(match long {
        0..4 => 0,
        4..6 => 1,
        _ => (long / 4).min(5),
    });
    let changed = (left.mask ^ right.mask).count_ones();
    if most > 0 && changed <= 2 * most && u32::from(left.chars.abs_diff(right.chars)) <= most {
        let (a, b) = (table.text(field, x), table.text(field, y));
        let distance = if left.ascii && right.ascii {
            within(a.as_bytes(), b.as_bytes(), most as usize)
        } else {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            within(&a, &b, most as usize)
        };
        match distance {
            Some(steps) if steps <= 1 || steps * 8 <= usize::from(long) => return NEAR,
            Some(_) => return LOOSE,
            None => {}
        }
    }
    if left.reading == right.reading {
        return NEAR;
    }
    let (short, long) = if left.chars <= right.chars { (left, right) } else { (right, left) };
    let may_begin = short.chars >= 3 && short.mask & !long.mask == 0;
    let may_share = (left.spaced || right.spaced) && left.may_share_words(right);
    if !may_begin && !may_share {
        return DIFFERENT;
    }
    let (a, b) = (table.text(field, x), table.text(field, y));
    let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if may_begin && b.starts_with(a) || may_share && shares_words(a, b) { LOOSE } else { DIFFERENT }
}

/// Whether at least half of the letters of the shorter stand in words that both have.
fn shares_words(a: &str, b: &str) -> bool {
    let common: usize =
        a.split(' ').filter(|word| word.len() > 1 && b.split(' ').any(|other| other == *word)).map(str::len).sum();
    let letters = |text: &str| text.bytes().filter(|byte| *byte != b' ').count();
    common * 2 > letters(a).min(letters(b)) && common * 3 > letters(a).max(letters(b))
}

/// Longest text, in characters, that is looked at.
const CHARS_MAX: usize = 64;

/// The number of insertions, deletions, replacements and swaps of neighbours from one text to the other, if there are
/// at most `most`.
pub(crate) fn within<T: PartialEq + Copy>(a: &[T], b: &[T], most: usize) -> Option<usize> {
    let (mut a, mut b) = (&a[..a.len().min(CHARS_MAX)], &b[..b.len().min(CHARS_MAX)]);
    if a.len() > b.len() {
        (a, b) = (b, a);
    }
    if b.len() - a.len() > most {
        return None;
    }
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    (a, b) = (&a[same..], &b[same..]);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    (a, b) = (&a[..a.len() - same], &b[..b.len() - same]);
    if a.is_empty() {
        return (b.len() <= most).then_some(b.len());
    }
    // Three rows of the usual table, for the shorter text.
    let width = a.len() + 1;
    let mut rows = [[0_u8; CHARS_MAX + 1]; 3];
    let [mut before, mut last, mut row] = rows.each_mut();
    for (place, cell) in last[..width].iter_mut().enumerate() {
        *cell = place as u8;
    }
    for (j, y) in b.iter().enumerate() {
        row[0] = j as u8 + 1;
        let mut least = row[0];
        for (i, x) in a.iter().enumerate() {
            let mut cost = (last[i] + u8::from(x != y)).min(last[i + 1] + 1).min(row[i] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[i - 1] + 1);
            }
            row[i + 1] = cost;
            least = least.min(cost);
        }
        if usize::from(least) > most {
            return None;
        }
        (before, last, row) = (last, row, before);
    }
    let distance = usize::from(last[width - 1]);
    (distance <= most).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::super::Column;
    use super::super::pool::TextPool;
    use super::super::store::RawColumn;
    use super::*;

    #[test]
    fn distances_count_swaps_of_neighbours_as_one() {
        for (a, b, distance) in
            [("anna", "anna", 0), ("anna", "ana", 1), ("smith", "simth", 1), ("smith", "smythe", 2), ("", "ab", 2)]
        {
            assert_eq!(within(a.as_bytes(), b.as_bytes(), 3), Some(distance), "{a} {b}");
        }
        assert_eq!(within(b"catherine", b"kathryn", 3), None);
    }

    /// The levels of two records, each column with the text of either.
    fn levels_of(columns: &[(Column, [&str; 2])]) -> Levels {
        let column = |(column, stated): &(Column, [&str; 2])| {
            let mut texts = TextPool::new();
            let cells = stated.map(|text| texts.intern(text)).to_vec();
            texts.seal();
            RawColumn { column: *column, texts, cells }
        };
        let table = Table::new(columns.iter().map(column).collect(), 2, &[]);
        compare(&table, &table.rows[0], &table.rows[1])
    }

    #[test]
    fn a_mail_address_of_nothing_but_the_name_is_another_one_where_its_provider_is() {
        let level = |x: &str, y: &str| {
            let names = [(Column::GivenName, ["anna", "anna"]), (Column::Surname, ["berg", "berg"])];
            levels_of(&[names.as_slice(), &[(Column::Email, [x, y])]].concat())[TableField::Email as usize]
        };
        for half in ["anna.berg", "annaberg", "a.berg", "aberg", "berg_anna"] {
            assert_eq!(level(&format!("{half}@one.example"), &format!("{half}@other.example")), DIFFERENT, "{half}");
        }
        for half in ["anna.berg77", "sunflower", "annaberglund", "a.m.berg"] {
            assert_eq!(level(&format!("{half}@one.example"), &format!("{half}@other.example")), LOOSE, "{half}");
        }
        assert_eq!(level("anna.berg@one.example", "anna.berg@one.example"), SAME);
    }

    #[test]
    fn words_of_a_name_may_be_written_together() {
        let level = |given: [&str; 2], surname: [&str; 2]| {
            let levels = levels_of(&[(Column::GivenName, given), (Column::Surname, surname)]);
            [TableField::Given, TableField::Surname].map(|field| levels[field as usize])
        };
        assert_eq!(level(["seo hyun", "hyunhwan"], ["hwan", "seo"]), [SWAPPED, MISSING]);
        assert_eq!(level(["seo hyun", "hyunhwan"], ["jin", "seo"])[0], DIFFERENT, "another word");
    }

    #[test]
    fn two_right_resident_numbers_are_no_slip() {
        let level = |x: &str, y: &str| levels_of(&[(Column::NationalId, [x, y])])[TableField::NationalId as usize];
        // Twins; a wrong digit; two wrong digits.
        assert_eq!(level("320588200002072026", "320588200002072042"), DIFFERENT);
        assert_eq!(level("320588200002072026", "320588200002072028"), NEAR);
        assert_eq!(level("320588200002072026", "320588200002073028"), LOOSE);
    }

    #[test]
    fn births_agree_in_levels() {
        for (a, b, level) in [
            (19_870_211, 19_871_102, NEAR),
            (19_870_211, 19_870_221, NEAR),
            (19_870_211, 19_780_211, NEAR),
            (19_870_211, 19_870_000, PART),
            (19_870_211, 19_870_225, LOOSE),
            (19_870_211, 19_900_930, SWAPPED),
            (19_870_101, 19_920_930, DIFFERENT),
            (19_870_211, 19_551_023, SWAPPED),
        ] {
            assert_eq!(births(a, b), level, "{a} {b}");
        }
    }
}
