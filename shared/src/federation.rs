//! Whose account it is that somebody opens by signing in at a provider.
//!
//! The identity decides, an issuer and a subject, and nothing else: an address tells whom it was given to, not who has it now. The one
//! exception must be switched on for a provider, whose word for an address is taken then: an identity that nobody has yet joins the account
//! which has the same address, if somebody whose word is taken has vouched for that one too. An account with an address that nobody has
//! vouched for is never joined: a stranger may have made it, to wait for its owner.

use crate::{
    application::Application,
    audit::{self, Action},
    http::Request,
    identity::{Assertion, is_same_address},
    ids::UserKey,
    problem::Problem,
    store::{StoreError, Users},
    user::User,
    world::{Timestamp, World},
};

/// How often it is looked anew, because somebody else has written meanwhile.
const ATTEMPTS: u8 = 4;

/// How somebody comes by their account.
pub enum Resolved {
    /// By an identity that is linked to it.
    Known(User),
    /// By an identity that was linked to it just now, for the address that both have.
    Linked(User),
    /// For the first time: the account was just made.
    New(User),
}

impl Resolved {
    /// Who it is.
    #[must_use]
    pub const fn user(&self) -> &User {
        match self {
            Self::Known(user) | Self::Linked(user) | Self::New(user) => user,
        }
    }

    /// Writes down what their arrival has changed.
    pub fn record(&self, request: &Request, application: &Application, assertion: &Assertion, now: Timestamp) {
        let action = match self {
            Self::Known(_) => return,
            Self::Linked(_) => Action::IdentityLinked,
            Self::New(_) => Action::Registered,
        };
        let event = request.event(action, application, now).of_user(self.user().key);
        audit::record(&event.at_provider(assertion.provider.as_str()));
    }
}

/// The account that `assertion` opens; it is made if there is none.
///
/// # Errors
///
/// If the store fails.
pub async fn resolve(
    assertion: &Assertion,
    application: &Application,
    users: &Users,
    now: Timestamp,
    world: &impl World,
) -> Result<Resolved, Problem> {
    for _ in 0..ATTEMPTS {
        if let Some(user) = find(assertion, users).await? {
            return Ok(Resolved::Known(user));
        }
        let holder = match assertion.verified_email() {
            Some(address) => users.find_by_verified_email(address).await?,
            None => None,
        };
        let joined = match holder {
            Some(key) => joinable(key, assertion, users).await?,
            None => None,
        };
        if let Some(user) = joined {
            if users.link(&user, assertion.link(now), None, world).await? {
                return Ok(Resolved::Linked(user));
            }
            continue;
        }
        let user = newcomer(assertion, holder.is_some(), application, now, world);
        if users.register(&user, world).await? {
            return Ok(Resolved::New(user));
        }
    }
    Err(Problem::Unavailable("an identity changed hands at each look".into()))
}

/// The user whom the identity signs in.
///
/// # Errors
///
/// If the store fails, or has an identity of nobody.
pub async fn find(assertion: &Assertion, users: &Users) -> Result<Option<User>, Problem> {
    let Some(key) = users.find_by_identity(&assertion.id()).await? else { return Ok(None) };
    let user = users.find(key).await?;
    user.map(Some).ok_or_else(|| Problem::internal("an identity signs in a user who does not exist"))
}

/// The user `key`, if the identity may join their account.
async fn joinable(key: UserKey, assertion: &Assertion, users: &Users) -> Result<Option<User>, StoreError> {
    let told = assertion.verified_email();
    let may = |user: &User| {
        // Another subject of the same issuer with this address is another person, who has it now.
        let elsewhere = user.identities.iter().all(|identity| identity.issuer != assertion.issuer);
        let same = told.zip(user.email.as_deref()).is_some_and(|(told, own)| is_same_address(told, own));
        same && elsewhere && user.email_verified && user.is_active() && user.identities.len() < User::MAX_IDENTITIES
    };
    Ok(users.find(key).await?.filter(may))
}

/// The account of somebody who has none. An address for which somebody has vouched already is kept as one for which nobody has.
fn newcomer(
    assertion: &Assertion,
    is_held: bool,
    application: &Application,
    now: Timestamp,
    world: &impl World,
) -> User {
    User {
        email: assertion.email.as_ref().map(|email| email.address.clone()),
        email_verified: assertion.verified_email().is_some() && !is_held,
        permissions: application.default_permissions.clone(),
        ..User::identified(UserKey::random(world), assertion.link(now), now)
    }
}
