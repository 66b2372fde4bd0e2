//! The schemas say what the domain's types are: same fields in the same order, same symbols, same defaults.

use std::collections::BTreeMap;

use codec::Catalogue;
use domain::*;
use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

/// What a named type consists of, as serde sees it.
#[derive(Debug, PartialEq)]
enum Shape {
    Record(Vec<String>),
    Enum { symbols: Vec<String>, default: Option<Value> },
}

/// A deserializer that only listens to what it is asked for.
struct Listener<'a>(&'a mut Option<Shape>);

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("neither a struct nor an enum"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Some(Shape::Record(fields.iter().map(ToString::to_string).collect()));
        Err(Error::custom("heard enough"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        let symbols = variants.iter().map(ToString::to_string).collect();
        *self.0 = Some(Shape::Enum { symbols, default: None });
        Err(Error::custom("heard enough"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

fn shape_of<T: for<'de> Deserialize<'de>>() -> Shape {
    let mut shape = None;
    let _ = T::deserialize(Listener(&mut shape));
    shape.expect("a struct or an enum")
}

fn domain_shapes() -> BTreeMap<&'static str, Shape> {
    let mut shapes = BTreeMap::new();
    macro_rules! records {
        ($($name:ident)+) => { $(shapes.insert(stringify!($name), shape_of::<$name>());)+ };
    }
    macro_rules! enums {
        ($($name:ident)+) => { $(
            let Shape::Enum { symbols, .. } = shape_of::<$name>() else { panic!("not an enum") };
            let default = serde_json::to_value($name::default()).ok();
            shapes.insert(stringify!($name), Shape::Enum { symbols, default });
        )+ };
    }
    records! {
        Meta PersonRef IdClaim PersonName ClaimRef PlaceRef IdentityObserved IdentityRetracted PresenceInterval
        Partial ClaimKind TripSegment PaymentMade EncounterChanged TestResult GatePass HouseholdMembership CaseStatus MeterReading PlaceRegistered
        LinkDecided
        ModelActivated
        FollowUpChanged Referral
    }
    enums! {
        SourceKind Precision Script Sex IdScheme PlaceKind Datum RetractReason PresenceMethod TravelMode TripStatus
        PaymentChannel EncounterAction TestOutcome ResultStatus GateDirection GateDecision CodeColour CaseState HouseholdKind
        ResidenceKind MeterKind MeterQuality IdentityField DecisionReason ModelAction
    }
    // An operation that a reader does not know must not be taken for one that it knows: no default. Nor a verdict.
    shapes.insert("Op", shape_of::<Op>());
    shapes.insert("Verdict", shape_of::<Verdict>());
    shapes.insert("FollowUpStep", shape_of::<FollowUpStep>());
    shapes.insert("FollowUpState", shape_of::<FollowUpState>());
    shapes.insert("ReferralStage", shape_of::<ReferralStage>());
    shapes.insert("ReferralOutcome", shape_of::<ReferralOutcome>());
    shapes
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    let items = value.as_array().expect("an array").iter();
    items.map(|item| if key.is_empty() { item } else { &item[key] }.as_str().expect("text").to_owned()).collect()
}

/// Every named type of a schema, with a check that everything is explained.
fn schema_shapes(schema: &Value, is_event: bool, shapes: &mut BTreeMap<String, Shape>) {
    match schema {
        Value::Array(variants) => {
            assert!(variants.len() == 2 && variants[0] == "null", "only null and one other: {variants:?}");
            schema_shapes(&variants[1], false, shapes);
        }
        Value::Object(object) if object["type"] == "record" => {
            let name = object["name"].as_str().expect("a name");
            assert!(object.contains_key("doc"), "{name} is not explained");
            let mut fields = strings(&object["fields"], "name");
            if is_event {
                assert_eq!(fields.remove(0), "meta", "{name}");
            }
            shapes.insert(name.to_owned(), Shape::Record(fields));
            for field in object["fields"].as_array().expect("fields") {
                assert!(field["doc"].is_string(), "{name}.{} is not explained", field["name"]);
                assert_eq!(field["type"].is_array(), field.get("default") == Some(&Value::Null), "{name}: {field}");
                schema_shapes(&field["type"], false, shapes);
            }
        }
        Value::Object(object) if object["type"] == "enum" => {
            let name = object["name"].as_str().expect("a name");
            assert!(object.contains_key("doc"), "{name} is not explained");
            let symbols = strings(&object["symbols"], "");
            shapes.insert(name.to_owned(), Shape::Enum { symbols, default: object.get("default").cloned() });
        }
        Value::Object(object) if object["type"] == "array" => schema_shapes(&object["items"], false, shapes),
        _ => {}
    }
}

#[test]
fn the_newest_schemas_are_the_domain_types() {
    let domain = domain_shapes();
    for &event_type in EventType::ALL {
        let entry = Catalogue::builtin().latest(event_type);
        let schema: Value = serde_json::from_str(&entry.schema).expect("JSON");
        assert_eq!(schema["namespace"], "hub.v1");
        let mut shapes = BTreeMap::new();
        schema_shapes(&schema, true, &mut shapes);
        assert!(shapes.contains_key(event_type.name()));
        for (name, shape) in shapes {
            assert_eq!(Some(&shape), domain.get(name.as_str()), "{name} in {}", entry.file);
        }
    }
}
