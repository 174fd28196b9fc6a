//! A member that says the same in every answer of its kind, so that a type can't say otherwise.

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// `true` or `false`, for ever. Its schema stands where it is used
/// (`#[schema(inline)]`, without a description, which utoipa would put beside it as an object), since both values have one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Always<const VALUE: bool>;

impl<const VALUE: bool> Serialize for Always<VALUE> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(VALUE)
    }
}

impl<const VALUE: bool> PartialSchema for Always<VALUE> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([VALUE])).into()
    }
}

impl<const VALUE: bool> ToSchema for Always<VALUE> {}
