//! What is fired at: every feed, and the parsers that are none.

use std::sync::Arc;

use codec::Codec;
use connector::{Feed, FormatKind, Profile, ProfileFeed, preview};
use domain::{EventType, IdClaim, IdScheme, Timestamp, TokenKey};

use crate::seeds;

/// A parser and what to begin with.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) seeds: Vec<Vec<u8>>,
    pub(crate) parse: Parse,
}

/// Says of an input what kind of answer it gets, or what is wrong with the answer.
pub(crate) type Parse = Box<dyn Fn(&[u8]) -> Result<String, String>>;

/// Every target.
pub(crate) fn targets() -> Vec<Target> {
    let mut feeds = Vec::new();
    // Unwrap safety: the built-in profiles are tested by their services.
    feeds.extend(connector_community::feeds(None).expect("sound profiles"));
    feeds.extend(connector_hospital::feeds(None).expect("sound profiles"));
    feeds.extend(connector_payment::feeds(None).expect("sound profiles"));
    feeds.extend(connector_telecom::feeds(None).expect("sound profiles"));
    feeds.extend(connector_transport::feeds(None).expect("sound profiles"));
    feeds.extend(seeds::PROFILES.iter().map(|text| {
        // Unwrap safety: the profiles are part of this program, and its test reads each.
        let profile = Profile::parse("fuzz", text).expect("a sound profile");
        Arc::new(ProfileFeed::new(profile).expect("a sound profile")) as Arc<dyn Feed>
    }));
    let mut targets: Vec<Target> = feeds.into_iter().map(of_feed).collect();
    targets.push(Target { name: "codec".to_owned(), seeds: seeds::messages(), parse: Box::new(decode) });
    targets.push(Target { name: "profile".to_owned(), seeds: seeds::profiles(), parse: Box::new(profile) });
    targets.push(Target { name: "identifier".to_owned(), seeds: seeds::identifiers(), parse: Box::new(identifier) });
    targets
}

fn of_feed(feed: Arc<dyn Feed>) -> Target {
    let profile = feed.profile();
    let seeds = seeds::of_feed(profile.feed.as_str(), profile.format.kind);
    Target { name: profile.feed.to_string(), seeds, parse: Box::new(move |body| read(&*feed, body)) }
}

/// Reads a body as a feed does, and checks that each row lies in it, behind the one before or at its place.
fn read(feed: &dyn Feed, body: &[u8]) -> Result<String, String> {
    let key = TokenKey::from_bytes(&[7; 32]);
    // 2022-03-20T00:00:00Z
    let now = Timestamp::from_millis(1_647_734_400_000);
    let rows = match preview(feed, body, &key, now) {
        Ok(rows) => rows,
        Err(error) => return Ok(shape(&error.to_string())),
    };
    let mut said = String::new();
    let mut begin = 0;
    for (place, (row, mapped)) in rows.iter().enumerate() {
        if row.number != place as u64 + 1 {
            return Err(format!("row {} has the number {}", place + 1, row.number));
        }
        let in_body = row.offset.checked_add(row.length).is_some_and(|end| end <= body.len() as u64);
        if !in_body && feed.profile().format.kind != FormatKind::Workbook {
            return Err(format!("row {} does not lie in the body", row.number));
        }
        if row.offset < begin {
            return Err(format!("row {} lies before the one before it", row.number));
        }
        begin = row.offset;
        if place < 3 {
            match mapped {
                Ok(drafts) => said.push_str(&format!("{} ", drafts.len())),
                Err(error) => said.push_str(&format!("{} {} ", error.reason.code(), shape(&error.message))),
            }
        }
    }
    Ok(format!("{said}{}", rows.len().min(8)))
}

/// A text without its digits: what is said, not of what.
fn shape(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).take(60).collect()
}

fn decode(message: &[u8]) -> Result<String, String> {
    let codec = Codec::builtin();
    // The first byte chooses the topic.
    let Some((choice, payload)) = message.split_first() else { return Ok(String::new()) };
    let event_type = EventType::ALL[*choice as usize % EventType::ALL.len()];
    Ok(match codec.decode(event_type.topic(), payload) {
        Err(error) => shape(&error.to_string()),
        Ok(event) => match codec.encode(&event) {
            Ok(again) if codec.decode(again.topic, &again.payload).is_ok_and(|read| read == event) => {
                event_type.name().to_owned()
            }
            Ok(_) => return Err("what was read and written again is another event".to_owned()),
            Err(error) => shape(&error.to_string()),
        },
    })
}

fn profile(text: &[u8]) -> Result<String, String> {
    Ok(match Profile::parse("fuzz", &String::from_utf8_lossy(text)) {
        Ok(profile) => profile.format.kind.name().to_owned(),
        Err(error) => shape(error.to_string().lines().last().unwrap_or_default()),
    })
}

fn identifier(text: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(text);
    let schemes = [IdScheme::CnId, IdScheme::Msisdn, IdScheme::Passport, IdScheme::BankCard, IdScheme::Mrn];
    let mut said = String::new();
    for scheme in schemes {
        match IdClaim::parse(scheme, &text, Some("issuer")) {
            Err(error) => said.push_str(&shape(&error.to_string())),
            Ok(claim) => {
                let again = IdClaim::parse(scheme, claim.value.expose(), Some("issuer"));
                // The canonical form of a foreign phone has no plus and is not meant to be read again.
                if scheme != IdScheme::Msisdn && again.as_ref().ok().map(|again| &again.value) != Some(&claim.value) {
                    return Err(format!("{scheme:?}: the canonical form has another one"));
                }
                said.push_str("sound ");
            }
        }
    }
    Ok(said)
}
