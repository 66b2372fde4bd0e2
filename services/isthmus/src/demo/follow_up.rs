//! Follow-ups of the city's contacts, in different states: made by the routes that disease control and communities use.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::ensure;
use domain::Timestamp;
use serde_json::{Value, json};

use super::DISTRICT_DIGITS;
use super::questions::Asker;
use crate::hub::now;

/// How long the index of contacts may take after the last fact.
const CONTACTS_MAX: Duration = Duration::from_secs(120);
const QUARANTINE_MS: i64 = 14 * 86_400_000;
/// How long a follow-up may take until a list shows it.
const APPLIED_MAX: Duration = Duration::from_secs(30);

/// Tells the contacts of the city's cases, and takes a few steps with some: `lead` looks after the district, and `unit` is the
/// one whose worker the reader can be, so that it has something of everything.
pub(crate) async fn begin(tracer: &Asker<'_>, lead: &Asker<'_>, unit: &str) -> anyhow::Result<()> {
    let cases = tracer.get("/v1/cases?limit=200").await?;
    let cases: Vec<String> = listed(&cases.body["cases"])
        .iter()
        .filter(|case| case["person_id"].is_string())
        .filter_map(|case| Some(case["case"].as_str()?.to_owned()))
        .collect();
    let (mut told, mut contacts) = (Vec::new(), 0);
    for case in cases {
        let answer = tell(working_on(tracer, &case), &case, told.is_empty()).await?;
        if answer["contacts"].as_u64().unwrap_or(0) > 0 {
            contacts += answer["contacts"].as_u64().unwrap_or(0);
            told.push(case);
        }
    }
    let mut all = Vec::new();
    for case in &told {
        let (tracer, path) = (working_on(tracer, case), format!("/v1/cases/{case}/follow-ups?limit=200"));
        let began = Instant::now();
        let mut list = tracer.get(&path).await?;
        while listed(&list.body["follow_ups"]).is_empty() && began.elapsed() < APPLIED_MAX {
            tokio::time::sleep(Duration::from_millis(100)).await;
            list = tracer.get(&path).await?;
        }
        all.extend(listed(&list.body["follow_ups"]).to_vec());
    }
    // Some are registered in another district, whose follow-ups are not the lead's.
    let district = unit.get(..DISTRICT_DIGITS).unwrap_or(unit);
    all.retain(|one| one["unit"].as_str().is_some_and(|unit| unit.starts_with(district)));
    // Stable: those of the reader's unit first.
    all.sort_by_key(|one| one["unit"] != unit);
    // The city lived in 2022; its quarantines are of today.
    let until = now().plus_millis(QUARANTINE_MS).to_string();
    let elsewhere = all.iter().rev().find_map(|one| one["unit"].as_str()).unwrap_or(unit).to_owned();
    let place = "城关镇社区卫生服务中心";
    let courses: [Vec<Value>; 7] = [
        vec![json!({ "step": "notified" }), json!({ "step": "quarantined", "until": until })],
        vec![json!({ "step": "notified" })],
        vec![json!({ "step": "not_reached", "note": "上门两次，无人应答" })],
        vec![json!({ "step": "notified" }), json!({ "step": "refused" })],
        vec![
            json!({ "step": "notified" }),
            json!({ "step": "quarantined", "until": until }),
            json!({ "step": "screened", "place": place }),
            json!({ "step": "transported", "place": "区急救中心救护车" }),
        ],
        vec![json!({ "step": "offered", "to": elsewhere, "note": "上周已搬到那里" })],
        vec![json!({ "step": "notified" }), json!({ "step": "quarantined", "until": until })],
    ];
    let mut taken = 0;
    for (one, course) in all.iter().zip(&courses) {
        let own = one["unit"].as_str().unwrap_or_default();
        for step in course.iter().filter(|step| step["to"].as_str() != Some(own)) {
            let path = format!("/v1/follow-ups/{}/steps", one["follow_up_id"].as_str().unwrap_or_default());
            let answer = lead.post(&path, step).await?;
            ensure!(
                [200, 202].contains(&answer.status),
                "a step was answered {}: {}",
                answer.status,
                answer.body["code"]
            );
            taken += 1;
        }
    }
    let units: BTreeSet<&str> = all.iter().filter_map(|one| one["unit"].as_str()).collect();
    println!(
        "\n{contacts} contacts of {} cases are followed up at {} units; {taken} steps were taken with them.",
        told.len(),
        units.len()
    );
    Ok(())
}

/// Whoever works on a case states that one.
const fn working_on<'a>(tracer: &Asker<'a>, case: &'a str) -> Asker<'a> {
    Asker { case: Some(case), ..*tracer }
}

/// Tells the contacts of a case. The first time, the index of contacts may not have all facts yet.
async fn tell(tracer: Asker<'_>, case: &str, is_first: bool) -> anyhow::Result<Value> {
    let (began, all_are_there) = (Instant::now(), now());
    loop {
        let answer = tracer.post(&format!("/v1/cases/{case}/contacts/notify"), &json!({})).await?;
        let known_at = answer.body["known_at"].as_str().and_then(|text| Timestamp::parse(text).ok());
        let knows_all = answer.body["contacts"].as_u64().unwrap_or(0) > 0 && known_at >= Some(all_are_there);
        match answer.status {
            200 | 202 if knows_all || !is_first || began.elapsed() > CONTACTS_MAX / 12 => return Ok(answer.body),
            // A case that is only suspected, and one of another unit, or over.
            409 | 403 => return Ok(answer.body),
            200 | 202 | 503 if began.elapsed() < CONTACTS_MAX => tokio::time::sleep(Duration::from_millis(500)).await,
            status => anyhow::bail!("contacts were answered {status}: {}", answer.body["code"]),
        }
    }
}

fn listed(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
