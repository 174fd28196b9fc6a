//! Fuzz targets for the texts that callers hold: whatever they send is refused or has one spelling, and what we make is read
//! as what it was.
//!
//! `BOLERO_RANDOM_ITERATIONS=10000000 cargo test -p shared fuzz` runs them for longer.

use std::{net::IpAddr, time::Duration};

use bolero::TypeGenerator;
use unicode_normalization::UnicodeNormalization;

use crate::{
    access_token::{Algorithm, Claims, Signer, Verifier},
    api_key::{ApiKey, KeyHash, KeyKind},
    device_token::DeviceToken,
    ids::{ApplicationId, DeviceId, SessionId, UserKey},
    keys::KeyPair,
    mac::{MacKey, MacKeyId, MacKeys},
    password::Password,
    protocol::Position,
    refresh_token::RefreshToken,
    throttle::Source,
    user_id::UserId,
    world::{System, Timestamp, World},
};

/// How often each target runs unless `BOLERO_RANDOM_ITERATIONS` says otherwise.
pub(crate) const ITERATIONS: usize = 1_000;

/// Damage to a text: other bytes in places, then a piece moved, repeated or left out.
#[derive(Debug, TypeGenerator)]
pub(crate) struct Damage {
    bytes: Vec<(u16, u8)>,
    from: u16,
    length: u8,
    times: u8,
}

impl Damage {
    /// The text with at most eight other bytes and one piece there none to three times.
    pub(crate) fn to(&self, text: &[u8]) -> Vec<u8> {
        let mut bytes = text.to_vec();
        for (at, byte) in self.bytes.iter().take(8) {
            let at = usize::from(*at) % bytes.len().max(1);
            if let Some(changed) = bytes.get_mut(at) {
                *changed = *byte;
            }
        }
        let from = usize::from(self.from) % (bytes.len() + 1);
        let to = bytes.len().min(from + usize::from(self.length) % 32);
        let piece = bytes[from..to].repeat(usize::from(self.times % 4));
        bytes.splice(from..to, piece);
        bytes
    }

    /// The same of a text that stays one.
    pub(crate) fn to_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.to(text.as_bytes())).into_owned()
    }
}

/// The world, except for its randomness.
struct Fixed([u8; 32]);

impl World for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[..bytes.len()]);
    }
}

fn mac_keys() -> MacKeys {
    MacKeys::new(MacKey::new(MacKeyId([1; 4]), &[1; 32]), vec![MacKey::new(MacKeyId([2; 4]), &[2; 32])])
}

#[test]
fn a_refresh_token_says_what_it_was_made_to_say_in_one_spelling() {
    let keys = mac_keys();
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_type::<([u8; 16], [u8; 16], u32, u8, u64, u64, Damage)>()
        .for_each(|(user, session, generation, branch, expires, now, damage)| {
            let token = RefreshToken {
                user_key: UserKey::from_bytes(*user),
                session_id: SessionId::from_bytes(*session),
                position: Position { generation: *generation, branch: *branch },
                absolute_expires_at: Timestamp::from_seconds(*expires),
            };
            let text = keys.seal(&token);
            assert_eq!(keys.open(text.expose(), Timestamp::from_seconds(*now)).ok(), (expires > now).then_some(token));
            let damaged = damage.to_text(text.expose());
            assert!(damaged == text.expose() || keys.open(&damaged, Timestamp::from_seconds(0)).is_err(), "{damaged}");
            assert!(keys.open_device(text.expose()).is_err());
        });
}

#[test]
fn a_device_token_says_what_it_was_made_to_say_in_one_spelling() {
    let keys = mac_keys();
    bolero::check!().with_iterations(ITERATIONS).with_type::<([u8; 16], [u8; 16], u64, Damage)>().for_each(
        |(user, device, epoch, damage)| {
            let (user_key, device_id) = (UserKey::from_bytes(*user), DeviceId::from_bytes(*device));
            let token = DeviceToken { user_key, device_id, epoch: *epoch };
            let text = keys.seal_device(&token);
            assert_eq!(keys.open_device(text.expose()).ok(), Some(token));
            let damaged = damage.to_text(text.expose());
            assert!(damaged == text.expose() || keys.open_device(&damaged).is_err(), "{damaged}");
            assert!(keys.open(text.expose(), Timestamp::from_seconds(0)).is_err());
        },
    );
}

