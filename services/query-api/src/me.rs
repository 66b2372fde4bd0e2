//! `GET /v1/me`: what the hub knows of the caller.

use std::collections::BTreeMap;

use access::{Action, FieldGroups, Purpose};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Found, Receipted};
use crate::problem::ProblemDocument;
use crate::state::QueryState;

/// The caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// Handle, as it stands in the ledger.
    pub handle: String,
    /// Organisation that answers for the caller.
    pub organisation: String,
    /// Role.
    pub role: &'static str,
    /// Community unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What the caller may ask, per purpose.
    pub may: Vec<May>,
    /// SHA-256 of the policy in force.
    pub policy: String,
}

/// What may be asked for a purpose.
#[derive(Serialize, ToSchema)]
pub(crate) struct May {
    /// Purpose.
    pub purpose: &'static str,
    /// What may be asked.
    pub actions: Vec<&'static str>,
    /// The field groups that the answer to an action may hold, by action; an action without any is left out.
    pub opens: BTreeMap<&'static str, Vec<String>>,
}

/// Says who the caller is, and what it may ask for which purpose.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "caller",
    operation_id = "read_me",
    responses(
        (status = 200, description = "The caller", body = Receipted<Me>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::without_purpose(state, ask, "read-me") {
        Ok(call) => call,
        Err(problem) => return Answered::without_entry(problem),
    };
    let me = me(&call);
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    call.finish(Ok(Found { answer: me, subjects: Vec::new(), released, withheld, count: 0 })).await
}

fn me(call: &Call) -> Me {
    let policy = &call.state.setup.policy;
    let may = Purpose::ALL.iter().filter_map(|&purpose| {
        let actions: Vec<Action> = policy.actions(&call.caller, purpose).collect();
        let opened = |action: Action| policy.groups(&call.caller, action, purpose).among(action.shows()).codes();
        let opens = actions.iter().map(|&action| (action.code(), opened(action)));
        let opens = opens.filter(|(_, groups)| !groups.is_empty()).collect();
        let actions: Vec<_> = actions.into_iter().map(Action::code).collect();
        (!actions.is_empty()).then_some(May { purpose: purpose.code(), actions, opens })
    });
    Me {
        handle: call.caller.handle.clone(),
        organisation: call.caller.organisation.clone(),
        role: call.caller.role.code(),
        unit: call.caller.unit.clone(),
        may: may.collect(),
        policy: policy.hash().to_string(),
    }
}
