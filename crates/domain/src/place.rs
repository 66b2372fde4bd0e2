//! Where something happened.

use serde::{Deserialize, Serialize};

use crate::Sensitive;

/// What kind of place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlaceKind {
    /// None of the others, or not stated.
    #[default]
    Other,
    /// A cell of a mobile network.
    Cell,
    /// A station or stop.
    Stop,
    /// A hospital, ward or clinic.
    Hospital,
    /// A shop or terminal.
    Merchant,
    /// A community gate.
    Gate,
    /// A dwelling.
    Dwelling,
    /// A laboratory or a collection point.
    Lab,
    /// An administrative area.
    Area,
}

/// The datum of coordinates. Connectors turn what sources state into WGS-84 and flag it (`converted-…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Datum {
    /// Not stated.
    #[default]
    Unknown,
    /// WGS-84, as satellite receivers give it.
    Wgs84,
    /// GCJ-02, the offset datum of Chinese maps.
    Gcj02,
    /// BD-09, a further offset on GCJ-02.
    Bd09,
}

/// A place as a source names it.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct PlaceRef {
    /// The hub's id of the place: `<source>/<the source's own id>`, for joining facts with `PlaceRegistered`.
    pub place_id: Option<String>,
    /// What kind of place it is.
    pub kind: PlaceKind,
    /// Name or address text, when the source gives one. Personal where it is a dwelling.
    pub name: Option<Sensitive<String>>,
    /// Division code of GB/T 2260 and GB/T 10114 (6 to 12 digits).
    pub division_code: Option<String>,
    /// Degrees north, in `datum`.
    pub lat: Option<f64>,
    /// Degrees east, in `datum`.
    pub lon: Option<f64>,
    /// Datum of `lat` and `lon`.
    pub datum: Datum,
    /// Radius in metres within which the place lies.
    pub radius_m: Option<f32>,
}
