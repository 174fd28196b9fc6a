//! One operation, described in as few words as it takes.

use serde_json::Value;
use shared::{http::ErrorFormat, problem::Problem};
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, PathItem, Ref, RefOr, Required, Response, ResponseBuilder,
        example::ExampleBuilder,
        path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::Schema,
        security::SecurityRequirement,
    },
};

use super::{
    components::{API_KEY, CACHE_CONTROL, LOCATION, SET_COOKIE, header_refs},
    refusals::{self, Refusal},
};

/// An operation, and what it refers to.
pub(crate) struct Operation {
    pub(super) method: HttpMethod,
    pub(super) path: &'static str,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
    described: OperationBuilder,
    format: ErrorFormat,
    problems: Vec<Problem>,
    /// Errors with which cookies are cleared.
    clearing: Vec<u16>,
}

/// An example: its name, what it shows, and the value.
pub(crate) type Example = (&'static str, &'static str, Value);

impl Operation {
    pub(crate) fn new(id: &'static str, method: HttpMethod, path: &'static str, tag: &'static str) -> Self {
        Self {
            method,
            path,
            schemas: Vec::new(),
            described: OperationBuilder::new().operation_id(Some(id)).tag(tag),
            format: ErrorFormat::Problem,
            problems: vec![Problem::internal("as an example")],
            clearing: Vec::new(),
        }
    }

    /// What it does, in a line and in full.
    pub(crate) fn says(self, summary: &'static str, description: &'static str) -> Self {
        self.with(|described| described.summary(Some(summary)).description(Some(description)))
    }

    /// It looks the application up by its key, and takes any of `credentials` beside, where none is "".
    pub(crate) fn of_application<const N: usize>(mut self, credentials: [&str; N]) -> Self {
        self.problems.extend(refusals::of_application());
        let alternatives = [Some(API_KEY), None].into_iter().flat_map(|key| {
            credentials.into_iter().map(move |credential| {
                let names = key.into_iter().chain((!credential.is_empty()).then_some(credential));
                names.fold(SecurityRequirement::default(), |all, name| all.add(name, [] as [&str; 0]))
            })
        });
        let alternatives: Vec<_> = alternatives.collect();
        self.asks_store().with(|described| described.securities(Some(alternatives)))
    }

    /// It takes one of `credentials`, and says its errors in OAuth's form.
    pub(crate) fn of_client<const N: usize>(mut self, credentials: [&str; N]) -> Self {
        self.format = ErrorFormat::OAuth;
        let one = |name| SecurityRequirement::new(name, [] as [&str; 0]);
        let alternatives = credentials.map(one);
        self.asks_store().with(|described| described.securities(Some(alternatives)))
    }

    /// Anybody may ask.
    pub(crate) fn of_anybody(self) -> Self {
        self.with(|described| described.securities(Some([SecurityRequirement::default()])))
    }

    /// It has to do with the table.
    pub(crate) fn asks_store(mut self) -> Self {
        self.problems.push(refusals::of_store());
        self
    }

    /// It reads a JSON body.
    pub(crate) fn reads<T: ToSchema>(
        mut self,
        required: Required,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        self.problems.extend(refusals::of_body());
        self.body::<T>("application/json", required, examples)
    }

    /// It reads a form.
    pub(crate) fn reads_form<T: ToSchema>(self, examples: impl IntoIterator<Item = Example>) -> Self {
        const FORM: &str = "application/x-www-form-urlencoded";
        self.body::<T>(FORM, Required::True, examples).refuses([
            Problem::InvalidRequest("the parameter `token` is required"),
            Problem::UnsupportedMediaType(FORM),
            Problem::BodyTooLarge,
        ])
    }

    fn body<T: ToSchema>(
        mut self,
        media_type: &'static str,
        required: Required,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        let content =
            ContentBuilder::new().schema(Some(self.schema::<T>())).examples_from_iter(named(examples)).build();
        let body = RequestBodyBuilder::new().content(media_type, content).required(Some(required)).build();
        self.with(|described| described.request_body(Some(body)))
    }

    /// It has a part of the path, or an optional parameter in the query or a cookie.
    pub(crate) fn takes(self, at: ParameterIn, name: &str, schema: impl Into<RefOr<Schema>>, what: &str) -> Self {
        let required = if at == ParameterIn::Path { Required::True } else { Required::False };
        self.parameter(at, required, name, schema, what)
    }

