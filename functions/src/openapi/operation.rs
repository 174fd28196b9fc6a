//! How an endpoint describes itself: what it takes, answers and refuses.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};
use shared::problem::Entry;

/// Every endpoint's paths begin with this.
pub(crate) const BASE: &str = "/api/v1/auth";

/// The schema of a type, made by whichever generator the document has.
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CalledBy {
    /// Anybody, without naming an application.
    Anyone,
    /// An application, by either of its keys.
    Application,
    /// An application that has proved itself by its secret key.
    Client,
    /// A user.
    User,
    /// A user or nobody.
    UserOrNobody,
    /// Whoever has a refresh token.
    RefreshToken,
    /// Whoever has a token of a session.
    AnyToken,
}

/// A body that is taken.
pub(super) struct Body {
    pub(super) media_type: &'static str,
    pub(super) required: bool,
    pub(super) schema: SchemaOf,
    pub(super) example: Value,
}

/// A way to succeed.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) schema: Option<SchemaOf>,
    /// By name.
    pub(super) examples: Vec<(&'static str, Value)>,
    pub(super) sets_cookies: bool,
}

/// One method of one path.
pub(crate) struct Operation {
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) caller: CalledBy,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Body>,
    pub(super) answer: Answer,
    pub(super) errors: Vec<Entry>,
}

impl Operation {
    /// The operation `id`, at `path` below the base path. It can fail as every operation of its kind of caller can.
    pub(crate) fn new(id: &'static str, method: &'static str, path: &str, caller: CalledBy) -> Self {
        let answer = Answer { status: 200, description: "", schema: None, examples: Vec::new(), sets_cookies: false };
        let mut errors = vec![Entry::INVALID_REQUEST, Entry::INTERNAL_ERROR];
        errors.extend_from_slice(match caller {
            CalledBy::Anyone => &[],
            CalledBy::Client => &[Entry::INVALID_CLIENT, Entry::TEMPORARILY_UNAVAILABLE],
            _ => &[Entry::INVALID_API_KEY, Entry::API_KEY_REQUIRED, Entry::TEMPORARILY_UNAVAILABLE],
        });
        errors.extend_from_slice(match caller {
            CalledBy::User => &[Entry::TOKEN_REQUIRED, Entry::INVALID_TOKEN],
            CalledBy::UserOrNobody | CalledBy::AnyToken => &[Entry::INVALID_TOKEN],
            _ => &[],
        });
        Self {
            id,
            method,
            path: format!("{BASE}{path}"),
            tag: "",
            summary: "",
            description: "",
            caller,
            parameters: Vec::new(),
            body: None,
            answer,
            errors,
        }
    }

    /// At a path that is not below the base path.
    pub(crate) fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// What it does, in a few words and in more.
    pub(crate) fn about(mut self, tag: &'static str, summary: &'static str, description: &'static str) -> Self {
        (self.tag, self.summary, self.description) = (tag, summary, description);
        self
    }

    /// Takes a parameter of the path or the query.
    pub(crate) fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Takes a JSON object.
    pub(crate) fn takes<T: JsonSchema>(self, example: Value) -> Self {
        self.body::<T>("application/json", true, example).fails(&[Entry::VALIDATION_FAILED, Entry::MALFORMED_JSON])
    }

    /// Takes a JSON object or no body at all.
    pub(crate) fn may_take<T: JsonSchema>(self, example: Value) -> Self {
        let mut operation = self.takes::<T>(example);
        if let Some(body) = &mut operation.body {
            body.required = false;
        }
        operation
    }

    /// Takes a form.
    pub(crate) fn takes_form<T: JsonSchema>(self, example: Value) -> Self {
        self.body::<T>("application/x-www-form-urlencoded", true, example)
    }

    fn body<T: JsonSchema>(mut self, media_type: &'static str, required: bool, example: Value) -> Self {
        self.body = Some(Body { media_type, required, schema: SchemaGenerator::subschema_for::<T>, example });
        self.fails(&[Entry::UNSUPPORTED_MEDIA_TYPE, Entry::BODY_TOO_LARGE])
    }

    /// Answers so when all goes well; the examples are named.
    pub(crate) fn answers<T: JsonSchema>(
        mut self,
        status: u16,
        description: &'static str,
        examples: &[(&'static str, Value)],
    ) -> Self {
        self.answer = Answer {
            status,
            description,
            schema: Some(SchemaGenerator::subschema_for::<T>),
            examples: examples.to_vec(),
            ..self.answer
        };
        self
    }

    /// Answers without a body.
    pub(crate) fn answers_nothing(mut self, description: &'static str) -> Self {
        self.answer.description = description;
        self
    }

    /// May set or clear the cookies of the session, and is refused to pages of foreign origins.
    pub(crate) fn with_cookies(mut self) -> Self {
        self.answer.sets_cookies = true;
        self.fails(&[Entry::ORIGIN_NOT_ALLOWED])
    }

    /// Can fail so, too.
    pub(crate) fn fails(mut self, errors: &[Entry]) -> Self {
        self.errors.extend_from_slice(errors);
        self
    }

    /// Whether refusals have the form of RFC 6749.
    pub(super) fn is_oauth(&self) -> bool {
        self.caller == CalledBy::Client
    }

    /// What a request may prove who sends it with: one of these. An application's key may be missing everywhere where the deployment has
    /// a default application.
    pub(super) fn security(&self) -> Value {
        let with = |scheme: &str| json!({"applicationKey": [], scheme: []});
        match self.caller {
            CalledBy::Anyone => json!([]),
            CalledBy::Application => json!([{"applicationKey": []}]),
            CalledBy::Client => json!([{"secretKey": []}, {"clientPassword": []}]),
            CalledBy::User => json!([with("accessToken"), with("accessCookie")]),
            CalledBy::UserOrNobody => json!([{"applicationKey": []}, with("accessToken"), with("accessCookie")]),
            CalledBy::RefreshToken => json!([{"applicationKey": []}, with("refreshCookie")]),
            CalledBy::AnyToken => {
                json!([{"applicationKey": []}, with("accessToken"), with("accessCookie"), with("refreshCookie")])
            }
        }
    }
}
