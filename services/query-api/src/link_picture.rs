//! One link of a person as a picture.

use chart::{Order, Step, Waterfall};
use domain::{RecordId, Verdict};
use store::views;
use uuid::Uuid;

use crate::call::{Call, Failure, Found};
use crate::links::{self, LinkView, Linked};
use crate::problem::Problem;
use crate::query;

/// Draws the link between two records of the person that the query names, or else the weakest one.
pub(crate) async fn of(call: &Call) -> Result<Found<String>, Failure> {
    let Asked { pair, as_of } = asked(&call.query)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let linked = links::linked(call, &mut conn, as_of.as_deref(), i64::MAX).await?;
    let Linked { person: _, subjects, granted, mut rows, weakest, orders, model, .. } = linked;
    let (released, withheld) = call.split(&granted);
    let row = match pair {
        Some(pair) => rows.iter().position(|row| (row.record_a, row.record_b) == pair).map(|n| rows.swap_remove(n)),
        None => weakest,
    };
    let link = links::link(row.ok_or(Problem::LinkNotFound)?, &orders)?;
    let answer = picture(link, &model).svg();
    Ok(Found { answer, subjects, released, withheld, count: 1 })
}

/// Which link to draw.
struct Asked {
    pair: Option<(RecordId, RecordId)>,
    as_of: Option<String>,
}

/// Record ids are keyed hashes, so they may stand in an address.
fn asked(query: &str) -> Result<Asked, Problem> {
    let id = |text: String| Uuid::try_parse(&text).map(RecordId::from_uuid).map_err(|_| Problem::QueryMalformed);
    let [one, other, as_of] = query::members(query, ["record_a", "record_b", "as_of"])?;
    let pair = match (one, other) {
        (None, None) => None,
        (Some(a), Some(b)) => {
            let (a, b) = (id(a)?, id(b)?);
            Some((a.min(b), a.max(b)))
        }
        _ => return Err(Problem::QueryMalformed),
    };
    Ok(Asked { pair, as_of })
}

fn picture(link: LinkView, model: &views::ModelRow) -> Waterfall {
    let LinkView { record_a, record_b, weight: _, parts, model_version, decision } = link;
    let step =
        |part: links::PartView| Step { bits: part.weight + part.frequency, field: part.field, level: part.level };
    Waterfall {
        record_a: record_a.to_string(),
        record_b: record_b.to_string(),
        steps: parts.into_iter().map(step).collect(),
        link_threshold: model.link_threshold,
        review_threshold: Some(model.review_threshold),
        model_version,
        together: true,
        conflict: None,
        order: decision
            .map(|decision| Order { same: decision.verdict == Verdict::Same.code(), state: decision.state.to_owned() }),
    }
}
