//! `POST /v1/persons/find`: persons by identifiers, or by name and birth date, in the body.

use std::collections::BTreeMap;

use access::{Action, FieldGroup, FieldGroups};
use axum::extract::State;
use domain::{
    BatchId, ClaimRole, ClaimToken, Claimant, Day, GoldenRecord, IdClaim, IdScheme, PersonId, PersonName, Timestamp,
    TokenKey, search_key,
};
use serde::{Deserialize, Serialize};
use store::views::{self, ClaimRow, PersonRow};
use store::{Conn, receipts};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::{subject, view};

/// Persons in one answer at most.
pub(crate) const PERSONS_MAX: usize = 20;
/// Identifiers in one question at most.
pub(crate) const IDENTIFIERS_MAX: usize = 10;
/// How a person is found by a row.
const ROW: &str = "ROW";
/// Entries of the claim map that are looked at.
const CLAIMS_MAX: i64 = 2_000;

/// A question for persons: either `identifiers`, or `name` with `birth_date`, or the `row` of a feed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindQuestion {
    /// One to ten identifiers; a person who has any of them is found.
    #[serde(default)]
    #[schema(max_items = 10)]
    identifiers: Vec<IdentifierQuestion>,
    /// Name as it is written on documents.
    #[serde(default)]
    #[schema(max_length = 200)]
    name: Option<String>,
    /// Day of birth as `1949-12-31`.
    #[serde(default)]
    birth_date: Option<String>,
    /// A row that a department pushed: the persons that it went to.
    #[serde(default)]
    row: Option<RowQuestion>,
}

/// A row of a batch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowQuestion {
    /// The batch, as its receipt names it.
    batch_id: Uuid,
    /// Row of the batch, from 1.
    #[schema(minimum = 1)]
    row: i64,
}

/// An identifier asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentifierQuestion {
    /// Scheme, such as `CN_ID`, `MSISDN`, `PASSPORT` or `MRN`.
    scheme: String,
    /// Value, in any form that documents and files use.
    #[schema(max_length = 200)]
    value: String,
    /// Who issued it, where the scheme needs it (the hospital of an `MRN`).
    #[serde(default)]
    issuer: Option<String>,
}

/// Persons found.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonList {
    /// The persons, those with most matches first.
    pub persons: Vec<PersonCard>,
    /// More persons fit than are listed; ask more precisely.
    pub truncated: bool,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A person, shortly.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonCard {
    /// Id of the person, for all further questions.
    pub person_id: Uuid,
    /// Why the person was found.
    pub matched: Vec<Match>,
    /// Group `identity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<CardIdentity>,
    /// Group `contact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<CardContact>,
    /// Group `residence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residence: Option<CardResidence>,
}

/// Why a person was found.
#[derive(Serialize, ToSchema, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Match {
    /// Scheme of the identifier asked for, `NAME`, or `ROW`.
    pub scheme: &'static str,
    /// `holder`: it is the person's own. `contact`: the person gave it to be reached at. `name`: name and birth date fit.
    pub role: &'static str,
    /// It is so now; phones pass from one person to another.
    pub current: bool,
}

/// Group `identity` of a card.
#[derive(Serialize, ToSchema)]
pub(crate) struct CardIdentity {
    /// Name in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Day of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    /// Sex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<&'static str>,
}

impl CardIdentity {
    /// What a card shows of a golden record.
    pub(crate) fn of(golden: &GoldenRecord) -> Self {
        Self {
            name: golden.name.as_ref().map(|field| view::name_text(field.value.clone())),
            birth_date: golden.birth_date.as_ref().map(|field| field.value.to_string()),
            sex: golden.sex.as_ref().map(|field| view::sex_code(field.value)),
        }
    }
}

/// Group `contact` of a card.
#[derive(Serialize, ToSchema)]
pub(crate) struct CardContact {
    /// The phone to try first, digits with country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl CardContact {
    /// What a card shows of a golden record.
    pub(crate) fn of(golden: &GoldenRecord) -> Self {
        Self { phone: golden.phones.first().map(|field| field.value.number.expose().clone()) }
    }
}

/// Group `residence` of a card.
#[derive(Serialize, ToSchema)]
pub(crate) struct CardResidence {
    /// Community unit that looks after the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub community_unit: Option<String>,
    /// Division code of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division_code: Option<String>,
}

/// Finds persons by identifiers, or by name and birth date.
///
/// The question is in the body, because addresses end up in logs. Persons who are not the caller's are left out; an
/// empty list says nothing about whether there is such a person.
#[utoipa::path(
    post,
    path = "/v1/persons/find",
    tag = "persons",
    operation_id = "find_persons",
    request_body = FindQuestion,
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "The persons found; also when there is none", body = Receipted<PersonList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn find(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::FindPersons).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = search(&call).await;
    call.finish(found).await
}

