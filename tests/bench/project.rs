//! Events from the log to committed views.

use std::time::{Duration, Instant};

use anyhow::ensure;
use event_log::Positions;

use crate::Progress;
use crate::machine::Watch;
use crate::site::Hub;
use crate::table::{Row, Table};

/// How long it may take.
const PROJECT_MAX: Duration = Duration::from_secs(600);
/// How often the checkpoint is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Starts a projector on everything that was pushed and waits until its checkpoint is at the end of the log.
pub(crate) async fn measure(hub: &Hub, progress: &Progress, table: &mut Table) -> anyhow::Result<()> {
    progress.say(&format!("projecting; the log is in {}", hub.log_name()));
    let end = hub.end().await?;
    let events = Positions::new().behind(&end);
    let (began, watch) = (Instant::now(), Watch::start());
    let process = hub.start(&["projector"], &hub.data_dir()).await?;
    while !projector::caught_up(&hub.store, &end).await? {
        ensure!(began.elapsed() < PROJECT_MAX, "the views do not reach the end of the log");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let took = watch.read();
    process.stop().await?;
    let what = format!("until committed in the views, log in {}", hub.log_name());
    table.rows.push(Row::new("project", what, "events", events, took));
    let note = "Projecting is timed from the start of the projector's process on everything that was pushed.";
    if !table.notes.iter().any(|known| known == note) {
        table.notes.push(note.to_owned());
    }
    Ok(())
}
