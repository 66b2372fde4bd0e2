//! Which cells are shown, and as what.

use crate::{PEOPLE_MIN, ROUNDED_TO, Release, Shown, Table};

/// Why a table cannot be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Risk {
    /// Rows or columns are not those of the earlier releases, or counts are missing.
    #[error("the table has other rows or columns than the earlier releases of its kind")]
    Shape,
    /// What would have to be hidden was shown before, and hardly changed.
    #[error("a cell that has to be hidden was shown in an earlier release")]
    Differencing,
}

/// A cell in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    count: u32,
    shown: Option<u32>,
    /// Hiding it would be of no use: an earlier release shows about the same.
    is_known: bool,
}

type Grid = Vec<Vec<Cell>>;

/// What the public sees of a table after these releases of the same kind.
///
/// # Errors
/// [`Risk`]: then nothing of it may be released.
pub fn protect(table: &Table, earlier: &[Release]) -> Result<Shown, Risk> {
    let same = |release: &Release| release.table.rows == table.rows && release.table.columns == table.columns;
    if !table.is_whole() || !earlier.iter().all(same) {
        return Err(Risk::Shape);
    }
    let before: Vec<(Vec<Vec<u32>>, &Shown)> =
        earlier.iter().map(|release| (release.table.with_totals(), &release.shown)).collect();
    let mut grid: Grid = Vec::new();
    for (row, counts) in table.with_totals().into_iter().enumerate() {
        let cells = counts.into_iter().enumerate().map(|(column, count)| {
            let history: Vec<(u32, Option<u32>)> =
                before.iter().map(|(counts, shown)| (counts[row][column], shown.cells[row][column])).collect();
            alone(count, &history)
        });
        grid.push(cells.collect());
    }
    while let Some((row, column)) = unsafe_cell(&grid) {
        hide_beside(&mut grid, row, column)?;
    }
    let cells = grid.into_iter().map(|row| row.into_iter().map(|cell| cell.shown).collect()).collect();
    Ok(Shown { rows: table.rows.clone(), columns: table.columns.clone(), cells })
}

/// A cell by itself: hidden when it is small, and like before when it hardly changed.
fn alone(count: u32, history: &[(u32, Option<u32>)]) -> Cell {
    let near = || history.iter().filter(|(then, _)| then.abs_diff(count) < PEOPLE_MIN).map(|(_, shown)| *shown);
    let is_known = near().any(|shown| shown.is_some());
    let hidden = Cell { count, shown: None, is_known };
    if count < PEOPLE_MIN {
        return hidden;
    }
    let rounded = (count + ROUNDED_TO / 2) / ROUNDED_TO * ROUNDED_TO;
    // The latest release that is near decides; what is near to two that differ is hidden.
    let value = near().next_back().unwrap_or(Some(rounded));
    match value {
        // Small steps that were not told add up: what is too old to be shown is hidden.
        Some(value) if value.abs_diff(count) < PEOPLE_MIN && near().all(|shown| shown == Some(value)) => {
            Cell { count, shown: Some(value), is_known }
        }
        _ => hidden,
    }
}

/// A hidden cell that the shown ones give away: it follows from the sums, or it hides, with others of its line, fewer than ten
/// people of a total that is shown.
fn unsafe_cell(grid: &Grid) -> Option<(usize, usize)> {
    let (height, width) = (grid.len(), grid[0].len());
    for row in 0..height {
        for column in 0..width {
            if grid[row][column].shown.is_none() && (is_bridge(grid, row, column) || is_small_group(grid, row, column))
            {
                return Some((row, column));
            }
        }
    }
    None
}

/// Rows and columns are joined by the cells that are hidden. Exactly those cells follow from the sums that nothing joins their
/// row and their column beside (Gusfield 1988).
fn is_bridge(grid: &Grid, row: usize, column: usize) -> bool {
    let (height, width) = (grid.len(), grid[0].len());
    let (mut rows, mut columns) = (vec![false; height], vec![false; width]);
    rows[row] = true;
    let mut open = vec![(true, row)];
    while let Some((is_row, line)) = open.pop() {
        for other in 0..(if is_row { width } else { height }) {
            let (r, c) = if is_row { (line, other) } else { (other, line) };
            if (r, c) == (row, column) || grid[r][c].shown.is_some() {
                continue;
            }
            let seen = if is_row { &mut columns[c] } else { &mut rows[r] };
            if !std::mem::replace(seen, true) {
                open.push((!is_row, other));
            }
        }
    }
    !columns[column]
}

/// Whether the hidden cells of the row or of the column hold fewer than ten people together while their total is shown.
fn is_small_group(grid: &Grid, row: usize, column: usize) -> bool {
    let (last_row, last_column) = (grid.len() - 1, grid[0].len() - 1);
    let small = |cells: &mut dyn Iterator<Item = Cell>| {
        cells.filter(|cell| cell.shown.is_none()).map(|cell| cell.count).sum::<u32>() < PEOPLE_MIN
    };
    let in_row = grid[row][last_column].shown.is_some() && small(&mut grid[row][..last_column].iter().copied());
    let in_column =
        grid[last_row][column].shown.is_some() && small(&mut grid[..last_row].iter().map(|cells| cells[column]));
    in_row || in_column
}

/// Hides the smallest cell that is shown in the row or the column of one.
fn hide_beside(grid: &mut Grid, row: usize, column: usize) -> Result<(), Risk> {
    let in_row = (0..grid[0].len()).map(|other| (row, other));
    let in_column = (0..grid.len()).map(|other| (other, column));
    let beside: Vec<(usize, usize)> = in_row.chain(in_column).collect();
    let shown = |(row, column): &(usize, usize)| grid[*row][*column].shown.is_some();
    // A cell of a line that hides something already costs less than one of a line that hides nothing.
    let useful = |place: &(usize, usize)| !grid[place.0][place.1].is_known;
    let next = beside
        .into_iter()
        .filter(|place| shown(place) && useful(place))
        .min_by_key(|(row, column)| (grid[*row][*column].count, *row, *column));
    // Where a bridge joins two parts, its own lines may have nothing left to hide: then any other cell is taken.
    let anywhere = || {
        let all = (0..grid.len()).flat_map(|row| (0..grid[0].len()).map(move |column| (row, column)));
        all.filter(|place| shown(place) && useful(place))
            .min_by_key(|(row, column)| (grid[*row][*column].count, *row, *column))
    };
    let (row, column) = next.or_else(anywhere).ok_or(Risk::Differencing)?;
    grid[row][column].shown = None;
    Ok(())
}
