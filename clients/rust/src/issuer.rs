//! Where the authentication server is.

use reqwest::Url;

use crate::{secret::Secret, transport::Transport};

/// Something could not be built from these settings.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The address is none.
    #[error("{0:?} is not the URL of an authentication server")]
    Url(String),
    /// Whoever sits between could hand out keys of their own, and read tokens. `http:` is for `localhost` and addresses of this machine.
    #[error("{0:?} must be https")]
    Insecure(String),
    /// The key has characters that no key has.
    #[error("the API key is not one")]
    ApiKey,
    /// The HTTP client could not be made.
    #[error("no HTTP client could be made")]
    Client(#[from] reqwest::Error),
}

/// The issuer's URL: exactly as tokens name it, and as a base for addresses.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    base: Url,
}

impl Issuer {
    pub(crate) fn new(name: String) -> Result<Self, BuildError> {
        let base = secure_url(&name)?;
        Ok(Self { name, base })
    }

    /// The address of an endpoint, such as `refresh`.
    pub(crate) fn endpoint(&self, path: &str) -> Result<Url, BuildError> {
        let address = format!("{}/{path}", self.name.trim_end_matches('/'));
        Url::parse(&address).map_err(|_| BuildError::Url(address))
    }

    /// Whether browsers reach it over TLS, on which the names of cookies depend.
    pub(crate) fn is_secure(&self) -> bool {
        self.base.scheme() == "https"
    }

    pub(crate) fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }
}

/// An address that only its owner answers at.
pub(crate) fn secure_url(text: &str) -> Result<Url, BuildError> {
    let url = Url::parse(text).map_err(|_| BuildError::Url(text.to_owned()))?;
    let host = url.host_str().ok_or_else(|| BuildError::Url(text.to_owned()))?;
    let address: Result<std::net::IpAddr, _> = host.trim_matches(['[', ']']).parse();
    let local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if local => Ok(url),
        "http" => Err(BuildError::Insecure(text.to_owned())),
        _ => Err(BuildError::Url(text.to_owned())),
    }
}

/// An endpoint that wants an application's key, and the way there.
#[derive(Clone)]
pub(crate) struct Keyed {
    pub(crate) transport: Transport,
    pub(crate) api_key: http::HeaderValue,
}

impl Keyed {
    pub(crate) fn new(client: Option<reqwest::ClientBuilder>, api_key: &Secret) -> Result<Self, BuildError> {
        let api_key = api_key.header("").ok_or(BuildError::ApiKey)?;
        Ok(Self { transport: Transport::new(client)?, api_key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        for url in
            ["https://auth.example.com/api/v1/auth", "http://localhost:9000/x", "http://127.0.0.9", "http://[::1]:1"]
        {
            assert!(secure_url(url).is_ok(), "{url}");
        }
        for url in ["http://auth.example.com", "http://localhost.example.com", "http://10.0.0.1", "ftp://x", "auth", ""]
        {
            assert!(secure_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_slash_at_the_end_of_an_issuer_is_part_of_its_name_only() {
        let issuer = Issuer::new("https://auth.example.com/api/".into()).unwrap();
        assert_eq!(issuer.name, "https://auth.example.com/api/");
        assert_eq!(issuer.endpoint("refresh").unwrap().as_str(), "https://auth.example.com/api/refresh");
        assert_eq!(issuer.origin(), "https://auth.example.com");
    }
}
