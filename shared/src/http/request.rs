//! A request as handlers see it.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::{
    Body, RequestExt,
    http::{HeaderMap, Method, header, request::Parts},
    request::{LambdaRequest, RequestContext},
};

use utoipa::ToSchema;

use super::{Members, json};
use crate::{
    application::Application,
    audit::{Action, Event, Origin},
    note::Note,
    problem::Problem,
    session::Device,
    world::Timestamp,
};

/// The largest body that any endpoint reads, in bytes. The longest valid one is a tenth of it.
const MAX_BODY: usize = 64 * 1024;

/// Query parameters that would be credentials. They end up in histories and logs, so that they are refused and not
/// merely ignored (RFC 9700 §4.3.2).
const FORBIDDEN_IN_QUERY: [&str; 8] =
    ["access_token", "api-key", "api_key", "apikey", "client_secret", "refresh_token", "token", "user_secret"];

/// Request headers.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a>(pub(super) &'a HeaderMap);

impl Headers<'_> {
    /// A header's value; bytes that are no text are replaced. Repeated headers are joined with commas, as API Gateway does.
    #[must_use]
    pub fn get(self, name: &str) -> Option<String> {
        let values = self.0.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.map(Cow::into_owned).reduce(|joined, value| format!("{joined},{value}"))
    }
}

/// A form that hands in a token (RFC 7662 §2.1, RFC 7009 §2.1). `token_type_hint` may come along, and is not needed.
#[derive(Debug, PartialEq, Eq, ToSchema)]
pub struct TokenParameter {
    /// An access or refresh token.
    pub token: String,
}

/// An HTTP request that came through API Gateway.
pub struct Request {
    parts: Parts,
    body: Body,
}

/// The event without what `lambda_http` would make an address of, which panics where host, scheme, path or query are no parts
/// of one, as it does of a body that is not the Base64 that it is said to be. Nothing reads the address; the query is read
/// from its parameters.
pub(super) fn without_address(event: LambdaRequest) -> LambdaRequest {
    let mut request = match event {
        LambdaRequest::ApiGatewayV2(request) => request,
        other => return other,
    };
    if let Some(query) = request.raw_query_string.take()
        && let Ok(parameters) = query.parse()
    {
        request.query_string_parameters = parameters;
    }
    request.headers.remove(header::HOST);
    request.headers.remove("x-forwarded-proto");
    request.request_context.domain_name = None;
    request.raw_path = None;
    let is_base64 = |body: &String| STANDARD.decode(body).is_ok();
    request.is_base64_encoded &= request.body.as_ref().is_some_and(is_base64);
    LambdaRequest::ApiGatewayV2(request)
}

impl From<lambda_http::Request> for Request {
    fn from(event: lambda_http::Request) -> Self {
        let (parts, body) = event.into_parts();
        Self { parts, body }
    }
}

