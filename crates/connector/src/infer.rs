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
use crate::map;
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
    /// The file is UTF-16, which is not read.
    #[error(
        "the file is UTF-16, which feeds do not use; save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\") and try again"
    )]
    Utf16,
    /// Nothing is known of the form.
    #[error("{0}")]
    Unknown(String),
}

/// Proposes a profile for the begin of a file. `whole` says that the file has no more than that; `name` is what the feed is
/// to be called.
///
/// # Errors
/// When the file is of no form that can be told.
pub fn infer(name: &str, bytes: &[u8], whole: bool) -> Result<Proposal, InferError> {
    let form = sniff::form_of(bytes)?;
    if form.kind.home().is_some() {
        return Ok(write::of_messages(name, &form));
    }
    let table = table::read(&form, bytes, whole)?;
    if table.rows.is_empty() {
        return Err(InferError::Unknown("the file has no data row; a profile is proposed from rows".to_owned()));
    }
    let columns: Vec<Traits> = (0..table.width()).map(|place| Traits::of(table.column(place))).collect();
    let (emit, mapping) = kind_of(&table, &columns);
    Ok(write::of_table(name, &form, &table, &columns, emit, &mapping))
}

/// Fields of an event type that tell it from others, beside those that it needs.
fn telling(emit: EventType) -> &'static [Field] {
    match emit {
        EventType::IdentityObserved => &[Field::ValidTo, Field::AccountStatus],
        EventType::PresenceInterval => &[Field::Imsi, Field::EventKind, Field::EndTime],
        EventType::TripSegment => &[Field::Seat, Field::Carriage, Field::TicketNumber, Field::BoardingDate],
        EventType::PaymentMade => &[Field::OrderNumber, Field::Merchant, Field::Terminal, Field::Wallet],
        EventType::TestResult => &[Field::Specimen, Field::CtValue, Field::CollectedTime, Field::Lab],
        EventType::GatePass => &[Field::Temperature, Field::CodeColour, Field::Decision, Field::GateCard],
        EventType::HouseholdMembership => {
            &[Field::Relation, Field::HouseholdKind, Field::MovedIn, Field::RegisteredAddress]
        }
        EventType::MeterReading => &[Field::Multiplier, Field::MeterAccount],
        EventType::PlaceRegistered => &[Field::Latitude, Field::Longitude, Field::Datum, Field::RadiusM],
        _ => &[],
    }
}

/// The fact that a row most likely is, and the field of each column then.
fn kind_of(table: &Table, columns: &[Traits]) -> (EventType, Vec<Option<Field>>) {
    let types = EventType::ALL.iter().copied().filter(|emit| map::is_mapped(*emit));
    let scored = types.map(|emit| {
        let mapping = mapping_of(emit, table, columns);
        let has = |field: &&Field| mapping.contains(&Some(**field));
        let needed = map::needed(emit);
        let found = needed.iter().filter(has).count();
        let score = 12 * found / needed.len() + 4 * telling(emit).iter().filter(has).count();
        (score, emit, mapping)
    });
    // Among equals the first type wins: EventType::ALL begins with statements of identity.
    let best = scored.reduce(|best, other| if other.0 > best.0 { other } else { best });
    // Unwrap safety: there are event types that columns map to.
    let (_, emit, mapping) = best.expect("event types");
    (emit, mapping)
}

/// The field of each column, if the rows are of this type. A field is given once.
fn mapping_of(emit: EventType, table: &Table, columns: &[Traits]) -> Vec<Option<Field>> {
    let mut given = BTreeSet::new();
    let mut mapping = vec![None; columns.len()];
    let wanted = |field: &Field| map::needed(emit).contains(field) || telling(emit).contains(field);
    // By name first, what the type needs before all else; then by what the values are.
    for pass in 0..3 {
        for (place, traits) in columns.iter().enumerate() {
            if mapping[place].is_some() {
                continue;
            }
            let by_name = table.names.as_ref().map_or(&[][..], |names| synonyms::fields_of(&names[place]));
            let usual = by_name.iter().copied().filter(|field| traits.may_be(*field));
            let candidates: Vec<Field> = match pass {
                0 => usual.filter(|field| wanted(field)).collect(),
                1 => usual.collect(),
                _ if by_name.is_empty() => traits.shape().fields(emit).to_vec(),
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
