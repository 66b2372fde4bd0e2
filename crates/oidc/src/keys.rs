//! The keys of a provider, each for one algorithm.

use std::collections::BTreeMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// Keys of a provider at most; more is no key set.
const KEYS_MAX: usize = 64;

/// Keys by their ids. A key serves the algorithm that it is for, whatever a token claims.
#[derive(Clone, Default)]
pub(crate) struct Keys(BTreeMap<String, (Algorithm, DecodingKey)>);

impl Keys {
    /// The usable keys of a set: public ones for signatures, with an id.
    pub(crate) fn of(set: &JwkSet) -> Self {
        let usable = set.keys.iter().take(KEYS_MAX).filter_map(|jwk| {
            let kid = jwk.common.key_id.clone()?;
            Some((kid, (algorithm(jwk)?, DecodingKey::from_jwk(jwk).ok()?)))
        });
        Self(usable.collect())
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&(Algorithm, DecodingKey)> {
        self.0.get(kid)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The one algorithm of a key: what the provider states when the kind of key fits it, else what is usual for that kind.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    let stated = jwk.common.key_algorithm;
    match (&jwk.algorithm, stated) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Some(Algorithm::RS256),
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => Some(Algorithm::PS256),
        (AlgorithmParameters::EllipticCurve(curve), None | Some(KeyAlgorithm::ES256)) => {
            (curve.curve == EllipticCurve::P256).then_some(Algorithm::ES256)
        }
        (AlgorithmParameters::OctetKeyPair(curve), None | Some(KeyAlgorithm::EdDSA)) => {
            (curve.curve == EllipticCurve::Ed25519).then_some(Algorithm::EdDSA)
        }
        _ => None,
    }
}
