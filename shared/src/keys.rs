//! Making keys: the pairs that sign access tokens, and the secrets that seal refresh tokens.

use aws_lc_rs::{
    encoding::AsDer,
    error::Unspecified,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};

use crate::{
    access_token::Algorithm,
    rotation::{Key, Purpose},
    world::World,
};

/// The fixed bytes before the RSA private key in the PKCS #8 of a 2048-bit pair.
const PKCS8_RSA_2048_PREFIX: usize = 26;

/// A key pair that signs access tokens.
pub struct KeyPair {
    /// Its name, the JWT `kid`.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The private half: PKCS #8, for RSA PKCS #1.
    pub private: Vec<u8>,
    /// The public half as it is published.
    pub public: Jwk,
}

/// The cryptographic library could not make a key.
#[derive(Debug, thiserror::Error)]
#[error("no key pair could be made")]
pub struct GenerationFailed;

impl From<Unspecified> for GenerationFailed {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl KeyPair {
    /// Makes a new pair with a random name.
    ///
    /// # Errors
    ///
    /// [`GenerationFailed`] if the cryptographic library can't.
    pub fn generate(algorithm: Algorithm, world: &impl World) -> Result<Self, GenerationFailed> {
        Self::named(random_id(Purpose::Signing(algorithm), world), algorithm)
    }

    fn named(kid: String, algorithm: Algorithm) -> Result<Self, GenerationFailed> {
        let private = private_key(algorithm)?;
        let mut public = Jwk::from_encoding_key(&algorithm.encoding_key(&private), algorithm.jose())
            .map_err(|_| GenerationFailed)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { kid, algorithm, private, public })
    }
}

/// What a new key consists of.
pub enum Material {
    /// It signs access tokens.
    Pair(Box<KeyPair>),
    /// It seals refresh tokens: 256 bits.
    Mac([u8; 32]),
}

impl Material {
    /// Makes what `key` is to consist of.
    ///
    /// # Errors
    ///
    /// [`GenerationFailed`] if the cryptographic library can't.
    pub fn generate(key: &Key, world: &impl World) -> Result<Self, GenerationFailed> {
        match key.purpose {
            Purpose::Signing(algorithm) => KeyPair::named(key.id.clone(), algorithm).map(Box::new).map(Self::Pair),
            Purpose::Sealing => Ok(Self::Mac(world.random())),
        }
    }
}

/// A name for a new key: 16 hexadecimal digits for a pair, 8 for a secret, whose name is in every refresh token.
pub fn random_id(purpose: Purpose, world: &impl World) -> String {
    match purpose {
        Purpose::Signing(_) => format!("{:016x}", u64::from_be_bytes(world.random())),
        Purpose::Sealing => format!("{:08x}", u32::from_be_bytes(world.random())),
    }
}

fn private_key(algorithm: Algorithm) -> Result<Vec<u8>, GenerationFailed> {
    let random = SystemRandom::new();
    Ok(match algorithm {
        Algorithm::ES256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?.as_ref().to_vec(),
        Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8v1(&random)?.as_ref().to_vec(),
        Algorithm::RS256 => {
            let pkcs8 = RsaKeyPair::generate(KeySize::Rsa2048)?.as_der()?;
            pkcs8.as_ref()[PKCS8_RSA_2048_PREFIX..].to_vec()
        }
    })
}
