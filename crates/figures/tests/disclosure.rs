//! What an attacker with a pencil learns from what is shown: nothing about fewer than ten people. The attacker here knows the
//! shown cells exactly, not only rounded, and solves all sums at once.

use figures::{PEOPLE_MIN, ROUNDED_TO, Release, Risk, Shown, Table, protect};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

fn table(dice: &mut ChaCha8Rng) -> Table {
    let (height, width) = (dice.random_range(1..7), dice.random_range(1..6));
    let count = |dice: &mut ChaCha8Rng| match dice.random_range(0..4) {
        0 => dice.random_range(0..10),
        1 => dice.random_range(0..30),
        _ => dice.random_range(10..500),
    };
    let counts = (0..height).map(|_| (0..width).map(|_| count(dice)).collect()).collect();
    let names = |number: usize| (0..number).map(|one| one.to_string()).collect();
    Table { rows: names(height), columns: names(width), counts }
}

/// The hidden cells that follow from the shown ones, by Gaussian elimination over all rows and columns.
fn solved(shown: &Shown) -> Vec<(usize, usize)> {
    let (height, width) = (shown.cells.len(), shown.cells[0].len());
    let hidden: Vec<(usize, usize)> = (0..height)
        .flat_map(|row| (0..width).map(move |column| (row, column)))
        .filter(|(row, column)| shown.cells[*row][*column].is_none())
        .collect();
    // A line says: its cells minus its total are nothing. The sign is all that counts here, and only of hidden cells.
    let equation = |fits: &dyn Fn(&(usize, usize)) -> bool, is_total: &dyn Fn(&(usize, usize)) -> bool| -> Vec<f64> {
        let sign = |place: &(usize, usize)| if is_total(place) { -1.0 } else { 1.0 };
        hidden.iter().map(|place| if fits(place) { sign(place) } else { 0.0 }).collect()
    };
    let mut equations: Vec<Vec<f64>> = (0..height)
        .map(|line| equation(&|(row, _)| *row == line, &|(_, column)| *column == width - 1))
        .chain((0..width).map(|line| equation(&|(_, column)| *column == line, &|(row, _)| *row == height - 1)))
        .collect();
    let mut rank = 0;
    for column in 0..hidden.len() {
        let Some(pivot) = (rank..equations.len()).find(|one| equations[*one][column].abs() > 1e-9) else { continue };
        equations.swap(rank, pivot);
        let first = equations[rank].clone();
        for (_, other) in equations.iter_mut().enumerate().filter(|(one, _)| *one != rank) {
            let times = other[column] / first[column];
            other.iter_mut().zip(&first).for_each(|(value, of_first)| *value -= times * of_first);
        }
        rank += 1;
    }
    let nonzero = |equation: &Vec<f64>| -> Vec<usize> {
        equation.iter().enumerate().filter(|(_, value)| value.abs() > 1e-9).map(|(place, _)| place).collect()
    };
    equations.iter().map(nonzero).filter(|places| places.len() == 1).map(|places| hidden[places[0]]).collect()
}

fn check(table: &Table, shown: &Shown) {
    let counts = table.with_totals();
    for (row, cells) in shown.cells.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            if let Some(value) = cell {
                assert!(counts[row][column] >= PEOPLE_MIN && value % ROUNDED_TO == 0, "{table:?} {shown:?}");
                assert!(value.abs_diff(counts[row][column]) < PEOPLE_MIN);
            }
        }
    }
    assert_eq!(solved(shown), [], "{table:?} {shown:?}");
    for (row, cells) in shown.cells[..table.rows.len()].iter().enumerate() {
        let hidden: Vec<u32> =
            (0..table.columns.len()).filter(|one| cells[*one].is_none()).map(|one| counts[row][one]).collect();
        let people: u32 = hidden.iter().sum();
        assert!(
            hidden.is_empty() || people >= PEOPLE_MIN || cells[table.columns.len()].is_none(),
            "{table:?} {shown:?}"
        );
    }
}

#[test]
fn no_hidden_count_follows_from_the_sums_of_10_000_random_tables() {
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let (mut cells, mut hidden) = (0, 0);
    for _ in 0..10_000 {
        let table = table(&mut dice);
        let shown = protect(&table, &[]).expect("a first release never is a risk");
        check(&table, &shown);
        cells += shown.cells.iter().map(Vec::len).sum::<usize>();
        hidden += shown.cells.iter().flatten().filter(|cell| cell.is_none()).count();
    }
    println!("{hidden} of {cells} cells hidden");
    assert!(hidden * 10 < cells * 8, "almost nothing is shown: {hidden} of {cells}");
}

#[test]
fn no_two_of_10_000_random_sequences_of_releases_tell_a_change_of_fewer_than_ten_people() {
    let mut dice = ChaCha8Rng::seed_from_u64(8);
    let (mut released, mut refused) = (0, 0);
    for _ in 0..10_000 {
        let mut table = table(&mut dice);
        let mut releases: Vec<Release> = Vec::new();
        for _ in 0..dice.random_range(2..6) {
            match protect(&table, &releases) {
                Ok(shown) => {
                    check(&table, &shown);
                    compare(&releases, &table, &shown);
                    releases.push(Release { table: table.clone(), shown });
                    released += 1;
                }
                Err(Risk::Differencing) => refused += 1,
                Err(Risk::Shape) => panic!("the same rows and columns"),
            }
            for count in table.counts.iter_mut().flatten() {
                let change = dice.random_range(-12..20) * i64::from(dice.random_bool(0.6));
                *count = u32::try_from(i64::from(*count) + change).unwrap_or(0);
            }
        }
    }
    println!("{released} released, {refused} refused");
    assert!(released > refused * 3, "{released} released, {refused} refused");
}

/// What differs between two releases differs by ten people or more; what is shown now and was hidden then, too.
fn compare(releases: &[Release], table: &Table, shown: &Shown) {
    let now = table.with_totals();
    for release in releases {
        let then = release.table.with_totals();
        for (row, cells) in shown.cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let before = release.shown.cells[row][column];
                let moved = now[row][column].abs_diff(then[row][column]);
                assert!(cell.is_none() || *cell == before || moved >= PEOPLE_MIN, "{release:?} {table:?} {shown:?}");
            }
        }
    }
}

#[test]
fn a_table_with_other_rows_is_not_compared_and_not_released() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let one = Table { rows: names(&["a", "b"]), columns: names(&["x"]), counts: vec![vec![20], vec![30]] };
    let shown = protect(&one, &[]).expect("released");
    assert_eq!(shown.cells, [[Some(20), Some(20)], [Some(30), Some(30)], [Some(50), Some(50)]]);
    let earlier = [Release { table: one.clone(), shown }];
    let finer = Table { rows: names(&["a", "c"]), ..one.clone() };
    assert_eq!(protect(&finer, &earlier), Err(Risk::Shape));
    let broken = Table { counts: vec![vec![20]], ..one.clone() };
    assert_eq!(protect(&broken, &[]), Err(Risk::Shape));
    // Three people more than before are not told.
    let later = Table { counts: vec![vec![23], vec![30]], ..one };
    assert_eq!(protect(&later, &earlier).expect("released").cells[0][0], Some(20));
}