async fn search(call: &Call) -> Result<Found<PersonList>, Failure> {
    let question: FindQuestion = call.json().await?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let sought = match question {
        FindQuestion { ref identifiers, name: None, birth_date: None, row: Some(row) } if identifiers.is_empty() => {
            tokens_of_row(&mut conn, &row).await?
        }
        question => tokens(&call.state.setup.token_key, &question)?,
    };
    let own = subject::own_person(call, &mut conn).await?;
    let wanted: Vec<ClaimToken> = sought.keys().copied().collect();
    let claims = views::list_claims_of_tokens(&mut conn, &wanted, CLAIMS_MAX).await?;
    let matches = matches(&sought, &claims, call.state.now());
    let ids: Vec<PersonId> = matches.keys().copied().collect();
    let entitlement = call.entitlement()?;
    // Decided by where they live, before anything else of them is read.
    let granted: BTreeMap<PersonId, FieldGroups> = views::list_units(&mut conn, &ids)
        .await?
        .into_iter()
        .filter_map(|(person, units)| Some((person, subject::decide(&entitlement, person, units, own)?)))
        .collect();
    let allowed: Vec<PersonId> = granted.keys().copied().collect();
    let persons = views::list_persons(&mut conn, &allowed).await?;

    let (mut cards, mut released, mut withheld) = (Vec::new(), FieldGroups::default(), FieldGroups::default());
    let mut matches = matches;
    for person in persons {
        let Some(granted) = granted.get(&person.person_id) else { continue };
        let (shown, kept) = call.split(granted);
        let mut matched = matches.remove(&person.person_id).unwrap_or_default();
        // That the person has a number of this kind is a matter of its group.
        matched.retain(|matched| {
            IdScheme::from_code(matched.scheme).is_none_or(|scheme| granted.contains(FieldGroup::of_scheme(scheme)))
        });
        if matched.is_empty() {
            continue;
        }
        cards.push((matched.len(), card(person, matched, &shown)));
        (released, withheld) = (released.union(&shown), withheld.union(&kept));
    }
    // Stable: persons of equal rank stay in the order of their ids.
    cards.sort_by_key(|(matched, _)| std::cmp::Reverse(*matched));
    let truncated = cards.len() > PERSONS_MAX || !cards.is_empty() && claims.len() as i64 >= CLAIMS_MAX;
    let persons: Vec<PersonCard> = cards.into_iter().take(PERSONS_MAX).map(|(_, card)| card).collect();
    let subjects: Vec<PersonId> = persons.iter().map(|card| PersonId::from_uuid(card.person_id)).collect();
    let count = persons.len();
    let answer = PersonList { persons, truncated, withheld: withheld.clone() };
    Ok(Found { answer, subjects, released, withheld, count })
}

/// What leads to the persons of a row: the records that it stated, or the row that it repeats, and whom their facts name.
async fn tokens_of_row(conn: &mut Conn, row: &RowQuestion) -> Result<BTreeMap<ClaimToken, &'static str>, Failure> {
    let records = receipts::list_records(conn, BatchId::from_uuid(row.batch_id), row.row).await?;
    let subjects = receipts::list_subjects(conn, &records).await?;
    let own = records.into_iter().map(ClaimToken::from);
    Ok(own.chain(subjects).map(|token| (token, ROW)).collect())
}

/// The tokens sought, each with the scheme to name it by.
fn tokens(key: &TokenKey, question: &FindQuestion) -> Result<BTreeMap<ClaimToken, &'static str>, Problem> {
    if question.row.is_some() {
        return Err(Problem::BodyMalformed);
    }
    match (question.identifiers.as_slice(), &question.name, &question.birth_date) {
        ([], Some(name), Some(birth_date)) => {
            let name = PersonName::whole(name).filter(|name| name.text.expose().chars().count() <= 200);
            let search = name.as_ref().map(search_key).filter(|search| !search.is_empty());
            let search = search.ok_or(Problem::IdentifierMalformed)?;
            let birth = Day::parse(birth_date).map_err(|_| Problem::IdentifierMalformed)?;
            Ok(BTreeMap::from([(key.name_token(&search, &birth.to_string()), "NAME")]))
        }
        (identifiers @ [_, ..], None, None) if identifiers.len() <= IDENTIFIERS_MAX => {
            identifiers.iter().map(|identifier| token(key, identifier)).collect()
        }
        _ => Err(Problem::BodyMalformed),
    }
}

