//! The routes of the console, and the layer that puts the token of a session on the calls of its browser.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use domain::Timestamp;
use oidc::Oidc;
use runtime::problem::ProblemKind;
use serde::Deserialize;
use store::Store;

use crate::guests::{DemoRole, DemoRoles, Guest, Guests};
use crate::problem::{BODY_MALFORMED, CONSOLE_HEADER_MISSING, DEMO_ROLE_UNKNOWN, SIGN_IN_REFUSED, SIGN_IN_UNAVAILABLE};
use crate::sign_in::{self, SessionView};
use crate::{assets, pages};

/// The cookie of a session.
const COOKIE: &str = "isthmus-session";
/// The cookie that ties the way back from the provider to the browser that began it.
const LOGIN_COOKIE: &str = "isthmus-sign-in";
/// The cookie of the page that was asked for before the sign-in at the provider.
const RETURN_COOKIE: &str = "isthmus-return";
/// Before the names of cookies that go over TLS: no sibling host and no plain connection can plant such a one (RFC 6265bis).
const HOST: &str = "__Host-";
/// The header that a call with a cookie must have: a form or a link of another site cannot send it.
const CONSOLE_HEADER: HeaderName = HeaderName::from_static("isthmus-console");

/// Two years, as lists of such sites ask for; other hosts of the domain are not this hub's to speak for.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// What a console works with.
pub struct ConsoleSetup {
    /// The database, for the registers of callers and feed tokens.
    pub store: Store,
    /// The provider that staff sign in at.
    pub oidc: Option<Oidc>,
    /// The hub is reached over TLS: cookies never go another way.
    pub secure: bool,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// The console of a process; cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

struct Inner {
    setup: ConsoleSetup,
    guests: Guests,
    demo_roles: DemoRoles,
    /// Held by the one renewal that is made: a refresh token is used once.
    renewing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

impl Console {
    /// Makes the console; nobody is signed in.
    pub fn new(setup: ConsoleSetup) -> Self {
        let (guests, demo_roles) = (Guests::default(), DemoRoles::default());
        Self(Arc::new(Inner { setup, guests, demo_roles, renewing: tokio::sync::Mutex::default() }))
    }

    /// Offers roles that anybody may choose; for the demo alone.
    pub fn offer_demo(&self, roles: Vec<DemoRole>) {
        self.0.demo_roles.set(roles);
    }

    /// The pages and their files, and the routes of sessions.
    pub fn router(&self) -> Router {
        let mut router = Router::new()
            .route("/", get(async || pages::page()))
            .route(
                "/assets/{name}",
                get(async |Path(name): Path<String>, headers: HeaderMap| assets::asset(&name, &headers)),
            )
            .route("/session", get(read).post(sign_in).delete(sign_out))
            .route("/session/everywhere", delete(sign_out_everywhere))
            .route("/session/provider", get(leave_for_provider))
            .route("/session/provider/back", get(back_from_provider));
        for area in pages::AREAS {
            router = router
                .route(&format!("/{area}"), get(async || pages::page()))
                .route(&format!("/{area}/{{*rest}}"), get(async || pages::page()));
        }
        router.with_state(self.clone())
    }

    /// Lets calls with the cookie of a session go on with its token. A browser that was here over TLS comes back no other way.
    pub fn layer(&self, router: Router) -> Router {
        let router = router.layer(middleware::from_fn_with_state(self.clone(), carry_token));
        if !self.0.setup.secure {
            return router;
        }
        router.layer(middleware::map_response(async |mut response: Response| {
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
            response
        }))
    }

    pub(crate) fn setup(&self) -> &ConsoleSetup {
        &self.0.setup
    }

    pub(crate) fn demo_roles(&self) -> &DemoRoles {
        &self.0.demo_roles
    }

