//! Builders: a valid value of the domain, of which a test sets only what it is about. All people are invented.

use domain::{
    BatchId, Body, ClaimRef, ClaimToken, Day, Event, EventType, FeedId, GateDecision, GateDirection, GatePass, IdClaim,
    IdScheme, IdentityObserved, Meta, Op, PersonName, PersonRef, PlaceKind, PlaceRef, Precision, RecordId, ResidentId,
    Sensitive, Sex, SourceKind, Timestamp, TokenKey,
};

use crate::scratch::must;

/// 2022-03-01 at noon in Shanghai: the time of every built value unless a test says otherwise.
pub const NOON: Timestamp = Timestamp::from_millis(1_646_107_200_000);

/// The token key of tests.
pub fn token_key() -> TokenKey {
    TokenKey::from_bytes(&[7; 32])
}

/// The id of a source record under [`token_key`].
pub fn record_id(source: &str, source_record_id: &str) -> RecordId {
    token_key().record_id(source, source_record_id)
}

/// The claim of a source record on its own person, as a fact's first subject.
pub fn record_claim(record: RecordId) -> ClaimRef {
    ClaimRef { scheme: IdScheme::Record, token: ClaimToken::from(record) }
}

/// A valid resident number of division 320506; people with the same birth date differ by `sequence` (odd for men).
///
/// # Panics
/// When there is no such day, or the sequence is above 999.
pub fn resident_number(birth: &str, sequence: u16) -> String {
    let id = ResidentId::compose("320506", day(birth), sequence);
    must(id.ok_or("no such number"), "composing a resident number").as_str().to_owned()
}

/// A day from `YYYY-MM-DD`.
///
/// # Panics
/// When there is no such day.
pub fn day(text: &str) -> Day {
    must(Day::parse(text), "parsing a day")
}

/// An instant from RFC 3339 text.
///
/// # Panics
/// When it is none.
pub fn time(text: &str) -> Timestamp {
    must(Timestamp::parse(text), "parsing an instant")
}

/// An identifier claim.
///
/// # Panics
/// When the text is not a value of the scheme.
pub fn claim(scheme: IdScheme, text: &str) -> IdClaim {
    must(IdClaim::parse(scheme, text, None), "parsing an identifier")
}

/// An envelope: version 1 of a record, at [`NOON`]. The event id is the one of an identity statement; [`event`]
/// derives the right one for a body.
pub fn meta(source: &str, source_record_id: &str) -> Meta {
    let mut meta = Meta {
        event_id: domain::EventId::from_uuid(uuid::Uuid::nil()),
        source: source.to_owned(),
        source_kind: SourceKind::Community,
        source_record_id: Sensitive::from(source_record_id),
        record_id: record_id(source, source_record_id),
        source_record_version: 1,
        reading: 0,
        op: Op::Upsert,
        event_time: NOON,
        event_time_precision: Precision::Second,
        source_utc_offset_min: Some(480),
        offset_assumed: true,
        source_created_time: None,
        ingest_time: NOON.plus_millis(60_000),
        schema_version: 1,
        batch_id: batch_id(source),
        batch_row: 1,
        raw_ref: Some(format!("{}@0", "0".repeat(64))),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        quality_flags: Vec::new(),
    };
    meta.event_id = Event::derive_id(&meta, EventType::IdentityObserved);
    meta
}

/// The same record in another version, stated at another time.
pub fn meta_at(source: &str, source_record_id: &str, version: i64, event_time: Timestamp) -> Meta {
    Meta { source_record_version: version, event_time, ..meta(source, source_record_id) }
}

/// A batch id, the same for the same text.
pub fn batch_id(text: &str) -> BatchId {
    let feed = must(FeedId::parse("gate-scans").ok_or("malformed"), "naming a feed");
    let mut body = [0; 32];
    for (at, byte) in text.bytes().enumerate() {
        body[at % 32] ^= byte;
    }
    BatchId::derive(&feed, &body)
}

/// An event: the envelope gets the id that belongs to the body.
pub fn event(mut meta: Meta, body: impl Into<Body>) -> Event {
    let body = body.into();
    meta.event_id = Event::derive_id(&meta, body.event_type());
    Event { meta, body }
}

/// Begins an identity statement about a person of this name.
pub fn person(name: &str) -> Statement {
    let person = PersonRef { names: PersonName::whole(name).into_iter().collect(), ..PersonRef::default() };
    Statement(IdentityObserved { person, ..IdentityObserved::default() })
}

/// An identity statement in the making.
#[derive(Clone, Debug)]
pub struct Statement(IdentityObserved);

impl Statement {
    /// With a resident number; birth date and sex are those of the number unless they are set.
    ///
    /// # Panics
    /// When the number is malformed.
    #[must_use]
    pub fn resident(mut self, number: &str) -> Self {
        let id = must(ResidentId::parse(number), "parsing a resident number");
        self.0.person.claims.push(claim(IdScheme::CnId, number));
        self.0.person.birth_date = self.0.person.birth_date.or_else(|| id.birth_day());
        if self.0.person.sex == Sex::Unknown {
            self.0.person.sex = id.sex();
        }
        self
    }

    /// With an identifier.
    ///
    /// # Panics
    /// When the text is not a value of the scheme.
    #[must_use]
    pub fn claim(mut self, scheme: IdScheme, text: &str) -> Self {
        self.0.person.claims.push(claim(scheme, text));
        self
    }

    /// With a phone that identifies the holder.
    #[must_use]
    pub fn phone(self, text: &str) -> Self {
        self.claim(IdScheme::Msisdn, text)
    }

    /// With a phone that is merely a contact.
    ///
    /// # Panics
    /// When it is not a phone number.
    #[must_use]
    pub fn contact(mut self, text: &str) -> Self {
        let phone = must(domain::Phone::parse(text), "parsing a phone number");
        self.0.contacts.push(Sensitive::from(phone.as_str()));
        self
    }

    /// With a birth date (`YYYY-MM-DD`).
    #[must_use]
    pub fn born(mut self, text: &str) -> Self {
        self.0.person.birth_date = Some(day(text));
        self
    }

    /// With a sex.
    #[must_use]
    pub fn sex(mut self, sex: Sex) -> Self {
        self.0.person.sex = sex;
        self
    }

    /// With an address and the grid that looks after it.
    #[must_use]
    pub fn lives(mut self, address: &str, community_unit: &str) -> Self {
        self.0.address = Some(Sensitive::from(address));
        self.0.division_code = community_unit.get(..6).map(str::to_owned);
        self.0.community_unit = Some(community_unit.to_owned());
        self
    }

    /// The statement.
    pub fn build(self) -> IdentityObserved {
        self.0
    }

    /// The statement as an event.
    pub fn event(self, meta: Meta) -> Event {
        event(meta, self.0)
    }
}

/// A pass through gate `G1`, inwards, at [`NOON`].
pub fn gate_pass(subject: Vec<ClaimRef>) -> GatePass {
    let place = PlaceRef {
        place_id: Some("gates/G1".to_owned()),
        kind: PlaceKind::Gate,
        division_code: Some("320506001".to_owned()),
        ..PlaceRef::default()
    };
    GatePass {
        subject,
        gate_id: "G1".to_owned(),
        place,
        direction: GateDirection::In,
        decision: GateDecision::Passed,
        scan_time: NOON,
        ..GatePass::default()
    }
}
