//! The OpenAPI document, as far as it is not in the handlers.

use access::Purpose;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, ContentBuilder, OpenApi as OpenApiDocument, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoParams, Modify, OpenApi};

/// The headers of every question about a person.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes headers that `Call` reads")]
pub(crate) struct PersonHeaders {
    /// What the call is for, a code of HL7 PurposeOfUse: TREAT, ETREAT, PUBHLTH, HOPERAT, PATRQT or HRESCH.
    #[param(rename = "Isthmus-Purpose")]
    purpose: String,
    /// The case worked on, by its number or by the hub's id: it is open, and the caller's unit works on it.
    #[param(rename = "Isthmus-Case", required = false)]
    case: String,
    /// The emergency grant that the call invokes: an id that POST /v1/grants answered with.
    #[param(rename = "Isthmus-Grant", required = false)]
    grant: String,
}

/// The document that the routes are added to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Isthmus",
        description = "One person, one file: departments push feeds, and those entitled to it ask. Every answer about \
                       a person is on record in a tamper-evident ledger before its first byte is sent; the receipt is \
                       in the header `Isthmus-Receipt` and in the body.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "persons", description = "Person files. Each call states its purpose and leaves an entry in the ledger."),
        (name = "townships", description = "The risk of townships; about no person."),
        (name = "cases", description = "Cases in the word of disease control, and what suggests one."),
        (name = "follow-ups", description = "People who met a case: what is done about them, at which community unit."),
        (name = "appeals", description = "What residents say against the colour of their health code."),
        (name = "contests", description = "What residents say against values and records of their own file."),
        (name = "units", description = "Community units: who lives there, and how many."),
        (name = "reviews", description = "Pairs of records that a reviewer decides about, and the decisions."),
        (name = "changes", description = "What became of persons, by id, for systems that keep references to them."),
        (name = "ledger", description = "The record of every look."),
        (name = "grants", description = "Emergency grants: asked for by one, approved by two others, over by themselves."),
        (name = "figures", description = "Counts for the public: fixed tables, released by three people, with small numbers hidden."),
        (name = "caller", description = "The caller itself."),
        (name = "system", description = "The process."),
    ),
    modifiers(&BearerToken)
)]
pub(crate) struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let description = format!(
            "A token of the caller register. Purposes: {}.",
            Purpose::ALL.iter().map(|purpose| purpose.code()).collect::<Vec<_>>().join(", ")
        );
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        openapi.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The media type of a problem (RFC 9457).
const PROBLEM: &str = "application/problem+json";
const PROBLEM_SCHEMA: &str = "#/components/schemas/ProblemDocument";

/// Says of every route what all of them have in common: problems are of the media type of problems, and any route may answer
/// with one, if only because an address holds what could be an identifier.
pub(crate) fn tell_problems(api: &mut OpenApiDocument) {
    for item in api.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.head, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            for response in responses.values_mut() {
                let RefOr::T(response) = response else { continue };
                if response.content.get("application/json").is_some_and(is_problem)
                    && let Some(content) = response.content.shift_remove("application/json")
                {
                    response.content.insert(PROBLEM.to_owned(), content);
                }
            }
            responses.entry("default".to_owned()).or_insert_with(|| {
                let content = ContentBuilder::new().schema(Some(Ref::new(PROBLEM_SCHEMA))).build();
                let description = "A problem; see /problems";
                RefOr::T(ResponseBuilder::new().description(description).content(PROBLEM, content).build())
            });
        }
    }
}

fn is_problem(content: &RefOr<Content>) -> bool {
    match content {
        RefOr::T(content) => {
            matches!(&content.schema, Some(RefOr::Ref(schema)) if schema.ref_location == PROBLEM_SCHEMA)
        }
        RefOr::Ref(_) => false,
    }
}
