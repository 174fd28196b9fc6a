//! `POST /authenticate`: signs in with a password.
//!
//! Wrong password, unknown and disabled user get one answer in one time: an unknown user costs the same reads and writes and
//! the same hash as a known one. Who may try at all is said by the submodule `admission`.

mod admission;
mod claim;
mod operation;

use shared::{
    application::{Application, TokenDelivery},
    audit::{self, Action},
    config::Config,
    device_token::DeviceToken,
    gate,
    http::{Cookies, Request, Response, check_cross_site, token_response},
    ids::{DeviceId, SessionId, UserKey},
    issuer::Issuer,
    log,
    password::{Hasher, Password, Verdict},
    problem::Problem,
    refresh_token::RefreshToken,
    secret::Secret,
    session::{RevocationReason, Session},
    store::{Applications, Caller, Ended, Sessions, Throttles, Users},
    throttle::{Guesser, Source},
    user::User,
    world::{Timestamp, World},
};

use admission::{Answer, Attempt};
use claim::Claim;
pub(crate) use operation::operations;

/// What signing in needs beside the stores.
pub struct SignIn {
    issuer: Issuer,
    hasher: Hasher,
    cookies: Cookies,
    max_sessions: usize,
    /// Attempts that one source may make in a window.
    limit: u32,
}

impl SignIn {
    /// As the deployment's settings say.
    #[must_use]
    pub fn new(config: Config, issuer: Issuer) -> Self {
        Self {
            issuer,
            hasher: config.passwords.hasher,
            cookies: config.cookies,
            max_sessions: config.max_sessions,
            limit: config.limits.sign_ins,
        }
    }
}

/// Answers 200 with tokens, in the body or in cookies; 401 for every reason alike; 429 to whoever has to wait.
pub async fn handle(
    request: Request,
    applications: &Applications,
    users: &Users,
    sessions: &Sessions,
    throttles: &Throttles,
    sign_in: &SignIn,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let caller = gate::caller(&request, applications, now).await?;
    let application = &*caller.application;
    if application.delivery == TokenDelivery::Cookie {
        check_cross_site(&request, application)?;
    }
    let replaced = replaced(&request, application, sign_in, now).await?;
    let claim = Claim::read(&request, application, sign_in.cookies)?;

    let (user, answer) =
        admit(&claim, &caller, request.source_ip().as_deref(), users, throttles, sign_in, world).await?;
    let known = user.as_ref().map(|user| user.key);
    let failed = |action| audit::record(&request.event(action, application, now).of_user(known));
    let attempt = match answer {
        Answer::Attempt(attempt) => attempt,
        Answer::Wait(retry_after) => {
            failed(Action::SignInThrottled);
            return Err(Problem::TooManyAttempts { retry_after });
        }
    };
    let Some((user, rehash)) = check(user, &claim.password, &sign_in.hasher)? else {
        failed(Action::SignInFailed);
        if known.is_some() && attempt.locks_strangers_out() {
            failed(Action::SignInLocked);
        }
        return Err(Problem::InvalidCredentials);
    };
    let session = Session::begin(&user, application, request.device(), world, now);
    let began = async {
        let mut tokens = sign_in.issuer.issue(&session, &user, application, now, world).await?;
        tokens.device = Some(remember(&user, &attempt, sign_in, now, world).await?);
        let (evicted, ended, ()) = tokio::try_join!(
            begin(&session, sessions, sign_in.max_sessions, now),
            end_replaced(replaced, application, sessions, now),
            improve(&user, &claim.password, rehash, users, &sign_in.hasher, world),
        )?;
        Ok::<_, Problem>((tokens, evicted, ended))
    };
    // The password was right, whatever becomes of the rest; and a failure that still counts is no reason to refuse.
    let (began, forgiven) = tokio::join!(began, throttles.forgive(attempt.guesser));
    if let Err(error) = forgiven {
        log::failure_still_counts(&error);
    }
    let (tokens, evicted, ended) = began?;

    record(&request, application, &session, &evicted, ended, now);
    token_response(&tokens, application, sign_in.cookies)
}

/// Reads the account, and asks whether an attempt may be made on it. Whoever has none is looked for under a random key, so that
/// the number of reads tells nothing.
async fn admit(
    claim: &Claim,
    caller: &Caller,
    source_ip: Option<&str>,
    users: &Users,
    throttles: &Throttles,
    sign_in: &SignIn,
    world: &impl World,
) -> Result<(Option<User>, Answer), Problem> {
    let now = world.now();
    let key = claim.find_key(users).await?;
    let device = claim.device(key, sign_in.issuer.sealing(), now).await?;
    // A server signs many people in from one address, and has proved which application's it is.
    let source = (device.is_none() && !caller.authenticated).then(|| Source::of_address(source_ip));
    let (user, wait) = tokio::try_join!(
        users.find(key.unwrap_or_else(|| UserKey::random(world))),
        admission::enter(source, throttles, sign_in.limit, now),
    )?;
    if let Some(wait) = wait {
        return Ok((user, Answer::Wait(wait)));
    }
    let epoch = user.as_ref().map(|user| user.epoch);
    let device = device.filter(|token| epoch == Some(token.epoch)).map(|token| Guesser::Device(token.device_id));
    let answer = admission::ask(device, claim.stranger(key), throttles, now, world).await?;
    Ok((user, answer))
}

