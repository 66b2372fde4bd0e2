//! The search index of the access log. The log is what counts: the index says where in it to look.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;

use crate::Result;

/// Values of a count that are told at most.
const COUNTED_MAX: i64 = 1_000;
/// Looks of a week that are read at most.
const SHOWN_MAX: i64 = 50_000;

/// An entry of the access log as the index has it. Tokens, handles and hashes are texts as the log prints them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct EntryRow {
    /// Index in the log.
    pub index: i64,
    /// Hash of the entry as a leaf.
    pub leaf: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Handle of the one who asked.
    pub actor: String,
    /// Organisation, and the unit where there is one.
    pub unit: String,
    /// Role of the one who asked.
    pub role: String,
    /// What was asked.
    pub action: String,
    /// The purpose stated.
    pub purpose: Option<String>,
    /// The case stated.
    pub case_token: Option<String>,
    /// Why nothing was shown.
    pub refused: Option<String>,
    /// The persons concerned.
    pub subjects: Vec<String>,
    /// The thing of the hub that was acted on or under.
    pub matter: Option<String>,
    /// What was done about it.
    pub act: Option<String>,
    /// Records or persons in the answer.
    pub count: i64,
    /// The run of the process that answered.
    pub boot: String,
}

/// What is looked for; nothing stated finds everything.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Handle of the one who asked.
    pub actor: Option<String>,
    /// Organisation, or organisation and unit.
    pub unit: Option<String>,
    /// Role of the one who asked.
    pub role: Option<String>,
    /// What was asked.
    pub action: Option<String>,
    /// The purpose stated.
    pub purpose: Option<String>,
    /// The case stated.
    pub case_token: Option<String>,
    /// Persons concerned, of whom one suffices.
    pub subjects: Option<Vec<String>>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only refusals, or only answers.
    pub refused: Option<bool>,
}

/// What entries are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Who asked.
    Actor,
    /// Organisation and unit.
    Unit,
    /// Role.
    Role,
    /// What was asked.
    Action,
    /// Purpose.
    Purpose,
    /// Reason of a refusal.
    Refusal,
    /// Day.
    Day,
}

impl By {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::Actor, Self::Unit, Self::Role, Self::Action, Self::Purpose, Self::Refusal, Self::Day];

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Unit => "unit",
            Self::Role => "role",
            Self::Action => "action",
            Self::Purpose => "purpose",
            Self::Refusal => "refusal",
            Self::Day => "day",
        }
    }
}

/// How many entries have a value.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Count {
    /// The value; `-` where entries have none.
    pub value: String,
    /// Entries.
    pub entries: i64,
    /// Of these, refusals.
    pub refused: i64,
    /// Different handles that asked.
    pub actors: i64,
}

/// The index after the last row.
///
/// # Errors
/// When the database cannot be reached.
pub async fn next_index(conn: &mut PgConnection) -> Result<i64> {
    let newest: i64 = sqlx::query_scalar("SELECT coalesce(max(index), -1) FROM audit.entry").fetch_one(conn).await?;
    Ok(newest.saturating_add(1))
}

/// Inserts rows; those that are there stay as they are.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, rows: &[EntryRow]) -> Result<u64> {
    let done = sqlx::query(
        "INSERT INTO audit.entry SELECT * FROM jsonb_populate_recordset(NULL::audit.entry, $1) ON CONFLICT DO NOTHING",
    )
    .bind(sqlx::types::Json(rows))
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Lists the rows from `first` up to, but without, `end`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, first: i64, end: i64) -> Result<Vec<EntryRow>> {
    Ok(sqlx::query_as("SELECT * FROM audit.entry WHERE index >= $1 AND index < $2 ORDER BY index")
        .bind(first)
        .bind(end)
        .fetch_all(conn)
        .await?)
}

/// Deletes the rows of these indices.
///
/// # Errors
/// When the database cannot be reached.
pub async fn delete(conn: &mut PgConnection, indices: &[i64]) -> Result<()> {
    sqlx::query("DELETE FROM audit.entry WHERE index = ANY($1)").bind(indices).execute(conn).await?;
    Ok(())
}

/// Deletes every row from `first` on; returns the index of each, and what it had for the hash of the entry.
///
/// # Errors
/// When the database cannot be reached.
pub async fn delete_from(conn: &mut PgConnection, first: i64) -> Result<Vec<(i64, String)>> {
    let sql = "DELETE FROM audit.entry WHERE index >= $1 RETURNING index, coalesce(leaf, '')";
    Ok(sqlx::query_as(sql).bind(first).fetch_all(conn).await?)
}