    /// Who calls by cookie. A provider's token that is about to end is renewed on the way.
    async fn guest(&self, headers: &HeaderMap) -> Option<Guest> {
        let id = self.cookie(headers, COOKIE)?;
        let guest = self.0.guests.find(id, Instant::now())?;
        let now = (self.0.setup.clock)().as_millis();
        let Some(provider) = &self.0.setup.oidc else { return Some(guest) };
        if !guest.provider.as_ref().is_some_and(|tokens| tokens.is_ending(now)) {
            return Some(guest);
        }
        let _one = self.0.renewing.lock().await;
        // Somebody else of this session may have renewed it meanwhile.
        let guest = self.0.guests.find(id, Instant::now())?;
        let tokens = guest.provider.as_ref().filter(|tokens| tokens.is_ending(now));
        let Some(tokens) = tokens else { return Some(guest) };
        match provider.renew(tokens, now).await {
            Ok(tokens) => self.0.guests.renew(id, tokens),
            Err(error) if !tokens.has_ended(now) => {
                tracing::warn!(%error, "A session was not renewed; it goes on until its token ends.");
                Some(guest)
            }
            Err(error) => {
                tracing::info!(%error, "A session was not renewed by the OpenID provider and has ended.");
                self.0.guests.close(id);
                None
            }
        }
    }

    /// The value of a cookie of this console.
    fn cookie<'h>(&self, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        let name = self.name(name);
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn name(&self, cookie: &str) -> String {
        if self.0.setup.secure { format!("{HOST}{cookie}") } else { cookie.to_owned() }
    }

    fn begin(&self, mut guest: Guest, view: &SessionView) -> Result<HeaderValue, ProblemKind> {
        guest.handle = view.handle().map(str::to_owned);
        let id = self.0.guests.open(guest, Instant::now()).ok_or(SIGN_IN_UNAVAILABLE)?;
        Ok(self.set_cookie(COOKIE, &id, "Strict", None))
    }

