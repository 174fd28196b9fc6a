//! An application's settings as options.

use crate::admin::duration;
use clap::{Args, ValueEnum};
use shared::application::{Application, TokenDelivery};
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
}

/// [`TokenDelivery`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Delivery {
    Body,
    Cookie,
}

impl Settings {
    /// Puts what was given into `application`. Origins replace those that were there.
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
        application.refresh.rotation |= self.rotation;
        application.refresh.recovery |= self.recovery;
    }
}
