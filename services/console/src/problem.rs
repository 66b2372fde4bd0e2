//! What can go wrong about a session, as problem documents.

use runtime::problem::ProblemKind;

/// Every problem of this crate; the documentation is made from it.
pub const PROBLEMS: &[ProblemKind] =
    &[BODY_MALFORMED, DEMO_ROLE_UNKNOWN, CONSOLE_HEADER_MISSING, SIGN_IN_REFUSED, SIGN_IN_UNAVAILABLE];

pub(crate) const BODY_MALFORMED: ProblemKind = ProblemKind {
    code: "body-malformed",
    status: 400,
    meaning: "The body is not the JSON document that this route takes: broken, nested, with unknown, missing or double members.",
    mend: "Send `{\"token\":\"…\"}` or `{\"demo\":\"…\"}`; unknown members are refused, not ignored.",
};
pub(crate) const DEMO_ROLE_UNKNOWN: ProblemKind = ProblemKind {
    code: "demo-role-unknown",
    status: 404,
    meaning: "This hub offers no such demo role.",
    mend: "Choose the name of one of `demo_roles` of GET /session; only `isthmus demo` has any.",
};
pub(crate) const CONSOLE_HEADER_MISSING: ProblemKind = ProblemKind {
    code: "console-header-missing",
    status: 403,
    meaning: "A call with the cookie of a session does not say that it comes from the console.",
    mend: "Send the header `Isthmus-Console: 1`, which no other site can; programs send a bearer token instead of a cookie.",
};
pub(crate) const SIGN_IN_REFUSED: ProblemKind = ProblemKind {
    code: "sign-in-refused",
    status: 401,
    meaning: "This token opens nothing here, or the OpenID provider did not confirm the sign-in.",
    mend: "Begin to sign in anew; if it goes on, ask the operator whether your account has a role.",
};
pub(crate) const SIGN_IN_UNAVAILABLE: ProblemKind = ProblemKind {
    code: "sign-in-unavailable",
    status: 503,
    meaning: "Nobody can sign in now: the register or the OpenID provider is away, or too many sessions are open.",
    mend: "Try again in a minute; if it goes on, the operator must look at the log.",
};