    /// A cookie that scripts cannot read. `Strict`: other sites cannot make the browser send it. `Lax`: they can by leading
    /// here, as the provider does.
    fn set_cookie(&self, name: &str, value: &str, same_site: &str, seconds: Option<u32>) -> HeaderValue {
        let secure = if self.0.setup.secure { "; Secure" } else { "" };
        let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        let name = self.name(name);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{age}");
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

async fn read(State(console): State<Console>, headers: HeaderMap) -> Result<Json<SessionView>, ProblemKind> {
    let guest = console.guest(&headers).await;
    sign_in::view(&console, guest).await.map(Json)
}

/// How a visitor signs in without a provider.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum SignIn {
    /// A role of the demo.
    Demo(String),
    /// A token of the hub, a caller's or a feed's.
    Token(String),
}

async fn sign_in(
    State(console): State<Console>,
    headers: HeaderMap,
    how: Result<Json<SignIn>, JsonRejection>,
) -> Result<Response, ProblemKind> {
    must_come_from_console(&headers)?;
    // What is wrong with the body is not repeated: it may hold a token.
    let Json(how) = how.map_err(|_| BODY_MALFORMED)?;
    let guest = match how {
        SignIn::Demo(role) => console.demo_roles().guest(&role).ok_or(DEMO_ROLE_UNKNOWN)?,
        SignIn::Token(token) => sign_in::guest_of(&console, token.trim()).await?,
    };
    if let Some(id) = console.cookie(&headers, COOKIE) {
        console.0.guests.close(id);
    }
    let view = sign_in::view(&console, Some(guest.clone())).await?;
    Ok(([(header::SET_COOKIE, console.begin(guest, &view)?)], Json(view)).into_response())
}

async fn sign_out(State(console): State<Console>, headers: HeaderMap) -> Result<Response, ProblemKind> {
    must_come_from_console(&headers)?;
    if let Some(id) = console.cookie(&headers, COOKIE) {
        console.0.guests.close(id);
    }
    signed_out(&console)
}

/// Ends every session of the visitor: on a device that was lost, too.
async fn sign_out_everywhere(State(console): State<Console>, headers: HeaderMap) -> Result<Response, ProblemKind> {
    must_come_from_console(&headers)?;
    if let Some(id) = console.cookie(&headers, COOKIE) {
        console.0.guests.close_all(id);
    }
    signed_out(&console)
}

fn signed_out(console: &Console) -> Result<Response, ProblemKind> {
    let gone = console.set_cookie(COOKIE, "", "Strict", Some(0));
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Sends the browser to the provider; what only this browser knows goes along as a cookie.
async fn leave_for_provider(
    State(console): State<Console>,
    RawQuery(query): RawQuery,
) -> Result<Response, ProblemKind> {
    let provider = console.setup().oidc.as_ref().ok_or(SIGN_IN_REFUSED)?;
    let leaving = provider.begin_login().map_err(|error| {
        tracing::error!(%error, "The OpenID provider cannot be asked to sign somebody in.");
        SIGN_IN_UNAVAILABLE
    })?;
    let kept = console.set_cookie(LOGIN_COOKIE, &leaving.kept, "Lax", Some(600));
    // All that follows is the address as it stood in the browser: it has a question mark and more of its own.
    let wanted = query.as_deref().and_then(|query| query.strip_prefix("to=")).filter(|address| pages::is_own(address));
    let mut response = ([(header::SET_COOKIE, kept)], Redirect::to(&leaving.address)).into_response();
    let wanted = console.set_cookie(RETURN_COOKIE, wanted.unwrap_or("/"), "Lax", Some(600));
    response.headers_mut().append(header::SET_COOKIE, wanted);
    Ok(response)
}

async fn back_from_provider(
    State(console): State<Console>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ProblemKind> {
    let provider = console.setup().oidc.as_ref().ok_or(SIGN_IN_REFUSED)?;
    let kept = console.cookie(&headers, LOGIN_COOKIE).ok_or(SIGN_IN_REFUSED)?;
    let now = (console.setup().clock)().as_millis();
    let ended = provider.end_login(kept, query.as_deref().unwrap_or_default(), now).await;
    let tokens = ended.map_err(|error| {
        tracing::info!(%error, "A sign-in at the OpenID provider was refused.");
        SIGN_IN_REFUSED
    })?;
    let guest = Guest { caller: Some(tokens.access().to_owned()), provider: Some(tokens), ..Guest::default() };
    let view = sign_in::view(&console, Some(guest.clone())).await?;
    if !view.is_signed_in() {
        return Err(SIGN_IN_REFUSED);
    }
    // A page that leads on: a redirect in answer to another site would not carry the cookie along.
    // Whoever can plant a cookie still leads to a page of the console alone.
    let wanted = console.cookie(&headers, RETURN_COOKIE).filter(|address| pages::is_own(address)).unwrap_or("/");
    let wanted = wanted.replace('&', "&amp;");
    let on = format!(
        "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={wanted}\"><a href=\"{wanted}\">Isthmus</a>"
    );
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], on).into_response();
    response.headers_mut().append(header::SET_COOKIE, console.begin(guest, &view)?);
    for cookie in [LOGIN_COOKIE, RETURN_COOKIE] {
        response.headers_mut().append(header::SET_COOKIE, console.set_cookie(cookie, "", "Lax", Some(0)));
    }
    Ok(response)
}

/// Puts the token of a session on a call that has none, and takes the cookies off.
async fn carry_token(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if !path.starts_with("/v1/") {
        let by_browser = request.method() == Method::GET && prefers_page(request.headers());
        let response = next.run(request).await;
        return if by_browser && is_refused_address(&path, &response) { lost(response) } else { response };
    }
    let has_own = request.headers().contains_key(header::AUTHORIZATION);
    if !has_own && console.cookie(request.headers(), COOKIE).is_some() {
        if let Err(problem) = must_come_from_console(request.headers()) {
            return problem.into_response();
        }
        let guest = console.guest(request.headers()).await;
        let token = guest.as_ref().and_then(|guest| guest.token_for(&path));
        if let Some(value) = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok()) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
    }
    request.headers_mut().remove(header::COOKIE);
    next.run(request).await
}

/// Whether a person asks, in the address line of a browser.
fn prefers_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split([',', ';']).next().is_some_and(|first| first.trim().eq_ignore_ascii_case("text/html"))
}

/// Whether it is refused because there is nothing there, or because the address holds what could be a number of a person.
fn is_refused_address(path: &str, response: &Response) -> bool {
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    let status = matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST);
    is_problem && status && !path.starts_with("/session")
}

/// The page with the status of the refusal: it says in words that there is nothing, with the menu around it.
fn lost(refused: Response) -> Response {
    let mut page = pages::page();
    if page.status().is_success() {
        *page.status_mut() = refused.status();
    }
    for (name, value) in refused.headers() {
        if name.as_str().starts_with("isthmus-") {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

fn must_come_from_console(headers: &HeaderMap) -> Result<(), ProblemKind> {
    let from_elsewhere = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin");
    if from_elsewhere || !headers.contains_key(CONSOLE_HEADER) { Err(CONSOLE_HEADER_MISSING) } else { Ok(()) }
}
