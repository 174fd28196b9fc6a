//! How large the session items are, by DynamoDB's rules.

use std::sync::PoisonError;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt, stream};
use shared::{config::Aws, secret::Secret, store::connect};

use crate::{client::Session, stack::Ready};

pub(crate) struct Items {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl Items {
    pub(crate) fn of(ready: &Ready) -> Self {
        let client = connect(&Aws {
            region: ready.region.clone(),
            endpoint: Some(ready.dynamodb_endpoint.clone()),
            access_key_id: "soak".into(),
            secret_access_key: Secret::new("soak".into()),
            session_token: None,
        });
        Self { client, table: ready.tables["sessions"].clone() }
    }

    /// The sizes of these sessions' items in bytes, smallest first, without those that were ended just now.
    pub(crate) async fn sizes(&self, sessions: &[Session]) -> Vec<usize> {
        let sizes = stream::iter(sessions).map(|session| self.size(session)).buffer_unordered(4);
        let mut sizes: Vec<_> = sizes.filter_map(async |size| size).collect().await;
        sizes.sort_unstable();
        sizes
    }

    async fn size(&self, session: &Session) -> Option<usize> {
        let (user, id) = session.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let get = get.key("user_key", AttributeValue::S(user)).key("session_id", AttributeValue::S(id));
        let item = get.send().await.expect("the session can be read").item.expect("the session is there");
        // An end is noted in the item, which makes it larger once and for all.
        let living = !item.contains_key("revoked_at");
        living.then(|| item.iter().map(|(name, value)| name.len() + size_of(value)).sum())
    }
}

/// A text takes its bytes, a number about half as many as it has digits, and one.
fn size_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        other => panic!("a session item holds {other:?}"),
    }
}
