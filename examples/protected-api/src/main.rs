//! An API of a team's own, behind Gatelet's authorizers: how a function learns who is calling.
//!
//! The authorizer has verified the access token, so there is nothing left to check here: no key, no library, no database. What it found out
//! arrives as `requestContext.authorizer.lambda`. Behind the *required* authorizer (`GET /orders`) there always is a `user_key`; behind the
//! *optional* one (`GET /catalogue`) its absence means that the caller is anonymous, who sees a part of the list. A bad token reaches neither.
//!
//! Behind API Gateway's own JWT authorizer (`GET /invoices`) it is the token's claims, as `requestContext.authorizer.jwt`: each as text,
//! and `sub` is the user's key. Whether the session is still alive, nobody has asked.
//!
//! Never take an identity from anything else in the event: headers, cookies and the body are the caller's to write.

use lambda_http::request::RequestContext;
use lambda_http::{Body, Error, Request, RequestExt, Response, run, service_fn};
use serde_json::{Map, Value, json};

/// What everybody may see.
const ON_SHOW: [&str; 3] = ["Brass kettle", "Teal teapot", "Tin whistle"];
/// What signed-in users see as well.
const FOR_MEMBERS: [&str; 3] = ["Amber lantern", "Copper comet", "Singing kettle"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|request: Request| async move { greet(&request) })).await
}

fn greet(request: &Request) -> Result<Response<Body>, Error> {
    let context = authorizer_context(request);
    let user = context.get("user_key").or_else(|| context.get("sub")).and_then(Value::as_str).unwrap_or("stranger");
    let mut body = json!({ "hello": user, "context": context });
    if request.uri().path() == "/catalogue" {
        let members_only: &[_] = if context.contains_key("user_key") { &FOR_MEMBERS } else { &[] };
        body["items"] = json!([&ON_SHOW, members_only].concat());
    }
    Ok(Response::builder().header("content-type", "application/json").body(body.to_string().into())?)
}

/// What the authorizer says about the caller; empty without one.
fn authorizer_context(request: &Request) -> Map<String, Value> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return Map::new();
    };
    let Some(authorizer) = context.authorizer.as_ref() else {
        return Map::new();
    };
    let claims = authorizer.jwt.iter().flat_map(|jwt| &jwt.claims);
    let claims = claims.map(|(name, claim)| (name.clone(), claim.clone().into()));
    authorizer.fields.clone().into_iter().chain(claims).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The greeting for an event as API Gateway sends it.
    fn greeting(authorizer: &Value) -> Value {
        answer("/orders", authorizer)
    }

    fn answer(path: &str, authorizer: &Value) -> Value {
        let event = json!({
            "version": "2.0",
            "routeKey": format!("GET {path}"),
            "rawPath": path,
            "headers": {"host": "localhost"},
            "requestContext": {
                "http": {"method": "GET", "path": path},
                "stage": "$default",
                "timeEpoch": 0,
                "authorizer": authorizer,
            },
            "isBase64Encoded": false,
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        serde_json::from_slice(greet(&request).unwrap().body()).unwrap()
    }

    #[test]
    fn a_user_is_greeted_by_key() {
        let context = json!({"user_key": "7f3c", "scope": "orders:read"});
        assert_eq!(greeting(&json!({"lambda": context})), json!({"hello": "7f3c", "context": context}));
    }

    #[test]
    fn a_member_sees_more_of_the_catalogue() {
        let items = |authorizer| answer("/catalogue", &authorizer)["items"].as_array().unwrap().len();
        assert_eq!(items(json!({"lambda": {"authenticated": false}})), ON_SHOW.len());
        assert_eq!(items(json!({"lambda": {"user_key": "7f3c"}})), ON_SHOW.len() + FOR_MEMBERS.len());
    }

    #[test]
    fn the_claims_of_a_native_authorizer_count() {
        let claims = json!({"sub": "7f3c", "scope": "orders:read"});
        let authorizer = json!({"jwt": {"claims": claims, "scopes": null}});
        assert_eq!(greeting(&authorizer), json!({"hello": "7f3c", "context": claims}));
    }

    #[test]
    fn anybody_else_is_a_stranger() {
        for authorizer in [json!({"lambda": {}}), Value::Null] {
            assert_eq!(greeting(&authorizer), json!({"hello": "stranger", "context": {}}), "{authorizer}");
        }
    }
}
