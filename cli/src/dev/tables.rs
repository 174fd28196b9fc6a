//! Creates the tables that the template declares.

use super::resources::Table;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BoxError, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, TableStatus, TimeToLiveSpecification,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often an outside database is asked whether a table is there yet.
const POLL: Duration = Duration::from_millis(250);

/// A table can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    #[error("the table `{0}` has secondary indexes, which the local stack does not create")]
    Indexes(String),
    #[error("cannot create the table `{table}`")]
    Create { table: String, source: BoxError },
}

/// Creates what is not there yet, and waits until all can be used.
pub(crate) async fn create(client: &Client, tables: &[Table]) -> Result<(), TableError> {
    for table in tables {
        if table.global_secondary_indexes.is_some() || table.local_secondary_indexes.is_some() {
            return Err(TableError::Indexes(table.table_name.clone()));
        }
        let created = create_one(client, table).await;
        created.map_err(|source| TableError::Create { table: table.table_name.clone(), source })?;
    }
    Ok(())
}

/// The tables by what they are for: `gatelet-local-signing-keys` of the stack `gatelet-local` is `signing_keys`.
pub(crate) fn by_purpose(tables: &[Table], stack: &str) -> BTreeMap<String, String> {
    let purpose = |name: &str| name.strip_prefix(stack).unwrap_or(name).trim_start_matches('-').replace('-', "_");
    tables.iter().map(|table| (purpose(&table.table_name), table.table_name.clone())).collect()
}

async fn create_one(client: &Client, table: &Table) -> Result<(), BoxError> {
    let name = &table.table_name;
    let attributes = table.attribute_definitions.iter().map(|attribute| {
        let definition = AttributeDefinition::builder().attribute_name(&attribute.attribute_name);
        definition.attribute_type(attribute.attribute_type.as_str().into()).build()
    });
    let keys = table.key_schema.iter().map(|key| {
        KeySchemaElement::builder().attribute_name(&key.attribute_name).key_type(key.key_type.as_str().into()).build()
    });
    let create = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.collect::<Result<_, _>>()?))
        .set_key_schema(Some(keys.collect::<Result<_, _>>()?));
    match create.send().await {
        Ok(_) => {}
        Err(error) if exists(&error) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    while !is_active(client, name).await? {
        tokio::time::sleep(POLL).await;
    }
    set_time_to_live(client, table).await
}

fn exists<R>(error: &SdkError<CreateTableError, R>) -> bool {
    matches!(error.as_service_error(), Some(CreateTableError::ResourceInUseException(_)))
}

async fn is_active(client: &Client, name: &str) -> Result<bool, BoxError> {
    let description = client.describe_table().table_name(name).send().await?;
    Ok(description.table().and_then(|table| table.table_status()) == Some(&TableStatus::Active))
}

async fn set_time_to_live(client: &Client, table: &Table) -> Result<(), BoxError> {
    let Some(time_to_live) = table.time_to_live_specification.as_ref().filter(|ttl| ttl.enabled) else {
        return Ok(());
    };
    let specification = TimeToLiveSpecification::builder().enabled(true).attribute_name(&time_to_live.attribute_name);
    let update = client.update_time_to_live().table_name(&table.table_name);
    update.time_to_live_specification(specification.build()?).send().await?;
    Ok(())
}