#[test]
fn text_of_no_ones_making_opens_nothing() {
    let keys = mac_keys();
    bolero::check!().with_iterations(ITERATIONS).with_type::<(String, Vec<u8>)>().for_each(|(text, bytes)| {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

        let encoded = URL_SAFE_NO_PAD.encode(bytes);
        for text in [text, &encoded, &format!("gl_rt_{encoded}"), &format!("gl_dt_{encoded}"), &format!("gl_rt_{text}")]
        {
            assert!(keys.open(text, Timestamp::from_seconds(0)).is_err() && keys.open_device(text).is_err(), "{text}");
        }
        for text in [text, &encoded, &format!("pk_{encoded}"), &format!("sk_{text}")] {
            assert!(ApiKey::parse(text).is_err(), "{text}");
        }
    });
}

#[test]
fn an_api_key_names_its_application_in_one_spelling() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<([u8; 16], [u8; 32], bool, Damage)>().for_each(
        |(id, secret, is_secret, damage)| {
            let kind = if *is_secret { KeyKind::Secret } else { KeyKind::Publishable };
            let id = ApplicationId::from_bytes(*id);
            let (text, hash) = ApiKey::generate(kind, id, &Fixed(*secret));
            let key = ApiKey::parse(text.expose()).unwrap();
            assert!(key.matches(&hash) && (key.kind(), key.application_id()) == (kind, id));
            let damaged = damage.to_text(text.expose());
            assert!(damaged == text.expose() || ApiKey::parse(&damaged).is_err(), "{damaged}");

            let stored = damage.to_text(&hash.to_hex());
            assert!(KeyHash::from_hex(&stored).is_none_or(|read| read.to_hex() == stored), "{stored}");
        },
    );
}

/// What is accepted of a token that the genuine key signed: who holds the key may say anything, but nothing that is no claim of ours.
#[test]
fn an_access_token_verifies_as_it_was_signed_or_not_at_all() {
    let world = Fixed([0; 32]);
    let pair = KeyPair::generate(Algorithm::EdDSA, &System).unwrap();
    let signer = Signer::new(pair.kid.clone(), Algorithm::EdDSA, &pair.private);
    let verifier = Verifier::new("iss".into(), [(pair.kid.clone(), Algorithm::EdDSA, pair.public)]).unwrap();
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_type::<([u8; 16], String, String, Vec<String>, u64, i8, Damage)>()
        .for_each(|(id, jti, scope, amr, ep, shift, damage)| {
            let now = world.now();
            let claims = Claims {
                iss: "iss".into(),
                aud: "aud".into(),
                sub: UserKey::from_bytes(*id),
                exp: now.plus(Duration::from_mins(1)),
                iat: now,
                nbf: now,
                jti: jti.clone(),
                sid: SessionId::from_bytes(*id),
                client_id: ApplicationId::from_bytes(*id),
                auth_time: Timestamp::from_seconds(*ep),
                amr: amr.clone(),
                scope: scope.clone(),
                ep: *ep,
            };
            let token = signer.sign(&claims).unwrap();
            let at = Timestamp::from_seconds(now.seconds().saturating_add_signed(i64::from(*shift)));
            let said = verifier.verify(token.expose(), "aud", at).ok();
            let is_good = token.expose().len() <= 8192 && (-30..90).contains(shift);
            assert_eq!(said, is_good.then_some(claims));
            let damaged = damage.to_text(token.expose());
            assert!(damaged == token.expose() || verifier.verify(&damaged, "aud", now).is_err(), "{damaged}");
        });
}

