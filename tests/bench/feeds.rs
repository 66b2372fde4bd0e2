//! Every form from the socket to the durable receipt, the same bytes again, the same bytes parsed in memory; and how
//! much memory a body takes, however large it is.

use std::convert::Infallible;
use std::io::Cursor;
use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::Bytes;
use connector::{Feed, RowContext};
use domain::{Timestamp, TokenKey};
use futures_util::stream;
use serde_json::Value;

use crate::forms::{FORMS, Form, profiles};
use crate::machine::Watch;
use crate::push::CONNECTORS;
use crate::site::{Hub, Process};
use crate::table::{Beside, Row, Table};
use crate::{Args, Progress};

/// Rows pushed before a form is measured: they fill caches and connections.
const WARM_ROWS: u32 = 20_000;
/// Times that the same body is pushed again.
const REPEATS: u64 = 5;
/// Rows that are made at once for a body that is never in memory as a whole.
const PIECE_ROWS: u32 = 5_000;

/// Pushes a body of each form.
pub(crate) async fn measure(hub: &Hub, args: &Args, progress: &Progress, table: &mut Table) -> anyhow::Result<()> {
    let folder = hub.data_dir().with_file_name("profiles");
    std::fs::create_dir_all(&folder)?;
    for (name, text) in profiles() {
        std::fs::write(folder.join(name), text)?;
    }
    let process = hub.start(&CONNECTORS, &hub.data_dir()).await?;
    let client = reqwest::Client::new();
    let feeds = feeds(&folder)?;
    for form in FORMS.iter().filter(|form| args.forms.is_empty() || args.forms.iter().any(|name| name == form.name)) {
        let rows = args.rows.min(form.rows_max);
        progress.say(&format!("{rows} rows of {}; the log is in {}", form.name, hub.log_name()));
        let sender = Sender::of(&process, &client, form.feed)?;
        sender.push((form.body)(1, WARM_ROWS.min(rows))?).await?;
        let body = Bytes::from((form.body)(1_000_000, rows)?);
        let feed = feeds.iter().find(|feed| feed.id().as_str() == form.feed).context("the feed of a form")?;
        let parsed = parsed_per_second(feed.as_ref(), &body)?;
        let watch = Watch::start();
        let receipt = sender.push(body.clone()).await?;
        let what = format!("{} by HTTP, log in {}", form.name, hub.log_name());
        let pushed = receipt["rows"].as_u64().context("a receipt says how many rows")?;
        ensure!(receipt["accepted"] == receipt["rows"], "{}: not every row was accepted: {receipt}", form.name);
        let mut row = Row::new("feed", what, "rows", pushed, watch.read());
        row.beside = Some(Beside { what: "parsed in memory", per_second: parsed });
        let first = row.per_second();
        table.rows.push(row);
        again(form, &sender, &body, pushed, first, table).await?;
    }
    process.stop().await?;
    table.notes.push(
        "Forms: one body each, from the first byte to the receipt, after a warm-up. Parsed in memory: the same bytes cut and \
         mapped by one thread, nothing stored. Again: the same bytes, answered with the receipt that they have."
            .to_owned(),
    );
    Ok(())
}

async fn again(
    form: &Form,
    sender: &Sender<'_>,
    body: &Bytes,
    rows: u64,
    first: f64,
    table: &mut Table,
) -> anyhow::Result<()> {
    let watch = Watch::start();
    for _ in 0..REPEATS {
        let receipt = sender.push(body.clone()).await?;
        ensure!(receipt["repeated"] == true, "{}: the same bytes are known", form.name);
    }
    let mut row = Row::new("feed", format!("{} again", form.name), "rows", rows * REPEATS, watch.read());
    row.beside = Some(Beside { what: "the first push", per_second: first });
    table.rows.push(row);
    Ok(())
}

/// Pushes bodies of growing size, none of which is in memory as a whole, and notes the peak of the hub's memory.
pub(crate) async fn memory(hub: &Hub, megabytes: &[u64], progress: &Progress, table: &mut Table) -> anyhow::Result<()> {
    let form = &FORMS[1];
    let process = hub.start(&CONNECTORS, &hub.data_dir()).await?;
    let client = reqwest::Client::new();
    let sender = Sender::of(&process, &client, form.feed)?;
    let row_bytes = (form.body)(500_000_000, 1_000)?.len() as u64 / 1_000;
    let mut next_row = 500_000_000;
    let mut peaks = Vec::new();
    for megabytes in megabytes {
        let rows = u32::try_from(megabytes * 1_000_000 / row_bytes)?;
        progress.say(&format!("a body of {megabytes} MB"));
        let from = next_row;
        next_row += rows;
        let pieces = (from..from + rows).step_by(PIECE_ROWS as usize).map(move |piece| {
            let rows = PIECE_ROWS.min(from + rows - piece);
            Ok::<_, Infallible>(Bytes::from((form.body)(piece, rows).unwrap_or_default()))
        });
        let watch = Watch::start();
        let receipt = sender.push(reqwest::Body::wrap_stream(stream::iter(pieces))).await?;
        ensure!(receipt["rows"] == rows, "a body of {megabytes} MB: {receipt}");
        let what = format!("{megabytes} MB of {} in one body", form.name);
        table.rows.push(Row::new("feed", what, "rows", u64::from(rows), watch.read()));
        peaks.push(format!("{megabytes} MB: {} MiB", process.peak_mib()?));
    }
    process.stop().await?;
    table.notes.push(format!("Peak memory of the hub's process after bodies of growing size: {}.", peaks.join(", ")));
    Ok(())
}

/// Somebody who pushes to a feed.
struct Sender<'a> {
    client: &'a reqwest::Client,
    address: String,
    token: String,
}

impl<'a> Sender<'a> {
    fn of(process: &Process, client: &'a reqwest::Client, feed: &str) -> anyhow::Result<Self> {
        let token = process.admin(&["token", "feed", "--feed", feed])?;
        Ok(Self { client, address: format!("{}/v1/feeds/{feed}/batches", process.base), token })
    }

    async fn push(&self, body: impl Into<reqwest::Body>) -> anyhow::Result<Value> {
        let response = self.client.post(&self.address).bearer_auth(&self.token).body(body).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "refused with {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

fn feeds(folder: &std::path::Path) -> anyhow::Result<Vec<std::sync::Arc<dyn Feed>>> {
    let mut feeds = connector_hospital::feeds(Some(folder))?;
    feeds.extend(connector_telecom::feeds(Some(folder))?);
    feeds.extend(connector_transport::feeds(Some(folder))?);
    feeds.extend(connector_payment::feeds(Some(folder))?);
    feeds.extend(connector_community::feeds(Some(folder))?);
    Ok(feeds)
}

/// Cuts and maps a body on this thread, as often as fits into a moment.
fn parsed_per_second(feed: &dyn Feed, body: &Bytes) -> anyhow::Result<f64> {
    let key = TokenKey::from_bytes(&[7; 32]);
    let began = Instant::now();
    let mut rows = 0_u64;
    let mut reader = feed.open(Box::new(Cursor::new(body.clone())))?;
    let layout = reader.layout();
    let now = Timestamp::parse("2022-03-20T00:00:00Z").context("an instant")?;
    let context = RowContext { key: &key, ingest_time: now, layout: layout.as_deref() };
    while let Some(row) = reader.next_row()? {
        std::hint::black_box(feed.map(&row, &context)).map_err(|error| anyhow::anyhow!("{error}"))?;
        rows += 1;
    }
    Ok(rows as f64 / began.elapsed().as_secs_f64())
}
