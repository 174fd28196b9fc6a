//! The keys that sign access tokens and seal refresh tokens.
//!
//! | item | attribute | type | holds |
//! |---|---|---|---|
//! | all | `pk`, `sk` | S | `private`, `public` or `mac`; the key's id |
//! | | `schema`, `created_at` | N | 1; seconds since the epoch |
//! | `private` × kid | `algorithm`, `key` | S, B | `ES256`, `RS256` or `EdDSA`; PKCS #8, for RSA PKCS #1 |
//! | `public` × kid | `algorithm`, `jwk` | S | the same; the public half as JSON (RFC 7517) |
//! | `mac` × id (8 hexadecimal digits) | `key` | B | 32 bytes |
//!
//! The partitions exist for least privilege: the functions that verify may read `public` only
//! (`dynamodb:LeadingKeys`), so that no mistake in them can show a private key.

mod listing;

pub use listing::{KeyEntry, KeyPurpose};

use std::time::Duration;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, primitives::Blob, types::AttributeValue};
use jsonwebtoken::jwk::Jwk;

use super::{
    StoreError, Table,
    item::{Item, Reader, SCHEMA, moment, number, string},
};
use crate::{
    access_token::{Algorithm, Signer, Verifier},
    keyring::{PUBLISHED_FOR, RELOAD_AFTER},
    keys::KeyPair,
    refresh_token::{MacKey, MacKeyId, MacKeys},
    world::{Timestamp, World},
};

/// How long after it was made a key is known to everyone who needs it: to every function, which look again after
/// [`RELOAD_AFTER`](crate::keyring::RELOAD_AFTER), and to whoever keeps the published keys for as long as they may. Until then it neither signs nor seals.
pub const KNOWN_AFTER: Duration = Duration::from_secs(RELOAD_AFTER.as_secs() + PUBLISHED_FOR.as_secs());

/// The signing-keys table.
#[derive(Debug, Clone)]
pub struct SigningKeys(Table);

