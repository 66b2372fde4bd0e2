//! A proposal of a profile for an unknown file.
//!
//! What a file shows is guessed: its form, encoding, columns, identifiers, times and the kind of fact. A person mends the
//! proposal; what nobody can see in a file (who answers for it, on what ground) is listed as left to fill in. No value of a
//! row gets into the proposal, but for the words of columns that repeat a few words, which the profile must translate.

mod column;
mod sniff;
mod table;
mod words;
mod write;

use std::collections::BTreeSet;

pub(crate) use column::{Shape, Traits};
pub(crate) use sniff::Form;
pub use sniff::unpacked_head;

use domain::EventType;

use crate::columns::Field;
use crate::header::comparable;
use crate::map;
use crate::profile::Encoding;
use crate::synonyms;
use table::Table;

/// Bytes of a file that are looked at; a workbook is read whole.
pub const INFER_BYTES_MAX: usize = 4 << 20;

/// A proposed profile.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The profile, as TOML with comments.
    pub toml: String,
    /// What is left to fill in, a sentence each. The same stands in the profile.
    pub left: Vec<String>,
}

/// Why nothing can be proposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InferError {
    /// Nothing is known of the form.
    #[error("{0}")]
    Unknown(String),
}

/// Proposes a profile for the begin of a file. `whole` says that the file has no more than that; `name` is what the feed is
/// to be called; `member` is the file of an archive with several.
///
/// # Errors
/// When the file is of no form that can be told.
pub fn infer(name: &str, bytes: &[u8], whole: bool, member: Option<&str>) -> Result<Proposal, InferError> {
    let narrowed = sniff::narrowed(bytes);
    let bytes = narrowed.as_deref().map_or(bytes, str::as_bytes);
    let mut form = sniff::form_of(bytes)?;
    if narrowed.is_some() {
        (form.encoding, form.encoding_is) = (Encoding::Utf16, "sure; the hub stores such files as UTF-8");
    }
    if form.kind.home().is_some() {
        return Ok(write::of_messages(name, &form));
    }
    let table = table::read(&form, bytes, whole)?;
    if table.rows.is_empty() {
        return Err(InferError::Unknown("the file has no data row; a profile is proposed from rows".to_owned()));
    }
    let columns: Vec<Traits> = (0..table.width()).map(|place| Traits::of(table.column(place))).collect();
    let (emit, mapping) = kind_of(&table, &columns)?;
    Ok(write::of_table(name, &form, &table, &columns, (emit, &mapping), member))
}

/// Fields of an event type that tell it from others, beside those that it needs.
fn telling(emit: EventType) -> &'static [Field] {
    match emit {
        EventType::IdentityObserved => &[Field::ValidTo, Field::AccountStatus],
        EventType::PresenceInterval => &[Field::Imsi, Field::EventKind, Field::EndTime],
        EventType::TripSegment => &[Field::Seat, Field::Carriage, Field::TicketNumber, Field::BoardingDate],
        EventType::PaymentMade => &[Field::OrderNumber, Field::Merchant, Field::Terminal, Field::Wallet],
        EventType::TestResult => &[Field::Specimen, Field::CtValue, Field::CollectedTime, Field::Lab],
        EventType::EncounterChanged => &[Field::EndTime, Field::EncounterClass, Field::Ward, Field::Diagnosis],
        EventType::GatePass => &[Field::Temperature, Field::CodeColour, Field::Decision, Field::GateCard],
        EventType::HouseholdMembership => {
            &[Field::Relation, Field::HouseholdKind, Field::MovedIn, Field::RegisteredAddress]
        }
        EventType::CaseStatus => &[Field::ConfirmedTime, Field::ClosedTime, Field::OnsetDate, Field::Cluster],
        EventType::MeterReading => &[Field::Multiplier, Field::MeterAccount],
        EventType::PlaceRegistered => &[Field::Latitude, Field::Longitude, Field::Datum, Field::RadiusM],
        _ => &[],
    }
}

/// Whether a field belongs to this type more than to any row.
fn tells_of(emit: EventType, field: Field) -> bool {
    map::needed(emit).contains(&field) || telling(emit).contains(&field)
}

/// Fields by any of which a row names somebody.
pub(crate) const WHO: &[Field] = &[
    Field::Name,
    Field::FamilyName,
    Field::GivenName,
    Field::IdNumber,
    Field::Phone,
    Field::ContactPhone,
    Field::Imsi,
    Field::Mrn,
    Field::HealthCard,
    Field::Wallet,
    Field::BankCard,
    Field::GateCard,
];

/// Fields that only rows about people have.
const PEOPLE: &[Field] = &[
    Field::FamilyName,
    Field::GivenName,
    Field::IdNumber,
    Field::Phone,
    Field::ContactPhone,
    Field::BirthDate,
    Field::Sex,
];

