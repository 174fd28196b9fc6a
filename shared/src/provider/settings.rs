//! `GATELET_OAUTH_PROVIDERS`: a JSON array, one object for each provider. `docs/providers.md` describes its members.

use std::collections::BTreeSet;

use openidconnect::IssuerUrl;
use serde::Deserialize;
use url::Url;

use super::{
    client_secret::{AppleKey, ClientSecret},
    openid::OpenId,
    web::is_local,
};

/// The providers of a deployment, as they are configured.
#[derive(Debug, Default)]
pub struct ProviderSettings(pub(super) Vec<Settings>);

/// One of them.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) client_secret: ClientSecret,
    pub(super) scopes: Vec<String>,
    pub(super) prompt: Option<String>,
    pub(super) link_verified_email: bool,
    pub(super) protocol: Protocol,
}

/// How a provider is spoken to.
#[derive(Debug)]
pub(super) enum Protocol {
    /// OpenID Connect, by discovery.
    OpenId(Box<OpenId>),
    /// OAuth 2 and a resource that says who somebody is.
    OAuth2(Box<Endpoints>),
}

/// Where a provider without discovery is, and which members of its user info say what.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) userinfo: Url,
    pub(super) subject: String,
    pub(super) email: Option<String>,
    pub(super) email_verified: Option<String>,
}

/// The setting can't be used. Values are not repeated: one may be a secret in the wrong place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProviders {
    /// It is not JSON, or has members that no provider has.
    #[error("it must be a JSON array of providers: {0}")]
    Json(String),
    /// One of them breaks a rule.
    #[error("provider {position}: {rule}")]
    Rule {
        /// Which, counted from 1.
        position: usize,
        /// What is wrong.
        rule: &'static str,
    },
}

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    issuer: String,
    client_id: String,
    client_secret: String,
    #[serde(default)]
    apple: Option<AppleKey>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    link_verified_email: bool,
    #[serde(default)]
    authorization_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint: Option<Url>,
    #[serde(default)]
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: Option<String>,
}

impl ProviderSettings {
    /// Reads the setting; `variable` gives the environment's variables, in which client secrets may stand on a developer's machine.
    ///
    /// # Errors
    ///
    /// [`InvalidProviders`] names the first provider that can't be used, and why.
    pub fn read(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidProviders> {
        let written: Vec<Written> = serde_json::from_str(text).map_err(|error| {
            // The library repeats the value that it can't take, which may be a secret: only the place is told.
            let kind =
                if error.is_data() { "a member is unknown, missing or of the wrong type" } else { "it is not JSON" };
            InvalidProviders::Json(format!("{kind} (line {}, column {})", error.line(), error.column()))
        })?;
        let mut names = BTreeSet::new();
        let read = written.into_iter().enumerate().map(|(index, written)| {
            let known = !names.insert(written.name.clone());
            let settings = if known { Err("another one has its name") } else { written.check(variable) };
            settings.map_err(|rule| InvalidProviders::Rule { position: index + 1, rule })
        });
        let read: Vec<Settings> = read.collect::<Result<_, _>>()?;
        // Whom a plain OAuth 2 server calls somebody must not be taken for whom an OpenID issuer calls so.
        let shared = |one: &Settings| read.iter().filter(|other| other.issuer == one.issuer).count() > 1;
        match read.iter().position(|one| matches!(one.protocol, Protocol::OAuth2(_)) && shared(one)) {
            Some(index) => Err(InvalidProviders::Rule { position: index + 1, rule: "another one has its issuer" }),
            None => Ok(Self(read)),
        }
    }
}

impl Written {
    fn check(self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Settings, &'static str> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.name.is_empty() || self.name.len() > 32 || !self.name.bytes().all(is_name) {
            return Err("`name` is 1 to 32 lower-case letters, digits and hyphens");
        }
        let issuer = Url::parse(&self.issuer).map_err(|_| "`issuer` is not a URL")?;
        if !is_trusted(&issuer) || issuer.query().is_some() || issuer.fragment().is_some() {
            return Err(
                "`issuer` is an https:// URL without query and fragment (http:// only on 127.0.0.1 or localhost)",
            );
        }
        if self.client_id.is_empty() {
            return Err("`client_id` is empty");
        }
        let client_secret = ClientSecret::read(&self.client_secret, self.apple, variable)?;
        let local = is_local(&issuer);
        let protocol = match (self.authorization_endpoint, self.token_endpoint, self.userinfo_endpoint) {
            (None, None, None) if self.subject.is_none() && self.email.is_none() && self.email_verified.is_none() => {
                let issuer = IssuerUrl::new(self.issuer.clone()).map_err(|_| "`issuer` is not a URL")?;
                Protocol::OpenId(Box::new(OpenId::new(issuer)))
            }
            (Some(authorization), Some(token), Some(userinfo)) => {
                let trusted = |url: &Url| url.scheme() == "https" || local && is_local(url);
                if ![&authorization, &token, &userinfo].into_iter().all(trusted) {
                    return Err("an endpoint is not an https:// URL");
                }
                let subject =
                    self.subject.ok_or("`subject` names the member of the user info that identifies a user")?;
                Protocol::OAuth2(Box::new(Endpoints {
                    authorization,
                    token,
                    userinfo,
                    subject,
                    email: self.email,
                    email_verified: self.email_verified,
                }))
            }
            _ => {
                return Err(
                    "`authorization_endpoint`, `token_endpoint`, `userinfo_endpoint` and `subject` belong together",
                );
            }
        };
        let usual = if matches!(protocol, Protocol::OpenId(_)) { &["openid", "email"][..] } else { &[] };
        let scopes = self.scopes.unwrap_or_else(|| usual.iter().map(|scope| (*scope).to_owned()).collect());
        Ok(Settings {
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret,
            scopes,
            prompt: self.prompt,
            link_verified_email: self.link_verified_email,
            protocol,
        })
    }
}

fn is_trusted(url: &Url) -> bool {
    url.scheme() == "https" || is_local(url)
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
