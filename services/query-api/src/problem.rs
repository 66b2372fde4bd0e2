//! Problem documents (RFC 9457): the only place where something that went wrong becomes a response.
//!
//! A problem is a code of one closed list. Its document is a function of the code alone: it says nothing about the
//! person asked for, repeats nothing of the request, and carries no message of the database. So two refusals with the
//! same code are the same bytes.

use axum::response::{IntoResponse, Response};
pub use runtime::problem::{ProblemDocument, ProblemKind};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal: $meaning:literal, $mend:literal;)+) => {
        /// Something that went wrong, as the caller is told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Problem {
            $($(#[$doc])* $name,)+
        }

        impl Problem {
            /// What the problem means and how to mend it.
            pub const fn kind(self) -> &'static ProblemKind {
                match self {
                    $(Self::$name => &ProblemKind { code: $code, status: $status, meaning: $meaning, mend: $mend },)+
                }
            }
        }

        /// Every problem that a response can carry; the documentation is made from it.
        pub const PROBLEMS: &[Problem] = &[$(Problem::$name),+];
    };
}

problems! {
    /// No valid bearer token.
    TokenInvalid = 401 "token-invalid":
        "The request carries no bearer token that opens anything.",
        "Send `Authorization: Bearer <token>` with a token of the caller register; ask the operator for a new one.";
    /// An identifier in the address.
    IdentifierInUrl = 400 "identifier-in-url":
        "The address holds what could be an identity, phone or card number, and addresses end up in logs.",
        "Send identifiers in the body of POST /v1/persons/find, and go on with the person id it answers with.";
    /// No purpose.
    PurposeMissing = 422 "purpose-missing":
        "The request does not say what it is for.",
        "Send one header `Isthmus-Purpose` with TREAT, ETREAT, PUBHLTH, HOPERAT, PATRQT or HRESCH.";
    /// An unknown purpose.
    PurposeUnknown = 422 "purpose-unknown":
        "The purpose is not one of the closed list; it is compared letter for letter, and there is one only.",
        "Send one header `Isthmus-Purpose` with TREAT, ETREAT, PUBHLTH, HOPERAT, PATRQT or HRESCH.";
    /// A case reference of another form.
    CaseMalformed = 422 "case-malformed":
        "The case is named in another form than a number or an id of a case has, or with what could be a person's number.",
        "Send one header `Isthmus-Case` with the id of the case, or with its number: 3 to 64 letters, digits and - _ . / and no 11 digits in a row.";
    /// No case where one is needed, or one that does not count for the caller: which of these it is, is not told.
    CaseRequired = 403 "case-required":
        "The call needs a case and states none, or the case that it states is not known, not open, or another unit's.",
        "Send the header `Isthmus-Case` with the number or the id of a case that is open and that your unit works on; where cases share a number, send the id.";
    /// The role may not do this for this purpose.
    NotEntitled = 403 "not-entitled":
        "The caller's role may not do this for the purpose stated.",
        "State the purpose you act for; if it was right, ask for the answer from somebody whose task it is.";
    /// No such person, or not the caller's: the two cannot be told apart.
    PersonNotFound = 404 "person-not-found":
        "There is no such person, or it is not one of the caller's.",
        "Find the person by identifiers, or by name and birth date, with POST /v1/persons/find.";
    /// The id stood for a person that is several persons now.
    PersonForked = 409 "person-forked":
        "The id stood for a person that is several persons now, so this cannot be answered for one of them.",
        "Read GET /v1/persons/{person_id}: it lists the persons; go on with the id of the one you mean.";
    /// An instant of which the hub does not know what it answered.
    AsOfOutOfRange = 422 "as-of-out-of-range":
        "The instant `as_of` is in the future, or before the history of this hub begins.",
        "Ask for an instant that has passed; how long history is kept is the operator's setting.";
    /// A cursor that this hub never gave.
    CursorUnknown = 409 "cursor-unknown":
        "The cursor is higher than that of any change here: it is of another hub, or of a database that was restored since.",
        "Begin anew without a cursor; what you know already comes once more.";
    /// As many followers as there is room for.
    FollowersTooMany = 429 "followers-too-many":
        "As many streams of changes are open as this process allows.",
        "Close streams that nobody reads, or page with `Accept: application/json`.";
    /// No such link.
    LinkNotFound = 404 "link-not-found":
        "No link joins these two records of the person, or the person has one record only.",
        "Name two records of one of the links that the same address lists as JSON.";
    /// A question for cards that makes no sense.
    CardsMalformed = 422 "cards-malformed":
        "The question names no person, more than 200, or one of them twice.",
        "Send `persons` with 1 to 200 different ids; ask for more in several calls.";
    /// Not a person id.
    PersonIdMalformed = 400 "person-id-malformed":
        "The person id is not a UUID.",
        "Use the `person_id` of an answer as it stands.";
    /// A query string that cannot be read.
    QueryMalformed = 400 "query-malformed":
        "A member of the query string is unknown, missing, twice there or has another form.",
        "Instants are written as 2022-03-01T00:00:00Z; the OpenAPI document names the members of each route.";
    /// A timeline that is too long.
    TimelineTooLong = 422 "timeline-too-long":
        "The stretch between `from` and `to` is empty, or longer than the caller's role may ask for at once.",
        "Ask for a shorter stretch; disease control may ask for 14 days.";
    /// A stretch that the stated case has nothing to do with.
    TimelineBeforeCase = 422 "timeline-before-case":
        "The stretch begins longer before the stated case than the caller's role may ask for at once.",
        "Ask from the instant on that is named; what is older is opened by an older case, or by an emergency grant.";
    /// The index of contacts is not built yet.
    ContactsLoading = 503 "contacts-loading":
        "The process is still reading where everybody was (or, with `known_at`, where they were known to be then), so contacts cannot be answered yet.",
        "Try again in a minute; if it goes on, the operator must look at the log of the query API.";
    /// What was known at an instant is not in the views yet.
    ViewsBehind = 503 "views-behind":
        "The hub has read facts that are not in its views yet, so what it knew at `known_at` cannot be told.",
        "Try again in seconds; if it goes on, the operator must look at the projector.";
    /// A question about the contacts of cases that makes no sense.
    ContactsMalformed = 422 "contacts-malformed":
        "The question names no case, more than 5,000, or cases beside `all`; or its `limit` is 0, or an instant has another form.",
        "Send `cases` with ids as GET /v1/cases tells them, or `all`; instants are written as 2022-03-01T00:00:00Z.";
    /// More contacts than one answer holds.
    ContactsTooMany = 422 "contacts-too-many":
        "The cases have more contacts than the 20,000,000 that one answer holds.",
        "State `limit`, for the most exposed of each case, or ask for fewer cases at once.";
    /// A body that is not the expected JSON.
    BodyMalformed = 400 "body-malformed":
        "The body is not the JSON document that this route takes: broken, nested, with unknown, missing or double members.",
        "Compare it with the schema in the OpenAPI document; unknown members are refused, not ignored.";
    /// A body of another type.
    BodyType = 415 "body-type":
        "The body is not declared as JSON.",
        "Send the header `Content-Type: application/json`.";
    /// A body that is too long.
    BodyTooLarge = 413 "body-too-large":
        "The body is longer than 16 KiB, or than the 256 KiB of a list of cases.",
        "Ask for fewer identifiers or cases at once.";
    /// A search of the ledger that makes no sense.
    SearchMalformed = 422 "search-malformed":
        "A member of the search has another form, names a person twice, or asks for more than 1,000 entries.",
        "Instants are written as 2022-03-01T00:00:00Z; give `subject` as entries have it, or `person_id`, not both.";
    /// No such entry, or not about the caller.
    EntryNotFound = 404 "entry-not-found":
        "The access log has no such entry, or it is not about the caller.",
        "Give the `index` of an entry as GET /v1/me/accesses or POST /v1/ledger/search tells it.";
    /// An unknown verdict or reason.
    SuspicionWords = 422 "suspicion-words":
        "The `verdict` or the `reason` is not one of the closed list; they are compared letter for letter.",
        "The OpenAPI document lists verdicts and reasons of the route.";
    /// A verdict about the auditor's own look.
    OwnLook = 403 "own-look":
        "The entry is a look of the caller, and nobody decides about that.",
        "Let another auditor decide.";
    /// More was asked for than the role may see in a while.
    BudgetSpent = 429 "budget-spent":
        "The caller was shown as many persons of an hour, or as many rows of a week, as the role's budget allows, or asked for too many in an hour whom there is not.",
        "Wait until the hour or the week is over. If the work needs more, the operator raises the budget in the rules of suspicion.";
    /// No grant, or none that opens anything.
    GrantInvalid = 403 "grant-invalid":
        "The emergency grant opens nothing: it is unknown, not approved by two people of two units, over, or not for this caller.",
        "GET /v1/grants lists the grants with their states; who asked for one does not approve it, nor does anybody of the same unit.";
    /// A grant that a site does not give.
    GrantMalformed = 422 "grant-malformed":
        "The grant asks for more than there is: an area larger than a district, another purpose or role, no time or too much of it.",
        "Give a division code of 6 digits or more, PUBHLTH, the roles cdc-tracer or community-worker, field groups but payment and care.";
    /// No such grant.
    GrantNotFound = 404 "grant-not-found":
        "There is no such emergency grant.",
        "Use the `grant` of an answer of GET /v1/grants as it stands.";
    /// A grant in another state.
    GrantState = 409 "grant-state":
        "The grant is not in a state for this: it is over, was reviewed, or is not over yet.",
        "Read GET /v1/grants: requests are approved, what runs is stopped, and what is over is reviewed.";
    /// A grant that was not reviewed.
    ReviewOverdue = 403 "review-overdue":
        "An earlier emergency grant of the caller's unit was not reviewed in time, so there is no other.",
        "Let an auditor or a privacy officer review it: POST /v1/grants/{grant}/review.";
    /// No such request for a name.
    NameRequestNotFound = 404 "name-request-not-found":
        "There is no such request for a name, or the person behind the handle is not known any more.",
        "Use the `request` of an answer of GET /v1/ledger/names as it stands.";
    /// A request without a second person.
    NameNotApproved = 403 "name-not-approved":
        "The name is shown once, to the auditor who asked, after somebody else agreed; not now.",
        "Let another auditor or a privacy officer agree. A request that was used or is somebody else's takes a new one.";
    /// A figure that makes no sense.
    FigureMalformed = 422 "figure-malformed":
        "The figure has an unknown kind, rows that are no units of one level, or a title or note that is too long or holds a number.",
        "Kinds are residents-by-age and cases-by-state; rows are 1 to 200 division codes of one length; leave names and numbers of persons out.";
    /// No such figure.
    FigureNotFound = 404 "figure-not-found":
        "There is no such figure.",
        "Use the `figure` of an answer of GET /v1/figures as it stands.";
    /// A step out of order.
    FigureStep = 409 "figure-step":
        "A figure is drafted, verified, edited and released, each once and in this order.",
        "GET /v1/figures tells the last step of each; a figure that was verified wrongly is drafted anew.";
    /// Too few people.
    FigurePeople = 403 "figure-people":
        "Verification, editing and release are the work of three different people, and nobody verifies the own draft.",
        "Let somebody else do it.";
    /// What is shown would tell about fewer than ten people.
    DisclosureRisk = 409 "disclosure-risk":
        "Beside the figures of its kind that were verified before it would tell about fewer than ten people, or it has other rows than these.",
        "Draft it later, when more has changed, with the rows of the figures before.";
    /// A seal that cannot be.
    SealMalformed = 422 "seal-malformed":
        "The seal is longer than 30 days, or its reason is not one of the closed list.",
        "Reasons are INVESTIGATION, PROTECTION and OTHER; a seal may be said again when it ends.";
    /// An unknown mark.
    MarkUnknown = 422 "mark-unknown":
        "The mark is not one of the closed list, or there is no such person.",
        "Marks are CANARY, PROMINENT and NONE.";
    /// An identifier that cannot be one.
    IdentifierMalformed = 422 "identifier-malformed":
        "An identifier cannot be a value of its scheme: a wrong check digit, hidden characters, another length; or the name is empty.",
        "Compare it with the document it was taken from. Masked numbers find nobody.";
    /// Not the code of a community unit.
    UnitMalformed = 400 "unit-malformed":
        "The code of the community unit has another form.",
        "Use a division code of 6, 9 or 12 digits, or that of a grid unit: 6 to 32 digits and capital letters.";
    /// A unit that is not the caller's.
    UnitNotFound = 404 "unit-not-found":
        "There is no such community unit, or it is not one of the caller's.",
        "Use the unit that GET /v1/me names, or one below it.";
    /// A heading that names no field.
    ReportFieldUnknown = 422 "report-field-unknown":
        "A heading of the report names no field, or there are none or more than 50.",
        "The OpenAPI document names the fields of reports; Chinese forms may call them as they are used to, such as 姓名.";
    /// A template that is no form.
    ReportTemplate = 422 "report-template":
        "The template is no table of text (UTF-8 or GB 18030) and no workbook whose first sheet has headings in its first 20 rows, or has a cell too long for the workbook asked for.",
        "Save the form as CSV or as .xlsx without a password, and send it with the type of that file, 256 KiB at most.";
    /// A heading whose field the caller may not see.
    ReportFieldWithheld = 403 "report-field-withheld":
        "The report asks for a field that the caller may not see for the purpose stated.",
        "Households are shown for HOPERAT, key groups and follow-ups for PUBHLTH; leave the other headings out, or state the other purpose.";
    /// More residents than fit.
    ReportTooLarge = 422 "report-too-large":
        "The unit has more residents than the 2,000 that one report holds.",
        "Fill a report for each of the units below it: GET /v1/units/{unit}/summary names them.";
    /// No such case.
    CaseNotFound = 404 "case-not-found":
        "There is no such case.",
        "Use the `case` of an answer of GET /v1/cases as it stands: it is a UUID, not the number of the case.";
    /// A case whose contacts cannot be told.
    CaseUntraceable = 409 "case-untraceable":
        "Nobody can be told of this case: it is not known whose it is, or it is suspected or excluded only.",
        "GET /v1/cases/{case} tells the person and the state; when disease control confirms it, send the call again.";
    /// A case of so long ago that its contacts are not kept.
    ContactsNotKept = 409 "contacts-not-kept":
        "Whom this case met is not told any more: it was before what is kept of whereabouts.",
        "Its follow-ups of then stand in GET /v1/cases/{case}/follow-ups; `kept_days` in the rules of disease control says how long whereabouts count.";
    /// No such follow-up.
    FollowUpNotFound = 404 "follow-up-not-found":
        "There is no such follow-up, or it is not one of the caller's unit.",
        "Use the `follow_up_id` of an answer as it stands: GET /v1/units/{unit}/follow-ups lists those of the own unit.";
    /// A step that may not be taken now.
    StepNotAllowed = 409 "step-not-allowed":
        "The step may not be taken now: the follow-up is in another state, at another unit, or without a case any more.",
        "GET /v1/follow-ups/{follow_up} names the `steps` that may be taken now; `at` is not before the step before.";
    /// An end before its time.
    QuarantineNotOver = 409 "quarantine-not-over":
        "The quarantine, or the time in which the rules ask for one, is not over yet.",
        "Release at `until` or later; close with `period_over` when a quarantine by the rules would be over. None ends earlier.";
    /// A quarantine that would be over when it begins.
    QuarantineOver = 409 "quarantine-over":
        "By the rules the quarantine would be over when it begins, because the last meeting is too long ago.",
        "Take the step `closed` with the reason `period_over`; when there is to be a quarantine nevertheless, state `until`.";
    /// A quarantine that cannot end then.
    QuarantineEnd = 422 "quarantine-end":
        "The quarantine cannot end at `until`: that is earlier than it stands or than the rules have it, or longer than a whole one from now on.",
        "Leave `until` out for the end by the rules, or state a later one, a whole quarantine from now on at most.";
    /// A unit where nobody is.
    UnitEmpty = 422 "unit-empty":
        "The unit has no resident and nobody works for it, or it is the one that has the follow-up, so giving it there leads to nobody.",
        "Compare the code of the unit: GET /v1/units/{unit}/summary names those below one's own.";
    /// A step that cannot be read.
    StepMalformed = 422 "step-malformed":
        "The step is unknown, lacks what belongs to it, states what does not, or is in the future.",
        "The OpenAPI document says what each step states.";
    /// No such appeal.
    AppealNotFound = 404 "appeal-not-found":
        "There is no such appeal.",
        "Use the `appeal_id` of an answer as it stands: GET /v1/appeals lists those that are open.";
    /// A word that is not on the list.
    AppealWords = 422 "appeal-words":
        "The appeal says nothing, is longer than 1,000 characters, or its `verdict` or `reason` is not one of the closed list.",
        "The OpenAPI document lists verdicts and reasons; they are compared letter for letter.";
    /// Nothing to appeal against.
    AppealNothing = 409 "appeal-nothing":
        "The code has no reason that the appeal could be against, or an event is not of a reason of it, or is contested already.",
        "GET /v1/me/health-code tells the reasons with their events; leave `events` out to appeal against all of them.";
    /// An appeal that is decided.
    AppealDecided = 409 "appeal-decided":
        "The appeal is decided already, and nothing was changed.",
        "Read the decision with GET /v1/appeals; whoever knows something new appeals again.";
    /// An appeal against a case that stands.
    AppealCase = 409 "appeal-case":
        "The appeal is against a case that disease control states, and a verdict on an appeal does not take a case back.",
        "Let the source of the case state it as EXCLUDED: then it colours no code, ends its follow-ups, and the appeal can be upheld.";
    /// A verdict on the own work.
    OwnWork = 403 "own-work":
        "The caller took a step in a follow-up of this resident, and nobody sets aside what they worked on themselves.",
        "Let somebody else of disease control decide.";
    /// No such contest.
    ContestNotFound = 404 "contest-not-found":
        "There is no such contest.",
        "Use the `contest_id` of an answer as it stands: GET /v1/contests lists those that are open.";
    /// A word that is not on the list.
    ContestWords = 422 "contest-words":
        "The contest names no entry, value or record, says nothing or more than 1,000 characters, or its `field`, `verdict` or `reason` is not one of the closed list.",
        "State `index` with `reason` for a look, `record_id` with `field` and `words` for a value, `record_id` with `words` for a record.";
    /// Nothing to contest.
    ContestNothing = 409 "contest-nothing":
        "The record is none of the caller's file, is the only one of it, does not state the value, or is contested so already.",
        "GET /v1/persons/{person_id}/records tells the own records; GET /v1/me/contests tells what is open.";
    /// A contest that is decided.
    ContestDecided = 409 "contest-decided":
        "The contest is decided already, and nothing was changed.",
        "Read the decision with GET /v1/contests; whoever knows something new contests again.";
    /// No such key group.
    KeyGroupUnknown = 422 "key-group-unknown":
        "The rules have no such key group, or the caller may not know who belongs to one.",
        "GET /v1/units/{unit}/summary names the key groups; they are told for the purpose PUBHLTH.";
    /// Not a task or decision id.
    ReviewIdMalformed = 400 "review-id-malformed":
        "The id of the task or decision is not a UUID.",
        "Use the `task_id` or `decision_id` of an answer as it stands.";
    /// No such task or decision.
    ReviewNotFound = 404 "review-not-found":
        "There is no such task or decision for the caller, or a record is not known.",
        "GET /v1/reviews lists what is open. A pair that is no task can be decided on for a case: send `Isthmus-Case`.";
    /// A decision on one record.
    DecisionRecords = 422 "decision-records":
        "`record_a` and `record_b` of the decision are the same record.",
        "Name two records, as a task lists them.";
    /// An unknown verdict.
    DecisionVerdict = 422 "decision-verdict":
        "The `verdict` of the decision is unknown; it is compared letter for letter.",
        "Verdicts are SAME and DIFFERENT.";
    /// An unknown reason.
    DecisionReason = 422 "decision-reason":
        "The `reason` of the decision is not one of the closed list; it is compared letter for letter.",
        "Give DOCUMENT_SEEN, SOURCE_CONFIRMED, PERSON_CONFIRMED, RELATIVES, NAMESAKES, NUMBER_WRONG, MISTAKEN or OTHER.";
    /// A note that is too long or holds a number.
    DecisionNote = 422 "decision-note":
        "The `note` of the decision is longer than 300 characters, or holds a long number.",
        "Leave names and numbers of persons out of the note, and keep it short.";
    /// A decision about the reviewer's own file.
    OwnFile = 403 "own-file":
        "One of the records is in the caller's own file, and nobody decides about that.",
        "Let another reviewer decide.";
    /// Another reviewer decided otherwise at the same time.
    DecisionOvertaken = 409 "decision-overtaken":
        "Another reviewer decided otherwise on this pair at the same time, and that decision counts.",
        "Look at the pair in GET /v1/decisions, talk to the other reviewer, and decide again if need be.";
    /// What a decision would change is not known yet.
    DecisionsPending = 503 "decisions-pending":
        "Earlier decisions or steps are not in the views yet, so nothing was done.",
        "Wait a moment and send it again; if it goes on, the operator must look at the projector.";
    /// The event log is away.
    LogUnavailable = 503 "log-unavailable":
        "The event log did not confirm the decision or step; whether it was taken is not known.",
        "Send the same again: it counts once. If it goes on, the operator must look at the event log.";
    /// The access log is away.
    AuditUnavailable = 503 "audit-unavailable":
        "The look could not be put on record, so nothing is shown.",
        "Try again shortly; if it goes on, the operator must look at the ledger.";
    /// The views are away.
    StoreUnavailable = 503 "store-unavailable":
        "The person files cannot be read right now.",
        "Try again shortly; if it goes on, the operator must look at the database.";
    /// No such route.
    RouteUnknown = 404 "route-unknown":
        "There is no such address.",
        "The OpenAPI document at /openapi.json names all of them.";
    /// The route does not take this method.
    MethodUnknown = 405 "method-unknown":
        "The address does not take this method.",
        "The OpenAPI document at /openapi.json names the methods of each route.";
    /// A defect.
    Internal = 500 "internal":
        "The hub has a defect; nothing was shown.",
        "Tell the operator the time of the call; the log of the process says more.";
}

impl Problem {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        self.kind().code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.kind().into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn every_problem_has_its_own_code_and_a_status_that_exists() {
        let codes: BTreeSet<_> = PROBLEMS.iter().map(|problem| problem.code()).collect();
        assert_eq!(codes.len(), PROBLEMS.len());
        for problem in PROBLEMS {
            let kind = problem.kind();
            assert!(StatusCode::from_u16(kind.status).is_ok_and(|status| !status.is_success()), "{}", kind.code);
            assert!(kind.meaning.ends_with('.') && kind.mend.ends_with('.'), "{}", kind.code);
        }
    }
}
