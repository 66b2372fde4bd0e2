//! Messages of others: Avro in the framing of a registry, read as JSON documents.
//!
//! What such a message means is declared by the profile of the feed that takes it, so it needs no schema here: a record
//! becomes an object with the names of its fields. Days, times and decimals become texts, bytes become base64.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::Name;
use apache_avro::types::Value as Avro;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Day, Timestamp};
use serde_json::{Map, Value, json};

use crate::codec::unframe;
use crate::remote::Registry;
use crate::{DecodeError, PAYLOAD_BYTES_MAX, RegistryConfig, RegistryError};

/// Reads messages of others with the schemas of their registry. Cheap to clone; clones share what they learn.
#[derive(Clone)]
pub struct Documents(Arc<Inner>);

struct Inner {
    registry: Registry,
    known: RwLock<HashMap<u32, Arc<Writer>>>,
}

/// A schema that messages were written with.
struct Writer {
    schema: Schema,
    /// Its records by name: a schema may come back to one.
    records: HashMap<Name, Schema>,
}

impl Documents {
    /// With the schemas of a registry, which is asked when an id is met for the first time.
    ///
    /// # Errors
    /// When the configured address is none.
    pub fn new(config: &RegistryConfig) -> Result<Self, RegistryError> {
        // As for events: a length in a message that is larger than any message is a lie.
        apache_avro::util::max_allocation_bytes(PAYLOAD_BYTES_MAX);
        Ok(Self(Arc::new(Inner { registry: Registry::new(config)?, known: RwLock::default() })))
    }

    /// Reads a message as a JSON document.
    ///
    /// # Errors
    /// When it is not framed Avro that fits its schema; [`DecodeError::Registry`] when the registry cannot be asked.
    pub async fn read(&self, payload: &[u8]) -> Result<Value, DecodeError> {
        let (id, body) = unframe(payload)?;
        let writer = self.writer(id).await?;
        let misfit = |_| DecodeError::NotOfSchema { id };
        let reader = GenericDatumReader::builder(&writer.schema).build().map_err(misfit)?;
        let mut rest = body;
        let value = reader.read_value(&mut rest).map_err(misfit)?;
        if !rest.is_empty() {
            return Err(DecodeError::NotOfSchema { id });
        }
        Ok(writer.document(&value, &writer.schema))
    }

    async fn writer(&self, id: u32) -> Result<Arc<Writer>, DecodeError> {
        if let Some(writer) = self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Arc::clone(writer));
        }
        let schema = self.0.registry.fetch(id).await.map_err(|source| DecodeError::Registry { id, source })?;
        let schema = schema.ok_or(DecodeError::UnknownSchema { id })?;
        let foreign = |_| DecodeError::ForeignSchema { id, reason: "it is no Avro schema that stands alone" };
        let schema = Schema::parse_str(&schema).map_err(foreign)?;
        let mut records = HashMap::new();
        collect(&schema, &mut records);
        let writer = Arc::new(Writer { schema, records });
        self.0.known.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&writer));
        Ok(writer)
    }
}

fn collect(schema: &Schema, records: &mut HashMap<Name, Schema>) {
    match schema {
        Schema::Record(record) => {
            records.insert(record.name.clone(), schema.clone());
            record.fields.iter().for_each(|field| collect(&field.schema, records));
        }
        Schema::Array(array) => collect(&array.items, records),
        Schema::Map(map) => collect(&map.types, records),
        Schema::Union(union) => union.variants().iter().for_each(|variant| collect(variant, records)),
        Schema::Decimal(_) | Schema::Fixed(_) | Schema::Enum(_) => {
            if let Some(name) = schema.name() {
                records.insert(name.clone(), schema.clone());
            }
        }
        _ => {}
    }
}

