//! The feed that a profile of delimited text or NDJSON declares.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use domain::Phone;
use rustc_hash::FxHashMap;

use crate::columns::{Field, Layout};
use crate::feed::{BatchError, Draft, Feed, RawRow, RowContext, RowError, RowReader};
use crate::fields::{Bounds, Fields, is_machine_number};
use crate::map;
use crate::profile::{FormatKind, Profile, ProfileError};
use crate::reason::Reason;
use crate::rows::{COLUMNS_MAX, LineRows, SplitError, split};

/// A feed of lines, driven by its profile alone.
pub struct ProfileFeed {
    profile: Profile,
    by_key: FxHashMap<String, Field>,
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
        if profile.format.kind == FormatKind::Hl7v2 {
            return Err(wrong("format.kind", "HL7 v2 messages are read by the hospital connector only"));
        }
        if !map::is_mapped(profile.emit) {
            return Err(wrong("emit", "no columns map to this event type"));
        }
        map::check(&profile).map_err(|(key, message)| wrong(&key, &message))?;
        let mut by_key = FxHashMap::default();
        for (field, column) in &profile.columns {
            by_key.extend(column.names().iter().map(|name| (name.clone(), *field)));
        }
        Ok(Self { profile, by_key })
    }

    /// Loads the feeds of one connector: its built-in profiles, and those of a folder ([`Profile::load`]).
    ///
    /// # Errors
    /// When a profile cannot be used.
    pub fn load(
        connector: &str,
        built_in: &[(&str, &str)],
        folder: Option<&Path>,
    ) -> Result<Vec<Arc<dyn Feed>>, ProfileError> {
        let feed = |profile| Ok(Arc::new(Self::new(profile)?) as Arc<dyn Feed>);
        Profile::load(connector, built_in, folder)?.into_iter().map(feed).collect()
    }

    fn split_columns<'a>(&'a self, text: &str, layout: &Layout, fields: &mut Fields<'a>) -> Result<(), RowError> {
        let format = &self.profile.format;
        let width = layout.width();
        let by_column = layout.fields();
        let mut spare_is_empty = true;
        let columns =
            split(text, format.separator, format.quote, COLUMNS_MAX, |place, value| match by_column.get(place) {
                Some(Some(field)) => fields.set(*field, value),
                Some(None) => {}
                None => spare_is_empty &= value.trim().is_empty(),
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

    fn read_object(&self, text: &str, fields: &mut Fields<'_>) -> Result<(), RowError> {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).map_err(|error| {
            let message = format!("the line is not a JSON object (character {})", error.column());
            RowError::row(Reason::RowJson, message)
        })?;
        for (key, value) in &object {
            let Some(field) = self.by_key.get(key.as_str()) else { continue };
            match value {
                serde_json::Value::Null => {}
                serde_json::Value::String(text) => fields.set(*field, text),
                serde_json::Value::Number(number) => fields.set(*field, &number.to_string()),
                serde_json::Value::Bool(truth) => fields.set(*field, if *truth { "true" } else { "false" }),
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                    return Err(RowError::field(
                        key.clone(),
                        Reason::RowJson,
                        format!(
                            "{} holds a list or an object",
                            fields.error(*field, Reason::RowJson, "").field.unwrap_or_default()
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Feed for ProfileFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        Ok(Box::new(LineRows::open(&self.profile, input)?))
    }

    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        let text = self.profile.format.encoding.decode(row.bytes.expose())?;
        let empty;
        let layout = match context.layout {
            Some(layout) => layout,
            None => {
                empty = Layout::new(Vec::new());
                &empty
            }
        };
        let mut fields = Fields::new(&self.profile, layout, context);
        match self.profile.format.kind {
            FormatKind::Delimited => self.split_columns(&text, layout, &mut fields)?,
            FormatKind::Ndjson | FormatKind::Hl7v2 => self.read_object(&text, &mut fields)?,
        }
        for field in &self.profile.required {
            fields.required(*field)?;
        }
        map::drafts(&fields, context)
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
