//! Issuing tokens.

use std::time::Duration;

use crate::{
    access_token::{Claims, Signer, SigningFailed},
    application::Application,
    config::Config,
    refresh_token::MacKeys,
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
    signer: Signer,
    macs: MacKeys,
}

/// The tokens that a sign-in or a refresh hands out.
pub struct Tokens {
    /// The access token.
    pub access: Secret,
    /// How long it is good for.
    pub access_lifetime: Duration,
    /// The refresh token and how long it is good for, if one is handed out.
    pub refresh: Option<(Secret, Duration)>,
}

impl Issuer {
    /// Loads the keys that it needs, both kinds at once.
    ///
    /// # Errors
    ///
    /// If there are none, or the store fails.
    pub async fn load(config: &Config, keys: &SigningKeys) -> Result<Self, KeysError> {
        let (signer, macs) = tokio::try_join!(keys.signer(), keys.macs())?;
        Ok(Self { url: config.issuer.clone(), audience: config.audience.clone(), signer, macs })
    }

    /// The keys of refresh tokens.
    #[must_use]
    pub const fn macs(&self) -> &MacKeys {
        &self.macs
    }

    /// A new access token of `session`, and its newest refresh token. No access token outlives its session's absolute end.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] if the stored key is of no use.
    pub fn issue(
        &self,
        session: &Session,
        user: &User,
        application: &Application,
        now: Timestamp,
        world: &impl World,
    ) -> Result<Tokens, SigningFailed> {
        let access_lifetime = application.access_lifetime.min(session.absolute_expires_at.since(now));
        let audience = application.audience.as_ref().unwrap_or(&self.audience);
        let access = self.signer.sign(&Claims {
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
        })?;
        let refresh = (self.macs.seal(&session.refresh_token()), session.remaining(now));
        Ok(Tokens { access, access_lifetime, refresh: Some(refresh) })
    }
}
