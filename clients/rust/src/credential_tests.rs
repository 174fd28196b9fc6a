use http::Request;

use super::*;

const PAGE: &str = "https://app.example.com";

fn request(method: &str, headers: &[(&str, &str)]) -> Request<()> {
    let request = headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
    request.method(method).uri("/orders?x=access_token").body(()).unwrap()
}

fn policy() -> CookiePolicy {
    CookiePolicy::new(true, vec![PAGE.to_owned()])
}

/// In short: the token, or the code of the refusal.
fn outcome(request: &Request<()>, cookies: Option<&CookiePolicy>) -> String {
    match access_token(request, cookies) {
        Ok(token) => token.unwrap_or_else(|| "none".into()),
        Err(refusal) => format!("{refusal:?}").split('(').next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn an_authorization_header_holds_one_bearer_token() {
    for (header, expected) in [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
        ("Bearer a.b-c_D9", "a.b-c_D9"),
        ("Bearer abc,Bearer def", "InvalidRequest"),
        ("Bearer abc, Bearer def", "InvalidRequest"),
        ("Bearer abc def", "InvalidRequest"),
        ("Bearer\tabc", "InvalidRequest"),
        ("Bearer abc\tdef", "InvalidRequest"),
        ("Basic YTpi, Bearer abc", "InvalidRequest"),
        ("Bearer", "InvalidToken"),
        ("Bearer ", "InvalidToken"),
        ("Basic YTpi", "InvalidToken"),
        ("", "InvalidToken"),
        ("abc", "InvalidToken"),
        ("Bearer a$c", "InvalidToken"),
        ("Bearer abc=", "InvalidToken"),
    ] {
        assert_eq!(outcome(&request("GET", &[("authorization", header)]), None), expected, "{header:?}");
    }
    let twice = [("authorization", "Bearer abc"), ("authorization", "Bearer abc")];
    assert_eq!(outcome(&request("GET", &twice), None), "InvalidRequest");
    assert_eq!(outcome(&request("GET", &[]), None), "none");
}

#[test]
fn no_token_belongs_into_the_address() {
    for query in ["access_token=abc", "a=b&access_token=", "%61ccess_token=abc"] {
        let request = Request::builder().uri(format!("/?{query}")).body(()).unwrap();
        assert_eq!(outcome(&request, None), "InvalidRequest", "{query}");
    }
}

#[test]
fn a_cookie_counts_where_it_is_accepted_and_never_beside_another_token() {
    let cookie = ("cookie", "a=b; __Host-access_token=abc; c=d");
    assert_eq!(outcome(&request("GET", &[cookie]), None), "none");
    for (headers, expected) in [
        (vec![cookie], "abc"),
        (vec![("cookie", "__Host-access_token=\"abc\"")], "abc"),
        (vec![("cookie", "access_token=abc")], "none"),
        (vec![("cookie", "x__Host-access_token=abc")], "none"),
        (vec![("cookie", "__Host-access_token=")], "none"),
        (vec![("cookie", "__Host-access_token=a$c")], "InvalidToken"),
        (vec![cookie, ("authorization", "Bearer abc")], "abc"),
        (vec![cookie, ("authorization", "Bearer other")], "InvalidRequest"),
        (vec![cookie, ("authorization", "Basic YTpi")], "InvalidToken"),
        (vec![cookie, cookie], "abc"),
        (vec![cookie, ("cookie", "__Host-access_token=other")], "InvalidRequest"),
        (vec![("cookie", "__Host-access_token=abc; __Host-access_token=")], "InvalidRequest"),
    ] {
        assert_eq!(outcome(&request("GET", &headers), Some(&policy())), expected, "{headers:?}");
    }
    let local = CookiePolicy::new(false, Vec::new());
    assert_eq!(outcome(&request("GET", &[("cookie", "access_token=abc")]), Some(&local)), "abc");
}

#[test]
fn what_changes_something_by_cookie_comes_from_a_page_that_may() {
    let cookie = ("cookie", "__Host-access_token=abc");
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(outcome(&request(method, &[cookie]), Some(&policy())), "abc", "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
        for (headers, expected) in [
            (vec![cookie, ("origin", PAGE)], "abc"),
            (vec![cookie], "OriginNotAllowed"),
            (vec![cookie, ("origin", "null")], "OriginNotAllowed"),
            (vec![cookie, ("origin", "http://app.example.com")], "OriginNotAllowed"),
            (vec![cookie, ("origin", "https://app.example.com.evil.example")], "OriginNotAllowed"),
            (vec![cookie, ("origin", PAGE), ("origin", "https://evil.example")], "OriginNotAllowed"),
            (vec![cookie, ("authorization", "Bearer abc")], "abc"),
            (vec![("origin", "https://evil.example")], "none"),
        ] {
            assert_eq!(outcome(&request(method, &headers), Some(&policy())), expected, "{method} {headers:?}");
        }
    }
}
