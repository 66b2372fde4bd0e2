//! Values written as Avro by a plan that is made of the schema once.
//!
//! The library's writer looks every field up by its name in maps, which is a tenth of what a pushed row costs. A plan has
//! the fields in their order, in which our structs state them too, so writing is one walk over both. Invariant: the bytes
//! are those of the library's writer (Avro specification 1.12, "Binary Encoding"); what the schema does not have is an error.

use std::collections::HashMap;
use std::fmt;

use apache_avro::Schema;
use apache_avro::schema::{DecimalSchema, InnerDecimalSchema, Name, RecordSchema, UnionSchema, UuidSchema};
use serde::Serialize;
use serde::ser::{self, Impossible};

/// How a value of a schema is written.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Null,
    Boolean,
    /// Whole numbers of any width have one form.
    Number,
    Float,
    Double,
    /// Bytes or text, after their length.
    Bytes,
    Fixed(usize),
    Enum(Vec<String>),
    Array(Box<Plan>),
    Record(Vec<(String, Plan)>),
    /// A value or null, and the places of both in their union.
    Optional {
        null: i64,
        some: i64,
        plan: Box<Plan>,
    },
}

impl Plan {
    /// The plan of a schema, and of its parts by name; `None` when the schema has what none of ours has.
    pub(crate) fn of(schema: &Schema, named: &mut HashMap<Name, Plan>) -> Option<Self> {
        let plan = match schema {
            Schema::Null => Self::Null,
            Schema::Boolean => Self::Boolean,
            Schema::Int | Schema::Long | Schema::Date | Schema::TimestampMillis => Self::Number,
            Schema::Float => Self::Float,
            Schema::Double => Self::Double,
            Schema::Bytes
            | Schema::String
            | Schema::Decimal(DecimalSchema { inner: InnerDecimalSchema::Bytes, .. }) => Self::Bytes,
            Schema::Array(array) => Self::Array(Box::new(Self::of(&array.items, named)?)),
            Schema::Union(union) => Self::optional(union, named)?,
            Schema::Record(record) => {
                let plan = Self::record(record, named)?;
                named.insert(record.name.clone(), plan.clone());
                plan
            }
            Schema::Enum(symbols) => {
                let plan = Self::Enum(symbols.symbols.clone());
                named.insert(symbols.name.clone(), plan.clone());
                plan
            }
            Schema::Fixed(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
                named.insert(fixed.name.clone(), Self::Fixed(fixed.size));
                Self::Fixed(fixed.size)
            }
            Schema::Ref { name } => named.get(name)?.clone(),
            _ => return None,
        };
        Some(plan)
    }

    /// The plan of a record whose parts may be named elsewhere.
    pub(crate) fn record(record: &RecordSchema, named: &mut HashMap<Name, Plan>) -> Option<Self> {
        let fields = record.fields.iter().map(|field| Some((field.name.clone(), Self::of(&field.schema, named)?)));
        Some(Self::Record(fields.collect::<Option<_>>()?))
    }

    fn optional(union: &UnionSchema, named: &mut HashMap<Name, Plan>) -> Option<Self> {
        match union.variants() {
            [Schema::Null, some] => Some(Self::Optional { null: 0, some: 1, plan: Box::new(Self::of(some, named)?) }),
            [some, Schema::Null] => Some(Self::Optional { null: 1, some: 0, plan: Box::new(Self::of(some, named)?) }),
            _ => None,
        }
    }

    /// Appends a value to the buffer.
    pub(crate) fn write(&self, buffer: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Unfit> {
        value.serialize(Writer { plan: self, buffer })
    }
}

/// A value is not of the schema; at best the field is known.
#[derive(Debug, Default)]
pub(crate) struct Unfit {
    pub(crate) field: Option<String>,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value is not of the schema")
    }
}

impl std::error::Error for Unfit {}

impl ser::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::default()
    }
}

struct Writer<'a> {
    plan: &'a Plan,
    buffer: &'a mut Vec<u8>,
}

/// A number with its sign in the last bit, seven bits a byte, the low ones first.
fn put_number(buffer: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        buffer.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    buffer.push(rest as u8);
}

