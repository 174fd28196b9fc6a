//! A stack behind a proxy, and people on it whose sessions are as a story needs them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, redirect::Policy};
use shared::{
    access_token::Algorithm,
    application::{Application, TokenDelivery},
    config::{Rotation, Tables},
    identity::Assertion,
    ids::{SessionId, UserKey},
    issuer::Issuer,
    password::{Hasher, Params, Password, PasswordHash, Peppers},
    protocol::Position,
    refresh_token::RefreshToken,
    session::{Device, Method, Session},
    store::Store,
    user::User,
    world::{System, Timestamp, World},
};

use crate::support::{
    App, BELIEVERS_END, BELIEVERS_SECRET, Database, Known, Options, PAGE, PASSWORD, Person, Proxy, Stack, believer,
    config,
};

/// How many sessions a user may have on this stack.
pub const MAX_SESSIONS: usize = 3;

/// How an application differs from the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Tokens in the body.
    Body,
    /// Tokens in cookies.
    Cookie,
    /// No grace, no recovery.
    Strict,
    /// Grace, but no recovery.
    NoRecovery,
    /// The refresh token stays as it is.
    NoRotation,
    /// As `Body`, but no instance has ever heard of it.
    Unheard,
}

pub struct Place {
    pub app: App,
    pub proxy: Proxy,
    pub store: Store,
    issuer: Issuer,
    applications: Vec<(Profile, Known, Arc<Application>)>,
    /// Of [`PASSWORD`], with parameters that a sign-in improves.
    weak_hash: String,
}

impl Place {
    pub async fn prepare() -> Self {
        let proxy = Proxy::start(&Stack::shared().ready.dynamodb_endpoint);
        let sessions = format!("MaxSessions={MAX_SESSIONS}");
        let providers = believer().await;
        let arguments = ["--max-instances", "40", "--parameter", &sessions, "--parameter", &providers];
        let mut app = App::on(Stack::private(&Options {
            arguments: &arguments,
            endpoint: Some(&proxy.endpoint),
            environment: &[BELIEVERS_SECRET],
            ..Options::default()
        }));
        // What sends a browser on is an answer like any other.
        app.client = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client");
        // Past the proxy: what the test itself does is not broken.
        let mut ready = app.stack.ready.clone();
        ready.dynamodb_endpoint.clone_from(&Stack::shared().ready.dynamodb_endpoint);
        app.database = Database::of(&ready);
        let store = app.database.store();
        let rotation = Rotation { algorithm: Algorithm::ES256, period: Duration::from_hours(24) };
        let config =
            config(&app.url("/api/v1/auth"), &ready.dynamodb_endpoint, Tables::of_stack("gatelet-local"), rotation);
        let issuer = Issuer::load(&config, &store.signing_keys, &System).await.expect("the stack has keys");
        let weak = Hasher::new(Params::new(7_168, 5, 1).expect("parameters"), Peppers::default());
        let weak = weak.hash(&Password::new(PASSWORD.to_owned()), *b"sixteen of salt!").expect("a hash");
        let mut place =
            Self { app, proxy, store, issuer, applications: Vec::new(), weak_hash: weak.expose().to_owned() };
        for profile in [Profile::Body, Profile::Cookie, Profile::Strict, Profile::NoRecovery, Profile::NoRotation] {
            let (known, application) = place.new_application(profile).await;
            place.applications.push((profile, known, application));
        }
        place
    }

    async fn new_application(&self, profile: Profile) -> (Known, Arc<Application>) {
        let settle = |application: &mut Application| {
            application.allowed_return_to = vec![BELIEVERS_END.to_owned()];
            match profile {
                Profile::Body | Profile::Unheard => {}
                Profile::Cookie => {
                    application.delivery = TokenDelivery::Cookie;
                    application.allowed_origins = vec![PAGE.to_owned()];
                }
                Profile::Strict => {
                    application.refresh.grace = Duration::ZERO;
                    application.refresh.recovery = false;
                }
                Profile::NoRecovery => application.refresh.recovery = false,
                Profile::NoRotation => application.refresh.rotation = false,
            }
        };
        let known = self.app.application(settle).await;
        let id = known.id.parse().expect("an id");
        let (application, _) = self.store.applications.find(id).await.expect("a store").expect("an application");
        (known, Arc::new(application))
    }

