//! Whom a feed's sender wants told of receipts, and how: the rules of the profile, the document, its signature.
//!
//! The form is that of Standard Webhooks: an id that is the same in every attempt, the time of the attempt, and an HMAC over
//! both and the body, so that a receiver knows who speaks and drops what it has. The document says which receipt is ready
//! and its four counts; nothing of any row is in it.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{FeedId, Timestamp, TokenKey};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use store::ingest::{Batch, BatchState};

use crate::receipt::Receipt;

/// How long to wait after each failed attempt: nine attempts in a day and a half.
const WAITS: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(300),
    Duration::from_secs(1_800),
    Duration::from_secs(7_200),
    Duration::from_secs(21_600),
    Duration::from_secs(43_200),
    Duration::from_secs(57_600),
];

/// Who is told when a receipt is ready (`[webhook]` of a profile).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where the message goes, by POST. No other address is ever called: redirects are not followed.
    pub url: String,
    /// Of which receipts the sender is told.
    #[serde(default)]
    pub when: ToldWhen,
    /// Which secret signs. Raise it to change the secret; messages bear the signatures of this and the one before.
    #[serde(default = "first_secret")]
    pub secret: u32,
}

/// Of which receipts a sender is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToldWhen {
    /// Of each.
    #[default]
    Always,
    /// Of those with rows in quarantine, and of bodies that are refused.
    Failures,
}

const fn first_secret() -> u32 {
    1
}

impl Webhook {
    /// Says what is wrong with the rules themselves, as key and message.
    pub(crate) fn check(&self) -> Result<(), (String, String)> {
        let wrong = |key: &str, message: &str| Err((format!("webhook.{key}"), message.to_owned()));
        let Ok(url) = Url::parse(&self.url) else { return wrong("url", "it is no address, such as https://host/path") };
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !secure {
            return wrong("url", "the address begins with https://; http:// is for this machine only (127.0.0.1)");
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return wrong("url", "an address has no user, password or fragment here: messages are signed instead");
        }
        if self.secret == 0 {
            return wrong("secret", "secrets are numbered from 1");
        }
        Ok(())
    }

    /// Whether a batch as it stands now is to be told of.
    pub(crate) fn wants(&self, batch: &Batch) -> bool {
        match self.when {
            ToldWhen::Always => true,
            ToldWhen::Failures => batch.counts.quarantined > 0 || matches!(batch.state, BatchState::Refused { .. }),
        }
    }

    /// The signatures of a message.
    pub(crate) fn signatures(&self, feed: &FeedId, key: &TokenKey, id: &str, at: i64, body: &[u8]) -> String {
        let secrets = [Some(self.secret), self.secret.checked_sub(1).filter(|before| *before > 0)];
        let signed = |number| format!("v1,{}", STANDARD.encode(signature(&secret(key, feed, number), id, at, body)));
        secrets.into_iter().flatten().map(signed).collect::<Vec<_>>().join(" ")
    }
}

/// The secret of a feed's webhook in the form in which receivers are given it.
pub fn webhook_secret(key: &TokenKey, feed: &FeedId, number: u32) -> String {
    format!("whsec_{}", STANDARD.encode(secret(key, feed, number)))
}

fn secret(key: &TokenKey, feed: &FeedId, number: u32) -> [u8; 32] {
    key.shared_secret("webhook", &format!("{feed}/{number}"))
}

fn signature(secret: &[u8], id: &str, at: i64, body: &[u8]) -> [u8; 32] {
    // Unwrap safety: HMAC takes a key of any length (RFC 2104, section 2).
    #[expect(clippy::unwrap_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().into()
}

/// Whether an address leads to this machine, by its text: names other than `localhost` may lead anywhere.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// When to try again after so many attempts; `None` when it is given up.
pub(crate) fn wait_after(attempts: i32) -> Option<Duration> {
    WAITS.get(usize::try_from(attempts).ok()?.checked_sub(1)?).copied()
}

/// What a receiver is told.
#[derive(Debug, Serialize)]
pub(crate) struct Message {
    #[serde(rename = "type")]
    kind: String,
    timestamp: String,
    data: Data,
}

#[derive(Debug, Serialize)]
struct Data {
    feed: String,
    batch_id: String,
    state: &'static str,
    accepted: i64,
    duplicate: i64,
    superseded: i64,
    quarantined: i64,
    receipt: String,
}

impl Message {
    pub(crate) fn of(batch: &Batch, at: Timestamp) -> Self {
        let receipt = Receipt::of(batch, false);
        Self {
            kind: format!("receipt.{}", receipt.state),
            timestamp: at.to_string(),
            data: Data {
                batch_id: receipt.batch_id.to_string(),
                feed: receipt.feed,
                state: receipt.state,
                accepted: receipt.accepted,
                duplicate: receipt.duplicate,
                superseded: receipt.superseded,
                quarantined: receipt.quarantined,
                receipt: receipt.links.receipt,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(url: &str) -> Webhook {
        Webhook { url: url.to_owned(), when: ToldWhen::Always, secret: 1 }
    }

    #[test]
    fn a_message_is_signed_as_the_standard_has_it() {
        // A message, secret and signature that were made by another implementation.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base 64");
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(STANDARD.encode(signed), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_an_address_that_nobody_can_listen_to_is_called() {
        for sound in ["https://lab.example/hook", "http://127.0.0.1:9/x", "http://[::1]:9/", "http://localhost/"] {
            assert_eq!(webhook(sound).check(), Ok(()), "{sound}");
        }
        for wrong in [
            "lab.example",
            "http://lab.example/hook",
            "http://localhost.lab.example/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "https://user:word@lab.example/",
            "https://lab.example/#part",
        ] {
            let (key, _) = webhook(wrong).check().expect_err(wrong);
            assert_eq!(key, "webhook.url");
        }
    }

    #[test]
    fn while_a_secret_changes_the_one_before_signs_too() {
        let (key, feed) = (TokenKey::from_bytes(&[7; 32]), FeedId::parse("scans").expect("a name"));
        let signed = |secret| {
            let webhook = Webhook { secret, ..webhook("https://lab.example/") };
            webhook.signatures(&feed, &key, "1", 2, b"{}").split(' ').map(str::to_owned).collect::<Vec<_>>()
        };
        let (first, second) = (signed(1), signed(2));
        assert_eq!((first.len(), second.len()), (1, 2));
        assert_eq!(second[1], first[0]);
        assert_ne!(second[0], first[0]);
    }

    #[test]
    fn attempts_end() {
        assert_eq!((1..).take_while(|attempts| wait_after(*attempts).is_some()).count(), WAITS.len());
    }
}
