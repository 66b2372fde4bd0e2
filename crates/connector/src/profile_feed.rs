//! The feed that a profile of named columns declares: delimited text, workbooks, NDJSON, JSON and XML.
//!
//! The forms differ in how a body is cut into rows and a row into values; what a value means is the same for all.

use std::borrow::Cow;
use std::io::BufRead;

use domain::Phone;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::columns::{Field, Layout, Slot};
use crate::feed::{About, BatchError, Draft, Feed, RawRow, RowContext, RowError, RowReader, StatedVersion};
use crate::fields::{Bounds, Fields, is_machine_number};
use crate::header::{named_layout, unknown_message};
use crate::json::ListRows;
use crate::map;
use crate::mend::is_mark;
use crate::objects::{Watched, unknown_names};
use crate::profile::{Encoding, Format, FormatKind, Profile, ProfileError, UnknownColumns};
use crate::reason::Reason;
use crate::rows::{COLUMNS_MAX, LineRows, SplitError, split};
use crate::workbook::{self, WorkbookRows};
use crate::xml::{ElementRows, read_element};

/// A feed of rows with named columns, driven by its profile alone.
pub struct ProfileFeed {
    profile: Profile,
    by_key: FxHashMap<String, Slot>,
    /// Names that are paths into an object, such as `person.name`.
    nested: Vec<(String, Slot)>,
}

impl ProfileFeed {
    /// Makes the feed of a profile.
    ///
    /// # Errors
    /// When the profile is of a format or an event type that needs a service of its own.
    pub fn new(profile: Profile) -> Result<Self, ProfileError> {
        let wrong = |key: &str, message: &str| ProfileError::Key {
            file: profile.feed.to_string(),
            key: key.to_owned(),
            message: message.to_owned(),
        };
        if let Some(home) = profile.format.kind.home() {
            return Err(wrong("format.kind", &format!("this form is read by the {home} connector only")));
        }
        if !map::is_mapped(profile.emit) {
            return Err(wrong("emit", "no columns map to this event type"));
        }
        map::check(&profile).map_err(|(key, message)| wrong(&key, &message))?;
        let mut by_key = FxHashMap::default();
        let mut nested = Vec::new();
        let mapped = profile.columns.iter().map(|(field, column)| (Slot::Field(*field), column));
        let extra = profile.computed.columns().iter().zip(0_u16..);
        for (slot, column) in mapped.chain(extra.map(|(extra, place)| (Slot::Extra(place), &extra.column))) {
            by_key.extend(column.names().iter().map(|name| (name.clone(), slot)));
            let paths = column.names().iter().filter(|name| name.contains('.'));
            nested.extend(paths.map(|path| (path.clone(), slot)));
        }
        Ok(Self { profile, by_key, nested })
    }

    fn split_columns<'a>(&'a self, text: &str, layout: &Layout, fields: &mut Fields<'a>) -> Result<(), RowError> {
        let format = &self.profile.format;
        let width = layout.width();
        let by_column = layout.slots();
        let mut spare_is_empty = true;
        let columns =
            split(text, format.separator, format.quote, COLUMNS_MAX, |place, value| match by_column.get(place) {
                Some(Some(slot)) => fields.put(*slot, value),
                Some(None) => {}
                None => spare_is_empty &= value.trim().is_empty() || is_mark(value),
            });
        match columns {
            Ok(found) if found == width || (found > width && spare_is_empty) => Ok(()),
            Ok(found) => {
                let message = format!("the row has {found} columns instead of {width}");
                Err(RowError::row(Reason::RowColumns, message))
            }
            Err(SplitError::TooMany) => {
                let message = format!("the row has more than {COLUMNS_MAX} columns instead of {width}");
                Err(RowError::row(Reason::RowColumns, message))
            }
            Err(SplitError::Open | SplitError::AfterQuote) => {
                Err(RowError::row(Reason::RowQuote, "a quoted value is not closed, or text follows its closing quote"))
            }
        }
    }

    /// Whether a key of an object counts: itself, or what a path leads through.
    fn reads(&self, key: &str) -> bool {
        let leads = |path: &str| path.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        self.by_key.contains_key(key) || self.nested.iter().any(|(path, _)| leads(path))
    }

    fn read_object(&self, text: &str, fields: &mut Fields<'_>) -> Result<(), RowError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let members = MembersOf(self).deserialize(&mut reader).and_then(|members| reader.end().map(|()| members));
        let members = members.map_err(|error| {
            let message = format!("the line is not a JSON object (character {})", error.column());
            RowError::row(Reason::RowJson, message)
        })?;
        if let Some(key) = members.repeated {
            // Which of the two is meant is for the sender to say.
            let message = format!("{key} stands in the object twice; leave one out");
            return Err(RowError::field(&key, Reason::RowJson, message));
        }
        for (key, value) in &members.read {
            let Some(slot) = self.by_key.get(key.as_ref()) else { continue };
            set_value(fields, *slot, key, value)?;
        }
        for (path, slot) in &self.nested {
            // A key that has points in its name outranks the path.
            if members.get(path).is_none()
                && let Some(value) = members.at_path(path)
            {
                set_value(fields, *slot, path, value)?;
            }
        }
        Ok(())
    }

    /// Keeps rows with columns that the profile does not know, where it wants that.
    fn check_names(&self, layout: &Layout, text: &str) -> Result<(), RowError> {
        if let Some(error) = layout.spoiled() {
            return Err(error.clone());
        }
        let Format { kind, unknown_columns, .. } = &self.profile.format;
        let by_row = matches!(kind, FormatKind::Ndjson | FormatKind::Json | FormatKind::Xml);
        if !by_row || *unknown_columns == UnknownColumns::Ignore {
            return Ok(());
        }
        match unknown_names(&self.profile, text) {
            unknown if unknown.is_empty() => Ok(()),
            unknown => Err(RowError::row(Reason::ColumnUnknown, unknown_message(&unknown))),
        }
    }

    fn read_element(&self, text: &str, fields: &mut Fields<'_>) -> Result<(), RowError> {
        let mut set = Vec::new();
        read_element(text, |path, value| {
            // Of elements that are repeated, the first one with a value counts.
            if let Some(slot) = self.by_key.get(path).filter(|slot| !value.is_empty() && !set.contains(*slot)) {
                fields.put(*slot, value);
                set.push(*slot);
            }
        })
    }
}

