//! How one type of event is laid out: plans for writing and readers of the newest schema, and resolution from other ones.
//!
//! A record's Avro body is its fields one after the other (Avro specification 1.12, "Records"), so envelope and body
//! are written by two plans into one buffer: the domain keeps them as two structs, the message has one record.

use std::collections::HashMap;
use std::io::{ErrorKind, Read};
use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::{RecordSchema, ResolvedSchema};
use apache_avro::schema_compatibility::SchemaCompatibility;
use apache_avro::writer::datum::GenericDatumWriter;
use domain::{Body, Event, EventType, Meta};

use crate::writer::Plan;
use crate::{Catalogue, DecodeError, EncodeError, PAYLOAD_BYTES_MAX};

/// Plans and readers of a type's newest schema.
pub(crate) struct Format {
    event_type: EventType,
    schema: &'static Schema,
    meta_plan: Plan,
    body_plan: Plan,
    meta_reader: GenericDatumReader<'static>,
    body_reader: GenericDatumReader<'static>,
}

/// A schema that messages were written with and that is not the newest of its type.
pub(crate) struct Older {
    pub(crate) event_type: EventType,
    writer: Schema,
}

struct Schemas {
    whole: Schema,
    meta: Schema,
    body: Schema,
    meta_plan: Plan,
    body_plan: Plan,
}

static SCHEMAS: LazyLock<Vec<Schemas>> = LazyLock::new(|| {
    // The library's limit is for the whole process, and this crate is its only user. A length in a message that is
    // larger than any message is a lie.
    apache_avro::util::max_allocation_bytes(PAYLOAD_BYTES_MAX);
    // Unwrap safety: the schemas are part of the program, and `every_type_survives_the_round_trip` uses each.
    EventType::ALL.iter().map(|&event_type| Schemas::of(event_type).expect("a built-in schema is sound")).collect()
});

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let types = EventType::ALL.iter().zip(SCHEMAS.iter());
    // Unwrap safety: as above.
    types.map(|(&event_type, schemas)| Format::new(event_type, schemas).expect("a built-in schema is sound")).collect()
});

impl Schemas {
    fn of(event_type: EventType) -> Result<Self, String> {
        let whole = Schema::parse_str(&Catalogue::builtin().latest(event_type).schema).map_err(|e| e.to_string())?;
        let Schema::Record(record) = &whole else { return Err("not a record".to_owned()) };
        let Some((first, rest)) = record.fields.split_first() else { return Err("no fields".to_owned()) };
        if first.name != "meta" || record.name.name() != event_type.name() {
            return Err("an event is a record of its type's name and begins with `meta`".to_owned());
        }
        let body = RecordSchema::builder().name(record.name.clone()).fields(rest.to_vec()).build();
        // Names defined in the envelope are used in the body.
        let mut named = HashMap::new();
        let meta_plan = Plan::of(&first.schema, &mut named).ok_or("the envelope cannot be written")?;
        let body_plan = Plan::record(&body, &mut named).ok_or("the body cannot be written")?;
        Ok(Self { meta: first.schema.clone(), body: Schema::Record(body), meta_plan, body_plan, whole })
    }
}

impl Format {
    /// The format of a type.
    pub(crate) fn of(event_type: EventType) -> &'static Self {
        &FORMATS[event_type as usize]
    }

    fn new(event_type: EventType, schemas: &'static Schemas) -> Result<Self, apache_avro::Error> {
        // Names defined in the envelope are used in the body, so both resolve names in the whole schema.
        let names = ResolvedSchema::new(&schemas.whole)?;
        let reader = |part| GenericDatumReader::builder(part).resolved_writer_schemata(names.clone()).build();
        Ok(Self {
            event_type,
            schema: &schemas.whole,
            meta_plan: schemas.meta_plan.clone(),
            body_plan: schemas.body_plan.clone(),
            meta_reader: reader(&schemas.meta)?,
            body_reader: reader(&schemas.body)?,
        })
    }

    /// Appends the event to the buffer.
    pub(crate) fn write(&self, event: &Event, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
        let body = &self.body_plan;
        let written = self.meta_plan.write(buffer, &event.meta).and_then(|()| match &event.body {
            Body::IdentityObserved(b) => body.write(buffer, b),
            Body::IdentityRetracted(b) => body.write(buffer, b),
            Body::PresenceInterval(b) => body.write(buffer, b),
            Body::TripSegment(b) => body.write(buffer, b),
            Body::PaymentMade(b) => body.write(buffer, b),
            Body::EncounterChanged(b) => body.write(buffer, b),
            Body::TestResult(b) => body.write(buffer, b),
            Body::GatePass(b) => body.write(buffer, b),
            Body::HouseholdMembership(b) => body.write(buffer, b),
            Body::CaseStatus(b) => body.write(buffer, b),
            Body::MeterReading(b) => body.write(buffer, b),
            Body::PlaceRegistered(b) => body.write(buffer, b),
            Body::LinkDecided(b) => body.write(buffer, b),
            Body::ModelActivated(b) => body.write(buffer, b),
            Body::FollowUpChanged(b) => body.write(buffer, b),
        });
        written.map_err(|unfit| EncodeError::Unwritable { event_type: self.event_type, field: unfit.field })
    }

    /// Reads an event of the newest schema that fills the bytes.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<Event, DecodeError> {
        let mut input = Input::new(bytes);
        let event = self.read_parts(&mut input).map_err(|_| input.fault(self.event_type))?;
        input.end(self.event_type).map(|()| event)
    }

    fn read_parts(&self, input: &mut Input<'_>) -> Result<Event, apache_avro::Error> {
        let meta: Meta = self.meta_reader.read_deser(input)?;
        let body = &self.body_reader;
        let body = match self.event_type {
            EventType::IdentityObserved => Body::IdentityObserved(body.read_deser(input)?),
            EventType::IdentityRetracted => Body::IdentityRetracted(body.read_deser(input)?),
            EventType::PresenceInterval => Body::PresenceInterval(body.read_deser(input)?),
            EventType::TripSegment => Body::TripSegment(body.read_deser(input)?),
            EventType::PaymentMade => Body::PaymentMade(body.read_deser(input)?),
            EventType::EncounterChanged => Body::EncounterChanged(body.read_deser(input)?),
            EventType::TestResult => Body::TestResult(body.read_deser(input)?),
            EventType::GatePass => Body::GatePass(body.read_deser(input)?),
            EventType::HouseholdMembership => Body::HouseholdMembership(body.read_deser(input)?),
            EventType::CaseStatus => Body::CaseStatus(body.read_deser(input)?),
            EventType::MeterReading => Body::MeterReading(body.read_deser(input)?),
            EventType::PlaceRegistered => Body::PlaceRegistered(body.read_deser(input)?),
            EventType::LinkDecided => Body::LinkDecided(body.read_deser(input)?),
            EventType::ModelActivated => Body::ModelActivated(body.read_deser(input)?),
            EventType::FollowUpChanged => Body::FollowUpChanged(body.read_deser(input)?),
        };
        Ok(Event { meta, body })
    }

    /// Reads an event that was written with another schema: resolves it to the newest one, then reads it as such.
    /// Several times slower than [`Format::read`], and only as frequent as old messages are.
    pub(crate) fn read_older(&self, older: &Older, bytes: &[u8]) -> Result<Event, DecodeError> {
        let mut input = Input::new(bytes);
        let value = GenericDatumReader::builder(&older.writer)
            .reader_schema(self.schema)
            .build()
            .and_then(|reader| reader.read_value(&mut input))
            .map_err(|_| input.fault(self.event_type))?;
        input.end(self.event_type)?;
        let newest = GenericDatumWriter::builder(self.schema)
            .build()
            .and_then(|writer| writer.write_value_to_vec(value))
            .map_err(|_| input.fault(self.event_type))?;
        self.read(&newest)
    }
}

