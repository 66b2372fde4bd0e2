//! Old ids, forks, reads as of an instant, and the feed of changes.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::{ChangeCause, GoldenRecord, Member, PersonId, RecordId, SourceKind, Timestamp, survive, units};
use futures_util::StreamExt;
use serde_json::{Value, json};
use store::lineage::{self, Cause, PersonChangePut};
use store::views::{self, Changes, PersonPut};
use test_support::build::{self, NOON, record_id};
use tower::ServiceExt;

use crate::world::{Ask, GRID, OTHER_GRID, Reply, World, anna, bob, find, get, nobody, subject, world};

/// What becomes of a person: the records, the name, the unit; and with whom records are exchanged.
struct Fate<'a> {
    person: PersonId,
    /// `None`: the id is no person any more.
    now: Option<(&'a [RecordId], &'a str, &'a str)>,
    from: &'a [PersonId],
    into: &'a [PersonId],
}

fn person_put(person: PersonId, members: &[RecordId], name: &str, unit: &str) -> PersonPut {
    let statement = build::person(name).lives("some-road 1", unit).build();
    let members: Vec<Member<'_>> = members
        .iter()
        .map(|record| Member {
            record_id: *record,
            source: "register",
            source_kind: SourceKind::Community,
            first_time: NOON,
            last_time: NOON,
            statement: &statement,
        })
        .collect();
    let golden: GoldenRecord = survive(&members, &domain::Survivorship::default());
    let golden = serde_json::to_string(&golden).expect("json");
    let ids: Vec<RecordId> = members.iter().map(|member| member.record_id).collect();
    PersonPut {
        person_id: person,
        digest: lineage::digest(&golden, &ids),
        golden,
        units: units(&members),
        record_count: i32::try_from(ids.len()).expect("few"),
        first_time: NOON,
    }
}

impl World {
    /// Writes as the projector does; gives the instant at which it is known.
    async fn befalls(&self, fates: &[Fate<'_>]) -> Timestamp {
        let mut changes = Changes::default();
        for fate in fates {
            let mut digest = None;
            match fate.now {
                Some((members, name, unit)) => {
                    let put = person_put(fate.person, members, name, unit);
                    digest = Some(put.digest);
                    changes.persons.push(put);
                    changes.record_persons.extend(members.iter().map(|record| (*record, Some(fate.person))));
                }
                None => changes.persons_removed.push(fate.person),
            }
            changes.lineage.push(PersonChangePut {
                person_id: fate.person,
                digest,
                members: fate.now.map_or_else(Vec::new, |now| now.0.to_vec()),
                from_persons: fate.from.to_vec(),
                into_persons: fate.into.to_vec(),
                cause: Cause::of(ChangeCause::Event),
            });
        }
        // Two changes within a millisecond cannot be told apart by an instant.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let mut tx = self.store.begin("test").await.expect("begun");
        views::lock_writing(&mut tx).await.expect("locked");
        lineage::note(&mut tx, &changes, "zh-1").await.expect("noted");
        views::apply(&mut tx, &changes).await.expect("applied");
        tx.commit().await.expect("committed");
        let last = lineage::last_seq(&mut self.store.acquire().await.expect("a connection")).await.expect("read");
        let mut conn = self.store.acquire().await.expect("a connection");
        let rows = lineage::list_changes(&mut conn, last - 1, 1).await.expect("read");
        self.clock_is(rows[0].at.plus_millis(1_000));
        rows[0].at
    }

    /// Opens a stream and gives its text as far as `until` says that it is enough.
    async fn stream(&self, ask: Ask, until: impl Fn(&str) -> bool) -> String {
        let mut pieces = self.open(ask).await.into_data_stream();
        let mut text = String::new();
        while !until(&text) {
            let piece = tokio::time::timeout(Duration::from_secs(60), pieces.next()).await.expect("something comes");
            let Some(piece) = piece else { break };
            text.push_str(std::str::from_utf8(&piece.expect("a piece")).expect("UTF-8"));
        }
        text
    }

    pub(crate) async fn open(&self, ask: Ask) -> Body {
        let request: Request<Body> = ask.header("accept", "text/event-stream").request();
        let response = self.app.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(response.headers().contains_key("isthmus-receipt"));
        response.into_body()
    }
}

fn record(key: &str) -> RecordId {
    record_id("register", key)
}

fn hospital() -> RecordId {
    record_id("hospital", "anna")
}

fn subscriber(path: &str) -> Ask {
    get(path).by("subscriber").purpose("HOPERAT")
}

fn numbers(stream: &str) -> Vec<i64> {
    stream.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
}

fn name(reply: &Reply) -> Value {
    reply.json()["identity"]["name"]["value"].clone()
}

/// An id that was a person with a record of Anna's and one of Bob's, and went into the two.
async fn forked(world: &World) -> PersonId {
    let x = PersonId::from_oldest(record_id("lab", "x"));
    let both = [hospital(), record("bob")];
    world.befalls(&[Fate { person: x, now: Some((&both, "王小", GRID)), from: &[], into: &[] }]).await;
    world
        .befalls(&[
            Fate {
                person: anna(), now: Some((&[record("anna"), hospital()], "王小明", GRID)), from: &[x], into: &[]
            },
            Fate { person: bob(), now: Some((&[record("bob")], "李四", OTHER_GRID)), from: &[x], into: &[] },
            Fate { person: x, now: None, from: &[], into: &[anna(), bob()] },
        ])
        .await;
    x
}

#[tokio::test]
async fn an_id_that_is_several_persons_now_lists_those_whom_the_caller_may_see() {
    let world = world().await;
    let x = forked(&world).await;
    let path = format!("/v1/persons/{x}");
    let reply = world.ask(get(&path).tracing()).await;
    assert_eq!(reply.status, StatusCode::MULTIPLE_CHOICES);
    let mut both = [anna().to_string(), bob().to_string()];
    both.sort();
    assert_eq!((&reply.json()["asked_for"], &reply.json()["fork"]), (&json!(x.to_string()), &json!(both)));
    assert_eq!(world.last_entry().subjects.len(), 2);
    // Who may see one of them sees that one, and not that there is another.
    for (worker, person) in [("worker", anna()), ("other-worker", bob())] {
        let reply = world.ask(get(&path).looking_after(worker)).await;
        assert_eq!(
            (reply.status, &reply.json()["person_id"]),
            (StatusCode::OK, &json!(person.to_string())),
            "{worker}"
        );
    }
    for route in ["records", "links", "lineage"] {
        let reply = world.ask(get(format!("{path}/{route}")).tracing()).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::CONFLICT, "person-forked"), "{route}");
    }
}