/// Members of an object that count, which are few, and one of them that it has twice.
#[derive(Default)]
struct Members<'de> {
    read: Vec<(Cow<'de, str>, Value)>,
    repeated: Option<String>,
}

/// A key as it stands in the text, copied only where something in it is escaped.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads what counts of an object, and passes over the rest.
struct MembersOf<'f>(&'f ProfileFeed);

impl<'de> DeserializeSeed<'de> for MembersOf<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MembersOf<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some(Key(key)) = map.next_key()? {
            if !self.0.reads(&key) {
                map.next_value::<IgnoredAny>()?;
            } else if members.get(&key).is_some() {
                map.next_value::<IgnoredAny>()?;
                members.repeated.get_or_insert(key.into_owned());
            } else {
                members.read.push((key, map.next_value()?));
            }
        }
        Ok(members)
    }
}

impl Members<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.read.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The value at a path: keys, and places in lists from 0, with points between them.
    fn at_path(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let first = self.get(keys.next()?)?;
        keys.try_fold(first, |value, key| match value {
            Value::Object(object) => object.get(key),
            Value::Array(list) => list.get(key.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

fn set_value(fields: &mut Fields<'_>, slot: Slot, name: &str, value: &Value) -> Result<(), RowError> {
    match value {
        Value::Null => {}
        Value::String(text) => fields.put(slot, text),
        Value::Number(number) => fields.put(slot, &number.to_string()),
        Value::Bool(truth) => fields.put(slot, if *truth { "true" } else { "false" }),
        Value::Array(_) | Value::Object(_) => {
            let message = format!("{name} holds a list or an object; name the value in it by its path ({name}.…)");
            return Err(RowError::field(name, Reason::RowJson, message));
        }
    }
    Ok(())
}

impl Feed for ProfileFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        let Profile { format, .. } = &self.profile;
        Ok(match format.kind {
            FormatKind::Json => {
                let path = format.rows.iter().flat_map(|path| path.split('.'));
                let rows = ListRows::open(input, format.encoding, path)?.with_layout(named_layout(&self.profile));
                Box::new(Watched::open(&self.profile, Box::new(rows))?)
            }
            FormatKind::Xml => {
                let path = format.rows.as_deref().unwrap_or_default();
                let rows = ElementRows::open(input, format.encoding, path, named_layout(&self.profile))?;
                Box::new(Watched::open(&self.profile, Box::new(rows))?)
            }
            FormatKind::Workbook => Box::new(WorkbookRows::open(&self.profile, input)?),
            FormatKind::Ndjson => {
                let rows = LineRows::open(&self.profile, input)?;
                Box::new(Watched::open(&self.profile, Box::new(rows))?)
            }
            _ => Box::new(LineRows::open(&self.profile, input)?),
        })
    }

    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        self.with_fields(row, context, |fields| {
            for field in &self.profile.required {
                fields.required(*field)?;
            }
            self.profile.computed.check(fields)?;
            let mut drafts = map::drafts(fields, context)?;
            drafts.iter_mut().for_each(|draft| draft.quality_flags.extend(fields.noted()));
            Ok(drafts)
        })
    }

    fn about(&self, row: &RawRow, context: &RowContext<'_>) -> Option<About> {
        let about = |fields: &Fields<'_>| {
            let version = match version(fields) {
                Ok(None) => StatedVersion::Arrival,
                Ok(Some(version)) => StatedVersion::At(version),
                Err(_) => StatedVersion::Unreadable,
            };
            Ok(About { source_record_id: source_record_id(fields)?.into(), version })
        };
        if row.broken.is_some() { None } else { self.with_fields(row, context, about).ok() }
    }

    fn empty_fields(&self, row: &RawRow, context: &RowContext<'_>) -> Option<Vec<Field>> {
        let Profile { columns, derive, .. } = &self.profile;
        let mapped = || columns.keys().chain(derive.keys()).copied();
        let empty = |fields: &Fields<'_>| Ok(mapped().filter(|field| fields.text(*field).is_none()).collect());
        self.with_fields(row, context, empty).ok()
    }
}