/// With our key's signature under it: what is accepted has our header, and says what its payload says.
#[test]
fn of_any_header_and_claims_only_ours_are_an_access_token() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let pair = KeyPair::generate(Algorithm::EdDSA, &System).unwrap();
    let key = Algorithm::EdDSA.encoding_key(&pair.private);
    let verifier = Verifier::new("iss".into(), [(pair.kid.clone(), Algorithm::EdDSA, pair.public)]).unwrap();
    let genuine = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, pair.kid);
    let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
    let claims = format!(
        r#"{{"iss":"iss","aud":"aud","sub":"{id}","exp":1800000001,"iat":0,"nbf":0,"jti":"j","sid":"{id}","client_id":"{id}","auth_time":0,"amr":["pwd"],"scope":"a b","ep":0}}"#
    );
    let verify = |header: &[u8], claims: &[u8]| {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::EdDSA).unwrap();
        verifier.verify(&format!("{message}.{signature}"), "aud", Timestamp::from_seconds(1_800_000_000)).ok()
    };
    assert!(verify(genuine.as_bytes(), claims.as_bytes()).is_some());
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Damage, Damage, Vec<u8>)>().for_each(
        |(of_header, of_claims, bytes)| {
            let read = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).ok();
            let header = of_header.to(genuine.as_bytes());
            let accepted = verify(&header, claims.as_bytes()).is_some();
            assert!(!accepted || read(&header) == read(genuine.as_bytes()), "{}", String::from_utf8_lossy(&header));

            for payload in [of_claims.to(claims.as_bytes()), bytes.clone()] {
                let Some(said) = verify(genuine.as_bytes(), &payload) else { continue };
                let (said, written) = (serde_json::to_value(said).unwrap(), read(&payload).unwrap());
                for (name, value) in said.as_object().unwrap() {
                    assert_eq!(Some(value), written.get(name), "{}", String::from_utf8_lossy(&payload));
                }
            }
        },
    );
}

#[test]
fn a_name_is_its_own_normal_form() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(String, Vec<char>, Damage)>().for_each(
        |(text, letters, damage)| {
            let letters: String = letters.iter().collect();
            for input in [text.clone(), format!("abc{letters}"), damage.to_text("ÅdaＡＢ.Ångström@exämple.com")] {
                let Ok(name) = UserId::parse(&input) else { continue };
                assert_eq!(UserId::parse(name.as_str()).as_ref(), Ok(&name), "{input:?}");
                assert_eq!(name.as_str().to_lowercase().nfc().collect::<String>(), name.as_str(), "{input:?}");
                assert!((3..=128).contains(&name.as_str().chars().count()), "{input:?}");
                assert!(!name.as_str().contains(|c: char| c.is_control() || c.is_whitespace()), "{input:?}");
            }
        },
    );
}

#[test]
fn a_password_is_its_own_normal_form() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(String, Vec<char>)>().for_each(|(text, letters)| {
        for input in [text.clone(), letters.iter().collect()] {
            let password = Password::new(input);
            let again = Password::new(password.expose().to_owned());
            assert!(password.is_oversize() || again.expose() == password.expose(), "{:?}", password.expose());
        }
    });
}

#[test]
fn ids_and_addresses_have_one_spelling() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(String, Damage, [u8; 16])>().for_each(
        |(text, damage, bytes)| {
            let id = UserKey::from_bytes(*bytes);
            assert_eq!(id.to_string().parse(), Ok(id));
            for text in [text, &damage.to_text(&id.to_string())] {
                assert!(
                    text.parse::<UserKey>().is_ok_and(|read| read.to_string() == *text)
                        || text.parse::<UserKey>().is_err()
                );
            }
            let address = IpAddr::from(*bytes).to_string();
            let source = Source::of_address(Some(&address));
            assert_eq!(source, Source::of_address(Some(&address.to_uppercase())));
            // However it is spelt, what is stored of it is short.
            assert!(Source::of_address(Some(text)).to_string().len() < 64 && source.to_string().len() < 64);
        },
    );
}