#[tokio::test]
async fn an_old_id_that_is_not_the_callers_looks_as_if_it_never_was() {
    let world = world().await;
    let x = PersonId::from_oldest(record_id("lab", "x"));
    world.befalls(&[Fate { person: x, now: Some((&[record("bob")], "李四", OTHER_GRID)), from: &[], into: &[] }]).await;
    world
        .befalls(&[
            Fate { person: bob(), now: Some((&[record("bob")], "李四", OTHER_GRID)), from: &[x], into: &[] },
            Fate { person: x, now: None, from: &[], into: &[bob()] },
        ])
        .await;
    assert_eq!(world.ask(get(format!("/v1/persons/{x}")).tracing()).await.json()["asked_for"], json!(x.to_string()));
    let now = world.now().plus_millis(-900);
    for path in ["", "/lineage", "/records", &format!("?as_of={now}")] {
        let [not_yours, unknown] = [x, nobody()].map(|id| get(format!("/v1/persons/{id}{path}")).own("anna"));
        let (not_yours, unknown) = (world.ask(not_yours).await, world.ask(unknown).await);
        assert_eq!((not_yours.status, not_yours.bytes), (StatusCode::NOT_FOUND, unknown.bytes), "{path}");
    }
}

#[tokio::test]
async fn a_person_reads_as_of_an_instant_and_the_day_s_relation_decides() {
    let world = world().await;
    let records = [record("anna"), hospital()];
    let is = |name: &'static str| [Fate { person: anna(), now: Some((&records, name, GRID)), from: &[], into: &[] }];
    let first = world.befalls(&is("王一")).await;
    let second = world.befalls(&is("王二")).await;
    let at = |at: Timestamp| format!("/v1/persons/{}?as_of={at}", anna());
    for (instant, known) in [(first, "王一"), (second.plus_millis(-1), "王一"), (second, "王二")] {
        let reply = world.ask(get(at(instant)).looking_after("worker")).await;
        assert_eq!((reply.status, name(&reply)), (StatusCode::OK, json!(known)), "{instant} {}", reply.text());
        assert_eq!(reply.json()["as_of"], json!(instant.to_string()));
        assert_eq!(world.last_entry().subjects, [subject(anna())]);
    }
    for instant in [world.now().plus_millis(1), NOON] {
        let reply = world.ask(get(at(instant)).looking_after("worker")).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "as-of-out-of-range"));
    }
    assert_eq!(
        world.ask(get(format!("/v1/persons/{}?as_of=yesterday", anna())).tracing()).await.code(),
        "query-malformed"
    );
    // What was thought to be Anna's is Bob's today: her worker no longer reads it, not even as of then.
    world
        .befalls(&[
            Fate { person: anna(), now: Some((&[record("anna")], "王二", GRID)), from: &[], into: &[bob()] },
            Fate {
                person: bob(),
                now: Some((&[record("bob"), hospital()], "李四", OTHER_GRID)),
                from: &[anna()],
                into: &[],
            },
        ])
        .await;
    let reply = world.ask(get(at(second)).looking_after("worker")).await;
    let unknown = world.ask(get(format!("/v1/persons/{}?as_of={second}", nobody())).looking_after("worker")).await;
    assert_eq!((reply.status, reply.bytes), (StatusCode::NOT_FOUND, unknown.bytes));
    let reply = world.ask(get(at(second)).tracing()).await;
    assert_eq!(name(&reply), json!("王二"));
    assert_eq!(world.last_entry().subjects.len(), 2, "both whose records it shows are on record");
}