impl ProfileFeed {
    /// Reads the fields of a row and does something with them.
    fn with_fields<T>(
        &self,
        row: &RawRow,
        context: &RowContext<'_>,
        then: impl FnOnce(&Fields<'_>) -> Result<T, RowError>,
    ) -> Result<T, RowError> {
        let kind = self.profile.format.kind;
        let encoding = if kind == FormatKind::Workbook { Encoding::Utf8 } else { self.profile.format.encoding };
        let text = encoding.decode(row.bytes.expose())?;
        let empty;
        let layout = match context.layout {
            Some(layout) => layout,
            None => {
                empty = Layout::new(Vec::new());
                &empty
            }
        };
        let mut fields = Fields::new(&self.profile, layout, context);
        match kind {
            FormatKind::Delimited => self.split_columns(&text, layout, &mut fields)?,
            FormatKind::Workbook => workbook::read_cells(&text, layout, &mut fields)?,
            FormatKind::Xml => self.read_element(&text, &mut fields)?,
            _ => self.read_object(&text, &mut fields)?,
        }
        self.check_names(layout, &text)?;
        self.profile.computed.derive(&mut fields)?;
        then(&fields)
    }
}

/// The source's id of a row's record, from the key fields of the profile.
pub(crate) fn source_record_id(fields: &Fields<'_>) -> Result<String, RowError> {
    let rules = &fields.profile().record;
    let mut id = String::with_capacity(48);
    id.push_str(&rules.prefix);
    for part in &rules.key {
        let Some((field, text)) = part.0.iter().find_map(|field| fields.text(*field).map(|text| (*field, text))) else {
            return Err(fields.missing(part.0[0]));
        };
        if text.len() > 256 {
            return Err(fields.error(field, Reason::ValueTooLong, "a part of a record's key has at most 256 bytes"));
        }
        if is_scientific(text) {
            let message = "a spreadsheet kept the first digits only of a number that names the record";
            return Err(fields.error(field, Reason::IdentifierScientific, message));
        }
        if text.contains(['\n', '\r']) {
            let message = format!("{} holds a line break", fields.label(field));
            return Err(fields.error(field, Reason::ControlCharacter, message));
        }
        if text.chars().any(char::is_control) {
            let message = "a part of a record's key contains a control character";
            return Err(fields.error(field, Reason::ControlCharacter, message));
        }
        if !id.is_empty() {
            id.push('|');
        }
        match field {
            // The same number in another form is the same record.
            Field::Phone => {
                if is_machine_number(text) {
                    return Err(fields.error(field, Reason::MachineNumber, "the number is that of a machine"));
                }
                let phone = Phone::parse(text).map_err(|error| fields.claim_error(field, error))?;
                id.push_str(phone.as_str());
            }
            Field::IdNumber => id.push_str(&text.to_uppercase()),
            _ => id.push_str(text),
        }
    }
    Ok(id)
}

/// The version of a row's record, if the profile names a field for it.
pub(crate) fn version(fields: &Fields<'_>) -> Result<Option<i64>, RowError> {
    let Some(field) = fields.profile().record.version else { return Ok(None) };
    let text = fields.required(field)?;
    if field == Field::Sequence || (text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_digit())) {
        return fields.integer(field);
    }
    Ok(fields.moment(field, Bounds::Happened)?.map(|moment| moment.at.as_millis()))
}

/// Whether a text is how spreadsheets write a number of more digits than they keep: `2.02603E+15`.
fn is_scientific(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['E', 'e']) else { return false };
    let Some(exponent) = exponent.strip_prefix('+') else { return false };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(exponent) && all_digits(&digits.replacen('.', "", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_spreadsheet_cut_are_told_from_codes_with_an_e() {
        assert!(["2.02603E+15", "1.1E+17", "1.234567890123457e+17", "3E+05"].into_iter().all(is_scientific));
        assert!(!["2E10", "E+15", "A1E+15", "12E+", "1.2.3E+4", "202603"].into_iter().any(is_scientific));
    }
}
