//! Failed rows that go back to their sender are on record before their first byte, like every other look at rows.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use domain::BatchId;
use ledger::{Code, Matter, MatterId, Receipt, Released};
use store::ingest;

use crate::on_record::{self, Actor, OnRecord};
use crate::quarantine::http::{NOT_ON_RECORD, Office};

/// The route that gives a sender the failed rows of a batch.
const FILE: &str = "/v1/feeds/{feed}/batches/{batch}/quarantined";

/// The routes of the feeds, with an entry before the first byte of every file of failed rows.
pub(crate) fn on_record(routes: Router, office: &Arc<Office>) -> Router {
    routes.route_layer(middleware::from_fn_with_state(Arc::clone(office), note))
}

async fn note(State(office): State<Arc<Office>>, request: Request, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_none_or(|path| path.as_str() != FILE) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let names = RawPathParams::from_request_parts(&mut parts, &()).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    // What is refused shows nothing, and is on record as every refusal is.
    if !response.status().is_success() {
        return response;
    }
    let name = |wanted: &str| {
        let mut all = names.iter().flatten();
        all.find(|(name, _)| *name == wanted).map_or("", |(_, value)| value)
    };
    match entry(&office, name("feed"), name("batch")).await {
        Ok(receipt) => on_record::receipted(response, &receipt),
        Err(error) => {
            tracing::error!(%error, "A file of failed rows could not be put on record; it was not given out.");
            NOT_ON_RECORD.into_response()
        }
    }
}

/// The entry: which feed asked, for which batch, and how many rows it holds.
async fn entry(office: &Office, feed: &str, batch: &str) -> anyhow::Result<Receipt> {
    let batch: BatchId = batch.parse().context("no id of a batch")?;
    let found = ingest::find_batch(&mut *office.desk.store.acquire().await?, batch).await?;
    let count = found.and_then(|batch| u64::try_from(batch.counts.quarantined).ok()).unwrap_or(0);
    let department = Code::parse("department")?;
    // A feed whose name looks like a number is not named; the batch leads to it.
    let name = Code::parse(feed).unwrap_or_else(|_| department.clone());
    let sender = Actor { handle: name.clone(), unit: name, role: department };
    let matter = Matter { id: MatterId(*batch.as_uuid().as_bytes()), act: Code::parse("FETCHED")? };
    let released =
        Released { groups: vec![Code::parse("raw-row")?], count, matter: Some(matter), ..Released::default() };
    let record = OnRecord::of(office.ledger.clone(), sender, office.policy);
    Ok(record.give("feed.quarantined", released, ()).await?.1)
}