/// Keys can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The deployment has none yet.
    #[error("table {table} holds no {kind} key: make one with `gatelet keys create`")]
    None {
        /// The table's name.
        table: String,
        /// The partition.
        kind: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A signing key as it is published.
#[derive(Debug, Clone)]
pub struct PublicKey {
    /// Its name.
    pub kid: String,
    /// What it is for.
    pub algorithm: Algorithm,
    /// The key.
    pub jwk: Jwk,
    /// When it was made.
    pub created_at: Timestamp,
}

impl SigningKeys {
    pub(super) const fn new(table: Table) -> Self {
        Self(table)
    }

    /// The signing key in force at `now`.
    ///
    /// # Errors
    ///
    /// [`KeysError::None`] if there is none.
    pub async fn signer(&self, now: Timestamp) -> Result<Signer, KeysError> {
        let items = self.partition("private").await?;
        let item = self.in_force("private", &items, now)?;
        let reader = self.reader(item)?;
        Ok(Signer::new(reader.text("sk")?.to_owned(), read_algorithm(&reader)?, reader.bytes("key")?))
    }

    /// Everything that still verifies tokens of `issuer`.
    ///
    /// # Errors
    ///
    /// [`KeysError::None`] if there is no key.
    pub async fn verifier(&self, issuer: &str) -> Result<Verifier, KeysError> {
        let keys = self.published().await?.into_iter().map(|key| (key.kid, key.algorithm, key.jwk));
        Verifier::new(issuer.to_owned(), keys).map_err(|_| {
            StoreError::Corrupt { table: self.0.name.clone(), key: "public".into(), attribute: "jwk" }.into()
        })
    }

    /// The public keys, newest first.
    ///
    /// # Errors
    ///
    /// [`KeysError::None`] if there is none.
    pub async fn published(&self) -> Result<Vec<PublicKey>, KeysError> {
        let items = self.partition("public").await?;
        let mut keys = items.iter().map(|item| self.read_public(item)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(self.none("public"));
        }
        keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
        Ok(keys)
    }

    /// The keys of refresh tokens: the one in force at `now` seals, all open.
    ///
    /// # Errors
    ///
    /// [`KeysError::None`] if there is none.
    pub async fn macs(&self, now: Timestamp) -> Result<MacKeys, KeysError> {
        let items = self.partition("mac").await?;
        let current = self.in_force("mac", &items, now)?;
        let others = items.iter().filter(|item| !std::ptr::eq(*item, current));
        let keys = others.map(|item| self.read_mac(item)).collect::<Result<Vec<_>, _>>()?;
        let current = self.read_mac(current)?;
        Ok(MacKeys::new(current, keys))
    }

    /// Stores a key pair: the public half first, so that nothing is ever signed that can't be verified.
    pub async fn add_pair(&self, pair: &KeyPair, now: Timestamp) -> Result<(), StoreError> {
        let jwk = serde_json::to_string(&pair.public)
            .map_err(|error| StoreError::Rejected { operation: "PutItem", source: error.into() })?;
        let algorithm = string(pair.algorithm.as_str());
        let public = [("algorithm", algorithm.clone()), ("jwk", string(jwk))];
        self.put("public", &pair.kid, public, now).await?;
        let private = [("algorithm", algorithm), ("key", bytes(&pair.private))];
        self.put("private", &pair.kid, private, now).await
    }

    /// Makes and stores a key for refresh tokens. Its id.
    pub async fn add_mac(&self, world: &impl World) -> Result<String, StoreError> {
        let id = format!("{:08x}", u32::from_be_bytes(world.random()));
        self.put("mac", &id, [("key", bytes(&world.random::<32>()))], world.now()).await?;
        Ok(id)
    }

    async fn put<const N: usize>(
        &self,
        pk: &str,
        sk: &str,
        attributes: [(&str, AttributeValue); N],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Self(table) = self;
        let mut put = table
            .client
            .put_item()
            .table_name(&table.name)
            .item("pk", string(pk))
            .item("sk", string(sk))
            .item("schema", number(SCHEMA))
            .item("created_at", moment(now))
            .condition_expression("attribute_not_exists(pk)");
        for (name, value) in attributes {
            put = put.item(name, value);
        }
        put.send().await.map(drop).map_err(|error| StoreError::from_sdk("PutItem", error))
    }

    async fn partition(&self, pk: &str) -> Result<Vec<Item>, StoreError> {
        Self::items(self.query(pk)).await
    }

    fn query(&self, pk: &str) -> QueryFluentBuilder {
        let Self(table) = self;
        table
            .client
            .query()
            .table_name(&table.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(pk))
            .consistent_read(true)
    }

    async fn items(query: QueryFluentBuilder) -> Result<Vec<Item>, StoreError> {
        let sent = Box::pin(query.send()).await;
        let answer = sent.map_err(|error| StoreError::from_sdk("Query", error))?;
        Ok(answer.items.unwrap_or_default())
    }

    /// The newest key that everybody has had the time to learn of, or the oldest, if all are newer than that: a key must
    /// never sign what somebody can't verify yet.
    fn in_force<'a>(&self, kind: &'static str, items: &'a [Item], now: Timestamp) -> Result<&'a Item, KeysError> {
        let known = |item: &&Item| Timestamp::from_seconds(created_at(item)).plus(KNOWN_AFTER) <= now;
        let newest_known = items.iter().filter(known).max_by_key(|item| created_at(item));
        newest_known.or_else(|| items.iter().min_by_key(|item| created_at(item))).ok_or_else(|| self.none(kind))
    }

    fn none(&self, kind: &'static str) -> KeysError {
        KeysError::None { table: self.0.name.clone(), kind }
    }

    fn reader<'a>(&'a self, item: &'a Item) -> Result<Reader<'a>, StoreError> {
        let key = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
        let reader = Reader::new(&self.0.name, format!("{}/{}", key("pk"), key("sk")), item);
        reader.check_schema()?;
        Ok(reader)
    }

    fn read_public(&self, item: &Item) -> Result<PublicKey, StoreError> {
        let reader = self.reader(item)?;
        Ok(PublicKey {
            kid: reader.text("sk")?.to_owned(),
            algorithm: read_algorithm(&reader)?,
            jwk: serde_json::from_str(reader.text("jwk")?).map_err(|_| reader.corrupt("jwk"))?,
            created_at: reader.moment("created_at")?,
        })
    }

    fn read_mac(&self, item: &Item) -> Result<MacKey, StoreError> {
        let reader = self.reader(item)?;
        let id = u32::from_str_radix(reader.text("sk")?, 16).map_err(|_| reader.corrupt("sk"))?;
        let secret = reader.bytes("key")?.try_into().map_err(|_| reader.corrupt("key"))?;
        Ok(MacKey::new(MacKeyId(id.to_be_bytes()), secret))
    }
}

fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

fn created_at(item: &Item) -> u64 {
    item.get("created_at")
        .and_then(|value| value.as_n().ok())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}

fn read_algorithm(reader: &Reader<'_>) -> Result<Algorithm, StoreError> {
    Algorithm::from_name(reader.text("algorithm")?).ok_or_else(|| reader.corrupt("algorithm"))
}