    /// It has a parameter in the query that must be there.
    pub(crate) fn needs(self, name: &str, schema: impl Into<RefOr<Schema>>, what: &str) -> Self {
        self.parameter(ParameterIn::Query, Required::True, name, schema, what)
    }

    fn parameter(
        self,
        at: ParameterIn,
        required: Required,
        name: &str,
        schema: impl Into<RefOr<Schema>>,
        what: &str,
    ) -> Self {
        let parameter: Parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(at)
            .required(required)
            .schema(Some(schema))
            .description(Some(what))
            .build();
        self.with(|described| described.parameter(parameter))
    }

    /// What it answers when all is well.
    pub(crate) fn answers<T: ToSchema>(
        mut self,
        status: u16,
        what: &'static str,
        examples: impl IntoIterator<Item = Example>,
        headers: &[&str],
    ) -> Self {
        let content =
            ContentBuilder::new().schema(Some(self.schema::<T>())).examples_from_iter(named(examples)).build();
        let response = ResponseBuilder::new().description(what).content("application/json", content);
        let mut response = response.build();
        response.headers = header_refs(headers.iter().copied());
        self.with(|described| described.response(status.to_string(), response))
    }

    /// It sends the browser on, with these headers beside `Location`.
    pub(crate) fn redirects(self, what: &'static str, headers: &[&str]) -> Self {
        let mut response = ResponseBuilder::new().description(what).build();
        response.headers = header_refs([LOCATION].into_iter().chain(headers.iter().copied()));
        self.with(|described| described.response("303", response))
    }

    /// It answers 200 without a body.
    pub(crate) fn answers_nothing(self, what: &'static str) -> Self {
        self.with(|described| described.response("200", ResponseBuilder::new().description(what)))
    }

    /// What else it answers: beside what follows from the rest of the description.
    pub(crate) fn refuses(mut self, problems: impl IntoIterator<Item = Problem>) -> Self {
        self.problems.extend(problems);
        self
    }

    /// It may clear the cookies with errors of this status.
    pub(crate) fn clears_cookies_with(mut self, status: u16) -> Self {
        self.clearing.push(status);
        self
    }

    /// Its responses that others have too, by their names.
    pub(super) fn shared_responses(&self) -> impl Iterator<Item = (String, Response)> {
        refusals::by_status(self.refusals()).into_iter().filter_map(|(status, refusals)| {
            let name = refusals::shared_name(&refusals).filter(|_| !self.clearing.contains(&status))?;
            Some((name.to_owned(), refusals::response(status, &refusals)))
        })
    }

    /// Every error that it answers.
    pub(super) fn refusals(&self) -> impl Iterator<Item = Refusal> {
        self.problems.iter().map(|problem| Refusal::of(problem, self.format))
    }

    pub(super) fn into_item(self) -> (&'static str, PathItem) {
        let refusals = refusals::by_status(self.refusals()).into_iter();
        let described = refusals.fold(self.described, |described, (status, refusals)| {
            let clears = self.clearing.contains(&status);
            let response = if let (Some(name), false) = (refusals::shared_name(&refusals), clears) {
                RefOr::Ref(Ref::from_response_name(name))
            } else {
                let mut response = refusals::response(status, &refusals);
                response.headers.extend(header_refs(clears.then_some(SET_COOKIE)));
                RefOr::T(response)
            };
            described.response(status.to_string(), response)
        });
        (self.path, PathItem::new(self.method, described))
    }

    fn with(mut self, change: impl FnOnce(OperationBuilder) -> OperationBuilder) -> Self {
        self.described = change(self.described);
        self
    }

    /// A reference to the schema of `T`, which becomes one of those that the operation refers to.
    fn schema<T: ToSchema>(&mut self) -> Ref {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(T::name())
    }
}

fn named(
    examples: impl IntoIterator<Item = Example>,
) -> impl Iterator<Item = (String, utoipa::openapi::example::Example)> {
    examples.into_iter().map(|(name, summary, value)| {
        (name.to_owned(), ExampleBuilder::new().summary(summary).value(Some(value)).build())
    })
}

/// Headers of an answer.
pub(crate) const SETS_COOKIES: &[&str] = &[SET_COOKIE];
/// Headers of an answer.
pub(crate) const CACHEABLE: &[&str] = &[CACHE_CONTROL];
