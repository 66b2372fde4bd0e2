//! A question as Cedar sees it: entities made from what the hub knows, never from what the request claims.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, ParseErrors, PolicySet,
    Request as CedarRequest, RestrictedExpression,
};

use crate::{Action, Caller, FieldGroup, GrantScope, Purpose, Request, Role, Subject};

/// The lengths of unit codes at which a shorter code stands for everything below it: district, township, village or
/// neighbourhood (GB/T 2260, GB/T 10114). A city or a province is nobody's own unit.
const UNIT_LEVELS: [usize; 3] = [6, 9, 12];

/// The names of the schema's entity types.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    action: EntityTypeName,
    caller: EntityTypeName,
    case: EntityTypeName,
    group: EntityTypeName,
    hub: EntityTypeName,
    person: EntityTypeName,
    purpose: EntityTypeName,
    role: EntityTypeName,
    unit: EntityTypeName,
}

/// All that a decision depends on. The caller's name is not among it: policies are about roles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) role: Role,
    pub(crate) unit: Option<String>,
    pub(crate) action: Action,
    pub(crate) purpose: Purpose,
    pub(crate) has_case: bool,
    pub(crate) grant: Option<Arc<GrantScope>>,
    pub(crate) subject: Subject,
}

impl Question {
    pub(crate) fn new(caller: &Caller, request: &Request, subject: Subject) -> Self {
        Self {
            role: caller.role,
            unit: caller.unit.clone().filter(|unit| !unit.is_empty()),
            action: request.action,
            purpose: request.purpose,
            has_case: request.case.is_some(),
            grant: request.grant.clone(),
            subject,
        }
    }
}

/// What came out of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Permitted, and not forbidden.
    pub(crate) allowed: bool,
    /// The policies that made it so, by name; none when nothing permits it.
    pub(crate) policies: Vec<String>,
}

/// Caller, action and subject, ready to be asked about for each field group.
pub(crate) struct Scene<'a> {
    names: &'a Names,
    policies: &'a PolicySet,
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    purpose: EntityUid,
    has_case: bool,
    grant: Option<Arc<GrantScope>>,
    /// `None` when the entities could not be made; then nothing is allowed.
    entities: Option<Entities>,
}

impl Names {
    pub(crate) fn new() -> Result<Self, Box<ParseErrors>> {
        let name = |text: &str| text.parse().map_err(Box::new);
        Ok(Self {
            action: name("Action")?,
            caller: name("Caller")?,
            case: name("Case")?,
            group: name("FieldGroup")?,
            hub: name("Hub")?,
            person: name("Person")?,
            purpose: name("Purpose")?,
            role: name("Role")?,
            unit: name("Unit")?,
        })
    }

    /// The scene of a question.
    pub(crate) fn scene<'a>(&'a self, policies: &'a PolicySet, question: &Question) -> Scene<'a> {
        let principal = uid(&self.caller, "asking");
        let concerns_a_person = question.action.concerns_a_person();
        let resource = if concerns_a_person { uid(&self.person, "asked") } else { uid(&self.hub, "hub") };
        let mut entities = vec![self.caller(question, principal.clone())];
        if concerns_a_person {
            entities.push(self.person(&question.subject, &principal, resource.clone()));
        }
        let entities: Option<Vec<Entity>> = entities.into_iter().collect();
        Scene {
            names: self,
            policies,
            action: uid(&self.action, question.action.code()),
            purpose: uid(&self.purpose, question.purpose.code()),
            has_case: question.has_case,
            grant: question.grant.clone().filter(|_| concerns_a_person),
            entities: entities.and_then(|entities| Entities::from_entities(entities, None).ok()),
            principal,
            resource,
        }
    }

    fn caller(&self, question: &Question, principal: EntityUid) -> Option<Entity> {
        let attributes = question.unit.as_deref().map(|unit| ("unit".to_owned(), expression(uid(&self.unit, unit))));
        let role = uid(&self.role, question.role.code());
        Entity::new(principal, attributes.into_iter().collect(), HashSet::from([role])).ok()
    }

    fn grant(&self, grant: &GrantScope) -> Option<RestrictedExpression> {
        let roles = grant.roles.iter().map(|role| expression(uid(&self.role, role.code())));
        let groups = grant.groups.iter().map(|group| expression(uid(&self.group, group.code())));
        RestrictedExpression::new_record([
            ("area".to_owned(), expression(uid(&self.unit, &grant.area))),
            ("purpose".to_owned(), expression(uid(&self.purpose, grant.purpose.code()))),
            ("roles".to_owned(), RestrictedExpression::new_set(roles)),
            ("groups".to_owned(), RestrictedExpression::new_set(groups)),
        ])
        .ok()
    }

    fn person(&self, subject: &Subject, principal: &EntityUid, person: EntityUid) -> Option<Entity> {
        let under_review = RestrictedExpression::new_bool(subject.is_under_review);
        let mut attributes = HashMap::from([("is_under_review".to_owned(), under_review)]);
        if subject.is_self {
            attributes.insert("holder".to_owned(), expression(principal.clone()));
        }
        let units = subject.units.iter().flat_map(|unit| unit_and_above(unit));
        Entity::new(person, attributes, units.map(|unit| uid(&self.unit, unit)).collect()).ok()
    }
}

impl Scene<'_> {
    /// Asks about one field group, or about a question that shows none.
    ///
    /// A policy that cannot be evaluated would be left out by Cedar, a forbidding one too; here it forbids.
    pub(crate) fn ask(&self, group: Option<FieldGroup>) -> Verdict {
        self.try_ask(group).unwrap_or_else(|| Verdict { allowed: false, policies: Vec::new() })
    }

    fn try_ask(&self, group: Option<FieldGroup>) -> Option<Verdict> {
        let mut context = vec![("purpose".to_owned(), expression(self.purpose.clone()))];
        if let Some(group) = group {
            context.push(("group".to_owned(), expression(uid(&self.names.group, group.code()))));
        }
        if self.has_case {
            context.push(("case".to_owned(), expression(uid(&self.names.case, "stated"))));
        }
        if let Some(grant) = &self.grant {
            context.push(("grant".to_owned(), self.names.grant(grant)?));
        }
        let context = Context::from_pairs(context).ok()?;
        let (principal, action) = (self.principal.clone(), self.action.clone());
        let request = CedarRequest::new(principal, action, self.resource.clone(), context, None).ok()?;
        let response = Authorizer::new().is_authorized(&request, self.policies, self.entities.as_ref()?);
        if response.diagnostics().errors().next().is_some() {
            return None;
        }
        let mut policies: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        policies.sort_unstable();
        Some(Verdict { allowed: response.decision() == cedar_policy::Decision::Allow, policies })
    }
}

fn uid(name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id))
}

fn expression(uid: EntityUid) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid)
}

/// A unit, and those that stand above it.
fn unit_and_above(unit: &str) -> impl Iterator<Item = &str> {
    let above = UNIT_LEVELS.into_iter().filter(|level| *level < unit.len()).filter_map(|level| unit.get(..level));
    above.chain((!unit.is_empty()).then_some(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_stands_below_its_neighbourhood_its_township_and_its_district() {
        let above = |unit| unit_and_above(unit).collect::<Vec<_>>();
        assert_eq!(above("320506001007G03"), ["320506", "320506001", "320506001007", "320506001007G03"]);
        assert_eq!(above("320506"), ["320506"]);
        assert_eq!(above("S"), ["S"]);
        assert!(above("").is_empty());
    }
}
