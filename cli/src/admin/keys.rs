//! `gatelet keys`: the keys that sign access tokens and seal refresh tokens.

use super::AdminError;
use super::answer::{Answer, table};
use clap::ValueEnum;
use serde_json::{Value, json};
use shared::access_token::Algorithm;
use shared::keys::KeyPair;
use shared::store::{KeyEntry, KeyPurpose, SigningKeys};
use shared::world::{System, World as _};

/// What can be done with keys.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a pair that signs access tokens, and, if there is none yet, a key that seals refresh tokens
    ///
    /// A new key is published at once and used ten minutes later, when every function and whoever keeps the published
    /// keys has learnt of it. Older ones go on verifying.
    Create {
        /// What the pair signs with; RS256 is for API Gateway's own JWT authorizer, which takes nothing else
        #[arg(long, value_enum, default_value_t = PairAlgorithm::Es256, ignore_case = true)]
        algorithm: PairAlgorithm,
        /// Make a new key for refresh tokens even if there is one
        #[arg(long)]
        mac: bool,
    },
    /// List the keys, newest first, without anything secret
    List,
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
            Self::Create { algorithm, mac } => create(keys, (*algorithm).into(), *mac).await,
            Self::List => list(keys).await,
        }
    }
}

async fn create(keys: &SigningKeys, algorithm: Algorithm, mac: bool) -> Result<Answer, AdminError> {
    let before = keys.list().await?;
    // The seal first: a deployment with a pair and no seal would start no function that issues tokens.
    if mac || !before.iter().any(|key| key.purpose == KeyPurpose::Mac) {
        keys.add_mac(&System).await?;
    }
    keys.add_pair(&KeyPair::generate(algorithm, &System)?, System.now()).await?;

    let mut made = keys.list().await?;
    made.retain(|key| before.iter().all(|old| old.id != key.id));
    let Answer { json, text } = listed(&made);
    let note =
        if before.is_empty() { "" } else { "\nThey are in use in ten minutes, when every function knows them.\n" };
    Ok(Answer { json, text: text + note })
}

async fn list(keys: &SigningKeys) -> Result<Answer, AdminError> {
    let keys = keys.list().await?;
    let mut answer = listed(&keys);
    if keys.is_empty() {
        "There are no keys yet: make them with `gatelet keys create`.".clone_into(&mut answer.text);
    }
    Ok(answer)
}

fn listed(keys: &[KeyEntry]) -> Answer {
    let row = |key: &KeyEntry| {
        let (kind, algorithm) = describe(key.purpose);
        [key.id.clone(), kind.to_owned(), algorithm.to_owned(), key.created_at.to_string()]
    };
    Answer {
        json: json!({"keys": keys.iter().map(to_json).collect::<Vec<_>>()}),
        text: table(["KID", "KIND", "ALGORITHM", "CREATED"], keys.iter().map(row)),
    }
}

fn to_json(key: &KeyEntry) -> Value {
    let (kind, algorithm) = describe(key.purpose);
    json!({
        "kid": key.id,
        "kind": kind,
        "algorithm": algorithm,
        "created_at": key.created_at.to_string(),
    })
}

/// A key's kind and algorithm.
fn describe(purpose: KeyPurpose) -> (&'static str, &'static str) {
    match purpose {
        KeyPurpose::Signing(algorithm) => ("signing", algorithm.as_str()),
        KeyPurpose::Verifying(algorithm) => ("verifying", algorithm.as_str()),
        KeyPurpose::Mac => ("mac", "HMAC-SHA-256"),
    }
}
