//! How the keys of objects and elements differ from the profile: told from the first rows of a body.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use store::ingest::Notice;

use crate::columns::Layout;
use crate::feed::{BatchError, RawRow, RowReader};
use crate::header::Drift;
use crate::profile::{FormatKind, Profile};
use crate::xml::read_element;

/// Rows that are looked at before the first one is passed on, and their bytes.
const LOOK_ROWS: usize = 200;
const LOOK_BYTES: usize = 1 << 20;
/// Names that are remembered.
const NAMES_MAX: usize = 500;

/// Looks at the first rows of another reader.
pub(crate) struct Watched<'a> {
    inner: Box<dyn RowReader + 'a>,
    ahead: VecDeque<RawRow>,
    notices: Vec<Notice>,
}

impl<'a> Watched<'a> {
    /// Compares the names in the first rows with those of the profile.
    ///
    /// # Errors
    /// When the profile wants bodies with unknown names refused.
    pub(crate) fn open(profile: &Profile, mut inner: Box<dyn RowReader + 'a>) -> Result<Self, BatchError> {
        let mut ahead = VecDeque::new();
        let mut found = BTreeSet::new();
        let mut bytes = 0;
        while ahead.len() < LOOK_ROWS && bytes < LOOK_BYTES {
            let Some(row) = inner.next_row()? else { break };
            bytes += row.bytes.expose().len();
            if row.broken.is_none()
                && let Ok(text) = profile.format.encoding.decode(row.bytes.expose())
            {
                names_of(profile, &text, &mut |name| {
                    if found.len() < NAMES_MAX && !found.contains(name) {
                        found.insert(name.to_owned());
                    }
                });
            }
            ahead.push_back(row);
        }
        let mut notices = Vec::new();
        if !found.is_empty() {
            let (mut drift, _) = Drift::of(profile, &found.into_iter().collect::<Vec<_>>());
            // A key may be left out of an object where it has nothing to say.
            drift.absent.append(&mut drift.missing);
            drift.judge(profile)?;
            notices = drift.notices();
        }
        Ok(Self { inner, ahead, notices })
    }
}

/// Names that have a value in a row, and that the profile may know: keys and the paths that it names.
fn names_of(profile: &Profile, text: &str, take: &mut dyn FnMut(&str)) {
    if profile.format.kind == FormatKind::Xml {
        // A row that cannot be read is told by its own outcome.
        let _ = read_element(text, |path, value| {
            if !value.is_empty() {
                take(path);
            }
        });
        return;
    }
    let Ok(object) = serde_json::from_str::<serde_json::Map<String, Value>>(text) else { return };
    for (key, value) in &object {
        let inside = match value {
            Value::Object(_) | Value::Array(_) => known_paths(profile, key),
            _ => Vec::new(),
        };
        if inside.is_empty() {
            take(key);
        }
        inside.into_iter().for_each(&mut *take);
    }
}

/// The paths of the profile that begin with a key.
fn known_paths<'p>(profile: &'p Profile, key: &str) -> Vec<&'p str> {
    let extras = profile.computed.columns().iter().map(|extra| &extra.column);
    let names = profile.columns.values().chain(extras).flat_map(|column| column.names());
    let begins = |name: &&String| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
    names.filter(begins).map(String::as_str).collect()
}

/// The keys of an object that the profile does not know.
pub(crate) fn unknown_names(profile: &Profile, text: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    names_of(profile, text, &mut |name| {
        found.insert(name.to_owned());
    });
    Drift::of(profile, &found.into_iter().collect::<Vec<_>>()).0.unknown
}

impl RowReader for Watched<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        match self.ahead.pop_front() {
            Some(row) => Ok(Some(row)),
            None => self.inner.next_row(),
        }
    }

    fn layout(&self) -> Option<Arc<Layout>> {
        self.inner.layout()
    }

    fn data_start(&self) -> u64 {
        self.inner.data_start()
    }

    fn notices(&self) -> Vec<Notice> {
        let mut notices = self.notices.clone();
        notices.extend(self.inner.notices());
        notices
    }
}