/// The bytes of a message that are still to be read.
///
/// The library takes the end of its input within a text or an optional field for null, so a message that was cut
/// short could pass. Here the end is an error of another kind, which it hands on, and it is remembered.
struct Input<'a> {
    rest: &'a [u8],
    length: usize,
    cut_short: bool,
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len(), cut_short: false }
    }

    /// What to say when the library could not go on.
    fn fault(&self, event_type: EventType) -> DecodeError {
        if self.cut_short {
            DecodeError::Truncated
        } else {
            DecodeError::Malformed { event_type, offset: self.length - self.rest.len() }
        }
    }

    fn end(&self, event_type: EventType) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(DecodeError::TrailingBytes { event_type, count }),
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.rest.len());
        if length == 0 && !buffer.is_empty() {
            self.cut_short = true;
            return Err(ErrorKind::InvalidData.into());
        }
        self.read_exact(&mut buffer[..length]).map(|()| length)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> std::io::Result<()> {
        let Some((taken, rest)) = self.rest.split_at_checked(buffer.len()) else {
            self.cut_short = true;
            return Err(ErrorKind::InvalidData.into());
        };
        buffer.copy_from_slice(taken);
        self.rest = rest;
        Ok(())
    }
}

impl Older {
    /// Takes a schema that someone wrote messages with.
    ///
    /// # Errors
    /// A reason when it is not the schema of an event of the hub, or the newest one cannot read it.
    pub(crate) fn parse(json: &str) -> Result<Self, &'static str> {
        let writer = Schema::parse_str(json).map_err(|_| "it is not an Avro schema")?;
        let Schema::Record(record) = &writer else { return Err("it is not a record") };
        let event_type = EventType::from_name(record.name.name()).ok_or("its record has no event type's name")?;
        if is_recursive(&writer, &mut Vec::new()) {
            return Err("it contains itself");
        }
        SchemaCompatibility::can_read(&writer, Format::of(event_type).schema)
            .map_err(|_| "the newest schema of its type cannot read it")?;
        Ok(Self { event_type, writer })
    }
}

/// Whether the two schemas lay out data in the same way (equal parsing canonical forms).
pub(crate) fn same_layout(a: &str, b: &str) -> bool {
    let canonical = |json| Schema::parse_str(json).map(|schema| schema.canonical_form());
    matches!((canonical(a), canonical(b)), (Ok(a), Ok(b)) if a == b)
}

/// A schema that contains itself lets a short message nest values deeper than the stack. No event needs that.
fn is_recursive<'s>(schema: &'s Schema, enclosing: &mut Vec<&'s str>) -> bool {
    match schema {
        Schema::Ref { name } => enclosing.contains(&name.name()),
        Schema::Array(array) => is_recursive(&array.items, enclosing),
        Schema::Map(map) => is_recursive(&map.types, enclosing),
        Schema::Union(union) => union.variants().iter().any(|variant| is_recursive(variant, enclosing)),
        Schema::Record(record) => {
            enclosing.push(record.name.name());
            let found = record.fields.iter().any(|field| is_recursive(&field.schema, enclosing));
            enclosing.pop();
            found
        }
        _ => false,
    }
}
