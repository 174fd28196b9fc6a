//! Issuing tokens.

use std::time::Duration;

use crate::{
    access_token::Claims,
    application::Application,
    config::Config,
    keyring::{SealingRing, SignError, SigningRing},
    secret::Secret,
    session::Session,
    store::{KeysError, SigningKeys},
    user::User,
    world::{Timestamp, World},
};

/// Makes access and refresh tokens.
pub struct Issuer {
    url: String,
    audience: String,
    signing: SigningRing,
    sealing: SealingRing,
}

/// The tokens that a sign-in or a refresh hands out.
pub struct Tokens {
    /// The access token.
    pub access: Secret,
    /// How long it is good for.
    pub access_lifetime: Duration,
    /// The refresh token and how long it is good for, if one is handed out.
    pub refresh: Option<(Secret, Duration)>,
    /// What tells the device apart at its next sign-in, if one was made.
    pub device: Option<Secret>,
}

impl Issuer {
    /// Loads the keys that it needs, both kinds at once.
    ///
    /// # Errors
    ///
    /// If there are none, or they can't be read for a reason that will not pass.
    pub async fn load(config: &Config, keys: &SigningKeys, world: &impl World) -> Result<Self, KeysError> {
        let (signing, sealing) = tokio::try_join!(SigningRing::load(keys, world), SealingRing::load(keys, world))?;
        Ok(Self { url: config.issuer.clone(), audience: config.audience.clone(), signing, sealing })
    }

    /// What opens refresh tokens.
    #[must_use]
    pub const fn sealing(&self) -> &SealingRing {
        &self.sealing
    }

    /// A new access token of `session`, and its newest refresh token. No access token outlives its session's absolute end.
    ///
    /// # Errors
    ///
    /// If there is no key to be had, or it is of no use.
    pub async fn issue(
        &self,
        session: &Session,
        user: &User,
        application: &Application,
        now: Timestamp,
        world: &impl World,
    ) -> Result<Tokens, SignError> {
        let access_lifetime = application.access_lifetime.min(session.absolute_expires_at.since(now));
        let audience = application.audience.as_ref().unwrap_or(&self.audience);
        let claims = Claims {
            iss: self.url.clone(),
            aud: audience.clone(),
            sub: user.key,
            exp: now.plus(access_lifetime),
            iat: now,
            nbf: now,
            jti: uuid::Builder::from_random_bytes(world.random()).into_uuid().to_string(),
            sid: session.session_id,
            client_id: session.application_id,
            auth_time: session.created_at,
            amr: vec![session.method.as_str().to_owned()],
            scope: user.permissions.to_string(),
            ep: session.epoch,
        };
        let access = self.signing.sign(&claims, now).await?;
        let refresh = (self.sealing.seal(&session.refresh_token(), now).await?, session.remaining(now));
        Ok(Tokens { access, access_lifetime, refresh: Some(refresh), device: None })
    }
}