impl Writer<'_> {
    fn number(self, number: i64) -> Result<(), Unfit> {
        match self.plan {
            Plan::Number => {
                put_number(self.buffer, number);
                Ok(())
            }
            _ => Err(Unfit::default()),
        }
    }
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Impossible<(), Unfit>;
    type SerializeTupleStruct = Impossible<(), Unfit>;
    type SerializeTupleVariant = Impossible<(), Unfit>;
    type SerializeMap = Impossible<(), Unfit>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<(), Unfit>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unfit> {
        match self.plan {
            Plan::Boolean => {
                self.buffer.push(u8::from(value));
                Ok(())
            }
            _ => Err(Unfit::default()),
        }
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unfit> {
        self.number(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unfit> {
        self.number(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unfit> {
        self.number(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unfit> {
        self.number(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unfit> {
        self.number(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unfit> {
        self.number(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unfit> {
        self.number(value.into())
    }

    fn serialize_u64(self, _: u64) -> Result<(), Unfit> {
        Err(Unfit::default())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unfit> {
        match self.plan {
            Plan::Float => {
                self.buffer.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }
            _ => Err(Unfit::default()),
        }
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unfit> {
        match self.plan {
            Plan::Double => {
                self.buffer.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }
            _ => Err(Unfit::default()),
        }
    }

    fn serialize_char(self, _: char) -> Result<(), Unfit> {
        Err(Unfit::default())
    }

    fn serialize_str(self, value: &str) -> Result<(), Unfit> {
        match self.plan {
            Plan::Bytes => self.serialize_bytes(value.as_bytes()),
            _ => Err(Unfit::default()),
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unfit> {
        match self.plan {
            Plan::Bytes => put_number(self.buffer, value.len() as i64),
            Plan::Fixed(size) if *size == value.len() => {}
            _ => return Err(Unfit::default()),
        }
        self.buffer.extend_from_slice(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unfit> {
        match self.plan {
            Plan::Optional { null, .. } => {
                put_number(self.buffer, *null);
                Ok(())
            }
            _ => Err(Unfit::default()),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unfit> {
        match self.plan {
            Plan::Optional { some, plan, .. } => {
                put_number(self.buffer, *some);
                value.serialize(Writer { plan, buffer: self.buffer })
            }
            _ => Err(Unfit::default()),
        }
    }

    fn serialize_unit(self) -> Result<(), Unfit> {
        match self.plan {
            Plan::Null => Ok(()),
            _ => Err(Unfit::default()),
        }
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unfit> {
        Err(Unfit::default())
    }

    fn serialize_unit_variant(self, _: &'static str, place: u32, variant: &'static str) -> Result<(), Unfit> {
        let Plan::Enum(symbols) = self.plan else { return Err(Unfit::default()) };
        let there = symbols.get(place as usize).is_some_and(|symbol| symbol == variant).then_some(place as usize);
        let place = there.or_else(|| symbols.iter().position(|symbol| symbol == variant)).ok_or_else(Unfit::default)?;
        put_number(self.buffer, place as i64);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Unfit> {
        Err(Unfit::default())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unfit> {
        Err(Unfit::default())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items<'a>, Unfit> {
        // Lists of ours know their length, so a list is one block.
        let (Plan::Array(plan), Some(length)) = (self.plan, length) else { return Err(Unfit::default()) };
        if length > 0 {
            put_number(self.buffer, length as i64);
        }
        Ok(Items { plan, buffer: self.buffer })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unfit> {
        Err(Unfit::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unfit> {
        Err(Unfit::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unfit> {
        Err(Unfit::default())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unfit> {
        Err(Unfit::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, Unfit> {
        match self.plan {
            Plan::Record(fields) => Ok(Fields { fields, buffer: self.buffer }),
            _ => Err(Unfit::default()),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unfit> {
        Err(Unfit::default())
    }
}

/// The items of a list that are still to come.
struct Items<'a> {
    plan: &'a Plan,
    buffer: &'a mut Vec<u8>,
}

impl ser::SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        value.serialize(Writer { plan: self.plan, buffer: self.buffer })
    }

    fn end(self) -> Result<(), Unfit> {
        self.buffer.push(0);
        Ok(())
    }
}

/// The fields of a record that are still to come.
struct Fields<'a> {
    fields: &'a [(String, Plan)],
    buffer: &'a mut Vec<u8>,
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unfit> {
        let unfit = || Unfit { field: Some(name.to_owned()) };
        let ((field, plan), rest) = self.fields.split_first().ok_or_else(unfit)?;
        if field != name {
            return Err(unfit());
        }
        self.fields = rest;
        value
            .serialize(Writer { plan, buffer: self.buffer })
            .map_err(|error| if error.field.is_some() { error } else { unfit() })
    }

    fn end(self) -> Result<(), Unfit> {
        match self.fields.first() {
            None => Ok(()),
            Some((field, _)) => Err(Unfit { field: Some(field.clone()) }),
        }
    }
}