/// Whether no other type needs a field.
fn is_own(emit: EventType, field: Field) -> bool {
    EventType::ALL.iter().all(|other| *other == emit || !map::needed(*other).contains(&field))
}

/// The fields that a column of this name usually carries in rows of this type.
fn fields_named(emit: EventType, name: &str) -> &'static [Field] {
    match (emit, comparable(name).as_str()) {
        (EventType::PlaceRegistered, "code" | "代码" | "编码") => &[Field::PlaceId],
        (EventType::PlaceRegistered, "name" | "名称") => &[Field::PlaceName],
        _ => synonyms::fields_of(name),
    }
}

/// The fact that a row most likely is, and the field of each column then.
fn kind_of(table: &Table, columns: &[Traits]) -> Result<(EventType, Vec<Option<Field>>), InferError> {
    let named = table.names.iter().flatten().flat_map(|name| synonyms::fields_of(name));
    let people = named.copied().any(|field| PEOPLE.contains(&field))
        || columns.iter().any(|traits| matches!(traits.shape(), Shape::ResidentNumber | Shape::MobilePhone));
    let types = EventType::ALL.iter().copied().filter(|emit| map::is_mapped(*emit));
    let scored = types.map(|emit| {
        let mapping = mapping_of(emit, table, columns);
        // A register of places names no people.
        let not_it = emit == EventType::PlaceRegistered && people;
        (if not_it { 0 } else { score(emit, table, &mapping) }, emit, mapping)
    });
    // Among equals the first type wins: EventType::ALL begins with statements of identity.
    let best = scored.reduce(|best, other| if other.0 > best.0 { other } else { best });
    // With nothing that a type needs, the proposal would be a guess out of nothing; people alone may be a register of them.
    let best = best.filter(|(score, ..)| *score > 0 || people);
    let (_, emit, mapping) = best.ok_or_else(|| {
        let text = "no kind of fact fits the columns of the file; docs/PROFILES.md lists the kinds and what each needs";
        InferError::Unknown(text.to_owned())
    })?;
    Ok((emit, mapping))
}

/// How well the columns fit a type. What a column is called says more than what its values look like, and a field that no
/// other type needs says more than one that several need.
fn score(emit: EventType, table: &Table, mapping: &[Option<Field>]) -> usize {
    let needed = map::needed(emit);
    let of_column = |(place, field): (usize, &Option<Field>)| {
        let Some(field) = field else { return 0 };
        let named = table.names.as_ref().is_none_or(|names| fields_named(emit, &names[place]).contains(field));
        let weight = if named { 2 } else { 1 };
        let share = if needed.contains(field) { weight * 60 / needed.len() } else { 0 };
        let own = if named && needed.contains(field) && is_own(emit, *field) { 40 } else { 0 };
        let telling = if named && telling(emit).contains(field) { 40 } else { 0 };
        share + own + telling
    };
    mapping.iter().enumerate().map(of_column).sum()
}

/// The field of each column, if the rows are of this type. A field is given once.
fn mapping_of(emit: EventType, table: &Table, columns: &[Traits]) -> Vec<Option<Field>> {
    let mut given = BTreeSet::new();
    let mut mapping = vec![None; columns.len()];
    let wanted = |field: &Field| tells_of(emit, *field);
    // What tells of other facts only is of no use in this one.
    let foreign = |field: &Field| {
        !wanted(field) && !WHO.contains(field) && EventType::ALL.iter().any(|other| tells_of(*other, *field))
    };
    // By name first, what the type needs before all else; then by what the values are.
    for pass in 0..3 {
        for (place, traits) in columns.iter().enumerate() {
            if mapping[place].is_some() {
                continue;
            }
            let by_name = table.names.as_ref().map_or(&[][..], |names| fields_named(emit, &names[place]));
            let usual = by_name.iter().copied().filter(|field| traits.may_be(*field));
            let candidates: Vec<Field> = match pass {
                0 => usual.filter(|field| wanted(field)).collect(),
                1 => usual.filter(|field| !foreign(field)).collect(),
                _ if by_name.iter().all(foreign) => traits.shape().fields(emit).to_vec(),
                _ => Vec::new(),
            };
            mapping[place] = candidates.into_iter().find(|field| given.insert(*field));
        }
    }
    // Something must name the record: a column without a repeat does, whatever it is called.
    let told_apart = mapping.iter().zip(columns).any(|(field, traits)| field.is_some() && traits.unique);
    let spare = mapping.iter().zip(columns).position(|(field, traits)| field.is_none() && traits.unique);
    if let Some(place) = spare.filter(|_| !told_apart && !given.contains(&Field::RecordId)) {
        mapping[place] = Some(Field::RecordId);
    }
    mapping
}

#[cfg(test)]
mod tests;
