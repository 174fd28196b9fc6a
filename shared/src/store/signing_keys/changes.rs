//! Changing keys: read without their secrets, and written all at once.
//!
//! Whoever changes keys reads the item of their purpose in the partition `rotation` first, then the keys, and writes on the
//! condition that its `revision` is still the same. So of two changes that overlap one does not happen, whatever they are.
//!
//! No secret is asked for here, and the function that rotates keys may not query one (`dynamodb:Attributes` in its policy).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Select, TransactWriteItem, Update};

use super::{
    super::{
        item::{Item, SCHEMA, moment, number, string},
        transaction::{Refusal, put_new, transact, unbuilt},
    },
    SigningKeys, StoreError, bytes,
};
use crate::{
    keys::Material,
    rotation::{Key, Plan, Purpose},
    world::World,
};

/// All that a change may look at, in one word each.
const DESCRIPTION: &str = "pk, sk, #schema, algorithm, created_at, signs_from, expires_at, revision";

/// The keys of one purpose, without their secrets.
#[derive(Debug)]
pub struct StoredKeys {
    /// In no order.
    pub keys: Vec<Key>,
    /// How often they have been changed.
    pub revision: u64,
}

impl SigningKeys {
    /// All keys, those that have expired included until TTL deletes them.
    pub async fn list(&self) -> Result<Vec<Key>, StoreError> {
        let (mut keys, sealing) = tokio::try_join!(self.described_keys("public"), self.described_keys("mac"))?;
        keys.extend(sealing);
        Ok(keys)
    }

    /// The keys of `purpose`, of whatever algorithm, to be changed by [`SigningKeys::apply`].
    pub async fn of_purpose(&self, purpose: Purpose) -> Result<StoredKeys, StoreError> {
        let Partitions { name, shown, .. } = Partitions::of(purpose);
        // First: a change that comes after this makes the revision stale.
        let heads = self.described("rotation").await?;
        let head = heads.iter().find(|item| item.get("sk") == Some(&string(name)));
        let revision = match head {
            Some(item) => self.reader(item)?.number("revision")?,
            None => 0,
        };
        Ok(StoredKeys { keys: self.described_keys(shown).await?, revision })
    }

    /// Carries out `plan`, whose new keys consist of `made`. False, and nothing done, if the keys have been changed since
    /// `revision`.
    pub async fn apply(
        &self,
        plan: &Plan,
        made: &[(&Key, Material)],
        purpose: Purpose,
        revision: u64,
        world: &impl World,
    ) -> Result<bool, StoreError> {
        let partitions = Partitions::of(purpose);
        let mut writes = vec![self.revise(partitions.name, revision)?];
        for (key, material) in made {
            writes.extend(self.creation(key, material)?);
        }
        for partition in partitions.all {
            for key in &plan.update {
                writes.push(self.retiming(partition, key)?);
            }
            for key in &plan.delete {
                writes.push(self.deletion(partition, &key.id)?);
            }
        }
        match transact(&self.0, writes, world).await {
            Ok(()) => Ok(true),
            Err(Refusal::Condition) => Ok(false),
            Err(Refusal::Store(error)) => Err(error),
        }
    }

    async fn described_keys(&self, pk: &str) -> Result<Vec<Key>, StoreError> {
        self.described(pk).await?.iter().map(|item| self.read_key(item)).collect()
    }

    async fn described(&self, pk: &str) -> Result<Vec<Item>, StoreError> {
        let query = self
            .query(pk)
            .select(Select::SpecificAttributes)
            .projection_expression(DESCRIPTION)
            .expression_attribute_names("#schema", "schema");
        Self::items(query).await
    }

    fn revise(&self, name: &str, revision: u64) -> Result<TransactWriteItem, StoreError> {
        let condition = if revision == 0 { "attribute_not_exists(pk)" } else { "revision = :seen" };
        let mut update = self
            .update_of("rotation", name)
            .condition_expression(condition)
            .update_expression("SET revision = :next, #schema = :schema")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":next", number(revision + 1));
        if revision > 0 {
            update = update.expression_attribute_values(":seen", number(revision));
        }
        Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
    }

    /// A pair is put whole: nothing is ever signed that can't be verified.
    fn creation(&self, key: &Key, material: &Material) -> Result<Vec<TransactWriteItem>, StoreError> {
        let items = match material {
            Material::Mac(secret) => vec![described_item("mac", key, [("key", bytes(secret))])],
            Material::Pair(pair) => {
                let jwk = serde_json::to_string(&pair.public)
                    .map_err(|error| StoreError::Rejected { operation: "PutItem", source: error.into() })?;
                let algorithm = || ("algorithm", string(pair.algorithm.as_str()));
                let public = described_item("public", key, [algorithm(), ("jwk", string(jwk))]);
                vec![public, described_item("private", key, [algorithm(), ("key", bytes(&pair.private))])]
            }
        };
        items.into_iter().map(|item| put_new(&self.0, item)).collect()
    }

    fn retiming(&self, partition: &str, key: &Key) -> Result<TransactWriteItem, StoreError> {
        let update = self
            .update_of(partition, &key.id)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":from", moment(key.signs_from));
        let update = match end(partition, key) {
            Some(end) => update
                .update_expression("SET signs_from = :from, expires_at = :end")
                .expression_attribute_values(":end", end),
            None => update.update_expression("SET signs_from = :from REMOVE expires_at"),
        };
        Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
    }

    fn deletion(&self, partition: &str, id: &str) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.0.name).set_key(Some(primary_key(partition, id)));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(unbuilt)?).build())
    }

    fn update_of(&self, pk: &str, sk: &str) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder().table_name(&self.0.name).set_key(Some(primary_key(pk, sk)))
    }
}

/// Where the keys of a purpose are.
struct Partitions {
    /// The item in `rotation`.
    name: &'static str,
    /// Where all of them can be seen.
    shown: &'static str,
    all: &'static [&'static str],
}

impl Partitions {
    const fn of(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Signing(_) => Self { name: "signing", shown: "public", all: &["public", "private"] },
            Purpose::Sealing => Self { name: "sealing", shown: "mac", all: &["mac"] },
        }
    }
}

fn primary_key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".into(), string(pk)), ("sk".into(), string(sk))])
}

fn described_item<const N: usize>(pk: &str, key: &Key, material: [(&str, AttributeValue); N]) -> Item {
    let mut item = primary_key(pk, &key.id);
    item.insert("schema".into(), number(SCHEMA));
    item.insert("created_at".into(), moment(key.created_at));
    item.insert("signs_from".into(), moment(key.signs_from));
    item.extend(end(pk, key).map(|end| ("expires_at".into(), end)));
    item.extend(material.map(|(name, value)| (name.to_owned(), value)));
    item
}

/// When the item may go: the half that signs is of no use long before the other.
fn end(partition: &str, key: &Key) -> Option<AttributeValue> {
    let end = if partition == "private" { key.private_expires_at() } else { key.expires_at };
    end.map(moment)
}
