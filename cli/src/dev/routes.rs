//! Which route a request takes, as API Gateway decides it for HTTP APIs.
//!
//! A full match comes before a greedy `{proxy+}`, and that before `$default`. Among full matches a literal segment is more specific than a
//! parameter, and a method than `ANY`. `HEAD` is a method like any other: it is not answered by a `GET` route.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

/// `$default`, or a method and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RouteKey {
    text: String,
    pattern: Option<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// `None` is `ANY`.
    method: Option<String>,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

/// A `RouteKey` that API Gateway would not take.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no route key: it must be `$default` or `METHOD /path`")]
pub(crate) struct InvalidRouteKey(String);

/// Lower is more specific.
type Rank = (Vec<u8>, bool);

impl std::str::FromStr for RouteKey {
    type Err = InvalidRouteKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidRouteKey(text.to_owned());
        if text == "$default" {
            return Ok(Self { text: text.to_owned(), pattern: None });
        }
        let (method, path) = text.split_once(' ').ok_or_else(invalid)?;
        let path = path.strip_prefix('/').ok_or_else(invalid)?;
        let segments = path.split('/').map(segment).collect();
        let method = (method != "ANY").then(|| method.to_owned());
        Ok(Self { text: text.to_owned(), pattern: Some(Pattern { method, segments }) })
    }
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        None => Segment::Literal(text.to_owned()),
        Some(name) => match name.strip_suffix('+') {
            Some(name) => Segment::Greedy(name.to_owned()),
            None => Segment::Parameter(name.to_owned()),
        },
    }
}

impl RouteKey {
    /// The key as the template spells it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    fn allows(&self, method: &str) -> bool {
        let expected = self.pattern.as_ref().and_then(|pattern| pattern.method.as_deref());
        expected.is_none_or(|expected| expected == method)
    }

    fn matches(&self, path: &str) -> Option<(Rank, BTreeMap<String, String>)> {
        let Some(pattern) = &self.pattern else {
            return Some(((vec![3], true), BTreeMap::new()));
        };
        let (specificity, parameters) = pattern.captures(path)?;
        Some(((specificity, pattern.method.is_none()), parameters))
    }
}

impl Pattern {
    /// The first number says full (0) or greedy (1) match, each further one how specific a segment is.
    fn captures(&self, path: &str) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
        let mut specificity = vec![0];
        let mut parameters = BTreeMap::new();
        let mut rest = Some(path.strip_prefix('/')?);
        for segment in &self.segments {
            let remaining = rest?;
            let (current, after) =
                remaining.split_once('/').map_or((remaining, None), |(current, after)| (current, Some(after)));
            rest = after;
            match segment {
                Segment::Literal(expected) if *expected == decoded(current) => specificity.push(0),
                Segment::Parameter(name) if !current.is_empty() => {
                    parameters.insert(name.clone(), decoded(current));
                    specificity.push(1);
                }
                Segment::Greedy(name) if !remaining.is_empty() => {
                    parameters.insert(name.clone(), decoded(remaining));
                    specificity[0] = 1;
                    specificity.push(2);
                    rest = None;
                }
                _ => return None,
            }
        }
        rest.is_none().then_some((specificity, parameters))
    }
}

/// Percent-decoded, as API Gateway hands paths on.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// All routes of an API, each with where it leads.
pub(crate) struct Routes<T>(Vec<(RouteKey, T)>);

/// The route that a request takes.
pub(crate) struct Found<'r, T> {
    pub(crate) key: &'r RouteKey,
    pub(crate) target: &'r T,
    /// Decoded.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl<T> Routes<T> {
    /// Finds the most specific route for a method and a path that is still percent-encoded.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Found<'_, T>> {
        self.most_specific(path, |key| key.allows(method))
    }

    /// Where the most specific route for a path leads, whatever its method.
    pub(crate) fn at(&self, path: &str) -> Option<&T> {
        self.most_specific(path, |_| true).map(|found| found.target)
    }

    fn most_specific(&self, path: &str, is_candidate: impl Fn(&RouteKey) -> bool) -> Option<Found<'_, T>> {
        let candidates = self.0.iter().filter(|(key, _)| is_candidate(key)).filter_map(|(key, target)| {
            let (rank, parameters) = key.matches(path)?;
            Some((rank, Found { key, target, parameters }))
        });
        candidates.min_by(|(left, _), (right, _)| left.cmp(right)).map(|(_, found)| found)
    }
}

impl<T> FromIterator<(RouteKey, T)> for Routes<T> {
    fn from_iter<I: IntoIterator<Item = (RouteKey, T)>>(routes: I) -> Self {
        Self(routes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Routes<()> {
        keys.iter().map(|key| (key.parse().unwrap(), ())).collect()
    }

    #[test]
    fn the_most_specific_route_wins() {
        let all = routes(&[
            "$default",
            "ANY /pets/{proxy+}",
            "GET /pets/{id}",
            "ANY /pets/{id}",
            "GET /pets/dog",
            "GET /pets/{id}/toys",
            "GET /{proxy+}",
            "POST /",
        ]);
        let cases = [
            ("GET", "/pets/dog", "GET /pets/dog"),
            ("GET", "/pets/d%6Fg", "GET /pets/dog"),
            ("GET", "/pets/cat", "GET /pets/{id}"),
            ("PUT", "/pets/cat", "ANY /pets/{id}"),
            ("HEAD", "/pets/cat", "ANY /pets/{id}"),
            ("GET", "/pets/cat/toys", "GET /pets/{id}/toys"),
            ("GET", "/pets/cat/food", "ANY /pets/{proxy+}"),
            ("GET", "/pets/", "GET /{proxy+}"),
            ("GET", "/other", "GET /{proxy+}"),
            ("HEAD", "/other", "$default"),
            ("POST", "/", "POST /"),
            ("GET", "/", "$default"),
        ];
        for (method, path, expected) in cases {
            assert_eq!(all.find(method, path).map(|found| found.key.as_str()), Some(expected), "{method} {path}");
        }
    }

    #[test]
    fn what_no_route_names_is_not_found() {
        let all = routes(&["GET /sessions", "DELETE /sessions/{session_id}"]);
        for (method, path) in [
            ("HEAD", "/sessions"),
            ("POST", "/sessions"),
            ("GET", "/sessions/"),
            ("GET", "//sessions"),
            ("GET", "/Sessions"),
            ("DELETE", "/sessions/"),
            ("DELETE", "/sessions/a/b"),
            ("GET", "sessions"),
            ("OPTIONS", "*"),
        ] {
            assert!(all.find(method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn path_parameters_are_decoded() {
        let all = routes(&["GET /a/{one}/{two}", "GET /files/{path+}"]);
        let found = all.find("GET", "/a/x%20y/%C3%A9").unwrap();
        assert_eq!(
            found.parameters,
            BTreeMap::from([("one".to_owned(), "x y".to_owned()), ("two".to_owned(), "é".to_owned())])
        );
        assert_eq!(all.find("GET", "/files/a/b%20c").unwrap().parameters["path"], "a/b c");
    }

    #[test]
    fn a_route_key_needs_a_method_and_a_path() {
        for text in ["", "GET", "GET path", "/path"] {
            assert_eq!(text.parse::<RouteKey>(), Err(InvalidRouteKey(text.to_owned())));
        }
    }
}
