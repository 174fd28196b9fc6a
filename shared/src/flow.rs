//! A sign-in at a provider that is under way, and what binds its end to its beginning.
//!
//! The browser keeps a secret for each flow, in a cookie that no script reads; what travels is its `state` (RFC 6749 §10.12). The
//! `nonce` (OpenID Connect Core §3.1.2.1) and the PKCE verifier (RFC 7636 §4.1) are derived from the two, and the table holds
//! hashes of both only: nobody who reads it could end a flow, and whoever has seen a flow's URLs can't either, without the
//! cookie.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    identity::Assertion,
    ids::{ApplicationId, SessionRef},
    secret::Secret,
    world::World,
};

/// How long a person may take at the provider.
pub const FLOW_LIFETIME: Duration = Duration::from_mins(10);

/// How long an application has to exchange its code (RFC 6749 §4.1.2 wants at most ten minutes).
pub const CODE_LIFETIME: Duration = Duration::from_mins(1);

/// What is kept of a secret that comes back: SHA-256 in base64url. With 256 random bits in the secret there is nothing to stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed(String);

impl Hashed {
    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Random text that only its holder knows: a flow's secret in its browser, its `state`, or a code.
pub struct Ticket(Secret);

impl Ticket {
    /// A new one of 256 random bits.
    #[must_use]
    pub fn random(world: &impl World) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(world.random::<32>())))
    }

    /// Reads one that came back. `None` if it can't be one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_256_bits(text).then(|| Self(Secret::new(text.to_owned())))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is kept of it.
    #[must_use]
    pub fn hashed(&self) -> Hashed {
        sha256(self.expose())
    }

    /// The secrets of the flow `state` in the browser whose secret this is.
    #[must_use]
    pub fn proofs(&self, state: &Self) -> Proofs {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.expose().as_bytes());
        let derive = |purpose: &str| {
            let tag = hmac::sign(&key, format!("{purpose}.{}", state.expose()).as_bytes());
            Secret::new(URL_SAFE_NO_PAD.encode(tag))
        };
        Proofs { nonce: derive("nonce"), code_verifier: derive("code_verifier") }
    }
}

/// What proves to the provider, and to us, that a flow ends where it began.
pub struct Proofs {
    /// Comes back in the ID token.
    pub nonce: Secret,
    /// Goes to the token endpoint; its hash went ahead.
    pub code_verifier: Secret,
}

/// An S256 code challenge (RFC 7636 §4.2): SHA-256 of the verifier, in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads one. `None` if it is no SHA-256 in base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_256_bits(text).then(|| Self(text.to_owned()))
    }

    /// The challenge of `verifier`; `None` if that is none (43 to 128 unreserved characters, RFC 7636 §4.1).
    #[must_use]
    pub fn of(verifier: &str) -> Option<Self> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let valid = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        valid.then(|| Self(sha256(verifier).0))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn sha256(text: &str) -> Hashed {
    Hashed(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
}

fn is_256_bits(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// A flow as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The provider's name.
    pub provider: String,
    /// The application that began it.
    pub application_id: ApplicationId,
    /// Where the browser goes at the end, as the application's list has it.
    pub return_to: String,
    /// What the application wants to find there again.
    pub client_state: Option<String>,
    /// What the end is.
    pub outcome: Outcome,
}

/// What a flow ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A session, in cookies. The browser's old one, if it had one, ends.
    Session {
        /// That one.
        replaces: Option<SessionRef>,
    },
    /// A code for the application, which exchanges it.
    Code {
        /// For what.
        purpose: Purpose,
        /// Whose verifier must come with it.
        challenge: CodeChallenge,
    },
}

impl Outcome {
    /// What the flow is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Session { .. } => Purpose::SignIn,
            Self::Code { purpose, .. } => *purpose,
        }
    }
}

/// What a code is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in.
    SignIn,
    /// Adding the identity to a user who is signed in.
    Link,
}

impl Purpose {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Link => "link",
        }
    }

    /// The purpose that is stored as `value`.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        [Self::SignIn, Self::Link].into_iter().find(|purpose| purpose.as_str() == value)
    }
}

/// What stands behind a code: what the provider said, and who may ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The application that it was issued to.
    pub application_id: ApplicationId,
    /// What it is good for.
    pub purpose: Purpose,
    /// Whose verifier must come with it.
    pub challenge: CodeChallenge,
    /// Who signed in at the provider.
    pub assertion: Assertion,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::System;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let challenge = CodeChallenge::of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(challenge.as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        for verifier in
            ["", "short", &"x".repeat(42), &"x".repeat(129), &"ü".repeat(30), &format!("{} ", "x".repeat(43))]
        {
            assert_eq!(CodeChallenge::of(verifier), None, "{verifier}");
        }
    }

    #[test]
    fn each_flow_of_each_browser_has_proofs_of_its_own() {
        let [one, other, state, next] = [(); 4].map(|()| Ticket::random(&System));
        let proofs = one.proofs(&state);
        let all = [&proofs, &one.proofs(&next), &other.proofs(&state)];
        let mut texts: Vec<_> =
            all.iter().flat_map(|proofs| [proofs.nonce.expose(), proofs.code_verifier.expose()]).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 6);
        assert!(CodeChallenge::of(proofs.code_verifier.expose()).is_some());
        let again = Ticket::parse(one.expose()).unwrap().proofs(&Ticket::parse(state.expose()).unwrap());
        assert_eq!(again.nonce.expose(), proofs.nonce.expose());
    }

    #[test]
    fn a_ticket_has_one_length_and_one_alphabet() {
        for text in ["", "x", &"A".repeat(42), &"A".repeat(44), &"+".repeat(43), &format!("{}=", "A".repeat(42))] {
            assert!(Ticket::parse(text).is_none(), "{text}");
        }
    }
}