/// The indices of entries before `before`, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn search(conn: &mut PgConnection, search: &Search, before: i64, limit: i64) -> Result<Vec<i64>> {
    let rows = sqlx::query_scalar(
        "SELECT index FROM audit.entry
         WHERE index < $1
           AND ($2::text IS NULL OR actor = $2)
           AND ($3::text IS NULL OR unit = $3 OR starts_with(unit, $3 || '/'))
           AND ($4::text IS NULL OR role = $4)
           AND ($5::text IS NULL OR action = $5)
           AND ($6::text IS NULL OR purpose = $6)
           AND ($7::text IS NULL OR case_token = $7)
           AND ($8::text[] IS NULL OR subjects && $8)
           AND ($9::bigint IS NULL OR at_ms >= $9)
           AND ($10::bigint IS NULL OR at_ms < $10)
           AND ($11::boolean IS NULL OR (refused IS NOT NULL) = $11)
         ORDER BY index DESC LIMIT $12",
    )
    .bind(before)
    .bind(&search.actor)
    .bind(&search.unit)
    .bind(&search.role)
    .bind(&search.action)
    .bind(&search.purpose)
    .bind(&search.case_token)
    .bind(&search.subjects)
    .bind(search.from.map(Timestamp::as_millis))
    .bind(search.until.map(Timestamp::as_millis))
    .bind(search.refused)
    .bind(limit)
    // A plan for these very values: what is not stated costs nothing.
    .persistent(false)
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Why somebody who was asked for is not shown: all of it is told as "no such person".
const NOT_SHOWN: [&str; 3] = ["not-related", "person-not-found", "person-unknown"];

/// What a caller was shown, as the log says it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ShownRow {
    /// The entry.
    pub index: i64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Handles of those shown.
    pub subjects: Vec<String>,
    /// How many rows.
    pub count: i64,
    /// How many were asked for and not shown, a search that found nobody among them.
    pub misses: i64,
}

/// What a caller was shown, and how far the index was looked at for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownPage {
    /// What was shown, oldest first.
    pub rows: Vec<ShownRow>,
    /// The entry behind the last one of the caller, of whatever run: where to go on.
    pub next: i64,
}

/// What a caller was shown, or asked for in vain, since an instant, from an entry on and by other runs than this one. An act that was put
/// on record before it was done showed nothing; a look under an emergency grant is none of those.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_shown(
    conn: &mut PgConnection,
    actor: &str,
    since: Timestamp,
    missed_since: Timestamp,
    first: i64,
    boot: &str,
) -> Result<ShownPage> {
    // Asked first: the index grows at its end only, so whatever comes meanwhile is behind this.
    let last: Option<i64> = sqlx::query_scalar("SELECT max(index) FROM audit.entry WHERE actor = $1 AND index >= $2")
        .bind(actor)
        .bind(first)
        .fetch_one(&mut *conn)
        .await?;
    let Some(last) = last else { return Ok(ShownPage { rows: Vec::new(), next: first }) };
    let rows = sqlx::query_as(
        "SELECT index, at_ms, CASE WHEN is_miss THEN '{}' ELSE subjects END AS subjects, count,
                CASE WHEN is_miss THEN greatest(cardinality(subjects), 1) ELSE 0 END::bigint AS misses
         FROM (
             SELECT index, at_ms, subjects, count, refused IS NOT NULL OR cardinality(subjects) = 0 AS is_miss
             FROM audit.entry
             WHERE actor = $1 AND at_ms >= $2 AND index BETWEEN $4 AND $6 AND boot <> $5
               AND (refused IS NULL AND cardinality(subjects) > 0 OR at_ms >= $8)
               AND (refused = ANY($7) OR refused IS NULL AND coalesce(act, 'GRANT') = 'GRANT'
                    AND (cardinality(subjects) > 0 OR action = 'find-persons'))
             ORDER BY index DESC LIMIT $3) newest
         ORDER BY index",
    )
    .bind(actor)
    .bind(since.as_millis())
    .bind(SHOWN_MAX)
    .bind(first)
    .bind(boot)
    .bind(last)
    .bind(NOT_SHOWN)
    .bind(missed_since.as_millis())
    .fetch_all(conn)
    .await?;
    Ok(ShownPage { rows, next: last.saturating_add(1) })
}

/// Persons concerned by what was done under a thing of the hub, by handle, and how often.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_subjects_of(
    conn: &mut PgConnection,
    matter: &str,
    act: &str,
    limit: i64,
) -> Result<Vec<(String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT subject, count(*) FROM audit.entry CROSS JOIN LATERAL unnest(subjects) AS concerned(subject)
         WHERE matter = $1 AND act = $2 GROUP BY subject ORDER BY 2 DESC, 1 LIMIT $3",
    )
    .bind(matter)
    .bind(act)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// Whether an act about a thing of the hub is on record.
///
/// # Errors
/// When the database cannot be reached.
pub async fn has_act(conn: &mut PgConnection, matter: &str, act: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM audit.entry WHERE matter = $1 AND act = $2)";
    Ok(sqlx::query_scalar(sql).bind(matter).bind(act).fetch_one(conn).await?)
}

