//! The MLLP listener (HL7 "Transport Specification: MLLP, Release 1"): `0x0B message 0x1C 0x0D`, one acknowledgement
//! for each message, in order; with the feed's option `acknowledgements = "enhanced"` as many as the message asks for.
//! A block that holds several messages, or a batch, has an acknowledgement for each of them.
//!
//! An acknowledgement `AA` is sent only after message and events are durable. A connection that sends something else,
//! stops in the middle of a message, does not read its acknowledgements or is silent for long is closed; what was
//! acknowledged stays. A [`Gate`] says who may connect; an open one belongs into the hospitals' network.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::{Clock, Encoding, Ingest, MessageOutcome, RowError};
use domain::FeedId;
use jiff::tz::TimeZone;
use runtime::http::{Refused, note_not_made};
use runtime::tls::{ClientCertificate, TlsListener};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ack::{self, Acknowledgement, Answer};
use crate::feed;
use crate::hl7::{self, MESSAGE_BYTES_MAX};

const BLOCK_BEGIN: u8 = 0x0B;
const FILE_SEPARATOR: u8 = 0x1C;
const BLOCK_END: [u8; 2] = [FILE_SEPARATOR, b'\r'];
/// What a message, or a batch of them, begins with.
const MESSAGE_BEGINS: [&[u8]; 3] = [b"MSH", b"FHS", b"BHS"];
/// The type of messages that acknowledge others (MSH-9.1).
const ACKNOWLEDGEMENT: &str = "ACK";

/// Connections that are served at once; further ones wait.
const CONNECTIONS_MAX: usize = 400;
/// Connections of one address that are served at once; further ones are closed. No sender keeps out the others.
const CONNECTIONS_OF_PEER_MAX: usize = 64;
/// A connection that is silent this long between messages is closed.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);
/// How long a message may take to arrive, and an acknowledgement to be taken.
const BLOCK_WAIT_MAX: Duration = Duration::from_secs(30);
/// A sender that is silent this long after the first byte of the block end does not know the second.
const BLOCK_END_WAIT_MAX: Duration = Duration::from_secs(1);
/// Bytes outside a block that are passed over before the connection is closed.
const NOISE_BYTES_MAX: usize = 4096;

/// Bytes of the longest mark that is looked for: the begin of a block, a byte order mark, and what a message begins with.
const MARK_BYTES_MAX: usize = 8;

/// A message from here on is a large one: a report with its pages as a picture.
const LARGE_BYTES: usize = 1024 * 1024;
/// Large messages that are in memory at once; further ones wait in the network.
static LARGE_MESSAGES: Semaphore = Semaphore::const_new(16);

/// What a listener needs.
#[derive(Clone)]
pub struct Mllp {
    /// The ingest loop.
    pub ingest: Arc<Ingest>,
    /// The feed that the messages belong to.
    pub feed: FeedId,
    /// The wall clock.
    pub clock: Clock,
    /// Who may connect.
    pub gate: Gate,
}

/// Who may connect to a listener.
#[derive(Clone)]
pub enum Gate {
    /// Whoever reaches it.
    Open,
    /// Whoever shows a certificate that opens the feed.
    Certificates {
        /// Makes connections safe.
        tls: TlsListener,
        /// Is told of a connection that was refused because of its certificate.
        refused: Refused,
        /// Whether a certificate opens the feed.
        opens: Arc<dyn Fn(&ClientCertificate) -> bool + Send + Sync>,
    },
}

