//! Clocks that were wrong for a while, told by the numbers that a device counts its records with.
//!
//! Sorted by these numbers, times only grow. Where they do not, the fewest records are taken as wrong that make the others
//! grow, and each gets the time between its neighbours. A counter that began anew, or a device of which most times
//! contradict each other, tells nothing and is left as it is.
//!
//! That is done within a chunk, whose rows are the same whenever it is read. Between chunks, what contradicts the last pass
//! of its device is flagged and keeps its time: there are no neighbours on both sides, and bodies may be read in another
//! order the next time.

use std::collections::{BTreeMap, HashMap};

use domain::{Body, Precision, Timestamp};
use store::devices::Pass;

use crate::chunk::{Chunk, MappedRow};

/// Numbers that the right neighbours of a wrong record may lie apart.
const GAP_MAX: i64 = 1_000;
/// At most one record in so many is taken as wrong.
const WRONG_ONE_IN: usize = 4;

/// The passes of a chunk by their device, each with its number, sorted by it.
pub(crate) type Devices = BTreeMap<String, Vec<Point>>;

/// Mends the times of gate passes that contradict the numbers of their device. What is mended is flagged; the content by
/// which a repeated row is recognised stays that of the row. Gives the passes that kept their time.
pub(crate) fn repair(rows: &mut [MappedRow]) -> Devices {
    let mut by_gate = Devices::new();
    for (row, mapped) in rows.iter().enumerate() {
        for (draft, mapped) in mapped.result.iter().flatten().enumerate() {
            if let Body::GatePass(pass) = &mapped.draft.body
                && let Some(number) = pass.device_seq
            {
                let point = Point { number, time_ms: pass.scan_time.as_millis(), row, draft };
                by_gate.entry(pass.gate_id.clone()).or_default().push(point);
            }
        }
    }
    for points in by_gate.values_mut() {
        points.sort_by_key(|point| (point.number, point.time_ms));
        let repaired = repaired(points);
        for (place, time_ms) in repaired.iter().copied() {
            let Point { row, draft, .. } = points[place];
            let Ok(drafts) = &mut rows[row].result else { continue };
            let draft = &mut drafts[draft].draft;
            let time = Timestamp::from_millis(time_ms);
            (draft.event_time, draft.precision) = (time, Precision::Unknown);
            draft.quality_flags.push("clock-repaired");
            if let Body::GatePass(pass) = &mut draft.body {
                pass.scan_time = time;
            }
        }
        for (place, _) in repaired.iter().rev() {
            points.remove(*place);
        }
    }
    by_gate
}

/// Flags passes that contradict the last pass that is known of their device, and gives the last ones of the chunk.
pub(crate) fn compare(chunk: &mut Chunk, last: &HashMap<String, Pass>) -> Vec<Pass> {
    let devices = std::mem::take(&mut chunk.devices);
    for (device, points) in &devices {
        let Some(known) = last.get(device) else { continue };
        for point in points {
            let (numbers, times) = (point.number.cmp(&known.number), point.time_ms.cmp(&known.time_ms));
            // A number far from the last one is that of a counter that began anew.
            let is_near = point.number.abs_diff(known.number) <= GAP_MAX.unsigned_abs();
            if is_near
                && numbers == times.reverse()
                && numbers.is_ne()
                && let Ok(drafts) = &mut chunk.rows[point.row].result
            {
                drafts[point.draft].draft.quality_flags.push("sequence-contradicts");
            }
        }
    }
    let newest = |(device, points): (String, Vec<Point>)| {
        points.last().map(|point| Pass { device, number: point.number, time_ms: point.time_ms })
    };
    devices.into_iter().filter_map(newest).collect()
}

/// A record of a device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    number: i64,
    time_ms: i64,
    row: usize,
    draft: usize,
}

/// The places of wrong records among those sorted by number, with the times that they get.
fn repaired(points: &[Point]) -> Vec<(usize, i64)> {
    if points.windows(2).all(|pair| pair[0].time_ms <= pair[1].time_ms) {
        return Vec::new();
    }
    let right = longest_growing(points);
    if (points.len() - right.len()) * WRONG_ONE_IN > points.len() {
        return Vec::new();
    }
    let mut repaired = Vec::new();
    for pair in right.windows(2) {
        let (before, after) = (points[pair[0]], points[pair[1]]);
        let gap = after.number - before.number;
        if !(1..=GAP_MAX).contains(&gap) {
            continue;
        }
        let between = |place: usize| {
            let step = points[place].number - before.number;
            (place, before.time_ms + (after.time_ms - before.time_ms) / gap * step)
        };
        repaired.extend((pair[0] + 1..pair[1]).map(between));
    }
    repaired
}

/// The places of the longest sequence of times that never falls.
fn longest_growing(points: &[Point]) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(points.len());
    for (place, point) in points.iter().enumerate() {
        let length = ends.partition_point(|end| points[*end].time_ms <= point.time_ms);
        before.push(length.checked_sub(1).map(|last| ends[last]));
        match ends.get_mut(length) {
            Some(end) => *end = place,
            None => ends.push(place),
        }
    }
    let mut sequence: Vec<usize> = std::iter::successors(ends.last().copied(), |place| before[*place]).collect();
    sequence.reverse();
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(times: &[(i64, i64)]) -> Vec<(usize, i64)> {
        let point = |(number, time_ms): &(i64, i64)| Point { number: *number, time_ms: *time_ms, row: 0, draft: 0 };
        repaired(&times.iter().map(point).collect::<Vec<_>>())
    }

    #[test]
    fn times_that_grow_are_left_alone() {
        assert_eq!(mended(&[(1, 10), (2, 10), (5, 30)]), []);
    }

    #[test]
    fn a_clock_that_was_wrong_for_a_while_is_mended_between_its_neighbours() {
        let drifted = [(1, 100), (2, 200), (3, 9_000), (4, 9_100), (5, 500), (6, 600), (7, 700), (8, 800), (9, 900)];
        assert_eq!(mended(&drifted), [(2, 300), (3, 400)]);
        let set_back = [(1, 100), (2, 200), (3, 0), (4, 400), (5, 500)];
        assert_eq!(mended(&set_back), [(2, 300)]);
    }

    #[test]
    fn a_counter_that_began_anew_or_a_clock_that_contradicts_itself_tells_nothing() {
        let anew = [
            (1, 9_000),
            (2, 9_100),
            (1_001, 100),
            (1_002, 200),
            (1_003, 300),
            (1_004, 400),
            (1_005, 500),
            (1_006, 600),
        ];
        assert_eq!(mended(&anew), []);
        assert_eq!(mended(&[(1, 500), (2, 400), (3, 300), (4, 200)]), []);
    }
}
