//! `POST /v1/persons/cards`: who the persons of a page are, in one look.
//!
//! Each person is decided upon as if the file were read alone; whoever is withheld cannot be told from somebody who does not
//! exist. One entry names all who are shown, and one all who are not. When nobody is shown it is refused as that reading is.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, FieldGroup, FieldGroups};
use axum::extract::State;
use domain::PersonId;
use serde::{Deserialize, Serialize};
use store::views::{self, PersonRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, Refused};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::{query, subject, view};

/// Persons in one question at most.
const PERSONS_MAX: usize = 200;
/// What a card is made of.
const SHOWN: [FieldGroup; 2] = [FieldGroup::Identity, FieldGroup::Residence];

/// Whose cards are wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardsQuestion {
    /// Ids of persons, each once.
    #[schema(value_type = Vec<Uuid>, min_items = 1, max_items = 200)]
    persons: Vec<String>,
}

/// The cards of persons.
#[derive(Serialize, ToSchema)]
pub(crate) struct CardList {
    /// One for each id, in the order asked.
    pub cards: Vec<CardView>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// Who a person is, shortly; or why that is not told.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct CardView {
    /// Id of the person.
    pub person_id: Uuid,
    /// The id that was asked for, when the person now has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Uuid>,
    /// Group `identity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<ShortIdentity>,
    /// Group `residence`: the community unit that looks after the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub community_unit: Option<String>,
    /// The persons that the id stands for, when they are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fork: Option<Vec<Uuid>>,
    /// Why nothing is told: the code of the problem that reading the file alone answers with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<&'static str>,
}

/// What people know each other by.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShortIdentity {
    /// Name in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Sex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<&'static str>,
    /// Year of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_year: Option<i32>,
}

/// Tells who up to 200 persons are: name, sex, year of birth and community, as their files say it.
///
/// It is one look on record that names all of them, and each of them counts as a person shown. When none of them may be shown,
/// the answer is that of reading a file alone.
#[utoipa::path(
    post,
    path = "/v1/persons/cards",
    tag = "persons",
    operation_id = "read_cards",
    request_body = CardsQuestion,
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "The cards", body = Receipted<CardList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadPerson).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    match cards(&call).await {
        Ok((Some(found), refused)) => call.finish_without(found, refused).await,
        Ok((None, refused)) => call.refuse_all(refused).await,
        Err(failure) => call.refuse(failure).await,
    }
}

/// The ids of a question: one to 200, each once.
fn asked(question: &CardsQuestion) -> Result<Vec<PersonId>, Problem> {
    if question.persons.is_empty() || question.persons.len() > PERSONS_MAX {
        return Err(Problem::CardsMalformed);
    }
    let ids = question.persons.iter().map(|id| id.parse().map_err(|_| Problem::PersonIdMalformed));
    let ids: Vec<PersonId> = ids.collect::<Result<_, _>>()?;
    let each: BTreeSet<PersonId> = ids.iter().copied().collect();
    if each.len() == ids.len() { Ok(ids) } else { Err(Problem::CardsMalformed) }
}

/// The cards, none where nobody may be shown; and the persons who are not, by the true reason.
async fn cards(call: &Call) -> Result<(Option<Found<CardList>>, Refused), Failure> {
    let [] = query::members(&call.query, [])?;
    let asked = asked(&call.json().await?)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let own = subject::own_person(call, &mut conn).await?;
    let (mut allowed, mut refused) = (Vec::with_capacity(asked.len()), Refused::new());
    for id in asked {
        match subject::allowed_beside(call, &mut conn, id, own).await {
            Ok(persons) => allowed.push((id, persons)),
            Err(failure) if failure.problem() == Problem::PersonNotFound => {
                refused.entry(failure.reason()).or_default().extend(failure.into_subjects());
                allowed.push((id, Vec::new()));
            }
            Err(failure) => return Err(failure),
        }
    }
    if allowed.iter().all(|(_, persons)| persons.is_empty()) {
        return Ok((None, refused));
    }
    let shown: BTreeSet<PersonId> = allowed.iter().flat_map(|(_, persons)| persons).map(|(id, _)| *id).collect();
    let subjects: Vec<PersonId> = shown.into_iter().collect();
    views::narrow(&mut conn, &subjects).await?;
    let rows = views::list_persons(&mut conn, &subjects).await?;
    let rows: BTreeMap<PersonId, PersonRow> = rows.into_iter().map(|row| (row.person_id, row)).collect();

    let (mut released, mut withheld) = (FieldGroups::default(), FieldGroups::default());
    let mut card = |(asked, persons): (PersonId, Vec<(PersonId, FieldGroups)>)| match &persons[..] {
        [] => CardView {
            person_id: asked.as_uuid(),
            refused: Some(Problem::PersonNotFound.code()),
            ..CardView::default()
        },
        [(person, granted)] => {
            let shown = granted.among(&SHOWN);
            (released, withheld) = (released.union(&shown), withheld.union(&granted.complement().among(&SHOWN)));
            let asked_for = (*person != asked).then(|| asked.as_uuid());
            CardView { asked_for, ..card_of(*person, rows.get(person), &shown) }
        }
        several => {
            let fork = several.iter().map(|(person, _)| person.as_uuid()).collect();
            CardView { person_id: asked.as_uuid(), fork: Some(fork), ..CardView::default() }
        }
    };
    let cards: Vec<CardView> = allowed.into_iter().map(&mut card).collect();
    let answer = CardList { cards, withheld: withheld.clone() };
    Ok((Some(Found { count: subjects.len(), answer, subjects, released, withheld }), refused))
}

fn card_of(person: PersonId, row: Option<&PersonRow>, shown: &FieldGroups) -> CardView {
    let golden = row.map(|row| &row.golden);
    let identity = golden.filter(|_| shown.contains(FieldGroup::Identity)).map(|golden| ShortIdentity {
        name: golden.name.as_ref().map(|field| view::name_text(field.value.clone())),
        sex: golden.sex.as_ref().map(|field| view::sex_code(field.value)),
        birth_year: golden
            .birth_date
            .as_ref()
            .and_then(|field| field.value.to_string().split('-').next()?.parse().ok()),
    });
    let unit =
        golden.filter(|_| shown.contains(FieldGroup::Residence)).and_then(|golden| golden.community_unit.as_ref());
    let community_unit = unit.map(|field| field.value.clone());
    CardView { person_id: person.as_uuid(), identity, community_unit, ..CardView::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_one_to_200_persons_each_once() {
        let id = |n: usize| Uuid::from_u128(n as u128).to_string();
        let of = |persons: Vec<String>| asked(&CardsQuestion { persons }).map(|ids| ids.len());
        assert_eq!(of((0..200).map(id).collect()), Ok(200));
        assert_eq!(of((0..201).map(id).collect()), Err(Problem::CardsMalformed));
        assert_eq!(of(Vec::new()), Err(Problem::CardsMalformed));
        assert_eq!(of(vec![id(1), id(1)]), Err(Problem::CardsMalformed));
        assert_eq!(of(vec![id(0xab), id(0xab).to_uppercase()]), Err(Problem::CardsMalformed));
        assert_eq!(of(vec!["11010519491231002X".to_owned()]), Err(Problem::PersonIdMalformed));
    }
}
