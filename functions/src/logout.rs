//! `DELETE /logout`, `POST /logout`: ends the session, refresh and access token alike.

use serde::Serialize;
use serde_json::json;
use shared::{
    access_token::Claims,
    application::Application,
    audit::{self, Action},
    gate::{self, TokenGate},
    http::{
        Always, Cookies, ErrorFormat, RefreshRequest, Request, Response, check_cross_site, presented_refresh_token,
    },
    ids::{ApplicationId, SessionId, UserKey},
    keyring::SealingRing,
    note,
    problem::Problem,
    refresh_token::RefreshToken,
    session::RevocationReason,
    store::{Applications, Ended, Sessions},
    world::{Timestamp, World},
};
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, Required},
};

use crate::openapi::{ACCESS_COOKIE, BEARER, Operation, REFRESH_COOKIE, REFRESH_TOKEN, SETS_COOKIES};

/// What was to end has ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct Revoked {
    #[schema(inline)]
    pub(crate) revoked: Always<true>,
}

/// Answers 200 whether the session still lived or not; 401 if nothing valid was presented. Either way the cookies go,
/// unless a foreign page asked.
pub async fn handle(
    request: Request,
    applications: &Applications,
    sessions: &Sessions,
    gate: &TokenGate,
    sealing: &SealingRing,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let application = gate::application(&request, applications, now).await?;
    let cookies = gate.cookies();
    let by_refresh = presented(&request, &application, cookies, sealing, now).await?;
    let by_access = match gate.claims(&request, &application, now).await {
        // An expired access token beside a good refresh token is how most sign-outs look.
        Err(Problem::InvalidToken(_)) => None,
        other => other?,
    };
    let (mut valid, mut foreign_session) = (false, false);
    for (user_key, session_id, owner) in targets(by_access.as_ref(), by_refresh.as_ref(), &application) {
        note::session(user_key, session_id);
        let reason = RevocationReason::Logout;
        let ended = sessions.end(user_key, session_id, owner, reason, now).await?;
        valid |= ended != Ended::OtherApplication;
        foreign_session |= ended == Ended::OtherApplication;
        if ended == Ended::Now {
            let event = request.event(Action::SessionEnded, &application, now);
            audit::record(&event.of_user(user_key).of_session_id(session_id).because(reason));
        }
    }
    if valid {
        return Ok(Response::json(200, &Revoked { revoked: Always })?.with_cookies(cookies.clear()));
    }
    let response = Response::from_problem(&Problem::InvalidToken("no valid token was presented"), ErrorFormat::Problem);
    // A form of a foreign page sends no cookie (`SameSite`), but its browser would drop those that the answer clears.
    let foreign_page = request.header("origin").is_some_and(|origin| !application.allows_origin(&origin));
    Ok(if foreign_page || foreign_session { response } else { response.with_cookies(cookies.clear()) })
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let both = [("logout", HttpMethod::Delete), ("logoutPost", HttpMethod::Post)];
    let body = || [("token", "The refresh token, if it is no cookie", json!({"refresh_token": REFRESH_TOKEN}))];
    let revoked = || [("revoked", "The session is over", json!({"revoked": true}))];
    let operation = |(id, method)| {
        Operation::new(id, method, "/api/v1/auth/logout", "tokens")
            .says(
                "Sign out",
                "Present the access token, the refresh token, or both. Any genuine refresh token of the session will do, and an expired \
                 access token beside one is fine. The session ends with all its tokens, and both cookies are cleared.",
            )
            .of_application([BEARER, ACCESS_COOKIE, REFRESH_COOKIE, ""])
            .reads::<RefreshRequest>(Required::False, body())
            .answers::<Revoked>(200, "The session is over, now or since before.", revoked(), SETS_COOKIES)
            .refuses([Problem::InvalidToken("no valid token was presented"), Problem::OriginNotAllowed])
            .clears_cookies_with(401)
    };
    both.map(operation).into()
}

/// The refresh token that was presented, if it is one.
async fn presented(
    request: &Request,
    application: &Application,
    cookies: Cookies,
    sealing: &SealingRing,
    now: Timestamp,
) -> Result<Option<RefreshToken>, Problem> {
    if cookies.refresh(request.headers())?.is_some() {
        check_cross_site(request, application)?;
    }
    match presented_refresh_token(request, cookies)? {
        Some((text, _)) => Ok(sealing.open(text.expose(), now).await?),
        None => Ok(None),
    }
}

/// The sessions to end: one, unless the two tokens are of different ones. A refresh token counts only for the application
/// that it was issued to.
fn targets(
    access: Option<&Claims>,
    refresh: Option<&RefreshToken>,
    application: &Application,
) -> Vec<(UserKey, SessionId, Option<ApplicationId>)> {
    let mut targets = Vec::with_capacity(2);
    targets.extend(access.map(|claims| (claims.sub, claims.sid, None)));
    if let Some(token) = refresh
        && access.is_none_or(|claims| claims.sid != token.session_id)
    {
        targets.push((token.user_key, token.session_id, Some(application.id)));
    }
    targets
}