/// Index of the first entry that is not before an instant; `None` when there is none.
///
/// # Errors
/// When the database cannot be reached.
pub async fn first_since(conn: &mut PgConnection, since: Timestamp) -> Result<Option<i64>> {
    let sql = "SELECT min(index) FROM audit.entry WHERE at_ms >= $1";
    Ok(sqlx::query_scalar(sql).bind(since.as_millis()).fetch_one(conn).await?)
}

/// Counts entries between two instants, the most frequent value first. Days are those of clocks so many minutes ahead of UTC.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count(
    conn: &mut PgConnection,
    by: By,
    ahead_min: i32,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<Count>> {
    Ok(sqlx::query_as(
        "SELECT coalesce(CASE $1 WHEN 'actor' THEN actor WHEN 'unit' THEN unit WHEN 'role' THEN role
                         WHEN 'action' THEN action WHEN 'purpose' THEN purpose WHEN 'refusal' THEN refused
                         ELSE to_char(to_timestamp(at_ms / 1000 + $5 * 60) AT TIME ZONE 'UTC', 'YYYY-MM-DD') END, '-') AS value,
                count(*) AS entries, count(refused) AS refused, count(DISTINCT actor) AS actors
         FROM audit.entry
         WHERE ($2::bigint IS NULL OR at_ms >= $2) AND ($3::bigint IS NULL OR at_ms < $3)
         GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $4",
    )
    .bind(by.code())
    .bind(from.map(Timestamp::as_millis))
    .bind(until.map(Timestamp::as_millis))
    .bind(COUNTED_MAX)
    .bind(i64::from(ahead_min))
    .fetch_all(conn)
    .await?)
}

#[cfg(test)]
mod tests {
    use test_support::database;

    use super::*;
    use crate::Store;

    fn look(index: i64, actor: &str, boot: &str) -> EntryRow {
        EntryRow {
            index,
            leaf: String::new(),
            at_ms: 1_000,
            actor: actor.to_owned(),
            unit: "CDC-01".to_owned(),
            role: "cdc-tracer".to_owned(),
            action: "read-person".to_owned(),
            purpose: None,
            case_token: None,
            refused: None,
            subjects: vec!["00".repeat(16)],
            matter: None,
            act: None,
            count: 1,
            boot: boot.to_owned(),
        }
    }

    #[tokio::test]
    async fn what_others_showed_is_looked_for_up_to_the_last_entry_of_any_run() {
        let store = Store::connect(database().await.connect_options(), 2).await.expect("connected");
        store.migrate().await.expect("migrated");
        let mut conn = store.acquire().await.expect("a connection");
        let since = Timestamp::from_millis(0);
        let looks = [look(0, "t-1", "here"), look(1, "t-1", "there"), look(2, "t-1", "here"), look(3, "t-2", "there")];
        insert(&mut conn, &looks).await.expect("inserted");
        let page = list_shown(&mut conn, "t-1", since, since, 0, "here").await.expect("a page");
        assert_eq!((page.rows.iter().map(|row| row.index).collect::<Vec<_>>(), page.next), (vec![1], 3));
        assert_eq!(page.rows[0].misses, 0);
        let page = list_shown(&mut conn, "t-1", since, since, 3, "here").await.expect("a page");
        assert_eq!(page, ShownPage { rows: Vec::new(), next: 3 });
        insert(&mut conn, &[look(4, "t-1", "here")]).await.expect("inserted");
        let page = list_shown(&mut conn, "t-1", since, since, 3, "here").await.expect("a page");
        assert_eq!(page, ShownPage { rows: Vec::new(), next: 5 }, "own entries are looked at once");
        let refused = |index: i64, reason: &str, subjects: usize| EntryRow {
            refused: Some(reason.to_owned()),
            subjects: vec!["00".repeat(16); subjects],
            ..look(index, "t-1", "there")
        };
        let search = EntryRow { action: "find-persons".to_owned(), refused: None, ..refused(7, "", 0) };
        let misses = [refused(5, "person-unknown", 2), refused(6, "case-foreign", 0), search];
        insert(&mut conn, &misses).await.expect("inserted");
        let page = list_shown(&mut conn, "t-1", since, since, 5, "here").await.expect("a page");
        let misses: Vec<_> = page.rows.iter().map(|row| (row.index, row.misses, row.subjects.len())).collect();
        assert_eq!(misses, [(5, 2, 0), (7, 1, 0)], "two who are not shown, and a search that found nobody");
        let later = Timestamp::from_millis(i64::MAX);
        let page = list_shown(&mut conn, "t-1", since, later, 0, "here").await.expect("a page");
        let rows: Vec<i64> = page.rows.iter().map(|row| row.index).collect();
        assert_eq!(rows, [1], "misses of long ago take no room from what was shown");
    }
}
