//! `gatelet user`: accounts, what they may do, and their sessions.

use super::answer::{Answer, fields, or_dash, table};
use super::{ATTEMPTS, AdminError};
use serde_json::{Value, json};
use shared::identity::LinkedIdentity;
use shared::ids::UserKey;
use shared::session::Session;
use shared::store::{Sessions, Store, StoreError, Throttles, Users};
use shared::throttle::Guesser;
use shared::user::{Permissions, Status, User};
use shared::user_id::UserId;
use shared::world::{System, World as _};

/// The longest user agent that a table shows, in characters; JSON has all of it.
const AGENT_WIDTH: usize = 48;

/// What can be done with users.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show a user and the sessions that are alive
    Show {
        /// The user's `user_id` or `user_key`
        user: String,
    },
    /// Lock a user out and end all of the user's sessions
    Disable {
        /// The user's `user_id` or `user_key`
        user: String,
    },
    /// Let a disabled user sign in again; ended sessions stay ended
    Enable {
        /// The user's `user_id` or `user_key`
        user: String,
    },
    /// Forget the failed attempts at a user's password, which keep devices that are new to the user waiting or locked out
    Unlock {
        /// The user's `user_id` or `user_key`
        user: String,
    },
    /// Give a user permissions: the `scope` of access tokens issued from now on
    Grant {
        /// The user's `user_id` or `user_key`
        user: String,
        /// What the user may do, such as orders:read
        #[arg(required = true, value_name = "PERMISSION")]
        permissions: Vec<String>,
    },
    /// Take permissions from a user. Access tokens that are out keep them until they expire; `end-sessions` ends those too
    Revoke {
        /// The user's `user_id` or `user_key`
        user: String,
        /// What the user may no longer do
        #[arg(required = true, value_name = "PERMISSION")]
        permissions: Vec<String>,
    },
    /// Vouch that the user's address is theirs, because you have made sure of it. A provider's word for it may then join an identity
    /// to the account, if `link_verified_email` is on for that provider
    VerifyEmail {
        /// The user's `user_id` or `user_key`
        user: String,
    },
    /// End all of a user's sessions, on every device
    EndSessions {
        /// The user's `user_id` or `user_key`
        user: String,
    },
}

impl Command {
    pub(crate) async fn run(&self, store: &Store) -> Result<Answer, AdminError> {
        let Store { users, sessions, throttles, .. } = store;
        match self {
            Self::Show { user } => show(users, sessions, user).await,
            Self::Disable { user } => set_status(users, user, Status::Disabled).await,
            Self::Enable { user } => set_status(users, user, Status::Active).await,
            Self::Unlock { user } => unlock(users, throttles, user).await,
            Self::Grant { user, permissions } => set_permissions(users, user, permissions, grant).await,
            Self::Revoke { user, permissions } => set_permissions(users, user, permissions, revoke).await,
            Self::VerifyEmail { user } => verify_email(users, user).await,
            Self::EndSessions { user } => end_sessions(users, user).await,
        }
    }
}

async fn show(users: &Users, sessions: &Sessions, given: &str) -> Result<Answer, AdminError> {
    let user = find(users, given).await?;
    let now = System.now();
    let mut living = sessions.list(user.key).await.map_err(AdminError::Sessions)?;
    living.retain(|session| user.is_active() && session.epoch == user.epoch && session.ending(now).is_none());
    living.sort_by_key(|session| std::cmp::Reverse(session.rotated_at));

    let mut json = to_json(&user);
    json["sessions"] = living.iter().map(session_json).collect();
    let sessions = if living.is_empty() {
        "No session is alive.\n".to_owned()
    } else {
        let header = ["SESSION", "APPLICATION", "SIGNED IN", "LAST USED", "EXPIRES", "ADDRESS", "USER AGENT"];
        table(header, living.iter().map(session_row))
    };
    let text = format!("{}\n{sessions}", fields(lines(&user)));
    Ok(Answer { json, text })
}

async fn set_status(users: &Users, given: &str, status: Status) -> Result<Answer, AdminError> {
    let user =
        change(users, given, async |user| Ok(user.status == status || users.set_status(user, status).await?)).await?;
    Ok(changed(
        &user,
        match status {
            Status::Active => "The user can sign in.",
            Status::Disabled => "The user can't sign in, and all sessions are over.",
        },
    ))
}

async fn unlock(users: &Users, throttles: &Throttles, given: &str) -> Result<Answer, AdminError> {
    let user = find(users, given).await?;
    throttles.forgive(Guesser::Stranger(user.key)).await.map_err(AdminError::Throttles)?;
    Ok(changed(&user, "No failure of a stranger counts any more."))
}

async fn verify_email(users: &Users, given: &str) -> Result<Answer, AdminError> {
    let user = change(users, given, async |user| {
        let email = user.email.as_deref().ok_or_else(|| AdminError::NoEmail(name(user)))?;
        if user.email_verified {
            return Ok(true);
        }
        if users.find_by_verified_email(email).await?.is_some() {
            return Err(AdminError::EmailTaken(email.to_owned()));
        }
        Ok(users.vouch_for_email(user, &System).await?)
    })
    .await?;
    Ok(changed(&user, "The address is theirs."))
}

async fn end_sessions(users: &Users, given: &str) -> Result<Answer, AdminError> {
    let user = change(users, given, async |user| Ok(users.end_all_sessions(user).await?)).await?;
    Ok(changed(&user, "All sessions are over."))
}