fn token(key: &TokenKey, question: &IdentifierQuestion) -> Result<(ClaimToken, &'static str), Problem> {
    let scheme = IdScheme::from_code(&question.scheme).filter(|scheme| *scheme != IdScheme::Record);
    let scheme = scheme.ok_or(Problem::IdentifierMalformed)?;
    let claim = IdClaim::parse(scheme, &question.value, question.issuer.as_deref());
    let claim = claim.ok().filter(|claim| !claim.masked).ok_or(Problem::IdentifierMalformed)?;
    Ok((key.claim_token(&claim), scheme.code()))
}

/// Persons who claim one of the tokens, with how.
fn matches(
    sought: &BTreeMap<ClaimToken, &'static str>,
    claims: &[ClaimRow],
    now: Timestamp,
) -> BTreeMap<PersonId, Vec<Match>> {
    let mut found: BTreeMap<PersonId, Vec<Match>> = BTreeMap::new();
    for claim in claims {
        let (Some(person), Some(scheme)) = (claim.person, sought.get(&claim.token)) else { continue };
        let role = match claim.role {
            ClaimRole::Holder => "holder",
            ClaimRole::Contact => "contact",
            ClaimRole::NameKey => "name",
            ClaimRole::Record if *scheme == ROW => "holder",
            // A record id is not an identifier that anybody could ask for here.
            ClaimRole::Record => continue,
        };
        let entry = Claimant { person, role: claim.role, valid_from: claim.valid_from, valid_to: claim.valid_to };
        let current = entry.valid_from.is_none_or(|from| from <= now) && entry.valid_to.is_none_or(|to| now < to);
        found.entry(person).or_default().push(Match { scheme, role, current });
    }
    for matched in found.values_mut() {
        matched.sort();
        // Several records of a person say the same; a claim that holds now stands for those that ended.
        matched.reverse();
        matched.dedup_by_key(|matched| (matched.scheme, matched.role));
    }
    found
}

fn card(person: PersonRow, matched: Vec<Match>, shown: &FieldGroups) -> PersonCard {
    let golden = person.golden;
    PersonCard {
        person_id: person.person_id.as_uuid(),
        matched,
        identity: shown.contains(FieldGroup::Identity).then(|| CardIdentity::of(&golden)),
        contact: shown.contains(FieldGroup::Contact).then(|| CardContact::of(&golden)),
        residence: shown.contains(FieldGroup::Residence).then(|| CardResidence {
            community_unit: golden.community_unit.map(|field| field.value),
            division_code: golden.division_code.map(|field| field.value),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(json: &str) -> Result<BTreeMap<ClaimToken, &'static str>, Problem> {
        let question = serde_json::from_str(json).map_err(|_| Problem::BodyMalformed)?;
        tokens(&TokenKey::from_bytes(&[1; 32]), &question)
    }

    #[test]
    fn a_question_is_by_identifiers_or_by_name_and_birth_date() {
        let one = question(r#"{"identifiers":[{"scheme":"CN_ID","value":"11010519491231002x"}]}"#).expect("fine");
        let same = question(r#"{"identifiers":[{"scheme":"CN_ID","value":" '11010519491231002X"}]}"#).expect("fine");
        assert_eq!(one, same);
        let spaced = question(r#"{"name":"王 小明","birth_date":"1990/1/2"}"#).expect("fine");
        assert_eq!(spaced, question(r#"{"name":"王小明","birth_date":"1990-01-02"}"#).expect("fine"));
        for json in [
            "{}",
            r#"{"identifiers":[]}"#,
            r#"{"name":"王小明"}"#,
            r#"{"birth_date":"1990-01-02"}"#,
            r#"{"name":"王小明","birth_date":"1990-01-02","identifiers":[{"scheme":"MSISDN","value":"13812345678"}]}"#,
            r#"{"identifiers":[{"scheme":"MSISDN","value":"13812345678","fields":["*"]}]}"#,
        ] {
            assert_eq!(question(json), Err(Problem::BodyMalformed), "{json}");
        }
        for json in [
            r#"{"identifiers":[{"scheme":"CN_ID","value":"110105194912310021"}]}"#,
            r#"{"identifiers":[{"scheme":"CN_ID","value":"1101051949****002X"}]}"#,
            r#"{"identifiers":[{"scheme":"RECORD","value":"00000000-0000-5000-8000-000000000000"}]}"#,
            r#"{"identifiers":[{"scheme":"cn_id","value":"11010519491231002X"}]}"#,
            r#"{"identifiers":[{"scheme":"PASSPORT","value":"' OR 1=1 --"}]}"#,
            r#"{"name":"  ","birth_date":"1990-01-02"}"#,
            r#"{"name":"王小明","birth_date":"1990-02-30"}"#,
        ] {
            assert_eq!(question(json), Err(Problem::IdentifierMalformed), "{json}");
        }
    }
}