/// Serves connections until the wish to stop; messages that were begun are finished.
pub async fn serve(listener: TcpListener, mllp: Mllp, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let peers = Peers::default();
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = places.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let Some(peer) = peers.admit(address.ip()) else {
                    tracing::warn!(
                        connections_max = CONNECTIONS_OF_PEER_MAX,
                        "An address has too many MLLP connections."
                    );
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let (mllp, stop) = (mllp.clone(), stop.clone());
                connections.spawn(async move {
                    if let Err(error) = admit(stream, &mllp, &stop).await {
                        tracing::debug!(error.kind = ?error.kind(), "An MLLP connection ended.");
                    }
                    drop((place, peer));
                });
            }
            Err(error) => {
                tracing::warn!(%error, "An MLLP connection could not be accepted.");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

/// Lets a sender in, and talks with it.
async fn admit(stream: TcpStream, mllp: &Mllp, stop: &CancellationToken) -> io::Result<()> {
    match &mllp.gate {
        Gate::Open => {
            let (reader, writer) = stream.into_split();
            converse(reader, writer, mllp, stop).await
        }
        Gate::Certificates { tls, refused, opens } => {
            let accepted = tls.accept(stream).await.and_then(|(stream, certificate)| {
                if opens(&certificate) { Ok(stream) } else { Err(io::ErrorKind::PermissionDenied.into()) }
            });
            let stream = accepted.inspect_err(|error| note_not_made(error, refused))?;
            let (reader, writer) = tokio::io::split(stream);
            converse(reader, writer, mllp, stop).await
        }
    }
}

/// Connections by address.
#[derive(Clone, Default)]
struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of an address, until it is dropped.
struct Peer {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    fn admit(&self, address: IpAddr) -> Option<Peer> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= CONNECTIONS_OF_PEER_MAX {
            return None;
        }
        *count += 1;
        Some(Peer { peers: self.clone(), address })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut counts = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

async fn within<T>(wait_max: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(wait_max, work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn converse(
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    mllp: &Mllp,
    stop: &CancellationToken,
) -> io::Result<()> {
    let profile = mllp.ingest.profile(&mllp.feed).ok_or_else(|| io::Error::other("the feed is not served here"))?;
    let (encoding, zone) = (profile.format.encoding, profile.time.zone.clone());
    let enhanced = profile.options.get("acknowledgements").is_some_and(|mode| mode == "enhanced");
    let mut frames = Frames::of(reader);
    loop {
        let begun = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            begun = within(IDLE_MAX, frames.begin()) => begun?,
        };
        if !begun {
            return Ok(());
        }
        let frame = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            frame = within(BLOCK_WAIT_MAX, frames.rest()) => frame?,
        };
        let (bytes, cut) = match frame {
            Frame::Message(bytes) => (bytes, None),
            Frame::TooLong { begin } => {
                let (kept, error) = hl7::cut(&begin);
                (kept, Some(error))
            }
        };
        for (message, broken) in hl7::messages(&bytes) {
            if stop.is_cancelled() {
                // What was not answered is sent again.
                return Ok(());
            }
            let mut framed = Vec::new();
            for answer in answers(message, cut.clone().or(broken), mllp, enhanced, encoding, &zone).await {
                framed.push(BLOCK_BEGIN);
                framed.extend_from_slice(answer.text.as_bytes());
                framed.extend_from_slice(&BLOCK_END);
            }
            within(BLOCK_WAIT_MAX, writer.write_all(&framed)).await?;
        }
    }
}

async fn answers(
    bytes: Vec<u8>,
    broken: Option<RowError>,
    mllp: &Mllp,
    enhanced: bool,
    encoding: Encoding,
    zone: &TimeZone,
) -> Vec<Answer> {
    let now = (mllp.clock)();
    let mut header = feed::header(&bytes, encoding);
    if header.kind == ACKNOWLEDGEMENT {
        // The answer to an answer, in the enhanced mode: it says nothing that is to be kept.
        return Vec::new();
    }
    let taken = match broken {
        None => mllp.ingest.message(&mllp.feed, bytes).await,
        Some(error) => mllp.ingest.broken_message(&mllp.feed, bytes, error).await,
    };
    let outcome = match taken {
        Ok(MessageOutcome::Accepted | MessageOutcome::Duplicate | MessageOutcome::Superseded) => {
            Acknowledgement::Accept
        }
        Ok(MessageOutcome::Quarantined(error)) => Acknowledgement::Error {
            field: error.field.unwrap_or_else(|| "MSH".to_owned()),
            reason: error.reason,
            message: format!("{}. {}", error.message, error.reason.mend()),
        },
        Err(error) => {
            tracing::error!(error = %error, feed = %mllp.feed, "A message could not be taken.");
            Acknowledgement::Reject { message: "the hub cannot take messages now; send it again later".into() }
        }
    };
    if !enhanced {
        header.wanted = Default::default();
    }
    let answers = ack::answers(&header, &outcome, now, zone);
    for answer in &answers {
        metrics::counter!("isthmus_mllp_acknowledgements_total", "code" => answer.code).increment(1);
    }
    answers
}

/// One block of a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Message(Vec<u8>),
    /// Longer than a message may be.
    TooLong {
        /// The first bytes, for the answer's address and for the quarantine.
        begin: Vec<u8>,
    },
}

/// Whether two bytes end a block, and where: its length, and where what follows begins. Some senders end it with a line feed, or
/// with the begin of the next.
fn end_at(pair: &[u8], at: usize) -> Option<(usize, usize)> {
    match pair {
        [FILE_SEPARATOR, b'\r' | b'\n'] => Some((at, at + 2)),
        [FILE_SEPARATOR, BLOCK_BEGIN] => Some((at, at + 1)),
        _ => None,
    }
}

/// Where a block was begun again that its sender had not ended: a lost process, or a proxy that lost its other side.
fn begun_anew(block: &[u8]) -> Option<usize> {
    let is_begin = |rest: &[u8]| MESSAGE_BEGINS.iter().any(|begin| rest.starts_with(begin));
    (0..block.len()).rev().find(|at| {
        let rest = &block[at + 1..];
        block[*at] == BLOCK_BEGIN && is_begin(rest.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(rest))
    })
}

/// Notes that a block was not ended: of the first its sender has no answer, so it is sent again.
fn note_torn(bytes: usize) {
    metrics::counter!("isthmus_mllp_torn_total").increment(1);
    tracing::warn!(bytes, "An MLLP block was begun anew before its end; what came of the first is not read.");
}

/// Cuts a byte stream into blocks in bounded memory.
pub struct Frames<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Held from a large message to the begin of the next.
    large: Option<SemaphorePermit<'static>>,
    /// How long the second byte of a block end is waited for.
    end_wait: Duration,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// Of a connection.
    pub fn of(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), large: None, end_wait: BLOCK_END_WAIT_MAX }
    }

    /// Waits for the begin of a block; `false` when the sender closed the connection between blocks.
    ///
    /// # Errors
    /// When the connection breaks, or brings too much that is no block.
    pub async fn begin(&mut self) -> io::Result<bool> {
        let mut noise = 0;
        self.large = None;
        self.buffer.shrink_to(LARGE_BYTES);
        loop {
            if let Some(at) = self.buffer.iter().position(|b| *b == BLOCK_BEGIN) {
                self.buffer.drain(..=at);
                return Ok(true);
            }
            noise += self.buffer.len();
            self.buffer.clear();
            if noise > NOISE_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "bytes outside a block"));
            }
            if !self.fill().await? {
                return Ok(false);
            }
        }
    }

    /// The block that has begun.
    ///
    /// # Errors
    /// When the connection ends before the block does.
    pub async fn rest(&mut self) -> io::Result<Frame> {
        let mut begin = None;
        let mut searched = 0;
        loop {
            let from = searched.max(1) - 1;
            if let Some((at, end)) = self.buffer[from..].windows(2).zip(from..).find_map(|(pair, at)| end_at(pair, at))
            {
                return Ok(self.taken(at, end, begin));
            }
            searched = self.buffer.len();
            if self.large.is_none() && searched > LARGE_BYTES {
                self.large = LARGE_MESSAGES.acquire().await.ok();
            }
            if searched > MESSAGE_BYTES_MAX {
                match begun_anew(&self.buffer) {
                    Some(at) => {
                        note_torn(at);
                        self.buffer.drain(..=at);
                        begin = None;
                    }
                    None => {
                        begin.get_or_insert_with(|| self.buffer[..NOISE_BYTES_MAX].to_vec());
                        // The last bytes may be the first of the block end, or of a block that is begun anew.
                        self.buffer.drain(..searched - MARK_BYTES_MAX);
                    }
                }
                searched = self.buffer.len();
            }
            let more = match self.buffer[..] {
                // Behind the end of a segment nothing but the end of the block is such a byte.
                [.., b'\r' | b'\n', FILE_SEPARATOR] => match tokio::time::timeout(self.end_wait, self.fill()).await {
                    Ok(more) => more?,
                    Err(_) => return Ok(self.taken(self.buffer.len() - 1, self.buffer.len(), begin)),
                },
                _ => self.fill().await?,
            };
            if !more {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended inside a block"));
            }
        }
    }

    /// Takes a block of `length` bytes out of the buffer, and its end.
    fn taken(&mut self, length: usize, end: usize, begin: Option<Vec<u8>>) -> Frame {
        let mut message: Vec<u8> = self.buffer.drain(..end).take(length).collect();
        let mut begin = begin;
        if let Some(at) = begun_anew(&message) {
            note_torn(at);
            message.drain(..=at);
            begin = None;
        }
        if let Some(begin) = begin {
            return Frame::TooLong { begin };
        }
        if message.len() > MESSAGE_BYTES_MAX {
            return Frame::TooLong { begin: message[..NOISE_BYTES_MAX].to_vec() };
        }
        Frame::Message(message)
    }

    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(64 * 1024);
        Ok(self.reader.read_buf(&mut self.buffer).await? > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes out in pieces of a fixed size.
    struct Pieces {
        bytes: Vec<u8>,
        at: usize,
        size: usize,
    }

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            let end = (self.at + self.size.min(buffer.remaining())).min(self.bytes.len());
            buffer.put_slice(&self.bytes[self.at..end]);
            self.at = end;
            std::task::Poll::Ready(Ok(()))
        }
    }

    async fn frames(bytes: &[u8], size: usize) -> (Vec<Frame>, io::Result<()>) {
        let mut frames = Frames::of(Pieces { bytes: bytes.to_vec(), at: 0, size });
        let mut found = Vec::new();
        loop {
            match frames.begin().await {
                Ok(true) => {}
                Ok(false) => return (found, Ok(())),
                Err(error) => return (found, Err(error)),
            }
            match frames.rest().await {
                Ok(frame) => found.push(frame),
                Err(error) => return (found, Err(error)),
            }
        }
    }

    #[tokio::test]
    async fn blocks_are_found_however_the_network_cuts_them() {
        for size in [1, 2, 3, 5, 4096] {
            let (found, end) = frames(b"\r\n\x0bMSH|1\rPID\x1c|\r\x1c\r\x0bMSH|2\x1c\r\r\n", size).await;
            assert_eq!(found, [Frame::Message(b"MSH|1\rPID\x1c|\r".to_vec()), Frame::Message(b"MSH|2".to_vec())]);
            assert!(end.is_ok());
        }
    }

    #[tokio::test]
    async fn a_block_cut_in_the_middle_is_never_a_message() {
        let (found, end) = frames(b"\x0bMSH|1\x1c\r\x0bMSH|2\r\x1c", 4).await;
        assert_eq!(found.len(), 1);
        assert_eq!(end.expect_err("cut").kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_block_that_is_begun_anew_is_read_from_there() {
        for torn in ["MSH|^~\\&|1\rPID|MR", "MSH|^~\\&|1\rOBX|1||", "MSH|1\r", "MS", ""] {
            let bytes = format!("\x0b{torn}\x0bMSH|2\rNTE|a\x0bb\r\x1c\r\x0bMSH|3\x1c\r");
            for size in [1, 3, 4096] {
                let (found, end) = frames(bytes.as_bytes(), size).await;
                let expected = [Frame::Message(b"MSH|2\rNTE|a\x0bb\r".to_vec()), Frame::Message(b"MSH|3".to_vec())];
                assert_eq!(found, expected, "{torn}");
                assert!(end.is_ok());
            }
        }
    }

    #[tokio::test]
    async fn a_block_ends_with_a_line_feed_the_begin_of_the_next_or_silence_too() {
        for size in [1, 2, 4096] {
            let (found, end) = frames(b"\x0bMSH|1\r\x1c\n\x0bMSH|2\r\x1c\x0bMSH|3\r\x1c\r", size).await;
            let expected = [1, 2, 3].map(|number| Frame::Message(format!("MSH|{number}\r").into_bytes()));
            assert_eq!(found, expected);
            assert!(end.is_ok());
        }
    }

    #[tokio::test]
    async fn half_of_a_block_end_and_silence_end_a_block_behind_a_segment_only() {
        let rest = async |bytes: &[u8]| {
            let (silent, _sender) = tokio::io::duplex(64);
            let mut frames = Frames { buffer: bytes.to_vec(), end_wait: Duration::ZERO, ..Frames::of(silent) };
            within(Duration::from_millis(50), frames.rest()).await.ok()
        };
        assert_eq!(rest(b"MSH|1\r\x1c").await, Some(Frame::Message(b"MSH|1\r".to_vec())));
        assert_eq!(rest(b"MSH|1\rNTE|a\x1c").await, None);
    }

    #[tokio::test]
    async fn an_oversized_block_is_passed_over_in_bounded_memory_and_the_next_is_read() {
        let mut bytes = b"\x0bMSH|^~\\&|BIG".to_vec();
        bytes.resize(3 * MESSAGE_BYTES_MAX, b'x');
        bytes.extend_from_slice(b"\x1c\r\x0bMSH|2\x1c\r");
        let (found, end) = frames(&bytes, 50_000).await;
        assert!(end.is_ok());
        assert!(matches!(&found[0], Frame::TooLong { begin } if begin.starts_with(b"MSH|^~\\&|BIG")));
        assert_eq!(found[1], Frame::Message(b"MSH|2".to_vec()));
    }

    #[tokio::test]
    async fn behind_a_block_that_was_torn_the_one_that_is_too_long_is_answered_and_a_shorter_one_is_read() {
        let long = |name: &str| {
            let mut bytes = format!("\x0bMSH|^~\\&|{name}").into_bytes();
            bytes.resize(MESSAGE_BYTES_MAX + 70_000, b'x');
            bytes
        };
        let begins = |frame: &Frame, name: &str| match frame {
            Frame::TooLong { begin } => begin.starts_with(format!("MSH|^~\\&|{name}").as_bytes()),
            Frame::Message(_) => false,
        };
        for size in [50_000, 1 << 20] {
            let torn = b"\x0bMSH|^~\\&|TORN|\rPID|".to_vec();
            let (found, _) = frames(&[torn, long("BIG"), b"\x1c\r".to_vec()].concat(), size).await;
            assert!(found.len() == 1 && begins(&found[0], "BIG"));
            let (found, _) = frames(&[long("TORN"), long("BIG"), b"\x1c\r".to_vec()].concat(), size).await;
            assert!(found.len() == 1 && begins(&found[0], "BIG"));
            let (found, _) = frames(&[long("TORN"), b"\x0bMSH|2\r\x1c\r".to_vec()].concat(), size).await;
            assert_eq!(found, [Frame::Message(b"MSH|2\r".to_vec())]);
        }
    }

    #[tokio::test]
    async fn a_stream_of_noise_is_cut_off() {
        let (found, end) = frames(&[b'G'; 100_000], 1000).await;
        assert!(found.is_empty());
        assert_eq!(end.expect_err("noise").kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn one_address_cannot_take_all_connections() {
        let peers = Peers::default();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut taken: Vec<Peer> = std::iter::from_fn(|| peers.admit(one)).collect();
        assert_eq!(taken.len(), CONNECTIONS_OF_PEER_MAX);
        assert!(peers.admit(other).is_some());
        taken.pop();
        assert!(peers.admit(one).is_some());
        drop(taken);
        assert!(peers.0.lock().expect("not poisoned").is_empty());
    }

    #[tokio::test]
    async fn a_sender_that_stops_inside_a_block_or_does_not_read_is_not_waited_for() {
        let moment = Duration::from_millis(50);
        let (silent, _sender) = tokio::io::duplex(64);
        let mut frames = Frames { buffer: b"\x0bMSH|".to_vec(), ..Frames::of(silent) };
        assert!(frames.begin().await.expect("begun"));
        let error = within(moment, frames.rest()).await.expect_err("given up");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let (mut deaf, _receiver) = tokio::io::duplex(64);
        let error = within(moment, deaf.write_all(&[0; 100])).await.expect_err("given up");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
