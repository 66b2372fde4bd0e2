//! Signatures of tokens, checked by ring: the one library for this in the tree, beside TLS.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature as checks;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(Error::from(ErrorKind::UnsupportedAlgorithm)),
    verifier_factory: |algorithm, key| Ok(Box::new(Ring { algorithm: *algorithm, key: key.clone() })),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Lets `jsonwebtoken` check signatures with ring.
pub(crate) fn install() {
    // Refused when it is installed already, which is what is wanted.
    let _ = PROVIDER.install_default();
}

struct Ring {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for Ring {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for Ring {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let good = match (self.algorithm, self.key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                let key = checks::RsaPublicKeyComponents { n, e };
                key.verify(&checks::RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            (Algorithm::PS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                let key = checks::RsaPublicKeyComponents { n, e };
                key.verify(&checks::RSA_PSS_2048_8192_SHA256, message, signature).is_ok()
            }
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(key)) => {
                let key = checks::UnparsedPublicKey::new(&checks::ECDSA_P256_SHA256_FIXED, key);
                key.verify(message, signature).is_ok()
            }
            (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(key)) => {
                checks::UnparsedPublicKey::new(&checks::ED25519, key).verify(message, signature).is_ok()
            }
            _ => false,
        };
        if good { Ok(()) } else { Err(signature::Error::new()) }
    }
}
