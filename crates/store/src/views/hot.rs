//! What so many records share that linkage leaves it out: hot values and hot blocks. No value is here, only a keyed handle.

use domain::RecordId;
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::write::{ROWS_PER_STATEMENT, column, sorted};
use crate::{Error, Result};

/// What is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hot {
    /// A value that counts for nothing.
    Value,
    /// A blocking key that proposes no pairs.
    Block,
}

impl Hot {
    /// The code that the column uses.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Block => "block",
        }
    }

    fn from_code(code: &str) -> Result<Self> {
        [Self::Value, Self::Block].into_iter().find(|hot| hot.code() == code).ok_or(Error::Code("hot_value.what"))
    }
}

/// Something that so many records share that linkage leaves it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotRow {
    /// Keyed hash of the value or key.
    pub handle: Uuid,
    /// What it is.
    pub what: Hot,
    /// The field of a value, the rule of a block.
    pub kind: String,
    /// Records that share it.
    pub records: i64,
    /// Different names among them, of a name different birth dates; `None` for a block.
    pub bearers: Option<i64>,
    /// One of the records; `None` for a block.
    pub record: Option<RecordId>,
}

/// What is hot now, and was not or otherwise before.
#[derive(Clone, Debug, Default)]
pub struct HotChanges {
    /// All that was known goes first.
    pub reset: bool,
    /// New, or shared by other numbers of records.
    pub puts: Vec<HotRow>,
    /// Hot no longer.
    pub removed: Vec<Uuid>,
}

pub(super) async fn apply_hot(conn: &mut PgConnection, changes: &HotChanges) -> Result<()> {
    if changes.reset {
        sqlx::query("DELETE FROM hot_value").execute(&mut *conn).await?;
    }
    if !changes.removed.is_empty() {
        sqlx::query("DELETE FROM hot_value WHERE handle = ANY($1)").bind(&changes.removed).execute(&mut *conn).await?;
    }
    for rows in sorted(&changes.puts, |row| row.handle).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO hot_value (handle, what, kind, records, bearers, record_id)
             SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::uuid[])
             ON CONFLICT (handle) DO UPDATE SET records = excluded.records, bearers = excluded.bearers,
                 record_id = excluded.record_id",
        )
        .bind(column(rows, |row| row.handle))
        .bind(column(rows, |row| row.what.code()))
        .bind(column(rows, |row| row.kind.as_str()))
        .bind(column(rows, |row| row.records))
        .bind(column(rows, |row| row.bearers))
        .bind(column(rows, |row| row.record.map(RecordId::as_uuid)))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// How many are hot: what, kind, number.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count_hot(conn: &mut PgConnection) -> Result<Vec<(Hot, String, i64)>> {
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT what, kind, count(*) FROM hot_value GROUP BY what, kind ORDER BY what DESC, kind")
            .fetch_all(conn)
            .await?;
    rows.into_iter().map(|(what, kind, count)| Ok((Hot::from_code(&what)?, kind, count))).collect()
}

#[derive(FromRow)]
struct Columns {
    handle: Uuid,
    what: String,
    kind: String,
    records: i64,
    bearers: Option<i64>,
    record_id: Option<Uuid>,
}

/// What is hot, that of most records first; at most `limit`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_hot(conn: &mut PgConnection, what: Hot, limit: i64) -> Result<Vec<HotRow>> {
    let rows: Vec<Columns> =
        sqlx::query_as("SELECT * FROM hot_value WHERE what = $1 ORDER BY records DESC, handle LIMIT $2")
            .bind(what.code())
            .bind(limit)
            .fetch_all(conn)
            .await?;
    let row = |row: Columns| {
        let (what, record) = (Hot::from_code(&row.what)?, row.record_id.map(RecordId::from_uuid));
        let Columns { handle, kind, records, bearers, .. } = row;
        Ok(HotRow { handle, what, kind, records, bearers, record })
    };
    rows.into_iter().map(row).collect()
}
