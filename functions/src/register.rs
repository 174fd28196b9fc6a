//! `POST /register`: makes an account.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use shared::{
    audit::{self, Action},
    config::{Config, Passwords},
    gate,
    http::{Members, Request, Response},
    identity::is_address,
    ids::UserKey,
    password::{Password, Policy},
    problem::Problem,
    secret::Secret,
    store::{Admission, Applications, Throttles, Users},
    throttle::{Counted, Source},
    user::User,
    user_id::UserId,
    world::{Timestamp, World},
};
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, Required},
};

use crate::openapi::{Operation, SIGNED_IN_AT, USER_ID, USER_KEY, USER_SECRET};

/// The service's own name is the first password that people try.
const SERVICE: &str = "gatelet";

/// The deployment's rules.
pub struct Registration {
    passwords: Passwords,
    /// Registrations that one source may make in a window.
    limit: u32,
}

impl Registration {
    /// As the deployment's settings say.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { passwords: config.passwords, limit: config.limits.registrations }
    }
}

/// An account to be made.
#[derive(ToSchema)]
#[schema(as = Registration)]
struct Form {
    /// The name that the person picks: 3 to 128 code points of letters, digits and punctuation, or an e-mail address. It is normalised.
    user_id: String,
    /// The password, 8 to 256 code points unless the deployment says otherwise; none that is common or repeats the name.
    #[schema(value_type = String, format = Password)]
    user_secret: Secret,
    /// An address, stored as given. It identifies nobody.
    email: Option<String>,
}

impl Form {
    fn read(members: &mut Members) -> Self {
        Self {
            user_id: members.required("user_id"),
            user_secret: members.required_secret("user_secret"),
            email: members.optional("email"),
        }
    }
}

/// The account that was made.
#[derive(Serialize, ToSchema)]
struct Registered<'a> {
    /// The user's id for ever: random, and never given to anybody else.
    user_key: UserKey,
    /// The name, normalised. Every spelling that normalises to it signs in.
    user_id: &'a str,
    /// When.
    created_at: Timestamp,
}

/// Who wants an account.
struct Applicant {
    user_id: UserId,
    password: Password,
    email: Option<String>,
}

/// Answers 201 with the new account, 409 if the name is taken, 422 with a reason for every member that can't be accepted, 429
/// to a source that has made too many.
pub async fn handle(
    request: Request,
    applications: &Applications,
    users: &Users,
    throttles: &Throttles,
    rules: &Registration,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let caller = gate::caller(&request, applications, now).await?;
    let applicant = read(&request, rules.passwords.policy)?;
    // A server registers many people from one address, and has proved which application's it is.
    if !caller.authenticated {
        let source = Source::of_address(request.source_ip().as_deref());
        let admission = throttles.count_attempt(Counted::Registrations, source, rules.limit, now).await?;
        if let Admission::Refused { retry_after, .. } = admission {
            audit::record(&request.event(Action::RegistrationThrottled, &caller.application, now));
            return Err(Problem::TooManyAttempts { retry_after });
        }
    }

    let hash = rules.passwords.hasher.hash(&applicant.password, world.random()).map_err(Problem::internal)?;
    let user = User {
        email: applicant.email,
        permissions: caller.application.default_permissions.clone(),
        ..User::named(UserKey::random(world), applicant.user_id.as_str().to_owned(), hash, now)
    };
    if !users.register(&user, world).await? {
        return Err(Problem::UserIdTaken);
    }

    audit::record(&request.event(Action::Registered, &caller.application, now).of_user(user.key));
    Response::json(
        201,
        &Registered { user_key: user.key, user_id: applicant.user_id.as_str(), created_at: user.created_at },
    )
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let form = json!({"user_id": "Ada@example.com", "user_secret": USER_SECRET, "email": USER_ID});
    let registered = json!({"user_key": USER_KEY, "user_id": USER_ID, "created_at": SIGNED_IN_AT});
    vec![
        Operation::new("register", HttpMethod::Post, "/api/v1/auth/register", "accounts")
            .says(
                "Make an account",
                "Registering does not sign in. If an answer was lost, the repetition may find the name taken.",
            )
            .of_application([""])
            .reads::<Form>(Required::True, [("ada", "With an address", form)])
            .answers::<Registered<'_>>(201, "The account was made.", [("ada", "The name, normalised", registered)], &[])
            .refuses([Problem::UserIdTaken, Problem::TooManyAttempts { retry_after: Duration::from_mins(1) }]),
    ]
}

fn read(request: &Request, policy: Policy) -> Result<Applicant, Problem> {
    let mut members = request.json()?;
    let Form { user_id: name, user_secret, email } = Form::read(&mut members);
    let password = Password::new(user_secret.into_exposed());

    let user_id = UserId::parse(&name);
    if let Err(error) = &user_id {
        members.reject("user_id", error.code(), error.to_string());
    }
    let context: Vec<&str> = [SERVICE, &name].into_iter().chain(email.as_deref()).collect();
    if let Err(weakness) = policy.check(&password, &context) {
        members.reject("user_secret", weakness.code(), weakness.to_string());
    }
    if email.as_deref().is_some_and(|email| !is_address(email)) {
        members.reject("email", "invalid_email", "must be an e-mail address of at most 254 bytes");
    }
    members.finish()?;
    let user_id = user_id.map_err(|error| Problem::field("user_id", error.code(), error.to_string()))?;
    Ok(Applicant { user_id, password, email })
}
