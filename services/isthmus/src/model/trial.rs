//! A model on trial: the records as the views hold them, and the outcome in words.

use std::sync::Arc;

use domain::PersonId;
use futures_util::TryStreamExt;
use linkage::{Explanation, Model, Preview, Record, Sample, Trial};
use store::{Store, views};

/// What every source record in the views states now, and whose it is. One state of the views; nobody waits for it.
pub(super) async fn records(store: &Store) -> anyhow::Result<Vec<(Record, PersonId)>> {
    let mut tx = store.begin("read_records").await?;
    views::read_one_state(&mut tx).await?;
    let records = of(&mut tx).await?;
    tx.commit().await?;
    Ok(records)
}

async fn of(conn: &mut store::Conn) -> anyhow::Result<Vec<(Record, PersonId)>> {
    let mut rows = views::stream_records(conn);
    let mut records = Vec::new();
    while let Some(row) = rows.try_next().await? {
        if let (Some(stated), Some(person)) = (row.stated, row.person)
            && let Some(statement) = stated.statement
        {
            let (key, first_time, source_kind) = (row.record_id, stated.first_time, row.source_kind);
            records.push((Record { key, first_time, statement, source_kind }, person));
        }
    }
    Ok(records)
}

/// Makes a trial ready.
pub(super) async fn read(store: &Store, current: Model, candidate: Model, samples_max: usize) -> anyhow::Result<Trial> {
    let mut tx = store.begin("read_trial").await?;
    views::read_one_state(&mut tx).await?;
    let counts = views::linkage_counts(&mut tx).await?;
    let records = of(&mut tx).await?;
    let orders = views::all_orders(&mut tx).await?;
    tx.commit().await?;
    Ok(Trial {
        records,
        review_now: usize::try_from(counts.reviews)?,
        orders: orders.iter().filter_map(projector::standing_order).collect(),
        current: Arc::new(current),
        candidate: Arc::new(candidate),
        samples_max,
    })
}

/// The code of a field or level, as the model file writes it.
pub(super) fn code(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The figures of a trial, a line each.
pub(super) fn figures(preview: &Preview) -> Vec<String> {
    let mut lines = vec![
        format!("{} in place of {}:", preview.candidate_version, preview.current_version),
        format!("  records               {}", preview.records),
        format!("  persons               {} -> {}", preview.persons_before, preview.persons_after),
        format!("  persons unchanged     {}", preview.unchanged),
        format!("  merges                {} persons would hold records of several of now", preview.merges),
        format!("  splits                {} persons of now would come apart", preview.splits),
        format!("  pairs for review      {} -> {}", preview.review_before, preview.review_after),
        format!(
            "  reviewers' decisions  {} of {} are in conflict with the weights; they stay in force",
            preview.conflicts.len(),
            preview.reviewed
        ),
    ];
    if !preview.hot_values.is_empty() {
        lines.push(format!("  values too common     {} count for nothing", preview.hot_values.len()));
    }
    if !preview.hot_blocks.is_empty() {
        let largest: Vec<String> =
            preview.hot_blocks.iter().take(5).map(|(rule, records)| format!("{} {records}", code(rule))).collect();
        lines.push(format!("  keys too common       {} ({})", preview.hot_blocks.len(), largest.join(", ")));
    }
    lines
}

/// The outcome in words. Records go by their ids; what they state is shown by the API, on the record.
pub(super) fn text(preview: &Preview) -> String {
    let mut lines = figures(preview);
    for (words, samples) in [
        ("Pairs that would come together, the weakest first:", &preview.merge_samples),
        ("Pairs that would come apart, those strongest now first:", &preview.split_samples),
    ] {
        if !samples.is_empty() {
            lines.push(words.to_owned());
        }
        samples.iter().for_each(|sample| pair(sample, &mut lines));
    }
    if !preview.conflicts.is_empty() {
        lines.push("Pairs that reviewers decided, and that the weights would decide otherwise:".to_owned());
    }
    for conflict in &preview.conflicts {
        let (decided, weighed) =
            if conflict.same { ("one person", "two persons") } else { ("two persons", "one person") };
        let (a, b) = (conflict.a, conflict.b);
        lines.push(format!("  {a} {b} {:.2} bits: {weighed}; decided: {decided}", conflict.weight));
    }
    lines.join("\n") + "\n"
}

fn pair(sample: &Sample, lines: &mut Vec<String>) {
    let Sample { now, then } = sample;
    lines.push(format!("  {} {}", then.link.a, then.link.b));
    for (words, explanation) in [("now", now), ("then", then)] {
        let verdict = if explanation.together { "one person" } else { "two persons" };
        lines.push(format!(
            "    {words:<5}{:>7.2} bits, linked from {:.2}: {verdict}; {}",
            explanation.link.weight,
            explanation.link_threshold,
            parts(explanation)
        ));
    }
}

fn parts(explanation: &Explanation) -> String {
    let parts = explanation.link.parts.iter().map(|part| {
        let level = match code(&part.level).as_str() {
            "given" => String::new(),
            level => format!(" {level}"),
        };
        format!("{}{level} {:+.1}", code(&part.field), part.weight + part.frequency)
    });
    let mut parts: Vec<String> = parts.collect();
    if let Some(field) = explanation.conflict {
        parts.push(format!("different {} keep them apart", code(&field)));
    }
    if let Some(order) = &explanation.order {
        parts.push(format!("a reviewer decided {}, {}", order.verdict.code(), order.state.code()));
    }
    parts.join(", ")
}
