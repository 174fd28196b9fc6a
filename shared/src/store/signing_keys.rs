//! The keys that sign access tokens and seal refresh tokens.
//!
//! | item | attribute | type | holds |
//! |---|---|---|---|
//! | all | `pk`, `sk` | S | `private`, `public` or `mac`; the key's id |
//! | | `schema`, `created_at` | N | 1; seconds since the epoch |
//! | | `signs_from` | N | from when on the key is used, in seconds since the epoch |
//! | | `expires_at` | N | TTL: when it counts no more; absent until it has a successor |
//! | `private` × kid | `algorithm`, `key` | S, B | `ES256`, `RS256` or `EdDSA`; PKCS #8, for RSA PKCS #1 |
//! | `public` × kid | `algorithm`, `jwk` | S | the same; the public half as JSON (RFC 7517) |
//! | `mac` × id (8 hexadecimal digits) | `key` | B | 32 bytes |
//! | `rotation` × `signing`, `sealing` | `revision` | N | how often the keys of that purpose were changed |
//!
//! The partitions exist for least privilege: the functions that verify may read `public` only
//! (`dynamodb:LeadingKeys`), so that no mistake in them can show a private key.

mod changes;

pub use changes::StoredKeys;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, primitives::Blob, types::AttributeValue};
use jsonwebtoken::jwk::Jwk;

use super::{
    StoreError, Table,
    item::{Item, Reader, string},
};
use crate::{
    access_token::{Algorithm, Signer, Verifier},
    mac::{MacKey, MacKeyId, MacKeys},
    rotation::{Key, Purpose, in_force},
    world::Timestamp,
};

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
        let keys = self.living("private", now).await?;
        let (key, item) = self.in_force("private", &keys, now)?;
        let reader = self.reader(item)?;
        Ok(Signer::new(key.id.clone(), read_algorithm(&reader)?, reader.bytes("key")?))
    }

    /// Everything that still verifies tokens of `issuer` at `now`.
    ///
    /// # Errors
    ///
    /// [`KeysError::None`] if there is no key.
    pub async fn verifier(&self, issuer: &str, now: Timestamp) -> Result<Verifier, KeysError> {
        let keys = self.published(now).await?.into_iter().map(|key| (key.kid, key.algorithm, key.jwk));
        Verifier::new(issuer.to_owned(), keys).map_err(|_| {
            StoreError::Corrupt { table: self.0.name.clone(), key: "public".into(), attribute: "jwk" }.into()
        })
    }

    /// The public keys that count at `now`, newest first.
    ///
    /// # Errors
    ///
    /// [`KeysError::None`] if there is none.
    pub async fn published(&self, now: Timestamp) -> Result<Vec<PublicKey>, KeysError> {
        let keys = self.living("public", now).await?;
        let mut keys = keys.iter().map(|(key, item)| self.read_public(key, item)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(self.none("public"));
        }
        keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
        Ok(keys)
    }

    /// The keys of refresh tokens: the one in force at `now` seals, all that count open.
    ///
    /// # Errors
    ///
    /// [`KeysError::None`] if there is none.
    pub async fn macs(&self, now: Timestamp) -> Result<MacKeys, KeysError> {
        let keys = self.living("mac", now).await?;
        let (current, item) = self.in_force("mac", &keys, now)?;
        let others = keys.iter().filter(|(key, _)| key.id != current.id);
        let others = others.map(|(_, item)| self.read_mac(item)).collect::<Result<Vec<_>, _>>()?;
        Ok(MacKeys::new(self.read_mac(item)?, others))
    }

    /// The keys of a partition that count at `now`, each with its item.
    async fn living(&self, pk: &str, now: Timestamp) -> Result<Vec<(Key, Item)>, StoreError> {
        let items = Self::items(self.query(pk)).await?.into_iter();
        let keys = items.map(|item| Ok((self.read_key(&item)?, item))).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(keys.into_iter().filter(|(key, _)| key.lives(now)).collect())
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

    fn in_force<'a>(
        &self,
        kind: &'static str,
        keys: &'a [(Key, Item)],
        now: Timestamp,
    ) -> Result<&'a (Key, Item), KeysError> {
        let current = in_force(keys.iter().map(|(key, _)| key), now).ok_or_else(|| self.none(kind))?;
        keys.iter().find(|(key, _)| key == current).ok_or_else(|| self.none(kind))
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

    /// What an item of `public`, `private` or `mac` says of its key.
    fn read_key(&self, item: &Item) -> Result<Key, StoreError> {
        let reader = self.reader(item)?;
        let purpose = match reader.text("pk")? {
            "mac" => Purpose::Sealing,
            _ => Purpose::Signing(read_algorithm(&reader)?),
        };
        let created_at = reader.moment("created_at")?;
        Ok(Key {
            id: reader.text("sk")?.to_owned(),
            purpose,
            created_at,
            // Keys of the first version have no turn of their own.
            signs_from: reader.optional_moment("signs_from")?.unwrap_or(created_at),
            expires_at: reader.optional_moment("expires_at")?,
        })
    }

    fn read_public(&self, key: &Key, item: &Item) -> Result<PublicKey, StoreError> {
        let reader = self.reader(item)?;
        Ok(PublicKey {
            kid: key.id.clone(),
            algorithm: read_algorithm(&reader)?,
            jwk: serde_json::from_str(reader.text("jwk")?).map_err(|_| reader.corrupt("jwk"))?,
            created_at: key.created_at,
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

fn read_algorithm(reader: &Reader<'_>) -> Result<Algorithm, StoreError> {
    Algorithm::from_name(reader.text("algorithm")?).ok_or_else(|| reader.corrupt("algorithm"))
}
