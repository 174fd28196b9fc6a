//! Reading and writing items: a stored item that can't exist is refused, and the refusal names table, key and attribute.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;

use super::StoreError;
use crate::{user::Permissions, world::Timestamp};

/// The version that is written with every item, and migrated from on read once there is a second.
pub(super) const SCHEMA: u64 = 1;

/// A stored item.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A string attribute.
#[expect(clippy::needless_pass_by_value, reason = "most callers have a value at hand, and it is small")]
pub(super) fn string(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
pub(super) fn number(value: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A moment: a number of seconds, as TTL wants it.
pub(super) fn moment(value: Timestamp) -> AttributeValue {
    number(value.seconds())
}

/// Reads one item's attributes.
pub(super) struct Reader<'a> {
    table: &'a str,
    key: String,
    item: &'a Item,
}

impl<'a> Reader<'a> {
    #[expect(clippy::needless_pass_by_value, reason = "most callers have just made it")]
    /// Reads `item` of `table`; `key` is only for the message of a failure.
    pub(super) fn new(table: &'a str, key: impl ToString, item: &'a Item) -> Self {
        Self { table, key: key.to_string(), item }
    }

    /// The failure to read `attribute`.
    pub(super) fn corrupt(&self, attribute: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table.to_owned(), key: self.key.clone(), attribute }
    }

    /// Refuses items of a version that this code does not know.
    pub(super) fn check_schema(&self) -> Result<(), StoreError> {
        if self.number::<u64>("schema")? == SCHEMA { Ok(()) } else { Err(self.corrupt("schema")) }
    }

    /// An attribute that may be absent.
    pub(super) fn optional_text(&self, attribute: &'static str) -> Result<Option<&'a str>, StoreError> {
        match self.item.get(attribute) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.corrupt(attribute)),
        }
    }

    /// Whether an attribute is there.
    pub(super) fn has(&self, attribute: &str) -> bool {
        self.item.contains_key(attribute)
    }

    /// The permissions in `text`, space separated, which is that of `attribute`.
    pub(super) fn permissions(&self, text: &str, attribute: &'static str) -> Result<Permissions, StoreError> {
        let mut permissions = Permissions::default();
        for permission in text.split_whitespace() {
            permissions.add(permission).map_err(|_| self.corrupt(attribute))?;
        }
        Ok(permissions)
    }

    /// An attribute that must be there.
    pub(super) fn text(&self, attribute: &'static str) -> Result<&'a str, StoreError> {
        self.optional_text(attribute)?.ok_or_else(|| self.corrupt(attribute))
    }

    /// A string that says a value of another type.
    pub(super) fn parsed<T: FromStr>(&self, attribute: &'static str) -> Result<T, StoreError> {
        self.text(attribute)?.parse().map_err(|_| self.corrupt(attribute))
    }

    /// A number that may be absent.
    pub(super) fn optional_number<T: FromStr>(&self, attribute: &'static str) -> Result<Option<T>, StoreError> {
        match self.item.get(attribute) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => digits.parse().map(Some).map_err(|_| self.corrupt(attribute)),
            Some(_) => Err(self.corrupt(attribute)),
        }
    }

    /// A number that must be there.
    pub(super) fn number<T: FromStr>(&self, attribute: &'static str) -> Result<T, StoreError> {
        self.optional_number(attribute)?.ok_or_else(|| self.corrupt(attribute))
    }

    /// A moment that must be there.
    pub(super) fn moment(&self, attribute: &'static str) -> Result<Timestamp, StoreError> {
        self.number(attribute).map(Timestamp::from_seconds)
    }

    /// A moment that may be absent.
    pub(super) fn optional_moment(&self, attribute: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_number(attribute)?.map(Timestamp::from_seconds))
    }

    /// A truth value that must be there.
    pub(super) fn flag(&self, attribute: &'static str) -> Result<bool, StoreError> {
        match self.item.get(attribute) {
            Some(AttributeValue::Bool(flag)) => Ok(*flag),
            _ => Err(self.corrupt(attribute)),
        }
    }

    /// Bytes that must be there.
    pub(super) fn bytes(&self, attribute: &'static str) -> Result<&'a [u8], StoreError> {
        match self.item.get(attribute) {
            Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref()),
            _ => Err(self.corrupt(attribute)),
        }
    }

    /// A list that must be there.
    pub(super) fn list(&self, attribute: &'static str) -> Result<&'a [AttributeValue], StoreError> {
        match self.item.get(attribute) {
            Some(AttributeValue::L(list)) => Ok(list),
            _ => Err(self.corrupt(attribute)),
        }
    }

    /// The maps of a list, each with its own reader.
    pub(super) fn maps(&self, attribute: &'static str) -> Result<Vec<Reader<'a>>, StoreError> {
        let map = |value: &'a AttributeValue| match value {
            AttributeValue::M(item) => Ok(Reader { table: self.table, key: self.key.clone(), item }),
            _ => Err(self.corrupt(attribute)),
        };
        self.list(attribute)?.iter().map(map).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_cannot_exist_is_refused_by_name() {
        let item = Item::from([("epoch".into(), string("seven")), ("schema".into(), number(2_u64))]);
        let reader = Reader::new("gatelet-users", "user#1", &item);
        for (error, named) in [
            (reader.number::<u64>("epoch").unwrap_err(), "epoch"),
            (reader.text("status").unwrap_err(), "status"),
            (reader.check_schema().unwrap_err(), "schema"),
        ] {
            assert_eq!(
                error.to_string(),
                format!("table gatelet-users, item user#1: attribute {named} is missing or can't be read")
            );
        }
    }
}