impl Request {
    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.parts.method
    }

    /// Whether the method may change something (RFC 9110 §9.2.1).
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        !self.method().is_safe()
    }

    /// The part of the path that the route calls `name`, decoded.
    #[must_use]
    pub fn path_parameter(&self, name: &str) -> Option<String> {
        self.parts.path_parameters().first(name).map(str::to_owned)
    }

    /// A query parameter. A repeated one is joined with commas, as API Gateway does with headers: it is not what either says.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        self.parts.query_string_parameters().all(name).map(|values| values.join(","))
    }

    /// A header's value, as [`Headers::get`] reads it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers().get(name)
    }

    /// All headers.
    #[must_use]
    pub const fn headers(&self) -> Headers<'_> {
        Headers(&self.parts.headers)
    }

    /// The application's key.
    ///
    /// # Errors
    ///
    /// If a credential stands in the query string. This is asked of every request before anything else.
    pub fn api_key(&self) -> Result<Option<String>, Problem> {
        self.refuse_credentials_in_query()?;
        Ok(self.header("api-key"))
    }

    /// Nothing, unless a credential stands in the query string.
    ///
    /// # Errors
    ///
    /// If one does.
    pub fn refuse_credentials_in_query(&self) -> Result<(), Problem> {
        let query = self.parts.query_string_parameters();
        if query.iter().any(|(name, _)| FORBIDDEN_IN_QUERY.contains(&name.to_ascii_lowercase().as_str())) {
            return Err(Problem::InvalidRequest("credentials may not stand in the query string"));
        }
        Ok(())
    }

    /// The bytes of the body.
    ///
    /// # Errors
    ///
    /// If there are more than any endpoint reads.
    pub fn body(&self) -> Result<&[u8], Problem> {
        let body = self.body.as_ref();
        if body.len() > MAX_BODY { Err(Problem::BodyTooLarge) } else { Ok(body) }
    }

    /// Whether there is a body, however large.
    #[must_use]
    pub fn has_body(&self) -> bool {
        !self.body.as_ref().is_empty()
    }

    /// Whether the body says that it is of `media_type`, whatever its parameters.
    #[must_use]
    pub fn is_of_type(&self, media_type: &str) -> bool {
        let stated = self.header("content-type").unwrap_or_default();
        stated.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
    }

    /// The members of the JSON object in the body.
    ///
    /// # Errors
    ///
    /// If the body is not labelled as JSON, is too large, or is not one well-formed object.
    pub fn json(&self) -> Result<Members, Problem> {
        let body = self.body()?;
        if !self.is_of_type("application/json") {
            return Err(Problem::UnsupportedMediaType("application/json"));
        }
        json::parse(body)
    }

    /// The parameter `token` of a form body, as RFC 7662 §2.1 and RFC 7009 §2.1 have it.
    ///
    /// # Errors
    ///
    /// If the body is not a form (`application/x-www-form-urlencoded`), or has no token, or two (RFC 6749 §3.2).
    pub fn token_parameter(&self) -> Result<TokenParameter, Problem> {
        let body = self.body()?;
        if !self.is_of_type("application/x-www-form-urlencoded") {
            return Err(Problem::UnsupportedMediaType("application/x-www-form-urlencoded"));
        }
        let mut tokens = form_urlencoded::parse(body).filter(|(name, _)| name == "token");
        let token = tokens.next().ok_or(Problem::InvalidRequest("the parameter `token` is required"))?;
        if tokens.next().is_some() {
            return Err(Problem::InvalidRequest("a parameter is there twice"));
        }
        Ok(TokenParameter { token: token.1.into_owned() })
    }

    /// What is kept of the sender with a session.
    #[must_use]
    pub fn device(&self) -> Device {
        Device::new(self.header("user-agent").as_deref(), self.source_ip().as_deref())
    }

    /// Something that this request did, for the audit log.
    #[must_use]
    pub fn event(&self, event: Action, application: &Application, time: Timestamp) -> Event {
        let origin = Origin { request_id: self.request_id(), source_ip: self.source_ip() };
        Event::new(event, time, origin).of_application(application.id)
    }

    /// Which request it is, for the log.
    pub(super) fn note(&self) -> Note {
        let context = self.parts.lambda_context_ref();
        let trace = context.and_then(|context| context.xray_trace_id.as_deref());
        Note::new(self.request_id(), trace).on_route(self.route())
    }

    /// The address that the gateway saw. `X-Forwarded-For` is the caller's to forge and is not looked at.
    #[must_use]
    pub fn source_ip(&self) -> Option<String> {
        self.context().and_then(|context| context.http.source_ip.clone())
    }

    /// The gateway's id of the request.
    #[must_use]
    pub fn request_id(&self) -> String {
        self.context().and_then(|context| context.request_id.clone()).unwrap_or_default()
    }

    /// The route that matched: method and path as the template writes them.
    #[must_use]
    pub fn route(&self) -> String {
        self.context().and_then(|context| context.route_key.clone()).unwrap_or_default()
    }

    fn context(&self) -> Option<&lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext> {
        match self.parts.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => Some(context),
            _ => None,
        }
    }
}
