//! `gatelet keys`: the keys that sign access tokens and seal refresh tokens.

use super::AdminError;
use super::answer::{Answer, table};
use clap::ValueEnum;
use serde_json::{Value, json};
use shared::access_token::Algorithm;
use shared::rotation::{self, Key, Purpose, State, in_force};
use shared::store::SigningKeys;
use shared::world::{System, Timestamp, World as _};

/// What can be done with keys.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a pair that signs access tokens, and, if there is none yet, a key that seals refresh tokens
    ///
    /// The first is in use at once. A later one is published at once and in use two hours and ten minutes after that,
    /// when every function and whoever keeps the published keys has learnt of it. The one before goes on verifying. Where
    /// `rotate_keys` runs, its own next key follows in turn; a pair of another algorithm than it is set to does not last.
    Create {
        /// What the pair signs with; RS256 is for API Gateway's own JWT authorizer, which takes nothing else [default: as
        /// the key in force, otherwise ES256]
        #[arg(long, value_enum, ignore_case = true)]
        algorithm: Option<PairAlgorithm>,
        /// Make a new key for refresh tokens even if there is one
        #[arg(long)]
        mac: bool,
    },
    /// List the keys, latest first, without anything secret
    List,
    /// Delete a key at once, and with it everything that it signed or sealed
    ///
    /// The key that is ready takes over in the same moment, or a new one if none is. Functions refuse the deleted key's tokens
    /// within five minutes, other verifiers when their copy of the published keys ends: two hours and five minutes at most. Deleting a MAC key ends every
    /// session whose refresh token it sealed.
    Revoke {
        /// The key's KID, as listed
        kid: String,
    },
}

/// [`Algorithm`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum PairAlgorithm {
    #[value(name = "ES256")]
    Es256,
    #[value(name = "RS256")]
    Rs256,
    #[value(name = "EdDSA")]
    EdDsa,
}

impl From<PairAlgorithm> for Algorithm {
    fn from(algorithm: PairAlgorithm) -> Self {
        match algorithm {
            PairAlgorithm::Es256 => Self::ES256,
            PairAlgorithm::Rs256 => Self::RS256,
            PairAlgorithm::EdDsa => Self::EdDSA,
        }
    }
}

impl Command {
    pub(crate) async fn run(&self, keys: &SigningKeys) -> Result<Answer, AdminError> {
        match self {
            Self::Create { algorithm, mac } => create(keys, algorithm.map(Algorithm::from), *mac).await,
            Self::List => list(keys).await,
            Self::Revoke { kid } => revoke(keys, kid).await,
        }
    }
}

async fn create(keys: &SigningKeys, algorithm: Option<Algorithm>, mac: bool) -> Result<Answer, AdminError> {
    let before = keys.list().await?;
    let pairs = before.iter().filter(|key| key.purpose.is_signing());
    let purpose = match (algorithm, in_force(pairs, System.now())) {
        (Some(algorithm), _) => Purpose::Signing(algorithm),
        (None, Some(current)) => current.purpose,
        (None, None) => Purpose::Signing(Algorithm::ES256),
    };
    let mut made = Vec::new();
    // The seal first: a deployment with a pair and no seal would start no function that issues tokens.
    if mac || before.iter().all(|key| key.purpose.is_signing()) {
        made.extend(rotation::create(keys, Purpose::Sealing, &System).await?.done.create);
    }
    made.extend(rotation::create(keys, purpose, &System).await?.done.create);
    Ok(listed(&made, &keys.list().await?, System.now()))
}

async fn list(keys: &SigningKeys) -> Result<Answer, AdminError> {
    let mut keys = keys.list().await?;
    keys.sort_by_key(|key| (!key.purpose.is_signing(), std::cmp::Reverse(key.signs_from)));
    let mut answer = listed(&keys, &keys, System.now());
    if keys.is_empty() {
        "There are no keys yet: make them with `gatelet keys create`.".clone_into(&mut answer.text);
    }
    Ok(answer)
}

async fn revoke(keys: &SigningKeys, kid: &str) -> Result<Answer, AdminError> {
    if rotation::revoke(keys, kid, &System).await?.is_none() {
        return Err(AdminError::NoSigningKey(kid.to_owned()));
    }
    let left = keys.list().await?;
    let current = |signing: bool| {
        let alike = left.iter().filter(|key| key.purpose.is_signing() == signing);
        in_force(alike, System.now()).map(|key| key.id.clone())
    };
    let (pair, seal) = (current(true), current(false));
    let named = |id: &Option<String>| id.clone().unwrap_or_else(|| "none".to_owned());
    Ok(Answer {
        text: format!(
            "Key {kid} is deleted. In force are {} (signing) and {} (mac).\nEvery function refuses what it made within five \
             minutes. Others do when their copy of the published keys ends: within ten minutes as we ask them to, within two \
             hours and five minutes in API Gateway's own JWT authorizer.",
            named(&pair),
            named(&seal),
        ),
        json: json!({"revoked": kid, "in_force": {"signing": pair, "mac": seal}}),
    })
}

fn listed(shown: &[Key], all: &[Key], now: Timestamp) -> Answer {
    let row = |key: &Key| {
        let (kind, algorithm) = describe(key.purpose);
        let end = key.expires_at.map_or("-".to_owned(), |end| end.to_string());
        [
            key.id.clone(),
            kind.to_owned(),
            algorithm.to_owned(),
            state(key, all, now).to_owned(),
            key.created_at.to_string(),
            key.signs_from.to_string(),
            end,
        ]
    };
    Answer {
        json: json!({"keys": shown.iter().map(|key| to_json(key, all, now)).collect::<Vec<_>>()}),
        text: table(["KID", "KIND", "ALGORITHM", "STATE", "CREATED", "SIGNS FROM", "EXPIRES"], shown.iter().map(row)),
    }
}

fn to_json(key: &Key, all: &[Key], now: Timestamp) -> Value {
    let (kind, algorithm) = describe(key.purpose);
    json!({
        "kid": key.id,
        "kind": kind,
        "algorithm": algorithm,
        "state": state(key, all, now),
        "created_at": key.created_at.to_string(),
        "signs_from": key.signs_from.to_string(),
        "expires_at": key.expires_at.map(|end| end.to_string()),
    })
}

/// A key's kind and algorithm.
const fn describe(purpose: Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::Signing(algorithm) => ("signing", algorithm.as_str()),
        Purpose::Sealing => ("mac", "HMAC-SHA-256"),
    }
}

fn state(key: &Key, all: &[Key], now: Timestamp) -> &'static str {
    match key.state(all, now) {
        State::Ready => "ready",
        State::InForce => "in force",
        State::Retired => "retired",
        State::Expired => "expired",
    }
}
