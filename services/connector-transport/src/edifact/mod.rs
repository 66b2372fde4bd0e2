//! EDIFACT about travellers: PAXLST (advance passenger information) and PNRGOV (bookings).
//!
//! Real senders keep the syntax loosely; what is repaired is told in quality flags. Names are Latin capitals, times are
//! local to the airport before them.

mod airports;
mod paxlst;
mod pnrgov;
mod reader;
mod syntax;
mod travel;

use std::io::BufRead;

use connector::{BatchError, Draft, Feed, Profile, RawRow, Reason, RowContext, RowError, RowReader};

use reader::{InterchangeReader, Kind, Row};

/// A feed of EDIFACT messages.
pub(crate) struct EdifactFeed {
    profile: Profile,
}

impl EdifactFeed {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile }
    }
}

impl Feed for EdifactFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        Ok(Box::new(InterchangeReader::open(input, self.profile.format.encoding)))
    }

    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        let row: Row = serde_json::from_slice(row.bytes.expose())
            .map_err(|_| RowError::row(Reason::MessageStructure, "the message cannot be read"))?;
        match row.kind {
            Kind::Paxlst => paxlst::map(&row, &self.profile, context),
            Kind::Pnrgov => pnrgov::map(&row, &self.profile, context),
        }
    }
}

#[cfg(test)]
mod tests;
