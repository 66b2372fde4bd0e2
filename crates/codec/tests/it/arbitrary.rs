//! Any value of any event type, made from random bytes.
//!
//! The values come through `serde::Deserialize`, so a new field or variant is covered the day it is added.

use domain::{Body, Event, EventType, Meta};
use proptest::prelude::*;
use serde::de::value::Error;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// Strings of every kind: empty, Latin, Han (also beyond the basic plane), control characters, long.
const TEXTS: [&str; 8] =
    ["", "a", "household-register", "王小明", "𠮷田", "line\nbreak\u{0}", "11010519491231002X", "0123456789abcdef"];

/// Times lie in the years 1970 to 2189: not every language's calendar has more.
const DAYS_MAX: u64 = 80_000;

/// An event of the type, made from entropy; the same bytes give the same event.
pub(crate) fn event(event_type: EventType, entropy: &[u8]) -> Event {
    let mut entropy = Entropy { bytes: entropy };
    let meta: Meta = entropy.value();
    let body = match event_type {
        EventType::IdentityObserved => Body::IdentityObserved(entropy.value()),
        EventType::IdentityRetracted => Body::IdentityRetracted(entropy.value()),
        EventType::PresenceInterval => Body::PresenceInterval(entropy.value()),
        EventType::TripSegment => Body::TripSegment(entropy.value()),
        EventType::PaymentMade => Body::PaymentMade(entropy.value()),
        EventType::EncounterChanged => Body::EncounterChanged(entropy.value()),
        EventType::TestResult => Body::TestResult(entropy.value()),
        EventType::GatePass => Body::GatePass(entropy.value()),
        EventType::HouseholdMembership => Body::HouseholdMembership(entropy.value()),
        EventType::CaseStatus => Body::CaseStatus(entropy.value()),
        EventType::MeterReading => Body::MeterReading(entropy.value()),
        EventType::PlaceRegistered => Body::PlaceRegistered(entropy.value()),
        EventType::LinkDecided => Body::LinkDecided(entropy.value()),
        EventType::ModelActivated => Body::ModelActivated(entropy.value()),
        EventType::FollowUpChanged => Body::FollowUpChanged(entropy.value()),
    };
    Event { meta, body }
}

/// Any event of any type.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    let types = proptest::sample::select(EventType::ALL);
    (types, proptest::collection::vec(any::<u8>(), 0..1500)).prop_map(|(event_type, bytes)| event(event_type, &bytes))
}

/// One full event of each type, with fixed content.
pub(crate) fn samples() -> impl Iterator<Item = Event> {
    let mut state = 0x9e37_79b9_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as u8
    })
    .take(1500)
    .collect();
    EventType::ALL.iter().map(move |&event_type| event(event_type, &bytes))
}

struct Entropy<'a> {
    bytes: &'a [u8],
}

impl Entropy<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.bytes = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn value<T: DeserializeOwned>(&mut self) -> T {
        T::deserialize(Arbitrary { entropy: self, field: "" }).expect("any value can be made")
    }
}

struct Arbitrary<'e, 'a> {
    entropy: &'e mut Entropy<'a>,
    /// Name of the field that is being made: decimals and ids are both bytes, of different length.
    field: &'static str,
}

impl Arbitrary<'_, '_> {
    fn is_time(&self) -> bool {
        ["_time", "_date", "_from"].iter().any(|end| self.field.ends_with(end))
            || ["since", "until", "met", "offered"].contains(&self.field)
            || self.field.starts_with("valid_")
            || self.field == "onset"
    }
}

impl<'de> Deserializer<'de> for Arbitrary<'_, '_> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("the domain asks for a kind of value that this test does not make yet"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.entropy.byte() & 1 == 1)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = self.entropy.number();
        visitor.visit_i32(if self.is_time() { (number % DAYS_MAX) as i32 } else { number as i32 })
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = self.entropy.number();
        visitor.visit_i64(if self.is_time() { (number % (DAYS_MAX * 86_400_000)) as i64 } else { number as i64 })
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f32(self.entropy.number() as i32 as f32 / 64.0)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.entropy.number() as i64 as f64 / 64.0)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let choice = self.entropy.byte() as usize;
        let text = TEXTS[choice % TEXTS.len()];
        visitor.visit_string(if choice > 250 { text.repeat(200) } else { text.to_owned() })
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let is_decimal = matches!(self.field, "amount" | "value");
        let length = if is_decimal { 1 + self.entropy.byte() as usize % 7 } else { 16 };
        let bytes: Vec<u8> = (0..length).map(|_| self.entropy.byte()).collect();
        visitor.visit_bytes(&bytes)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.entropy.byte().is_multiple_of(4) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.entropy.byte() as usize % 4;
        visitor.visit_seq(Items { entropy: self.entropy, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { entropy: self.entropy, fields: fields.iter(), current: "" })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let chosen = self.entropy.byte() as usize % variants.len();
        visitor.visit_enum(Variant(variants[chosen]))
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 char byte_buf unit unit_struct tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'e, 'a> {
    entropy: &'e mut Entropy<'a>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Arbitrary { entropy: self.entropy, field: "" }).map(Some)
    }
}

struct Fields<'e, 'a> {
    entropy: &'e mut Entropy<'a>,
    fields: std::slice::Iter<'static, &'static str>,
    current: &'static str,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(&field) = self.fields.next() else { return Ok(None) };
        self.current = field;
        seed.deserialize(field.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Arbitrary { entropy: self.entropy, field: self.current })
    }
}

struct Variant(&'static str);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        Ok((seed.deserialize(self.0.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Error> {
        Err(Error::custom("only enums without data are in events"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only enums without data are in events"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only enums without data are in events"))
    }
}
