//! Numbers for people and places, as [`exposure::Index`] wants them.

use anyhow::ensure;
use exposure::{FactId, Grid, Located, Overlap, PersonId, PlaceId, Position, Rules, Seconds, Square};

use super::clock::Clock;
use super::read::Seen;
use super::rows::{Place, Row, Rows};
use super::told::Told;

/// Gives out the numbers.
pub(super) fn numbered(
    rows: Rows<'_>,
    clock: Clock,
    rules: &Rules,
    keeps_moments: bool,
    told: Told,
) -> anyhow::Result<Seen> {
    let (people, number_of) = in_order(rows.people.in_order());
    let places = rows.places.in_order();
    let places = (0..).zip(&places).map(|(number, place)| {
        squares(place, PlaceId(number), rules).map_err(|error| match rows.lines.get(number as usize) {
            Some(line) => error.context(format!("line {line}")),
            None => error,
        })
    });
    let places = places.collect::<anyhow::Result<Vec<_>>>()?;
    let located = |fact: usize, row: &Row, person: u32| Located {
        person: PersonId(number_of[person as usize]),
        place: PlaceId(row.place),
        span: span(row, clock, keeps_moments),
        confidence: 1.0,
        fact: FactId(fact as u32),
    };
    let stays = rows.all.iter().enumerate().flat_map(|(fact, row)| {
        [Some(row.one), row.other].into_iter().flatten().map(move |person| located(fact, row, person))
    });
    Ok(Seen { stays: stays.collect(), rows: rows.all.len(), people, places, clock, told })
}

fn span(row: &Row, clock: Clock, keeps_moments: bool) -> Seconds {
    let (from, to) = (clock.step(row.from), clock.step(row.to.unwrap_or(row.from)));
    Seconds { from, to: if from == to && keeps_moments { to + 1 } else { to } }
}

/// People by size of number and then by text, and the place of each in that order.
fn in_order(people: Vec<String>) -> (Vec<String>, Vec<u32>) {
    let size = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    let mut order: Vec<usize> = (0..people.len()).collect();
    order.sort_unstable_by_key(|known| (size(&people[*known]), &people[*known]));
    let mut number_of = vec![0; people.len()];
    (0..).zip(&order).for_each(|(number, known)| number_of[*known] = number);
    (order.into_iter().map(|known| people[known].clone()).collect(), number_of)
}

/// The squares of a place. One without a position has a square of its own, which is nowhere on earth and has no neighbours.
fn squares(place: &Place, number: PlaceId, rules: &Rules) -> anyhow::Result<Vec<Overlap>> {
    let Place::At(bits) = place else {
        let unfit =
            "its places have no position, so no neighbouring squares: set contact.neighbours = false in the rules";
        ensure!(!rules.contact.neighbours, unfit);
        return Ok(vec![Overlap { square: Square { row: i32::MIN, column: number.0 as i32 }, share: 1.0 }]);
    };
    let [lat, lon, radius] = bits.map(f64::from_bits);
    let position = Position::new(lat, lon)?;
    Ok(Grid::new(&rules.square).disc(position, radius)?)
}
