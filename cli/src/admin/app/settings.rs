//! An application's settings as options.

use crate::admin::duration;
use clap::{Args, ValueEnum};
use shared::application::{Application, TokenDelivery};
use shared::user::{InvalidPermission, Permissions};
use std::time::Duration;

/// Settings for a new application or a changed one. What is not given stays as it is.
#[derive(Args)]
pub(crate) struct Settings {
    /// Where its tokens go: into the response's body, or into cookies that no script can read [default: body]
    #[arg(long, value_enum)]
    delivery: Option<Delivery>,

    /// Origin whose pages may use its cookies, such as `https://app.example.com`; may be repeated
    #[arg(long = "origin", value_name = "URL")]
    origins: Vec<String>,

    /// Address that a sign-in at a provider may end at, such as `https://app.example.com/signed-in`; may be repeated
    #[arg(long = "return-to", value_name = "URL")]
    return_to: Vec<String>,

    /// Permission that new users get who register by it; may be repeated
    #[arg(long = "default-permission", value_name = "PERMISSION", value_parser = permission)]
    default_permissions: Vec<String>,

    /// How long an access token is good for [default: 20m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    access_lifetime: Option<Duration>,

    /// A session ends when it is not refreshed for so long [default: 72h]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    refresh_idle: Option<Duration>,

    /// A session ends when it is so old, however often it is refreshed [default: 30d]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    refresh_absolute: Option<Duration>,

    /// For how long after a refresh the replaced token gets the same answer again, for retries and parallel tabs [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    grace: Option<Duration>,

    /// Don't replace a refresh token when it is used. Such a token is good for the idle lifetime counted from sign-in, so
    /// give --refresh-idle as well if 72h is too short
    #[arg(long)]
    no_rotation: bool,

    /// Treat a replaced token that comes after the grace as theft, even if its successor was never used
    #[arg(long)]
    no_recovery: bool,

    /// No grace and no recovery: every replaced token that comes back ends the session (RFC 9700 section 4.14.2)
    #[arg(long, conflicts_with = "grace")]
    strict: bool,

    /// Audience (`aud`) of its access tokens; empty for the deployment's
    #[arg(long, value_name = "AUD")]
    audience: Option<String>,
}

/// What only makes sense once an application is there: a new name, and the way back from a setting.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Changes {
    /// A new name for people
    #[arg(long)]
    name: Option<String>,

    /// Replace refresh tokens when they are used
    #[arg(long, conflicts_with = "no_rotation")]
    rotation: bool,

    /// Let a replaced token recover a session whose newest token got lost
    #[arg(long, conflicts_with_all = ["no_recovery", "strict"])]
    recovery: bool,

    /// Allow no origin any more
    #[arg(long, conflicts_with = "origins")]
    no_origins: bool,

    /// Let no sign-in at a provider end anywhere any more
    #[arg(long, conflicts_with = "return_to")]
    no_return_to: bool,

    /// Give new users no permissions any more
    #[arg(long, conflicts_with = "default_permissions")]
    no_default_permissions: bool,
}

/// [`TokenDelivery`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Delivery {
    Body,
    Cookie,
}

impl Settings {
    /// Puts what was given into `application`. Origins, addresses and permissions replace those that were there.
    pub(crate) fn apply(&self, application: &mut Application) {
        if let Some(delivery) = self.delivery {
            application.delivery = match delivery {
                Delivery::Body => TokenDelivery::Body,
                Delivery::Cookie => TokenDelivery::Cookie,
            };
        }
        if !self.origins.is_empty() {
            application.allowed_origins.clone_from(&self.origins);
        }
        if !self.return_to.is_empty() {
            application.allowed_return_to.clone_from(&self.return_to);
        }
        if !self.default_permissions.is_empty() {
            application.default_permissions = permissions(&self.default_permissions);
        }
        if let Some(audience) = &self.audience {
            application.audience = Some(audience.clone()).filter(|audience| !audience.is_empty());
        }
        let refresh = &mut application.refresh;
        for (setting, given) in [
            (&mut application.access_lifetime, self.access_lifetime),
            (&mut refresh.idle, self.refresh_idle),
            (&mut refresh.absolute, self.refresh_absolute),
            (&mut refresh.grace, self.grace.or(self.strict.then_some(Duration::ZERO))),
        ] {
            *setting = given.unwrap_or(*setting);
        }
        refresh.rotation &= !self.no_rotation;
        refresh.recovery &= !(self.no_recovery || self.strict);
    }
}

impl Changes {
    /// Puts what was given into `application`.
    pub(crate) fn apply(&self, application: &mut Application) {
        if let Some(name) = &self.name {
            application.name.clone_from(name);
        }
        if self.no_origins {
            application.allowed_origins.clear();
        }
        if self.no_return_to {
            application.allowed_return_to.clear();
        }
        if self.no_default_permissions {
            application.default_permissions = Permissions::default();
        }
        application.refresh.rotation |= self.rotation;
        application.refresh.recovery |= self.recovery;
    }
}

/// A permission as it may stand in a scope.
fn permission(text: &str) -> Result<String, InvalidPermission> {
    Permissions::default().add(text).map(|()| text.to_owned())
}

/// Those that [`permission`] has read.
fn permissions(given: &[String]) -> Permissions {
    let mut permissions = Permissions::default();
    for permission in given {
        // What could not stand in a scope was refused when it was read.
        let _ = permissions.add(permission);
    }
    permissions
}
