use axum::http::StatusCode;
use domain::{Decimal, PaymentMade, PlaceRef, PresenceInterval, PresenceMethod, TravelMode, TripSegment, TripStatus};
use serde_json::{Value, json};
use store::views::Changes;

use crate::town::{CENTRE, at, cell, fact, minute, own, seen};
use crate::world::{World, anna, get, subject, world};

/// The afternoon that the facts are of: from an hour after noon to eight hours after it.
fn afternoon() -> String {
    format!("from={}&to={}", minute(60), minute(480))
}

async fn afternoon_of_anna() -> World {
    let world = world().await;
    let mut changes = Changes::default();
    cell(&mut changes, "A", CENTRE, 200.0);
    cell(&mut changes, "B", (CENTRE.0 + 0.01, CENTRE.1), 200.0);
    cell(&mut changes, "far", (CENTRE.0 + 0.2, CENTRE.1), 200.0);
    let anna = own(anna());
    // One stay: the minute in another cell is the network's doing.
    seen(&mut changes, "p1", anna, "A", 60, 80);
    seen(&mut changes, "p2", anna, "B", 80, 81);
    seen(&mut changes, "p3", anna, "A", 81, 180);
    // A code scanned 22 km away by whoever showed it.
    let scan = PresenceInterval {
        place: at("cells/far"),
        start_time: minute(100),
        end_time: Some(minute(130)),
        method: PresenceMethod::Qr,
        confidence: Some(0.9),
        ..PresenceInterval::default()
    };
    fact(&mut changes, ("codes", "scan"), anna, (100, Some(130)), scan.into());
    let trip = |status, from: i64, to: i64| TripSegment {
        mode: TravelMode::Rail,
        run_id: format!("2022-03-01/G{from}"),
        numbers: vec![format!("G{from}")],
        carriage: Some("05".to_owned()),
        origin: at("cells/A"),
        destination: at("cells/far"),
        depart_time: minute(from),
        arrive_time: Some(minute(to)),
        status,
        ..TripSegment::default()
    };
    fact(&mut changes, ("rail", "t1"), anna, (240, Some(300)), trip(TripStatus::Refunded, 240, 300).into());
    fact(&mut changes, ("rail", "t2"), anna, (300, Some(420)), trip(TripStatus::Travelled, 300, 420).into());
    let paid = |on_site| PaymentMade {
        amount: Some(Decimal::from_unscaled(1_250)),
        on_site,
        terminal_id: Some("=terminal".to_owned()),
        place: at("cells/A"),
        ..PaymentMade::default()
    };
    fact(&mut changes, ("wallet", "there"), anna, (90, None), paid(true).into());
    fact(&mut changes, ("wallet", "on-line"), anna, (95, None), paid(false).into());
    let nowhere = PresenceInterval { place: PlaceRef::default(), ..PresenceInterval::default() };
    fact(&mut changes, ("codes", "nowhere"), anna, (430, Some(440)), nowhere.into());
    world.put(&changes).await;
    world
}

/// Kind, minutes after noon of begin and end.
fn outline(body: &Value) -> Vec<(String, i64, i64)> {
    let items = body["items"].as_array().expect("items");
    let minutes = |text: &Value| {
        let at = domain::Timestamp::parse(text.as_str().expect("an instant")).expect("an instant");
        (at.as_millis() - minute(0).as_millis()) / 60_000
    };
    let line = |item: &Value| {
        (item["kind"].as_str().expect("a kind").to_owned(), minutes(&item["from"]), minutes(&item["to"]))
    };
    items.iter().map(line).collect()
}

