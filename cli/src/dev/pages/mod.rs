//! The pages of the local stack: the sample app at `/app/`, the API's documentation at `/docs/`.
//!
//! No deployment has them. They stand beside the API on its own origin, as an app and an API behind one domain do. Files are
//! read at each request, so that a change of the app shows when the page is loaded again. What must be installed or compiled
//! for them, the client too, [`prepare`] gets when somebody asks for the first page.

mod prepare;

use super::provider;
use super::seed::Seeded;
use super::server::Answer;
use super::workspace::Workspace;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use prepare::{Preparation, Progress};
use std::path::{Path, PathBuf};

/// A policy that a page in production can have as well.
const APP_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// The renderer styles its elements one by one.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How soon a browser asks again for a page that is being prepared, in seconds.
const ASK_AGAIN: &str = "1";

/// The pages of one stack.
pub(crate) struct Pages {
    root: PathBuf,
    prepared: PathBuf,
    /// What the sample app must know of this stack, as JSON.
    settings: String,
    preparation: Preparation,
}

/// What a path means.
#[derive(Debug, PartialEq, Eq)]
enum Page {
    File(PathBuf),
    Settings,
    Document,
    /// The same with a slash at its end, where relative links work.
    Elsewhere(String),
}

impl Pages {
    /// The pages of the project in `workspace`; the sample app speaks as `application`, and offers the example provider if there is
    /// one.
    pub(crate) fn new(workspace: &Workspace, application: Option<&Seeded>, with_provider: bool) -> Self {
        let prepared = workspace.target_directory.join("gatelet/pages");
        Self {
            root: workspace.root.clone(),
            settings: serde_json::json!({
                "apiKey": application.map(|application| &application.publishable_key),
                "clientId": application.map(|application| &application.application_id),
                "provider": with_provider.then_some(provider::NAME),
            })
            .to_string(),
            preparation: Preparation::new(&workspace.root, &prepared),
            prepared,
        }
    }

    /// The page at `path`, `None` if there is no such place.
    pub(crate) async fn answer(&self, method: &Method, path: &str) -> Option<Answer> {
        if method != Method::GET {
            return None;
        }
        let page = self.find(path)?;
        let policy = if path.starts_with("/app") { APP_POLICY } else { DOCS_POLICY };
        let answer = match page {
            Page::Elsewhere(place) => redirect(&place),
            page => match self.preparation.progress().await {
                Progress::Done => self.read(page).await?,
                Progress::UnderWay => waiting(),
                Progress::Failed(reason) => {
                    text(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", reason)
                }
            },
        };
        Some(secured(answer, policy))
    }

    fn find(&self, path: &str) -> Option<Page> {
        let path = path.strip_prefix('/')?;
        let Some((place, file)) = path.split_once('/') else {
            return ["app", "docs"].contains(&path).then(|| Page::Elsewhere(format!("/{path}/")));
        };
        let plain = |name: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !name.starts_with('.') && name.chars().all(is_plain)
        };
        let file = match (place, file) {
            ("app", "settings.json") => return Some(Page::Settings),
            ("docs", "openapi.json") => return Some(Page::Document),
            ("app", "") => self.root.join("examples/web/index.html"),
            ("docs", "") => self.root.join("cli/pages/docs.html"),
            ("docs", "docs.js") => self.root.join("cli/pages/docs.js"),
            ("docs", name) if plain(name) => self.prepared.join("node_modules/swagger-ui-dist").join(name),
            ("app", name) if plain(name) => self.root.join("examples/web").join(name),
            ("app", name) => {
                let name = name.strip_prefix("client/").filter(|name| plain(name))?;
                self.prepared.join("client").join(name)
            }
            _ => return None,
        };
        Some(Page::File(file))
    }

    async fn read(&self, page: Page) -> Option<Answer> {
        match page {
            Page::Settings => Some(text(StatusCode::OK, "application/json", self.settings.clone())),
            Page::Document => Some(text(StatusCode::OK, "application/json", functions::openapi::text().ok()?)),
            Page::File(path) => Some(text(StatusCode::OK, media_type(&path)?, tokio::fs::read(&path).await.ok()?)),
            Page::Elsewhere(place) => Some(redirect(&place)),
        }
    }
}

/// The type of the files that pages are made of; anything else is not served.
fn media_type(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => return None,
    })
}

fn text(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

fn redirect(place: &str) -> Answer {
    let mut answer = text(StatusCode::PERMANENT_REDIRECT, "text/plain", "");
    if let Ok(place) = HeaderValue::from_str(place) {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    answer
}

/// Says that the page comes; a browser asks again by itself.
fn waiting() -> Answer {
    let body =
        "<!doctype html><title>One moment</title><p>Preparing the pages. The first time, this takes half a minute.";
    let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8", body);
    for name in [header::RETRY_AFTER, header::REFRESH] {
        answer.headers_mut().insert(name, HeaderValue::from_static(ASK_AGAIN));
    }
    answer
}

fn secured(mut answer: Answer, policy: &'static str) -> Answer {
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        let (root, prepared) = (PathBuf::from("/project"), PathBuf::from("/target"));
        Pages { preparation: Preparation::new(&root, &prepared), settings: String::new(), root, prepared }
    }

    #[test]
    fn a_path_means_a_file_of_the_project_or_of_what_was_prepared() {
        let pages = pages();
        for (path, file) in [
            ("/app/", "/project/examples/web/index.html"),
            ("/app/app.js", "/project/examples/web/app.js"),
            ("/app/client/index.js", "/target/client/index.js"),
            ("/docs/", "/project/cli/pages/docs.html"),
            ("/docs/swagger-ui.css", "/target/node_modules/swagger-ui-dist/swagger-ui.css"),
        ] {
            assert_eq!(pages.find(path), Some(Page::File(file.into())), "{path}");
        }
        assert_eq!(pages.find("/app"), Some(Page::Elsewhere("/app/".to_owned())));
        assert_eq!(pages.find("/docs"), Some(Page::Elsewhere("/docs/".to_owned())));
        assert_eq!(pages.find("/docs/openapi.json"), Some(Page::Document));
    }

    #[test]
    fn no_path_leads_out_of_there() {
        let pages = pages();
        for path in [
            "",
            "/",
            "/other/",
            "/app/..",
            "/app/../secret.js",
            "/app/.hidden",
            "/app/client/../../x.js",
            "/app/client/%2e%2e/x.js",
            "/app/a/b.js",
            "/app//etc/passwd",
            "/docs/../docs.js",
            "/app/a\\b.js",
            "/app/\0",
        ] {
            assert_eq!(pages.find(path), None, "{path}");
        }
    }

    #[tokio::test]
    async fn only_what_pages_are_made_of_is_served() {
        assert_eq!(media_type(Path::new("a.html")), Some("text/html; charset=utf-8"));
        for name in ["key.pem", "applications.json", "README", ".html"] {
            assert_eq!(media_type(Path::new(name)), None, "{name}");
        }
        assert!(pages().answer(&Method::POST, "/app/").await.is_none());
    }
}