/// Writes down that `session` began, and which ones that ended.
fn record(
    request: &Request,
    application: &Application,
    session: &Session,
    evicted: &[SessionId],
    ended: Option<RefreshToken>,
    now: Timestamp,
) {
    for session_id in evicted {
        let event = request.event(Action::SessionEvicted, application, now);
        audit::record(&event.of_user(session.user_key).of_session_id(*session_id));
    }
    if let Some(old) = ended {
        let event = request.event(Action::SessionEnded, application, now).because(RevocationReason::Replaced);
        audit::record(&event.of_user(old.user_key).of_session_id(old.session_id));
    }
    audit::record(&request.event(Action::SignedIn, application, now).of_session(session));
}

/// What tells the device apart at the next sign-in. One that was let in as a stranger is new, whatever it was before.
async fn remember(
    user: &User,
    attempt: &Attempt,
    sign_in: &SignIn,
    now: Timestamp,
    world: &impl World,
) -> Result<Secret, Problem> {
    let device_id = match attempt.guesser {
        Guesser::Device(device_id) => device_id,
        Guesser::Stranger(_) | Guesser::Nobody(_) => DeviceId::random(world),
    };
    let token = DeviceToken { user_key: user.key, device_id, epoch: user.epoch };
    Ok(sign_in.issuer.sealing().seal_device(&token, now).await?)
}

/// The user, if the password is theirs and they may sign in, and whether its hash should be renewed.
fn check(user: Option<User>, password: &Password, hasher: &Hasher) -> Result<Option<(User, bool)>, Problem> {
    let stored = user.as_ref().map(|user| &user.password);
    match (hasher.verify(password, stored).map_err(Problem::internal)?, user) {
        (Verdict::Match { rehash }, Some(user)) if user.is_active() => Ok(Some((user, rehash))),
        _ => Ok(None),
    }
}

/// Stores the session, and removes what the user has beyond the limit: dead sessions first, then the oldest. Everybody who
/// signs in at the same time removes the same ones. The limit also bounds how many items a user can have. Says which of the
/// removed ones were living.
async fn begin(
    session: &Session,
    sessions: &Sessions,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<SessionId>, Problem> {
    let ((), mut all) = tokio::try_join!(sessions.begin(session), sessions.survey(session.user_key))?;
    if !all.iter().any(|(id, _)| *id == session.session_id) {
        all.push((session.session_id, Some(session.clone())));
    }
    let last_used = |stored: &Option<Session>| {
        stored.as_ref().filter(|other| other.stands(session.epoch, now)).map(|other| other.rotated_at)
    };
    all.sort_by_key(|(id, stored)| (last_used(stored), *id));
    let excess = all.len().saturating_sub(limit);
    let mut evicted = Vec::new();
    for (id, stored) in all.iter().take(excess) {
        sessions.remove(session.user_key, *id).await?;
        evicted.extend(last_used(stored).map(|_| *id));
    }
    Ok(evicted)
}

/// The refresh token that the browser still has in its cookie.
async fn replaced(
    request: &Request,
    application: &Application,
    sign_in: &SignIn,
    now: Timestamp,
) -> Result<Option<RefreshToken>, Problem> {
    if application.delivery != TokenDelivery::Cookie {
        return Ok(None);
    }
    match sign_in.cookies.refresh(request.headers()) {
        Ok(Some(cookie)) => Ok(sign_in.issuer.sealing().open(&cookie, now).await?),
        // Two that differ: a neighbouring host can plant one (RFC 6265bis §8.6), and must not keep anyone from signing in.
        Ok(None) | Err(_) => Ok(None),
    }
}

/// Ends its session: one browser, one session. Says whose it was, unless it was over already.
async fn end_replaced(
    replaced: Option<RefreshToken>,
    application: &Application,
    sessions: &Sessions,
    now: Timestamp,
) -> Result<Option<RefreshToken>, Problem> {
    let Some(old) = replaced else { return Ok(None) };
    let reason = RevocationReason::Replaced;
    let ended = sessions.end(old.user_key, old.session_id, Some(application.id), reason, now).await?;
    Ok((ended == Ended::Now).then_some(old))
}

/// Hashes the password anew if the deployment's parameters have risen since it was stored.
async fn improve(
    user: &User,
    password: &Password,
    rehash: bool,
    users: &Users,
    hasher: &Hasher,
    world: &impl World,
) -> Result<(), Problem> {
    if rehash {
        let better = hasher.hash(password, world.random()).map_err(Problem::internal)?;
        users.rehash(user.key, &user.password, &better).await?;
    }
    Ok(())
}