#[tokio::test]
async fn a_fork_of_then_is_on_record_for_those_of_then_and_for_whoever_has_their_records_today() {
    let world = world().await;
    let x = forked(&world).await;
    let mut conn = world.store.acquire().await.expect("a connection");
    let last = lineage::last_seq(&mut conn).await.expect("read");
    let then = lineage::list_changes(&mut conn, last - 1, 1).await.expect("read")[0].at;
    let late = PersonId::from_oldest(record_id("lab", "late"));
    world
        .befalls(&[
            Fate { person: late, now: Some((&[record("bob")], "李四", OTHER_GRID)), from: &[bob()], into: &[] },
            Fate { person: bob(), now: None, from: &[], into: &[late] },
        ])
        .await;
    let reply = world.ask(get(format!("/v1/persons/{x}?as_of={then}")).tracing()).await;
    assert_eq!(reply.status, StatusCode::MULTIPLE_CHOICES, "{}", reply.text());
    let mut told = [anna().to_string(), bob().to_string()];
    told.sort();
    assert_eq!(reply.json()["fork"], json!(told));
    let (mut said, mut subjects) = (world.last_entry().subjects, [anna(), bob(), late].map(subject));
    said.sort();
    subjects.sort();
    assert_eq!(said, subjects);
}

#[tokio::test]
async fn the_lineage_tells_both_sides_and_leaves_out_whom_the_caller_may_not_see() {
    let world = world().await;
    let x = forked(&world).await;
    let path = format!("/v1/persons/{}/lineage", anna());
    let seen = |reply: &Reply| -> Vec<(String, Value)> {
        let entries = reply.json()["entries"].as_array().expect("a list").clone();
        entries.iter().map(|e| (e["kind"].as_str().expect("a kind").to_owned(), e["from_persons"].clone())).collect()
    };
    let reply = world.ask(get(&path).tracing()).await;
    assert_eq!(seen(&reply), [("joined".to_owned(), json!([x.to_string()]))], "{}", reply.text());
    world
        .befalls(&[
            Fate {
                person: anna(),
                now: Some((&[record("anna"), hospital()], "王小明", GRID)),
                from: &[],
                into: &[bob()],
            },
            Fate {
                person: bob(),
                now: Some((&[record("bob"), record_id("lab", "y")], "李四", OTHER_GRID)),
                from: &[anna()],
                into: &[],
            },
        ])
        .await;
    let kinds = |reply: &Reply| seen(reply).into_iter().map(|entry| entry.0).collect::<Vec<_>>();
    assert_eq!(kinds(&world.ask(get(&path).tracing()).await), ["joined", "split"]);
    // That something went to Bob is nothing that Anna may know.
    assert_eq!(kinds(&world.ask(get(&path).own("anna")).await), ["joined"]);
}

