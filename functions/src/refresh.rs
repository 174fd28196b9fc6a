//! `POST /refresh`: a new access token, and the successor of the refresh token.
//!
//! The decisions are [`shared::protocol`]'s; here each becomes an answer. The rotation and the look at the user happen at the
//! same time, in one round trip, so a user who is disabled may still have a dead session rotated; nothing is handed out.

use serde_json::json;
use shared::{
    application::{Application, TokenDelivery},
    audit::{self, Action},
    gate,
    http::{
        Cookies, ErrorFormat, RefreshRequest, Request, Response, TokenResponse, check_cross_site,
        presented_refresh_token, token_response,
    },
    issuer::Issuer,
    note,
    problem::Problem,
    protocol::{self, Ending, Reuse, Transition},
    refresh_token::RefreshToken,
    session::{Device, RevocationReason, Session},
    store::{Applications, Sessions, StoreError, Users, Written},
    user::User,
    world::{Timestamp, World},
};
use utoipa::openapi::{HttpMethod, Required};

use crate::openapi::{ACCESS_TOKEN, Operation, REFRESH_COOKIE, REFRESH_TOKEN, SETS_COOKIES};

/// What became of the presented token.
#[expect(clippy::large_enum_variant, reason = "there is one of it in a request, and it does not travel far")]
enum Outcome {
    /// Case A, B or C, or a token that does not rotate: tokens are handed out.
    Granted(Action, Session, User),
    /// Cases D to G: they are not.
    Refused(Action, Ended),
}

/// Whether a refusal is the session's definite end, so that its cookies may go.
#[derive(PartialEq, Eq)]
enum Ended {
    Definitely,
    NotForEveryone,
}

/// Answers 200 with tokens, in the body or in cookies; 401 `invalid_grant`; 503 if the store can't say, and then the same
/// token is safe to send again.
pub async fn handle(
    request: Request,
    applications: &Applications,
    sessions: &Sessions,
    users: &Users,
    issuer: &Issuer,
    cookies: Cookies,
    world: &impl World,
) -> Result<Response, Problem> {
    note::refresh_begins();
    let now = world.now();
    let application = gate::application(&request, applications, now).await?;
    if application.delivery == TokenDelivery::Cookie || cookies.refresh(request.headers())?.is_some() {
        check_cross_site(&request, &application)?;
    }
    let Some((presented, from_cookie)) = presented_refresh_token(&request, cookies)? else {
        return Err(match application.delivery {
            TokenDelivery::Cookie => Problem::InvalidGrant,
            TokenDelivery::Body => Problem::field("refresh_token", "required", "is required"),
        });
    };
    let Some(token) = issuer.sealing().open(presented.expose(), now).await? else {
        audit::record(&request.event(Action::Unacceptable, &application, now));
        return Err(Problem::InvalidGrant);
    };
    note::session(token.user_key, token.session_id);

    match redeem(&token, &application, sessions, users, &request.device(), now).await? {
        Outcome::Granted(action, session, user) => {
            let mut tokens = issuer.issue(&session, &user, &application, now, world).await?;
            if !application.refresh.rotation {
                tokens.refresh = None;
            }
            audit::record(&request.event(action, &application, now).of_session(&session));
            token_response(&tokens, &application, cookies)
        }
        Outcome::Refused(action, ended) => {
            let event = request.event(action, &application, now);
            audit::record(&event.of_user(token.user_key).of_session_id(token.session_id));
            let response = Response::from_problem(&Problem::InvalidGrant, ErrorFormat::Problem);
            let clear = from_cookie && ended == Ended::Definitely;
            Ok(if clear { response.with_cookies(cookies.clear()) } else { response })
        }
    }
}

/// Runs the protocol: one round trip for all cases but C, D and E, which take a second write.
async fn redeem(
    token: &RefreshToken,
    application: &Application,
    sessions: &Sessions,
    users: &Users,
    device: &Device,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    if !application.refresh.rotation {
        return use_again(token, application, sessions, users, now).await;
    }
    let (written, user) = tokio::try_join!(
        sessions.rotate(token, application.id, &application.refresh, device, now),
        users.find(token.user_key),
    )?;
    let found = match written {
        Written::Done(session) => return Ok(granted(Action::Rotated, session, user)),
        Written::Refused(found) => found,
    };
    let (transition, session, user) = match judge(token, application, found, user, now) {
        Ok(judged) => judged,
        Err(ending) => return Ok(refused(ending)),
    };
    if transition != Transition::Late {
        return conclude(transition, session, user, sessions, now).await;
    }
    match sessions.displace(token, &session, &application.refresh, device, now).await? {
        Written::Done(session) => Ok(granted(Action::Recovered, session, Some(user))),
        // Somebody else was quicker: another copy of this request, or the successor itself.
        Written::Refused(found) => match judge(token, application, found, Some(user), now) {
            Ok((transition, session, user)) => conclude(transition, session, user, sessions, now).await,
            Err(ending) => Ok(refused(ending)),
        },
    }
}

