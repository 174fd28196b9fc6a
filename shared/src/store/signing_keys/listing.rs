//! Which keys there are, without the keys: for the command line.

use super::{super::item::string, Algorithm, Item, SigningKeys, StoreError, Timestamp, read_algorithm};

/// A key as it is listed: everything about it but the key.
#[derive(Debug, Clone)]
pub struct KeyEntry {
    /// Its name: the `kid`, or the id in refresh tokens.
    pub id: String,
    /// What it does.
    pub purpose: KeyPurpose,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a stored key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Signs and verifies access tokens.
    Signing(Algorithm),
    /// Verifies access tokens that its private half, which is gone, has signed.
    Verifying(Algorithm),
    /// Seals refresh tokens.
    Mac,
}

impl SigningKeys {
    /// All keys, newest first. No secret leaves the database.
    pub async fn list(&self) -> Result<Vec<KeyEntry>, StoreError> {
        let private = self.described("private").await?;
        let public = self.described("public").await?;
        let macs = self.described("mac").await?;
        let mut keys = Vec::new();
        for item in public.iter().chain(&macs) {
            let reader = self.reader(item)?;
            let id = reader.text("sk")?;
            let signs = || private.iter().any(|item| item.get("sk") == Some(&string(id)));
            let purpose = match reader.text("pk")? {
                "mac" => KeyPurpose::Mac,
                _ if signs() => KeyPurpose::Signing(read_algorithm(&reader)?),
                _ => KeyPurpose::Verifying(read_algorithm(&reader)?),
            };
            keys.push(KeyEntry { id: id.to_owned(), purpose, created_at: reader.moment("created_at")? });
        }
        keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
        Ok(keys)
    }

    /// The items of a partition without their keys.
    async fn described(&self, pk: &str) -> Result<Vec<Item>, StoreError> {
        let query = self
            .query(pk)
            .projection_expression("pk, sk, #schema, algorithm, created_at")
            .expression_attribute_names("#schema", "schema");
        Self::items(query).await
    }
}
