//! Cross-origin requests, answered by the gateway alone, as API Gateway does when an HTTP API has a `CorsConfiguration`.
//!
//! A preflight never reaches a function, every other answer gets the headers (errors of the gateway included), and what a function says
//! about CORS itself is thrown away.

use super::resources::CorsConfiguration;
use super::server::Answer;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

/// All headers that belong to CORS in an answer.
const ANSWER_HEADERS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// What the API allows to whom.
pub(crate) struct Cors(CorsConfiguration);

impl Cors {
    pub(crate) fn new(configuration: CorsConfiguration) -> Self {
        Self(configuration)
    }

    /// The answer to a preflight, `None` if the request is none. A preflight that asks for too much gets no headers, which is a no.
    pub(crate) fn preflight(&self, request: &Parts) -> Option<Answer> {
        let asked = request.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
        let origin = request.headers.get(header::ORIGIN)?;
        if request.method != Method::OPTIONS {
            return None;
        }
        let mut answer = Response::new(Full::new(Bytes::new()));
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let allowed =
            self.allowed_origin(origin).filter(|_| self.allows_method(asked) && self.allows_headers(&request.headers));
        if let Some(allowed) = allowed {
            self.grant(answer.headers_mut(), allowed);
            set(answer.headers_mut(), header::ACCESS_CONTROL_ALLOW_METHODS, &self.0.allow_methods.join(","));
            set(answer.headers_mut(), header::ACCESS_CONTROL_ALLOW_HEADERS, &self.0.allow_headers.join(","));
            if let Some(seconds) = self.0.max_age {
                answer.headers_mut().insert(header::ACCESS_CONTROL_MAX_AGE, seconds.into());
            }
        }
        Some(answer)
    }

    /// Puts the headers for `origin` into an answer, and takes away what the function said.
    pub(crate) fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        for name in ANSWER_HEADERS {
            headers.remove(name);
        }
        if let Some(allowed) = origin.and_then(|origin| self.allowed_origin(origin)) {
            self.grant(headers, allowed);
        }
    }

    fn grant(&self, headers: &mut HeaderMap, origin: HeaderValue) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.0.allow_credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.0.expose_headers.join(","));
    }

    /// The value of `Access-Control-Allow-Origin` for an origin. Compared byte for byte: a suffix, a port or another case is another origin,
    /// and `null` is what every sandboxed page on the web sends.
    fn allowed_origin(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        let text = origin.to_str().ok().filter(|text| *text != "null")?;
        self.0.allow_origins.iter().find_map(|allowed| match allowed.as_str() {
            "*" => Some(HeaderValue::from_static("*")),
            "http://*" | "https://*" => text.starts_with(allowed.trim_end_matches('*')).then(|| origin.clone()),
            exact => (exact == text).then(|| origin.clone()),
        })
    }

    fn allows_method(&self, asked: &HeaderValue) -> bool {
        self.0.allow_methods.iter().any(|method| method == "*" || method.as_bytes() == asked.as_bytes())
    }

    fn allows_headers(&self, request: &HeaderMap) -> bool {
        let asked = request.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
        let mut names = asked.flat_map(|value| value.to_str().unwrap_or("?").split(','));
        names.all(|name| {
            self.0.allow_headers.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(name.trim()))
        })
    }
}

/// Sets a header unless its value is empty.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    const ORIGIN: &str = "http://localhost:5173";

    fn cors() -> Cors {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        Cors::new(CorsConfiguration {
            allow_credentials: true,
            allow_headers: list(&["content-type", "api-key"]),
            allow_methods: list(&["GET", "POST"]),
            allow_origins: list(&[ORIGIN, "https://app.example.com"]),
            expose_headers: list(&["retry-after"]),
            max_age: Some(600),
        })
    }

    fn preflight(origin: &str, method: &str, headers: &str) -> Option<Answer> {
        let request = Request::options("/x")
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", headers);
        cors().preflight(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_preflight_of_an_allowed_origin_is_granted() {
        let answer = preflight(ORIGIN, "POST", "Content-Type, api-key").unwrap();
        assert_eq!(answer.status(), 204);
        for (name, value) in [
            ("access-control-allow-origin", ORIGIN),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET,POST"),
            ("access-control-allow-headers", "content-type,api-key"),
            ("access-control-expose-headers", "retry-after"),
            ("access-control-max-age", "600"),
        ] {
            assert_eq!(answer.headers()[name], value, "{name}");
        }
    }

    #[test]
    fn a_preflight_that_asks_for_too_much_gets_no_headers() {
        let asked = [
            ("https://evil.example", "POST", "api-key"),
            ("null", "POST", "api-key"),
            ("http://localhost:51730", "POST", "api-key"),
            ("http://localhost:5173.evil.example", "POST", "api-key"),
            ("https://app.example.com.evil.example", "POST", "api-key"),
            ("HTTPS://APP.EXAMPLE.COM", "POST", "api-key"),
            (ORIGIN, "DELETE", "api-key"),
            (ORIGIN, "POST", "x-other"),
        ];
        for (origin, method, headers) in asked {
            let answer = preflight(origin, method, headers).unwrap();
            assert_eq!((answer.status().as_u16(), answer.headers().len()), (204, 0), "{origin} {method} {headers}");
        }
    }

    #[test]
    fn only_a_preflight_is_answered_as_one() {
        let plain = |request: hyper::http::request::Builder| {
            cors().preflight(&request.body(()).unwrap().into_parts().0).is_none()
        };
        assert!(plain(Request::options("/x").header("origin", ORIGIN)));
        assert!(plain(Request::options("/x").header("access-control-request-method", "GET")));
        assert!(plain(Request::get("/x").header("origin", ORIGIN).header("access-control-request-method", "GET")));
    }

    #[test]
    fn the_gateways_word_replaces_the_functions() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        cors().apply(Some(&HeaderValue::from_static("https://evil.example")), &mut headers);
        assert!(headers.is_empty());

        cors().apply(Some(&HeaderValue::from_static(ORIGIN)), &mut headers);
        assert_eq!(headers["access-control-allow-origin"], ORIGIN);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["access-control-expose-headers"], "retry-after");

        cors().apply(None, &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn wildcards_are_those_of_api_gateway() {
        let allowed = |pattern: &str, origin: &'static str| {
            let cors = Cors::new(CorsConfiguration {
                allow_origins: vec![pattern.to_owned()],
                ..CorsConfiguration::default()
            });
            cors.allowed_origin(&HeaderValue::from_static(origin)).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(allowed("*", "https://a").as_deref(), Some("*"));
        assert_eq!(allowed("https://*", "https://a").as_deref(), Some("https://a"));
        assert_eq!(allowed("https://*", "http://a"), None);
        assert_eq!(allowed("*", "null"), None);
    }
}
