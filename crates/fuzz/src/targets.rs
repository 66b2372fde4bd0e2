//! What is fired at: every feed, and the parsers that are none.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use codec::Codec;
use connector::{Feed, FormatKind, Profile, ProfileFeed, infer, preview, unpacked, unpacked_head};
use connector_hospital::mllp::{Frame, Frames};
use domain::{EventType, IdClaim, IdScheme, TokenKey};
use tempfile::{NamedTempFile, TempDir};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::runtime::{Builder, Runtime};

use crate::seeds;

/// A parser and what to begin with.
pub struct Target {
    /// The name of a feed, or of another parser.
    pub name: String,
    /// First inputs; never none.
    pub seeds: Vec<Vec<u8>>,
    parse: Parse,
}

/// Says of an input how much of it was usable, or what is wrong with the answer.
type Parse = Box<dyn Fn(&[u8]) -> Result<usize, String> + Send + Sync>;

impl Target {
    fn new(
        name: &str,
        seeds: Vec<Vec<u8>>,
        parse: impl Fn(&[u8]) -> Result<usize, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.to_owned(), seeds, parse: Box::new(parse) }
    }

    /// Hands over an input.
    ///
    /// # Panics
    /// When the parser does, and when its answer breaks a law: this is a finding.
    pub fn fire(&self, input: &[u8]) {
        if let Err(what) = (self.parse)(input) {
            panic!("{}: {what}", self.name);
        }
    }
}

/// Every target.
pub fn targets() -> Vec<Target> {
    let feeds = feeds();
    let messages = seeds::messages(&feeds);
    let mut targets: Vec<Target> = feeds.into_iter().map(of_feed).collect();
    targets.push(Target::new("codec", messages, decode));
    targets.push(Target::new("profile", seeds::profiles(), profile));
    targets.push(Target::new("identifier", seeds::identifiers(), identifier));
    targets.push(Target::new("mllp", seeds::streams(), blocks));
    targets.push(Target::new("unpack", seeds::archives(), unpack));
    targets.push(Target::new("infer", seeds::files(), propose));
    targets
}

/// The target of a name.
pub fn target(name: &str) -> Option<Target> {
    targets().into_iter().find(|target| target.name == name)
}

fn feeds() -> Vec<Arc<dyn Feed>> {
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
    feeds
}

fn of_feed(feed: Arc<dyn Feed>) -> Target {
    let profile = feed.profile();
    let (name, seeds) = (profile.feed.to_string(), seeds::of_feed(profile.feed.as_str(), profile.format.kind));
    Target::new(&name, seeds, move |body| read(&*feed, body))
}

/// Reads a body as a feed does, and checks that each row lies in it, behind the one before or at its place.
fn read(feed: &dyn Feed, body: &[u8]) -> Result<usize, String> {
    let key = TokenKey::from_bytes(&[7; 32]);
    let Ok(rows) = preview(feed, body, &key, seeds::NOW) else { return Ok(0) };
    let mut begin = 0;
    for (place, (row, _)) in rows.iter().enumerate() {
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
    }
    Ok(rows.iter().filter(|(_, mapped)| mapped.is_ok()).count())
}

/// Reads a message of the log; what is read and written again is the same event.
fn decode(message: &[u8]) -> Result<usize, String> {
    static CODEC: LazyLock<Codec> = LazyLock::new(Codec::builtin);
    // The first byte chooses the topic.
    let Some((choice, payload)) = message.split_first() else { return Ok(0) };
    let event_type = EventType::ALL[*choice as usize % EventType::ALL.len()];
    let Ok(event) = CODEC.decode(event_type.topic(), payload) else { return Ok(0) };
    match CODEC.encode(&event) {
        Ok(again) if CODEC.decode(again.topic, &again.payload).is_ok_and(|read| read == event) => Ok(1),
        Ok(_) => Err("what was read and written again is another event".to_owned()),
        Err(_) => Ok(0),
    }
}

fn profile(text: &[u8]) -> Result<usize, String> {
    let profile = Profile::parse("fuzz", &String::from_utf8_lossy(text)).ok();
    let feed = profile.filter(|profile| profile.format.kind.home().is_none()).map(ProfileFeed::new);
    Ok(usize::from(feed.is_some_and(|feed| feed.is_ok())))
}

/// Reads identifiers; the canonical form of one is its own.
fn identifier(text: &[u8]) -> Result<usize, String> {
    let text = String::from_utf8_lossy(text);
    let schemes = [IdScheme::CnId, IdScheme::Msisdn, IdScheme::Passport, IdScheme::BankCard, IdScheme::Mrn];
    let mut sound = 0;
    for scheme in schemes {
        let Ok(claim) = IdClaim::parse(scheme, &text, Some("issuer")) else { continue };
        sound += 1;
        let again = IdClaim::parse(scheme, claim.value.expose(), Some("issuer"));
        // The canonical form of a foreign phone has no plus and is not meant to be read again.
        if scheme != IdScheme::Msisdn && again.ok().map(|again| again.value) != Some(claim.value) {
            return Err(format!("{scheme:?}: the canonical form has another one"));
        }
    }
    Ok(sound)
}