#[tokio::test]
async fn an_itinerary_shows_stays_trips_gaps_and_what_cannot_both_be_true() {
    let world = afternoon_of_anna().await;
    let reply = world.ask(get(format!("/v1/persons/{}/itinerary?{}", anna(), afternoon())).own("anna")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let body = reply.json();
    let line = |kind: &str, from, to| (kind.to_owned(), from, to);
    assert_eq!(
        outline(&body),
        [
            line("test", 60, 60),
            line("stay", 60, 180),
            line("payment", 90, 90),
            line("stay", 100, 130),
            line("gap", 180, 300),
            line("trip", 240, 300),
            line("trip", 300, 420),
            line("gap", 420, 480),
        ]
    );
    assert_eq!(body["rules"], json!(exposure::Rules::default().version()));
    assert_eq!((&body["unplaced"], &body["withheld"]), (&json!(2), &json!([])));
    let stay = &body["items"][1];
    assert_eq!((stay["facts"].as_array().map(Vec::len), stay["swings"].as_array().map(Vec::len)), (Some(2), Some(1)));
    assert_eq!(
        (&stay["confidence"], &stay["silent"], &stay["place"]["radius_m"]),
        (&json!(0.8), &json!(false), &json!(200.0))
    );
    let shares: f64 = stay["squares"].as_array().expect("squares").iter().filter_map(|one| one["share"].as_f64()).sum();
    assert!((0.8..=1.0 + 1e-9).contains(&shares), "{stay}");
    assert_eq!(body["items"][5]["what"]["status"], "REFUNDED");
    let pair = json!([{ "one": 1, "other": 3, "from": minute(100).to_string(), "to": minute(130).to_string() }]);
    assert_eq!(body["contradictions"], pair);
    let entry = world.last_entry();
    assert_eq!((entry.subjects, entry.count), (vec![subject(anna())], 8));
    assert_eq!(entry.action.to_string(), "read-itinerary");
}

#[tokio::test]
async fn what_a_tracer_may_not_see_is_not_there_and_said_to_be_withheld() {
    let world = afternoon_of_anna().await;
    let reply = world.ask(get(format!("/v1/persons/{}/itinerary?{}", anna(), afternoon())).tracing()).await;
    let body = reply.json();
    assert_eq!(body["withheld"], json!(["payment"]));
    assert!(outline(&body).iter().all(|(kind, ..)| kind != "payment"), "{body}");
    assert!(!reply.text().contains("terminal"));
    // Whoever looks after the household register has no task that needs it.
    let ask = get(format!("/v1/persons/{}/itinerary?{}", anna(), afternoon())).by("worker").purpose("HOPERAT");
    assert_eq!(world.ask(ask).await.code(), "not-entitled");
    let reply = world.ask(get(format!("/v1/persons/{}/itinerary", anna())).own("bob")).await;
    assert_eq!(reply.code(), "person-not-found");
}

#[tokio::test]
async fn an_itinerary_is_a_map_and_a_table_too() {
    let world = afternoon_of_anna().await;
    let path = format!("/v1/persons/{}/itinerary?{}", anna(), afternoon());
    let by_name = world.ask(get(format!("{path}&format=geojson")).own("anna")).await;
    let reply = world.ask(get(path.clone()).header("accept", "application/geo+json").own("anna")).await;
    assert_eq!(reply.headers["content-type"], "application/geo+json");
    let body = reply.json();
    assert_eq!((&body["type"], &body["features"]), (&json!("FeatureCollection"), &by_name.json()["features"]));
    assert_eq!(body["receipt"]["id"].as_str(), reply.receipt());
    let shapes: Vec<&str> = body["features"]
        .as_array()
        .expect("features")
        .iter()
        .map(|feature| feature["geometry"]["type"].as_str().unwrap_or("none"))
        .collect();
    assert!(shapes[1].ends_with("Polygon"), "{shapes:?}");
    assert_eq!((shapes[0], shapes[2]), ("none", "Point"));
    assert_eq!(&shapes[4..], ["none", "LineString", "LineString", "none"]);
    let line = &body["features"][6]["geometry"]["coordinates"];
    assert_eq!(line, &json!([[CENTRE.1, CENTRE.0], [CENTRE.1, CENTRE.0 + 0.2]]));

    let reply = world.ask(get(format!("{path}&format=csv")).own("anna")).await;
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    assert!(reply.receipt().is_some());
    let text = reply.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 9);
    assert!(lines[0].starts_with("line,kind,group,from,to,place_id"));
    assert!(lines[2].starts_with("1,stay,trail,") && lines[2].contains(",3,"), "{}", lines[2]);
    // A spreadsheet would run what begins like a formula.
    assert!(lines[3].contains(",'=terminal,"), "{}", lines[3]);
}

#[tokio::test]
async fn an_itinerary_is_of_the_last_14_days_unless_the_question_says_otherwise() {
    let world = afternoon_of_anna().await;
    let ask = async |query: &str| world.ask(get(format!("/v1/persons/{}/itinerary{query}", anna())).tracing()).await;
    let days = |days: i64| minute(days * 1_440).to_string();
    let body = ask("").await.json();
    assert_eq!((&body["from"], &body["to"]), (&json!(days(-14)), &json!(days(0))));
    let body = ask(&format!("?to={}", days(1))).await.json();
    assert_eq!((&body["from"], &body["to"]), (&json!(days(-13)), &json!(days(1))));
    assert_eq!(ask(&format!("?from={}", days(-14))).await.status, StatusCode::OK);
    let too_long = format!("?from={}", minute(-14 * 1_440 - 1));
    for query in [too_long, format!("?from={}&to={}", days(0), days(0)), format!("?from={}", days(1))] {
        assert_eq!(ask(&query).await.code(), "timeline-too-long", "{query}");
    }
    for query in ["?format=xml", "?from=yesterday", "?days=3"] {
        assert_eq!(ask(query).await.code(), "query-malformed", "{query}");
    }
}
