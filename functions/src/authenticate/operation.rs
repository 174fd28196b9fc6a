//! What `docs/openapi.json` says of signing in.

use std::time::Duration;

use serde_json::json;
use shared::{http::TokenResponse, problem::Problem};
use utoipa::openapi::{HttpMethod, ObjectBuilder, Required, Type, path::ParameterIn};

use super::claim::Credentials;
use crate::openapi::{
    ACCESS_TOKEN, DEVICE_TOKEN, Operation, REFRESH_TOKEN, SETS_COOKIES, USER_ID, USER_KEY, USER_SECRET,
};

pub(crate) fn operations() -> Vec<Operation> {
    let credentials = [
        ("name", "By name", json!({"user_id": USER_ID, "user_secret": USER_SECRET, "device_token": DEVICE_TOKEN})),
        ("key", "By id", json!({"user_key": USER_KEY, "user_secret": USER_SECRET})),
    ];
    let body = json!({
        "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 1200,
        "refresh_token": REFRESH_TOKEN, "refresh_expires_in": 259_200, "device_token": DEVICE_TOKEN,
    });
    let cookies = json!({"token_type": "Bearer", "expires_in": 1200, "refresh_expires_in": 259_200});
    let examples = [("body", "Delivery `body`", body), ("cookie", "Delivery `cookie`: three cookies", cookies)];
    let device = "The device token of an application with token delivery `cookie`: `device_token` over plain HTTP on one machine.";
    vec![
        Operation::new("authenticate", HttpMethod::Post, "/api/v1/auth/authenticate", "tokens")
            .says(
                "Sign in with a password",
                "Begins a session. Wrong password, unknown and disabled user are one answer. With cookies, the session of a refresh cookie \
                 that came along is ended: one browser, one session.",
            )
            .of_application([""])
            .takes(ParameterIn::Cookie, "__Secure-device_token", ObjectBuilder::new().schema_type(Type::String), device)
            .reads::<Credentials>(Required::True, credentials)
            .answers::<TokenResponse<'_>>(200, "Signed in.", examples, SETS_COOKIES)
            .refuses([
                Problem::InvalidCredentials,
                Problem::OriginNotAllowed,
                Problem::TooManyAttempts { retry_after: Duration::from_secs(1) },
            ]),
    ]
}