/// The way of applications without rotation: the one token is good until it expires, and nothing is written.
async fn use_again(
    token: &RefreshToken,
    application: &Application,
    sessions: &Sessions,
    users: &Users,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    let (found, user) =
        tokio::try_join!(sessions.find(token.user_key, token.session_id, true), users.find(token.user_key))?;
    match judge(token, application, found, user, now) {
        // Only an application that rotated until lately has predecessors; while their successor is unused they are as good.
        Ok((Transition::Current | Transition::Repeated | Transition::Late, session, user)) => {
            Ok(Outcome::Granted(Action::Used, session, user))
        }
        Ok((transition, session, user)) => conclude(transition, session, user, sessions, now).await,
        Err(ending) => Ok(refused(ending)),
    }
}

/// What the protocol says of a token and the session and user that were found for it, unless either is over (case G).
fn judge(
    token: &RefreshToken,
    application: &Application,
    found: Option<Session>,
    user: Option<User>,
    now: Timestamp,
) -> Result<(Transition, Session, User), Ending> {
    let session = found.ok_or(Ending::Absent)?;
    let transition = protocol::transition(token.position, application.id, &session, &application.refresh, now);
    match (transition, user) {
        (Transition::Ended(ending), _) => Err(ending),
        (transition, Some(user)) if user.honours(session.epoch) => Ok((transition, session, user)),
        _ => Err(Ending::User),
    }
}

/// Turns a transition that needs no further condition into an outcome.
async fn conclude(
    transition: Transition,
    session: Session,
    user: User,
    sessions: &Sessions,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    match transition {
        Transition::Repeated => Ok(Outcome::Granted(Action::Repeated, session, user)),
        Transition::Reused(reuse) => {
            let reason = RevocationReason::Reuse;
            sessions.end(session.user_key, session.session_id, Some(session.application_id), reason, now).await?;
            let action = match reuse {
                Reuse::LatePredecessor => Action::LateReuse,
                Reuse::Superseded => Action::Reuse,
            };
            Ok(Outcome::Refused(action, Ended::Definitely))
        }
        Transition::Ahead => Ok(Outcome::Refused(Action::AheadOfTable, Ended::NotForEveryone)),
        // A write was refused for a session that now looks as if it would not be: it is changing under our hands.
        Transition::Current | Transition::Late | Transition::Ended(_) => {
            Err(StoreError::Unavailable("the session changed while it was looked at".into()))
        }
    }
}

/// Tokens for `session`, if its user still stands. The rotation that went before hands nothing out otherwise.
fn granted(action: Action, session: Session, user: Option<User>) -> Outcome {
    match user {
        Some(user) if user.honours(session.epoch) => Outcome::Granted(action, session, user),
        _ => refused(Ending::User),
    }
}

/// Case G. Another application's token is refused here, but its session goes on. A session that was replaced is over, but the
/// browser that has its token has the newer cookies too, or is about to.
fn refused(ending: Ending) -> Outcome {
    let ended = match ending {
        Ending::OtherApplication | Ending::Replaced => Ended::NotForEveryone,
        Ending::Absent | Ending::Revoked | Ending::Expired | Ending::User => Ended::Definitely,
    };
    Outcome::Refused(Action::Refused, ended)
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let body = json!({"refresh_token": REFRESH_TOKEN});
    let rotated = json!({
        "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 1200,
        "refresh_token": REFRESH_TOKEN, "refresh_expires_in": 259_200,
    });
    let kept = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600});
    let cookies = json!({"token_type": "Bearer", "expires_in": 1200, "refresh_expires_in": 259_200});
    let examples = [
        ("body", "Delivery `body`", rotated),
        ("noRotation", "Delivery `body`, without rotation", kept),
        ("cookie", "Delivery `cookie`: two cookies", cookies),
    ];
    vec![
        Operation::new("refresh", HttpMethod::Post, "/api/v1/auth/refresh", "tokens")
            .says(
                "Get the next tokens",
                "The refresh token comes as its cookie, without a body, or in the body. Store the new one before the new access token is used. \
                 After 503, a timeout or a broken connection the same token may be sent again; after 401 the user has to sign in.",
            )
            .of_application([REFRESH_COOKIE, ""])
            .reads::<RefreshRequest>(Required::False, [("token", "The refresh token, if it is no cookie", body)])
            .answers::<TokenResponse<'_>>(200, "New tokens.", examples, SETS_COOKIES)
            .refuses([Problem::InvalidGrant, Problem::OriginNotAllowed])
            .clears_cookies_with(401),
    ]
}
