//! Linkage alone, on one core, on the statements that the city's feeds made.

use std::sync::Arc;

use anyhow::Context;
use futures_util::TryStreamExt;
use linkage::{Change, Engine, Model, Record};
use store::views;

use crate::Progress;
use crate::machine::Took;
use crate::site::Hub;
use crate::table::{Row, Table};

/// Records that come at once after the first load.
const BATCH: usize = 1_000;

/// A stretch of work: records, and seconds of one core.
type Stretch = (u64, f64);

/// Links half of the records as a first load and the rest in batches on top.
pub(crate) async fn measure(hub: &Hub, progress: &Progress, table: &mut Table) -> anyhow::Result<()> {
    progress.say("linking, on one core");
    let records = records(hub).await?;
    let (first, rest, compared) = tokio::task::spawn_blocking(move || on_one_core(records)).await??;
    let row = |what: String, (records, seconds): Stretch| {
        Row::new("link", what, "records", records, Took { seconds, core_seconds: seconds })
    };
    table.rows.push(row("first load, one core".to_owned(), first));
    table.rows.push(row(format!("batches of {BATCH} on top, one core"), rest));
    table.notes.push(format!(
        "Linkage is timed by the processor time of its one thread; {compared:.1} pairs were compared for each record."
    ));
    Ok(())
}

/// What every source record states, in the order of their ids, which is nobody's.
async fn records(hub: &Hub) -> anyhow::Result<Vec<Record>> {
    let mut conn = hub.store.acquire().await?;
    let mut rows = views::stream_records(&mut conn);
    let mut records = Vec::new();
    while let Some(row) = rows.try_next().await? {
        if let Some(stated) = row.stated
            && let Some(statement) = stated.statement
        {
            let (key, first_time, source_kind) = (row.record_id, stated.first_time, row.source_kind);
            records.push(Record { key, first_time, statement, source_kind });
        }
    }
    records.sort_by_key(|record| record.key);
    Ok(records)
}

fn on_one_core(records: Vec<Record>) -> anyhow::Result<(Stretch, Stretch, f64)> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        let count = records.len();
        let mut changes = records.into_iter().map(Change::Upsert);
        let mut engine = Engine::new(Arc::new(Model::zh()));
        let half: Vec<Change> = changes.by_ref().take(count / 2).collect();
        let began = on_core_seconds()?;
        engine.apply(half);
        let loaded = on_core_seconds()?;
        loop {
            let batch: Vec<Change> = changes.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            engine.apply(batch);
        }
        let ended = on_core_seconds()?;
        let compared = engine.statistics().compared as f64 / count as f64;
        Ok((((count / 2) as u64, loaded - began), ((count - count / 2) as u64, ended - loaded), compared))
    })
}

/// Time that this thread had a core: other work on the machine does not count.
fn on_core_seconds() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("Linux says how long a thread ran")?;
    let nanoseconds: f64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}