    async fn application(&self, profile: Profile) -> (Known, Arc<Application>) {
        match self.applications.iter().find(|(known, ..)| *known == profile) {
            Some((_, known, application)) => (known.clone(), Arc::clone(application)),
            None => self.new_application(profile).await,
        }
    }

    /// The account of `person`.
    pub async fn user(&self, person: &Person) -> User {
        let key = person.user_key.parse().expect("a key");
        self.store.users.find(key).await.expect("the store answers").expect("the user")
    }

    /// Whom an identity signs in.
    pub async fn who_is(&self, assertion: &Assertion) -> Option<UserKey> {
        self.store.users.find_by_identity(&assertion.id()).await.expect("the store answers")
    }

    /// How many sessions of a user stand.
    pub async fn sessions_of(&self, user: UserKey) -> usize {
        let all = self.store.sessions.list(user).await.expect("the store answers");
        all.iter().filter(|session| session.ending(System.now()).is_none()).count()
    }

    /// Somebody with `sessions` sessions, whose first refresh token and whose access token are of the first one. That one
    /// is `aged`: where in its life it is.
    pub async fn person(&self, profile: Profile, sessions: usize, aged: fn(&mut Session)) -> Person {
        let (known, application) = self.application(profile).await;
        let name = self.app.fresh_name("ada");
        let hash = PasswordHash::from_stored(self.weak_hash.clone());
        let user = User::named(UserKey::random(&System), name.clone(), hash, System.now());
        assert!(self.store.users.register(&user, &System).await.expect("the store answers"));
        let mut person = Person::new(self.app.clone(), known, name, user.key.to_string());
        let now = System.now();
        for index in 0..sessions {
            let mut session = Session::begin(&user, Method::Password, &application, Device::default(), &System, now);
            // Which one has to go is not left to chance.
            session.rotated_at = Timestamp::from_seconds(now.seconds() - 60);
            if index == 0 {
                session.rotated_at = now;
                aged(&mut session);
                let tokens = self.issuer.issue(&session, &user, &application, now, &System).await.expect("tokens");
                person.access_token = tokens.access.into_exposed();
                let first = RefreshToken { position: Position::FIRST, ..session.refresh_token() };
                person.refresh_token = self.issuer.sealing().seal(&first, now).await.expect("a key").into_exposed();
            }
            self.store.sessions.begin(&session).await.expect("a session");
            // A session that begins has no branch before, so that nobody writes one with it.
            if let Some(branch) = session.previous_branch {
                let (user, id) = (session.user_key.to_string(), session.session_id.to_string());
                self.app.database.set_session(&user, &id, "previous_branch", branch.into()).await;
            }
        }
        person
    }

    /// What a refresh token says.
    pub async fn open(&self, token: &str) -> RefreshToken {
        let opened = self.issuer.sealing().open(token, System.now()).await.expect("a key");
        opened.expect("a genuine token")
    }

    /// The session that a refresh token is of.
    pub async fn session(&self, token: &str) -> Option<Session> {
        let token = self.open(token).await;
        self.store.sessions.find(token.user_key, token.session_id, true).await.expect("the session can be read")
    }

    /// Which sessions of a refresh token's user stand, whatever anybody was answered.
    pub async fn living(&self, token: &str) -> Vec<SessionId> {
        let user_key = self.open(token).await.user_key;
        let user = self.store.users.find(user_key).await.expect("a store").expect("the user is there");
        let sessions = self.store.sessions.list(user_key).await.expect("the sessions can be read");
        let standing = sessions.into_iter().filter(|session| session.stands(user.epoch, System.now()));
        standing.map(|session| session.session_id).collect()
    }
}

/// A trace that no other request has.
pub fn fresh_trace() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("1-5759e988-{:024x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// When an hour was left ago.
pub fn an_hour_ago() -> Timestamp {
    Timestamp::from_seconds(System.now().seconds() - 3600)
}