impl Writer {
    /// A value as JSON. The schema is needed only for the point of decimals.
    fn document(&self, value: &Avro, schema: &Schema) -> Value {
        let schema = match schema {
            Schema::Ref { name } => self.records.get(name).unwrap_or(schema),
            other => other,
        };
        match (value, schema) {
            (Avro::Record(values), Schema::Record(record)) => {
                let pairs = values.iter().zip(&record.fields);
                pairs.map(|((name, value), field)| (name.clone(), self.document(value, &field.schema))).collect()
            }
            (Avro::Union(place, value), Schema::Union(union)) => match union.variants().get(*place as usize) {
                Some(variant) => self.document(value, variant),
                None => Value::Null,
            },
            (Avro::Array(values), Schema::Array(array)) => {
                values.iter().map(|value| self.document(value, &array.items)).collect()
            }
            (Avro::Map(values), Schema::Map(map)) => {
                let pairs = values.iter().map(|(name, value)| (name.clone(), self.document(value, &map.types)));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            (Avro::Decimal(decimal), Schema::Decimal(kind)) => {
                let bytes: Vec<u8> = decimal.try_into().unwrap_or_default();
                decimal_text(&bytes, kind.scale).map_or(Value::Null, Value::String)
            }
            (value, _) => plain(value),
        }
    }
}

fn plain(value: &Avro) -> Value {
    let instant = |millis: i64| Timestamp::from_millis(millis).to_string();
    match value {
        Avro::Boolean(value) => json!(value),
        Avro::Int(value) => json!(value),
        Avro::Long(value) => json!(value),
        // Of numbers that are none, JSON has nothing to say.
        Avro::Float(value) => json!(value),
        Avro::Double(value) => json!(value),
        Avro::Bytes(bytes) | Avro::Fixed(_, bytes) => json!(STANDARD.encode(bytes)),
        Avro::String(text) | Avro::Enum(_, text) => json!(text),
        Avro::Date(days) => json!(Day::from_epoch_days(*days).to_string()),
        Avro::TimeMillis(millis) => json!(time_of_day(i64::from(*millis))),
        Avro::TimeMicros(micros) => json!(time_of_day(micros / 1_000)),
        Avro::TimestampMillis(millis) => json!(with_offset(&instant(*millis))),
        Avro::TimestampMicros(micros) => json!(with_offset(&instant(micros.div_euclid(1_000)))),
        Avro::TimestampNanos(nanos) => json!(with_offset(&instant(nanos.div_euclid(1_000_000)))),
        Avro::LocalTimestampMillis(millis) => json!(instant(*millis).trim_end_matches('Z')),
        Avro::LocalTimestampMicros(micros) => json!(instant(micros.div_euclid(1_000)).trim_end_matches('Z')),
        Avro::LocalTimestampNanos(nanos) => json!(instant(nanos.div_euclid(1_000_000)).trim_end_matches('Z')),
        Avro::Uuid(uuid) => json!(uuid.to_string()),
        Avro::BigDecimal(number) => json!(number.to_string()),
        _ => Value::Null,
    }
}

fn with_offset(instant: &str) -> String {
    format!("{}+00:00", instant.trim_end_matches('Z'))
}

fn time_of_day(millis: i64) -> String {
    let (seconds, millis) = (millis.div_euclid(1_000), millis.rem_euclid(1_000));
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A decimal of two's complement bytes; `None` where it has more digits than any amount.
fn decimal_text(bytes: &[u8], scale: usize) -> Option<String> {
    let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
    if bytes.len() > 16 || scale > 38 {
        return None;
    }
    let mut whole = [if negative { 0xFF } else { 0 }; 16];
    whole[16 - bytes.len()..].copy_from_slice(bytes);
    let digits = format!("{:0>width$}", i128::from_be_bytes(whole).unsigned_abs(), width = scale + 1);
    let (before, after) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    Some(format!("{}{before}{point}{after}", if negative { "-" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_point_and_sign() {
        for (bytes, scale, text) in [
            (&[0x04, 0xD2][..], 2, "12.34"),
            (&[0xFB, 0x2E], 2, "-12.34"),
            (&[0x05], 2, "0.05"),
            (&[0x05], 0, "5"),
            (&[], 2, "0.00"),
        ] {
            assert_eq!(decimal_text(bytes, scale).as_deref(), Some(text));
        }
        assert_eq!(decimal_text(&[1; 17], 0), None);
    }

    #[test]
    fn a_time_of_day_is_a_text() {
        assert_eq!(time_of_day(28_931_005), "08:02:11.005");
    }
}