#[tokio::test]
async fn changes_come_in_pages_without_a_value_and_each_person_is_on_record() {
    let world = world().await;
    forked(&world).await;
    let whole = world.ask(subscriber("/v1/changes")).await;
    assert_eq!(whole.status, StatusCode::OK, "{}", whole.text());
    let changes = whole.json()["changes"].as_array().expect("a list").clone();
    let kinds: Vec<&str> = changes.iter().map(|change| change["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert_eq!((kinds[0], kinds[3]), ("created", "forked"));
    for value in ["王", "李四", "road", GRID] {
        assert!(!whole.text().contains(value), "{value}");
    }
    assert_eq!((world.last_entry().subjects.len(), world.last_entry().count), (3, 4));
    // Page by page it is the same, without gap or double.
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let page = world.ask(subscriber(&format!("/v1/changes?after={after}&limit=1"))).await.json();
        after = page["next"].as_i64().expect("a number");
        match page["changes"].as_array().expect("a list").as_slice() {
            [] => break,
            more => paged.extend(more.to_vec()),
        }
    }
    assert_eq!(paged, changes);
    let reply = world.ask(subscriber(&format!("/v1/changes?after={}", after + 1))).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::CONFLICT, "cursor-unknown"));
    for query in ["?after=-1", "?after=x", "?limit=0", "?limit=501", "?since=1"] {
        assert_eq!(world.ask(subscriber(&format!("/v1/changes{query}"))).await.code(), "query-malformed", "{query}");
    }
    for caller in ["worker", "tracer", "auditor", "anna", "department", "operator"] {
        let reply = world.ask(get("/v1/changes").by(caller).purpose("HOPERAT").for_a_case()).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::FORBIDDEN, "not-entitled"), "{caller}");
    }
    let person = world.ask(get(format!("/v1/persons/{}", anna())).by("subscriber").purpose("HOPERAT")).await;
    assert_eq!(person.status, StatusCode::FORBIDDEN);
    assert_eq!(world.ask(find("{}").by("subscriber").purpose("HOPERAT")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_cut_and_every_piece_is_on_record_first() {
    let world = world().await;
    forked(&world).await;
    let first = world.stream(subscriber("/v1/changes"), |text| numbers(text).len() >= 4).await;
    let seen = numbers(&first);
    assert_eq!(seen.len(), 4);
    let entries = world.entries();
    assert_eq!(entries.iter().map(|entry| entry.count).collect::<Vec<_>>(), [0, 4], "the opening, then the piece");
    assert_eq!(entries[1].subjects.len(), 3);
    // Cut after the second: the client comes back with the id that it has; what is in the address does not count.
    let resumed = subscriber("/v1/changes?after=0").header("last-event-id", &seen[1].to_string());
    let rest = world.stream(resumed, |text| numbers(text).len() >= 2).await;
    assert_eq!(numbers(&rest), seen[2..]);
    let event: Value =
        serde_json::from_str(rest.lines().find_map(|l| l.strip_prefix("data: ")).expect("data")).expect("json");
    assert_eq!(event["seq"], json!(seen[2]));
    // What happens while it is open comes too.
    let body = world.open(subscriber(&format!("/v1/changes?after={}", seen[3]))).await;
    let reader = tokio::spawn(async move {
        let mut pieces = body.into_data_stream();
        let mut text = String::new();
        while numbers(&text).is_empty() {
            text.push_str(std::str::from_utf8(&pieces.next().await.expect("open").expect("a piece")).expect("UTF-8"));
        }
        text
    });
    world
        .befalls(&[Fate { person: bob(), now: Some((&[record("bob")], "李五", OTHER_GRID)), from: &[], into: &[] }])
        .await;
    let live = tokio::time::timeout(Duration::from_secs(60), reader).await.expect("it comes").expect("no panic");
    assert!(live.contains("\"kind\":\"changed\"") && numbers(&live)[0] > seen[3], "{live}");
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked_and_when_the_hub_stops() {
    let world = world().await;
    let mut conn = world.store.acquire().await.expect("a connection");
    let body = world.open(subscriber("/v1/changes")).await;
    assert!(store::callers::disable(&mut conn, "subscriber", NOON).await.expect("done"));
    let text = axum::body::to_bytes(body, 1 << 20);
    let text = tokio::time::timeout(Duration::from_secs(60), text).await.expect("it ends").expect("a body");
    assert!(
        String::from_utf8_lossy(&text).ends_with("event: problem\ndata: {\"code\":\"token-invalid\"}\n\n"),
        "{text:?}"
    );
    let world = crate::world::world().await;
    let body = world.open(subscriber("/v1/changes")).await;
    world.shutdown.begin();
    tokio::time::timeout(Duration::from_secs(60), axum::body::to_bytes(body, 1 << 20))
        .await
        .expect("it ends")
        .expect("a body");
}

#[tokio::test]
async fn a_stream_tells_of_nobody_when_the_ledger_is_away() {
    let world = world().await;
    let body = world.open(subscriber("/v1/changes")).await;
    world.ledger.close().await;
    forked(&world).await;
    let text = tokio::time::timeout(Duration::from_secs(60), axum::body::to_bytes(body, 1 << 20)).await;
    let text = text.expect("it ends").expect("a body");
    let text = String::from_utf8_lossy(&text);
    assert!(
        text.contains("audit-unavailable") && numbers(&text).is_empty() && !text.contains(&anna().to_string()),
        "{text}"
    );
}

#[tokio::test]
async fn there_is_room_for_so_many_streams_and_no_more() {
    let world = world().await;
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(world.open(subscriber("/v1/changes")).await);
    }
    let one_more = subscriber("/v1/changes").header("accept", "text/event-stream");
    let reply = world.ask(one_more).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "followers-too-many"));
    open.pop();
    drop(world.open(subscriber("/v1/changes")).await);
}
