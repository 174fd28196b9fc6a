//! `POST /authenticate`: signs in with a password.
//!
//! Wrong password, unknown and disabled user, and one without a password get one answer in one time: all cost the same reads and
//! writes and one hash. Who may try at all is said by the submodule `admission`.

mod admission;
mod claim;
mod operation;

use shared::{
    application::TokenDelivery,
    audit::{self, Action},
    config::Config,
    device_token::DeviceToken,
    gate,
    http::{Request, Response, check_cross_site, token_response},
    ids::{DeviceId, UserKey},
    issuer::Issuer,
    log,
    opening::{self, Opening},
    password::{Hasher, Password, Verdict},
    problem::Problem,
    secret::Secret,
    session::{Method, Session},
    store::{Applications, Caller, Sessions, Throttles, Users},
    throttle::{Guesser, Source},
    user::User,
    world::{Timestamp, World},
};

use admission::{Answer, Attempt};
use claim::Claim;
pub(crate) use operation::operations;

/// What signing in needs beside the stores.
pub struct SignIn {
    opening: Opening,
    hasher: Hasher,
    /// Attempts that one source may make in a window.
    limit: u32,
}

impl SignIn {
    /// As the deployment's settings say.
    #[must_use]
    pub fn new(config: Config, issuer: Issuer) -> Self {
        let opening = Opening::new(&config, issuer);
        Self { opening, hasher: config.passwords.hasher, limit: config.limits.sign_ins }
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
    let Opening { issuer, cookies, .. } = &sign_in.opening;
    let replaced = opening::replaced(&request, application, issuer.sealing(), *cookies, now).await?;
    let claim = Claim::read(&request, application, *cookies)?;

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
    let session = Session::begin(&user, Method::Password, application, request.device(), world, now);
    let began = async {
        let (mut opened, device, ()) = tokio::try_join!(
            sign_in.opening.open(session, &user, application, replaced, sessions, world),
            remember(&user, &attempt, sign_in, now, world),
            improve(&user, &claim.password, rehash, users, &sign_in.hasher, world),
        )?;
        opened.tokens.device = Some(device);
        Ok::<_, Problem>(opened)
    };
    // The password was right, whatever becomes of the rest; and a failure that still counts is no reason to refuse.
    let (began, forgiven) = tokio::join!(began, throttles.forgive(attempt.guesser));
    if let Err(error) = forgiven {
        log::failure_still_counts(&error);
    }
    let opened = began?;
    opened.record(&request, application, None);
    token_response(&opened.tokens, application, *cookies)
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
    let device = claim.device(key, sign_in.opening.issuer.sealing(), now).await?;
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
    Ok(sign_in.opening.issuer.sealing().seal_device(&token, now).await?)
}

/// The user, if the password is theirs and they may sign in, and whether its hash should be renewed.
fn check(user: Option<User>, password: &Password, hasher: &Hasher) -> Result<Option<(User, bool)>, Problem> {
    let stored = user.as_ref().and_then(|user| user.password.as_ref());
    match (hasher.verify(password, stored).map_err(Problem::internal)?, user) {
        (Verdict::Match { rehash }, Some(user)) if user.is_active() => Ok(Some((user, rehash))),
        _ => Ok(None),
    }
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
    if rehash && let Some(stored) = &user.password {
        let better = hasher.hash(password, world.random()).map_err(Problem::internal)?;
        users.rehash(user.key, stored, &better).await?;
    }
    Ok(())
}
