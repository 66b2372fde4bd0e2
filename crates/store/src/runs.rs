//! Receipts of rows, in stretches: neighbours with one outcome are one line.

use domain::BatchId;
use sqlx::postgres::PgConnection;

use crate::Result;
use crate::ingest::Origin;

/// A stretch of rows with one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First row.
    pub row_from: i64,
    /// Last row.
    pub row_to: i64,
    /// Code of the outcome.
    pub outcome: &'static str,
    /// The row that the first row repeats or that overtook it; each further row has the next one.
    pub of: Option<Origin>,
}

impl Run {
    /// Whether a row continues the stretch: the next row, with the same outcome, because of the next row over there.
    pub fn goes_on(&self, row: i64, outcome: &str, of: Option<Origin>) -> bool {
        let follows = match (self.of, of) {
            (None, None) => true,
            (Some(first), Some(of)) => first.arrival == of.arrival && of.row - first.row == row - self.row_from,
            _ => false,
        };
        self.row_to + 1 == row && self.outcome == outcome && follows
    }
}

/// What became of rows that others overtake.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Overtaken {
    /// How many there were among the stretches.
    pub rows: i64,
    /// Those that are in none of them.
    pub left: Vec<(i64, Origin)>,
}

/// Takes accepted rows that another row overtakes out of their stretches, which stay in order, and makes them superseded.
pub fn overtake(runs: &mut Vec<Run>, mut rows: Vec<(i64, Origin)>) -> Overtaken {
    let mut overtaken = Overtaken::default();
    if rows.is_empty() {
        return overtaken;
    }
    rows.sort_unstable();
    let mut rows = rows.into_iter().peekable();
    let mut after: Vec<Run> = Vec::with_capacity(runs.len() + rows.len());
    for run in runs.drain(..) {
        let mut from = run.row_from;
        while let Some((row, by)) = rows.next_if(|(row, _)| *row <= run.row_to) {
            if row < run.row_from {
                overtaken.left.push((row, by));
            } else if run.outcome == "accepted" && row >= from {
                if from < row {
                    after.push(Run { row_from: from, row_to: row - 1, ..run });
                }
                match after.last_mut() {
                    Some(last) if last.goes_on(row, "superseded", Some(by)) => last.row_to = row,
                    _ => after.push(Run { row_from: row, row_to: row, outcome: "superseded", of: Some(by) }),
                }
                from = row + 1;
                overtaken.rows += 1;
            }
        }
        if from <= run.row_to {
            after.push(Run { row_from: from, ..run });
        }
    }
    overtaken.left.extend(rows);
    *runs = after;
    overtaken
}

/// The same for rows of a batch that have their outcome on record.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) async fn overtake_stored(
    conn: &mut PgConnection,
    batch_id: BatchId,
    rows: Vec<(i64, Origin)>,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let stretches: Vec<(i64, i64)> = sqlx::query_as(
        "DELETE FROM ingest.run WHERE batch_id = $1 AND outcome = 'accepted' AND row_from IN (
             SELECT (SELECT row_from FROM ingest.run WHERE batch_id = $1 AND row_from <= overtaken
                     ORDER BY row_from DESC LIMIT 1)
             FROM unnest($2::bigint[]) AS overtaken)
         RETURNING row_from, row_to",
    )
    .bind(batch_id.as_uuid())
    .bind(rows.iter().map(|(row, _)| *row).collect::<Vec<_>>())
    .fetch_all(&mut *conn)
    .await?;
    let run = |(row_from, row_to)| Run { row_from, row_to, outcome: "accepted", of: None };
    let mut runs: Vec<Run> = stretches.into_iter().map(run).collect();
    runs.sort_unstable_by_key(|run| run.row_from);
    let overtaken = overtake(&mut runs, rows);
    insert_runs(conn, batch_id, &runs).await?;
    sqlx::query("UPDATE ingest.batch SET accepted = accepted - $2, superseded = superseded + $2 WHERE batch_id = $1")
        .bind(batch_id.as_uuid())
        .bind(overtaken.rows)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn insert_runs(conn: &mut PgConnection, batch_id: BatchId, runs: &[Run]) -> Result<()> {
    sqlx::query(
        "INSERT INTO ingest.run (batch_id, row_from, row_to, outcome, of_arrival, of_row)
         SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])",
    )
    .bind(batch_id.as_uuid())
    .bind(runs.iter().map(|run| run.row_from).collect::<Vec<_>>())
    .bind(runs.iter().map(|run| run.row_to).collect::<Vec<_>>())
    .bind(runs.iter().map(|run| run.outcome).collect::<Vec<_>>())
    .bind(runs.iter().map(|run| run.of.map(|of| of.arrival)).collect::<Vec<_>>())
    .bind(runs.iter().map(|run| run.of.map(|of| of.row)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Checks that the stretches of a finished batch cover every row exactly once; returns how many rows they cover.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count_run_rows(conn: &mut PgConnection, batch_id: BatchId) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT coalesce(sum(row_to - row_from + 1), 0)::bigint FROM ingest.run WHERE batch_id = $1")
        .bind(batch_id.as_uuid())
        .fetch_one(conn)
        .await?)
}

/// Stretches of quarantined rows without these rows, which are sorted.
pub(crate) fn without(held: Vec<(i64, i64)>, rows: &[i64]) -> Vec<Run> {
    let run = |row_from, row_to| Run { row_from, row_to, outcome: "quarantined", of: None };
    let mut left = Vec::new();
    for (mut from, to) in held {
        let begin = rows.partition_point(|row| *row < from);
        for row in rows[begin..].iter().take_while(|row| **row <= to) {
            if from < *row {
                left.push(run(from, row - 1));
            }
            from = row + 1;
        }
        if from <= to {
            left.push(run(from, to));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_stretch_is_what_was_not_taken_out() {
        let left = |held: &[(i64, i64)], rows: &[i64]| {
            without(held.to_vec(), rows).iter().map(|run| (run.row_from, run.row_to)).collect::<Vec<_>>()
        };
        assert_eq!(left(&[(3, 7), (9, 9)], &[5, 9]), [(3, 4), (6, 7)]);
        assert_eq!(left(&[(3, 7)], &[3, 4, 7]), [(5, 6)]);
        assert_eq!(left(&[(3, 7)], &[]), [(3, 7)]);
    }

    #[test]
    fn overtaken_rows_leave_their_stretch_and_every_row_keeps_one_outcome() {
        let run = |row_from, row_to, outcome| Run { row_from, row_to, outcome, of: None };
        let by = |row| Origin { arrival: 1, row };
        let mut runs = vec![run(3, 9, "accepted"), run(10, 10, "quarantined"), run(11, 12, "accepted")];
        let rows = vec![(10, by(20)), (5, by(16)), (1, by(2)), (4, by(15)), (9, by(30)), (12, by(31)), (13, by(14))];
        let overtaken = overtake(&mut runs, rows);
        assert_eq!(overtaken, Overtaken { rows: 4, left: vec![(1, by(2)), (13, by(14))] });
        let told: Vec<_> = runs.iter().map(|run| (run.row_from, run.row_to, run.outcome, run.of)).collect();
        assert_eq!(
            told,
            [
                (3, 3, "accepted", None),
                (4, 5, "superseded", Some(by(15))),
                (6, 8, "accepted", None),
                (9, 9, "superseded", Some(by(30))),
                (10, 10, "quarantined", None),
                (11, 11, "accepted", None),
                (12, 12, "superseded", Some(by(31))),
            ]
        );
    }
}
