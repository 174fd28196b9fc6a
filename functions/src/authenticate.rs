//! `POST /authenticate`: signs in with a password.
//!
//! Wrong password, unknown and disabled user get one answer in one time: an unknown user costs the same reads and writes and
//! the same hash as a known one. Who may try at all is said by [`admission`].

mod admission;

use shared::{
    application::{Application, TokenDelivery},
    audit::{self, Action},
    config::Config,
    device_token::DeviceToken,
    gate,
    http::{Cookies, Request, Response, check_cross_site, token_response},
    ids::{DeviceId, SessionId, UserKey},
    issuer::Issuer,
    password::{Hasher, Password, Verdict},
    problem::Problem,
    refresh_token::RefreshToken,
    secret::Secret,
    session::{RevocationReason, Session},
    store::{Applications, Ended, Sessions, StoreError, Throttles, Users},
    throttle::{Guesser, Source},
    user::User,
    user_id::UserId,
    world::{Timestamp, World},
};

use admission::{Answer, Candidate};

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

/// Who wants in. A name that nobody can have is like one that nobody has.
enum Name {
    Key(Option<UserKey>),
    Id(Option<UserId>),
}

/// What a request says.
struct Claim {
    name: Name,
    /// The name as it was written.
    written: String,
    password: Password,
    device: Option<String>,
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
    let claim = read(&request, application, sign_in)?;

    let key = find_key(&claim.name, users).await?;
    let device = known_device(claim.device.as_deref(), key, sign_in, now).await?;
    let candidate = Candidate {
        device: device.map(Guesser::Device),
        stranger: key.map_or_else(|| Guesser::of_name(&claim.written), Guesser::Stranger),
        source: (!caller.authenticated).then(|| Source::of_address(request.source_ip().as_deref())),
    };
    // Whoever has no account is looked for under a random key, so that the number of reads tells nothing.
    let (user, answer) = tokio::try_join!(
        users.find(key.unwrap_or_else(|| UserKey::random(world))),
        admission::ask(candidate, throttles, sign_in.limit, now, world),
    )?;
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
        if attempt.reaches_the_ceiling() {
            failed(Action::SignInLocked);
        }
        return Err(Problem::InvalidCredentials);
    };
    let session = Session::begin(&user, application, request.device(), world, now);
    let mut tokens = sign_in.issuer.issue(&session, &user, application, now, world).await?;
    tokens.device = Some(remember(&user, device, sign_in, now, world).await?);
    let (evicted, ended, (), ()) = tokio::try_join!(
        begin(&session, sessions, sign_in.max_sessions, now),
        end_replaced(replaced, application, sessions, now),
        improve(&user, &claim.password, rehash, users, &sign_in.hasher, world),
        async { Ok(throttles.forgive(attempt.guesser).await?) },
    )?;

    record(&request, application, &session, &evicted, ended, now);
    token_response(&tokens, application, sign_in.cookies)
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

fn read(request: &Request, application: &Application, sign_in: &SignIn) -> Result<Claim, Problem> {
    let mut members = request.json()?;
    let (by_key, by_id) = (members.has("user_key"), members.has("user_id"));
    if by_key && by_id {
        return Err(Problem::InvalidRequest("name the user by `user_key` or by `user_id`, not both"));
    }
    let written = members.required(if by_key { "user_key" } else { "user_id" });
    let name = if by_key { Name::Key(written.parse().ok()) } else { Name::Id(UserId::parse(&written).ok()) };
    let password = Password::new(members.required_secret("user_secret").into_exposed());
    let device = match application.delivery {
        TokenDelivery::Body => members.optional("device_token"),
        // As for the refresh cookie: one that a neighbouring host planted must not keep anyone from signing in.
        TokenDelivery::Cookie => sign_in.cookies.device(request.headers()).unwrap_or_default(),
    };
    members.finish()?;
    Ok(Claim { name, written, password, device })
}

/// Whose name it is. A key that is nobody's is taken for one.
async fn find_key(name: &Name, users: &Users) -> Result<Option<UserKey>, StoreError> {
    match name {
        Name::Key(key) => Ok(*key),
        Name::Id(Some(id)) => users.find_key(id).await,
        Name::Id(None) => Ok(None),
    }
}

/// The device that a request comes from, if it is one of the user's.
async fn known_device(
    text: Option<&str>,
    user: Option<UserKey>,
    sign_in: &SignIn,
    now: Timestamp,
) -> Result<Option<DeviceId>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let token = sign_in.issuer.sealing().open_device(text, now).await?;
    Ok(token.filter(|token| user == Some(token.user_key)).map(|token| token.device_id))
}

/// What tells the device apart at the next sign-in.
async fn remember(
    user: &User,
    device: Option<DeviceId>,
    sign_in: &SignIn,
    now: Timestamp,
    world: &impl World,
) -> Result<Secret, Problem> {
    let device_id = device.unwrap_or_else(|| DeviceId::random(world));
    Ok(sign_in.issuer.sealing().seal_device(&DeviceToken { user_key: user.key, device_id }, now).await?)
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
