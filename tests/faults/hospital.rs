//! Hospitals, which speak MLLP: one message after the other, each sent again until it is answered.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::{AGAIN_AFTER, ANSWER_MAX};

/// A message, and the last word of the hub on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) message: Vec<u8>,
    /// The answer without its header: MSA, and ERR where the message is in quarantine.
    answer: String,
}

impl Said {
    /// Whether the hub said that the message is taken.
    pub(crate) fn is_taken(&self) -> bool {
        self.answer.starts_with("MSA|AA|")
    }
}

/// The messages of a file; what wraps them into a batch is left out.
pub(crate) fn messages(file: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(file).expect("a file");
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for segment in bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
        let wraps = [b"FHS", b"BHS", b"BTS", b"FTS"].iter().any(|name| segment.starts_with(*name));
        if wraps || segment.trim_ascii().is_empty() {
            continue;
        }
        if segment.starts_with(b"MSH") {
            messages.push(Vec::new());
        }
        if let Some(message) = messages.last_mut() {
            message.extend_from_slice(segment);
        }
    }
    messages
}

/// Sends messages, each until it is taken or in quarantine, and then rests for `pause`. Which of the two the hub says while
/// everything works: AR, try again later, is no last word.
pub(crate) async fn send(hub: SocketAddr, messages: &[Vec<u8>], pause: Duration) -> Vec<Said> {
    let (mut connection, mut said) = (None, Vec::new());
    for message in messages {
        let answer = loop {
            match tokio::time::timeout(ANSWER_MAX, exchange(&mut connection, hub, message)).await {
                Ok(Ok(answer)) if !answer.starts_with("MSA|AR|") => break answer,
                Ok(Ok(_)) => {}
                // On a connection without an answer, the answer may still come and be taken for another one's.
                _ => connection = None,
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        };
        assert!(answer.starts_with("MSA|AA|") || answer.starts_with("MSA|AE|"), "{answer}");
        said.push(Said { message: message.clone(), answer });
        tokio::time::sleep(pause).await;
    }
    said
}

async fn exchange(connection: &mut Option<TcpStream>, hub: SocketAddr, message: &[u8]) -> io::Result<String> {
    let stream = match connection {
        Some(stream) => stream,
        None => connection.insert(TcpStream::connect(hub).await?),
    };
    stream.write_all(&[b"\x0b", message, b"\x1c\r"].concat()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1c\r") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let answer = String::from_utf8(answer).map_err(io::Error::other)?;
    let (_header, rest) = answer.split_once('\r').ok_or_else(|| io::Error::other("no answer"))?;
    Ok(rest.trim_end_matches(['\r', '\u{1c}']).to_owned())
}
