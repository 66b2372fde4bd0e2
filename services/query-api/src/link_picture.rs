//! One link of a person as a picture.

use chart::{Order, Step, Waterfall};
use domain::Verdict;
use store::views;
use uuid::Uuid;

use crate::call::{Call, Failure, Found};
use crate::links::{self, LinkView};
use crate::problem::Problem;
use crate::query;
use crate::subject::{self, Seen};

/// Draws the link between two records of the person that the query names, or else the weakest one.
pub(crate) async fn of(call: &Call) -> Result<Found<String>, Failure> {
    let asked = asked(&call.query)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let Seen { person, asked_for: _, granted } = subject::see(call, &mut conn).await?;
    let (released, withheld) = call.split(&granted);
    let row = match asked {
        Some((a, b)) => views::find_link(&mut conn, person.person_id, a, b).await?,
        None => views::find_weakest_link(&mut conn, person.person_id).await?,
    };
    let orders = views::list_orders_of_person(&mut conn, person.person_id).await?;
    let link = links::link(row.ok_or(Problem::LinkNotFound)?, &orders)?;
    let model = links::model(&mut conn).await?;
    let answer = picture(link, &model).svg();
    Ok(Found { answer, subjects: vec![person.person_id], released, withheld, count: 1 })
}

/// Record ids are keyed hashes, so they may stand in an address.
fn asked(query: &str) -> Result<Option<(Uuid, Uuid)>, Problem> {
    let id = |text: String| Uuid::try_parse(&text).map_err(|_| Problem::QueryMalformed);
    match query::members(query, ["record_a", "record_b"])? {
        [None, None] => Ok(None),
        [Some(a), Some(b)] => {
            let (a, b) = (id(a)?, id(b)?);
            Ok(Some((a.min(b), a.max(b))))
        }
        _ => Err(Problem::QueryMalformed),
    }
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
