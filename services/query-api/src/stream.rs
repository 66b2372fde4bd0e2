//! Answers that go on, as server-sent events.
//!
//! Invariants: each piece is on record in the ledger before it leaves; events come in order, none twice and none missing;
//! a stream ends when the hub stops, when its token opens it no longer, and when the ledger or the database are away. A
//! piece is made when the client has taken the one before, so a slow client holds one piece and no more.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::call::{Answered, Call, Failure};
use crate::problem::Problem;

/// How often a stream looks for something new.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a quiet stream looks whether its token still opens it.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// After so long without an event a comment shows both sides that the other is there.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

/// What a stream is made of.
pub(crate) trait Pieces: Send + 'static {
    /// The next events as text, disclosed by the call; `None` when there is nothing new.
    fn next(&mut self, call: &Call) -> impl Future<Output = Result<Option<String>, Failure>> + Send;
}

/// One event as text.
pub(crate) fn event(name: &str, id: Option<i64>, data: &impl Serialize) -> Result<String, Problem> {
    let data = serde_json::to_string(data).map_err(|_| Problem::Internal)?;
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Ok(format!("{id}event: {name}\ndata: {data}\n\n"))
}

/// Opens a stream.
pub(crate) async fn open(call: Call, pieces: impl Pieces) -> Answered {
    let place = call.state.followers.clone().try_acquire_owned();
    let Ok(place) = place else { return call.refuse(Problem::FollowersTooMany.into()).await };
    call.finish_with(|call| {
        let follower = Follower { call, pieces, step: Step::Begin, checked: Instant::now(), _place: place };
        let pieces = futures_util::stream::unfold(follower, |mut follower| async move {
            let piece = follower.next().await?;
            Some((Ok::<_, Infallible>(piece), follower))
        });
        let mut response = Response::new(Body::from_stream(pieces));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response
    })
    .await
}

enum Step {
    /// Nothing was sent yet.
    Begin,
    /// Events are sent.
    Follow,
    /// The last piece was sent.
    End,
}

struct Follower<P> {
    call: Call,
    pieces: P,
    step: Step,
    checked: Instant,
    _place: OwnedSemaphorePermit,
}

impl<P: Pieces> Follower<P> {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<String> {
        match self.step {
            Step::Begin => {
                self.step = Step::Follow;
                Some("retry: 3000\n: changes follow\n\n".to_owned())
            }
            Step::Follow => self.follow().await,
            Step::End => None,
        }
    }

    async fn follow(&mut self) -> Option<String> {
        let shutdown = self.call.state.setup.shutdown.clone();
        let began = Instant::now();
        loop {
            if shutdown.has_begun() {
                return None;
            }
            match self.piece().await {
                Ok(Some(piece)) => return Some(piece),
                Ok(None) if began.elapsed() >= HEARTBEAT_EVERY => return Some(": nothing new\n\n".to_owned()),
                Ok(None) => {}
                Err(failure) => {
                    self.step = Step::End;
                    let problem = failure.problem();
                    // On record like any other refusal; what cannot be put on record is told all the same: it is no answer.
                    let _answer = self.call.refuse(failure).await;
                    return Some(format!("event: problem\ndata: {{\"code\":\"{}\"}}\n\n", problem.code()));
                }
            }
            tokio::select! {
                () = shutdown.wait() => return None,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// The next events; `None` when there is nothing new. A token or a case that opens nothing any more ends it within a second.
    async fn piece(&mut self) -> Result<Option<String>, Failure> {
        if self.checked.elapsed() >= CHECK_EVERY {
            self.checked = Instant::now();
            self.call.still_open().await?;
        }
        self.pieces.next(&self.call).await
    }
}