/// Changes permissions by `step`, which gets them one at a time.
async fn set_permissions(
    users: &Users,
    given: &str,
    permissions: &[String],
    step: fn(&User, &mut Permissions, &str) -> Result<(), AdminError>,
) -> Result<Answer, AdminError> {
    let user = change(users, given, async |user| {
        let mut wanted = user.permissions.clone();
        for permission in permissions {
            step(user, &mut wanted, permission)?;
        }
        Ok(wanted == user.permissions || users.set_permissions(user, &wanted).await?)
    })
    .await?;
    let note = "Access tokens issued from now on say so; those that are out stay as they are until they expire.";
    Ok(changed(&user, note))
}

fn grant(user: &User, permissions: &mut Permissions, permission: &str) -> Result<(), AdminError> {
    permissions
        .add(permission)
        .map_err(|reason| AdminError::Permission { permission: permission.to_owned(), reason })?;
    if permissions.len() > Permissions::MAX {
        return Err(AdminError::TooManyPermissions(name(user)));
    }
    Ok(())
}

/// What is not there can't be taken away: it is more likely to be mistyped than meant, and then something is left.
fn revoke(user: &User, permissions: &mut Permissions, permission: &str) -> Result<(), AdminError> {
    if user.permissions.iter().any(|held| held == permission) {
        permissions.remove(permission);
        return Ok(());
    }
    Err(AdminError::NotGranted { user_id: name(user), permission: permission.to_owned() })
}

/// Writes to an account as it is now, again if somebody else did so at the same time. The account afterwards.
async fn change(
    users: &Users,
    given: &str,
    write: impl AsyncFn(&User) -> Result<bool, AdminError>,
) -> Result<User, AdminError> {
    for _ in 0..ATTEMPTS {
        if write(&find(users, given).await?).await? {
            return find(users, given).await;
        }
    }
    Err(AdminError::Busy)
}

/// The user of this key or of this name. A name may look like a key, so a key that is nobody's is tried as a name.
async fn find(users: &Users, given: &str) -> Result<User, AdminError> {
    let user = match given.parse::<UserKey>() {
        Ok(key) => users.find(key).await?,
        Err(_) => None,
    };
    let user = match user {
        None => find_by_name(users, given).await?,
        found => found,
    };
    user.ok_or_else(|| AdminError::NoUser(given.to_owned()))
}

/// What can't be a name is nobody's.
async fn find_by_name(users: &Users, given: &str) -> Result<Option<User>, StoreError> {
    let Ok(name) = UserId::parse(given) else {
        return Ok(None);
    };
    match users.find_key(&name).await? {
        Some(key) => users.find(key).await,
        None => Ok(None),
    }
}

fn changed(user: &User, note: &str) -> Answer {
    Answer { json: to_json(user), text: format!("{}\n{note}\n", fields(lines(user))) }
}

fn to_json(user: &User) -> Value {
    json!({
        "user_key": user.key,
        "user_id": user.user_id,
        "email": user.email,
        "email_verified": user.email_verified,
        "has_password": user.password.is_some(),
        "identities": user.identities.iter().map(identity_json).collect::<Vec<_>>(),
        "status": user.status.to_string(),
        "permissions": user.permissions.iter().collect::<Vec<_>>(),
        "epoch": user.epoch,
        "created_at": user.created_at.to_string(),
    })
}

fn identity_json(identity: &LinkedIdentity) -> Value {
    json!({
        "identity_id": identity.id(),
        "provider": identity.provider,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "email": identity.email,
        "linked_at": identity.linked_at.to_string(),
    })
}

/// How messages call a user.
fn name(user: &User) -> String {
    user.user_id.clone().unwrap_or_else(|| user.key.to_string())
}

fn lines(user: &User) -> [(&'static str, String); 9] {
    let email = user.email.as_ref().map(|email| {
        let verified = if user.email_verified { "verified" } else { "not verified" };
        format!("{email} ({verified})")
    });
    let identities: Vec<_> = user.identities.iter().map(|identity| identity.provider.as_str()).collect();
    let password = if user.password.is_some() { "yes" } else { "no" };
    [
        ("user key", user.key.to_string()),
        ("user id", or_dash(user.user_id.as_deref())),
        ("email", or_dash(email.as_deref())),
        ("password", password.to_owned()),
        ("identities", or_dash(Some(&identities.join(" ")))),
        ("status", user.status.to_string()),
        ("permissions", or_dash(Some(&user.permissions.to_string()))),
        ("epoch", user.epoch.to_string()),
        ("created", user.created_at.to_string()),
    ]
}

fn session_json(session: &Session) -> Value {
    json!({
        "session_id": session.session_id,
        "application_id": session.application_id,
        "created_at": session.created_at.to_string(),
        "last_used_at": session.rotated_at.to_string(),
        "expires_at": session.expires_at.to_string(),
        "user_agent": session.user_agent,
        "source_ip": session.source_ip,
    })
}

fn session_row(session: &Session) -> [String; 7] {
    let agent = or_dash(session.user_agent.as_deref());
    [
        session.session_id.to_string(),
        session.application_id.to_string(),
        session.created_at.to_string(),
        session.rotated_at.to_string(),
        session.expires_at.to_string(),
        or_dash(session.source_ip.as_deref()),
        agent.chars().take(AGENT_WIDTH).collect(),
    ]
}