/// What waits in the parsers below waits for nothing but memory and scratch files.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // Unwrap safety: without threads there is nothing to fuzz with.
    Builder::new_current_thread().enable_time().build().expect("a runtime")
});

/// Cuts a stream into MLLP blocks; however the network cut it, they are the same. The first byte says where it did.
fn blocks(input: &[u8]) -> Result<usize, String> {
    let Some((cut, stream)) = input.split_first() else { return Ok(0) };
    let (begin, rest) = stream.split_at(stream.len() * usize::from(*cut) / 256);
    let whole = RUNTIME.block_on(frames(stream));
    let cut = RUNTIME.block_on(frames(begin.chain(rest)));
    // Bytes outside of blocks are counted as they arrive: too many of them end one stream earlier than the other.
    if !whole.starts_with(&cut) && !cut.starts_with(&whole) {
        return Err("the blocks depend on how the stream was cut".to_owned());
    }
    let ends = |frame: &Frame| matches!(frame, Frame::Message(bytes) if bytes.windows(2).any(|pair| pair == b"\x1c\r"));
    if whole.iter().any(ends) {
        return Err("a block goes beyond its end".to_owned());
    }
    Ok(whole.len())
}

async fn frames(stream: impl AsyncRead + Unpin) -> Vec<Frame> {
    let (mut frames, mut found) = (Frames::of(stream), Vec::new());
    while let Ok(true) = frames.begin().await {
        let Ok(frame) = frames.rest().await else { break };
        found.push(frame);
    }
    found
}

/// Unpacks a body as a push does, for a feed that the first byte chooses. What is there afterwards is what was counted.
fn unpack(input: &[u8]) -> Result<usize, String> {
    static FEEDS: LazyLock<Vec<Arc<dyn Feed>>> = LazyLock::new(|| {
        let mut feeds = feeds();
        // One of each form.
        feeds.sort_by_key(|feed| feed.profile().format.kind.name());
        feeds.dedup_by_key(|feed| feed.profile().format.kind.name());
        feeds
    });
    // Unwrap safety: without a folder for temporary files there is nothing to fuzz with.
    static SCRATCH: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));
    let Some((choice, body)) = input.split_first() else { return Ok(0) };
    let profile = FEEDS[usize::from(*choice) % FEEDS.len()].profile();
    let file = written(body, SCRATCH.path()).map_err(|error| error.to_string())?;
    let Ok(plain) = RUNTIME.block_on(unpacked(profile, file.path(), SCRATCH.path())) else { return Ok(0) };
    match std::fs::metadata(&plain.path) {
        Ok(metadata) if metadata.len() == plain.bytes => Ok(1),
        _ => Err(format!("{} bytes were counted, and not written", plain.bytes)),
    }
}

fn written(body: &[u8], folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(body)?;
    Ok(file)
}

/// Proposes a profile for a file; unless it leaves open what the rows need, it can be used as it is.
fn propose(file: &[u8]) -> Result<usize, String> {
    let Ok((plain, member)) = unpacked_head(file.to_vec()) else { return Ok(0) };
    let Ok(proposal) = infer("fuzz", &plain, true, member.as_deref()) else { return Ok(0) };
    let profile = Profile::parse("fuzz", &proposal.toml);
    let feed = profile.and_then(|profile| match profile.format.kind.home() {
        None => ProfileFeed::new(profile).map(Some),
        Some(_) => Ok(None),
    });
    match feed {
        Err(_) if proposal.toml.contains("is needed and no column was found") => Ok(0),
        Err(error) => Err(format!("{error}\n{}", proposal.toml)),
        Ok(Some(feed)) => read(&feed, &plain),
        Ok(None) => Ok(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parser_bears_its_seeds_and_finds_something_in_them() {
        for target in targets() {
            let found = target.seeds.iter().map(|seed| match (target.parse)(seed) {
                Ok(found) => found,
                Err(what) => panic!("{}: {what}: {:?}", target.name, String::from_utf8_lossy(seed)),
            });
            assert!(found.sum::<usize>() > 0, "nothing in the seeds of {} is usable", target.name);
        }
    }

    #[test]
    fn no_two_parsers_have_one_name() {
        let names: std::collections::BTreeSet<String> = targets().into_iter().map(|target| target.name).collect();
        assert_eq!(names.len(), targets().len());
    }
}
