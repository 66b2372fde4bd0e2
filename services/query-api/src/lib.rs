//! HTTP for portals, disease control, auditors and residents.
//!
//! Every call goes `authenticate → parse → decide → read → redact → append to the ledger → first byte`. A handler of a
//! person route ends with a value that only the module `call` makes, out of what the ledger has recorded; so there is no
//! way to forget it.
//!
//! Not here: who may see what (`access`), the ledger itself (`ledger`), SQL (`store`).

mod address;
mod appeals;
mod as_of;
mod auth;
mod body;
mod budget;
mod call;
mod cards;
mod cases;
mod changes;
mod community;
mod contacts;
mod contests;
mod decisions;
mod facts;
mod figures;
mod find;
mod follow_ups;
mod grant_routes;
mod grants;
mod handles;
mod happening;
mod health_code;
mod itinerary;
mod known_cases;
mod ledger_index;
mod ledger_routes;
mod ledger_search;
mod lineage;
mod link_picture;
mod linkage;
mod links;
mod marks;
mod me;
mod my_accesses;
mod names;
mod openapi;
mod persons;
mod problem;
mod publish;
mod query;
mod reports;
mod reviews;
mod seals;
mod signals;
mod state;
mod stranger_entry;
mod strangers;
mod stream;
mod subject;
mod suspicions;
mod system;
mod ties;
mod timeline;
mod townships;
mod unexplained;
mod units;
mod verdicts;
mod view;
mod watch;
mod whereabouts;

use axum::Extension;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use body::BODY_BYTES_MAX;
pub use call::{CASE_HEADER, GRANT_HEADER, PURPOSE_HEADER, RECEIPT_HEADER, case_refusal};
pub use contacts::{ContactsFollower, follow_contacts, load_contacts};
pub use exposure::KeyGroups;
pub use ledger_index::{Compared, compare as compare_ledger_index, follow_ledger};
pub use problem::{PROBLEMS, Problem, ProblemDocument, ProblemKind};
pub use reports::{ReportField, report_mark};
pub use state::{Clock, LEDGER_WAIT_MAX, QuerySetup, QueryState, Trust};
pub use stranger_entry::{flush as flush_strangers, record_refused_connections};

/// The routes of the query API, and what the OpenAPI document says of them. Merge them with those of other services,
/// then call [`finish`] on the whole.
pub fn router(state: QueryState) -> (Router, OpenApi) {
    let (router, api) = OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(find::find))
        .routes(routes!(cards::read))
        .routes(routes!(persons::read))
        .routes(routes!(persons::records))
        .routes(routes!(timeline::read))
        .routes(routes!(itinerary::read))
        .routes(routes!(itinerary::read_own))
        .routes(routes!(contacts::read))
        .routes(routes!(contacts::batch::read))
        .routes(routes!(health_code::read))
        .routes(routes!(health_code::read_own))
        .routes(routes!(appeals::list_own, appeals::make))
        .routes(routes!(appeals::list))
        .routes(routes!(appeals::decide))
        .routes(routes!(townships::list))
        .routes(routes!(links::read))
        .routes(routes!(cases::list))
        .routes(routes!(cases::suggested))
        .routes(routes!(cases::read))
        .routes(routes!(seals::seal))
        .routes(routes!(follow_ups::notify))
        .routes(routes!(follow_ups::of_case))
        .routes(routes!(follow_ups::of_unit))
        .routes(routes!(follow_ups::unassigned))
        .routes(routes!(follow_ups::read))
        .routes(routes!(follow_ups::step))
        .routes(routes!(follow_ups::assign))
        .routes(routes!(signals::list))
        .routes(routes!(units::list))
        .routes(routes!(community::summary))
        .routes(routes!(community::residents))
        .routes(routes!(reports::fill))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::read))
        .routes(routes!(decisions::list, decisions::decide))
        .routes(routes!(decisions::undo))
        .routes(routes!(lineage::read))
        .routes(routes!(changes::read))
        .routes(routes!(linkage::read))
        .routes(routes!(ledger_routes::entries))
        .routes(routes!(ledger_routes::checkpoint))
        .routes(routes!(ledger_routes::key))
        .routes(routes!(ledger_routes::prove))
        .routes(routes!(ledger_search::search))
        .routes(routes!(ledger_search::statistics))
        .routes(routes!(suspicions::list, suspicions::decide))
        .routes(routes!(contests::list_own, contests::make))
        .routes(routes!(contests::list))
        .routes(routes!(contests::decide))
        .routes(routes!(unexplained::list))
        .routes(routes!(marks::list, marks::mark))
        .routes(routes!(names::list, names::request))
        .routes(routes!(names::approve))
        .routes(routes!(names::show))
        .routes(routes!(grant_routes::list, grant_routes::request))
        .routes(routes!(grant_routes::read))
        .routes(routes!(grant_routes::approve))
        .routes(routes!(grant_routes::stop))
        .routes(routes!(grant_routes::review))
        .routes(routes!(figures::list, figures::draft))
        .routes(routes!(figures::released))
        .routes(routes!(figures::verify))
        .routes(routes!(figures::edit))
        .routes(routes!(figures::release))
        .routes(routes!(me::read))
        .routes(routes!(my_accesses::read))
        .routes(routes!(system::readyz))
        .with_state(state)
        .split_for_parts();
    let router = router.route("/registry", any(system::registry)).route("/registry/{*path}", any(system::registry));
    (router, api)
}

/// Finishes the merged routers of a process: serves the merged document at `/openapi.json` and the list of problems,
/// answers unknown addresses with problem documents, keeps identifiers out of addresses, and sets the headers that every
/// answer has. `others` are problems of routes that are not of this crate; a process without query API has no `state`.
pub fn finish(router: Router, mut api: OpenApi, others: &[ProblemKind], state: Option<QueryState>) -> Router {
    let mut kinds: Vec<ProblemKind> = PROBLEMS.iter().map(|problem| *problem.kind()).collect();
    kinds.extend(others.iter().filter(|other| PROBLEMS.iter().all(|problem| problem.code() != other.code)));
    let (problems, problems_api) = OpenApiRouter::new().routes(routes!(system::problems)).split_for_parts();
    api.merge(problems_api);
    openapi::tell_problems(&mut api);
    router
        .merge(problems.layer(Extension(system::Kinds(kinds.into()))))
        .route("/openapi.json", get(system::document(&api)))
        .fallback(async || Problem::RouteUnknown)
        .method_not_allowed_fallback(async || Problem::MethodUnknown)
        .layer(middleware::from_fn_with_state(state, guard))
}

/// The query API alone.
pub fn app(state: QueryState) -> Router {
    let (router, api) = router(state.clone());
    finish(router, api, &[], Some(state))
}

/// Headers that every answer has; what a handler set stays.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

async fn guard(State(state): State<Option<QueryState>>, request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query().map_or("", |address| address.as_str());
    let headers = request.headers().clone();
    let mut response = match state {
        // What a provider sends a browser back with is its own, and may look like anything.
        state if address.starts_with("/session/") || !address::holds_identifier(address) => {
            let response = next.run(request).await;
            match state {
                Some(state) => call::record_refusal(&state, &headers, response).await.into_response(),
                None => response,
            }
        }
        Some(state) => call::refuse_address(&state, request.headers()).await.into_response(),
        None => Problem::IdentifierInUrl.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
