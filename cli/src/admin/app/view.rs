//! How applications and keys are shown. The JSON field names are for scripts and stay as they are.

use super::keys::NewKey;
use crate::admin::answer::{Answer, fields, or_dash, table};
use crate::admin::duration;
use serde_json::{Value, json};
use shared::api_key::KeyKind;
use shared::application::{Application, StoredKey, TokenDelivery};
use shared::ids::ApplicationId;
use shared::store::CACHED_FOR;

pub(super) fn created(application: &Application, publishable: &NewKey, secret: &NewKey) -> Answer {
    let mut json = to_json(application);
    json["publishable_key"] = publishable.text.expose().into();
    json["secret_key"] = secret.text.expose().into();
    let keys = fields([
        ("publishable key", publishable.text.expose().to_owned()),
        ("secret key", secret.text.expose().to_owned()),
    ]);
    let text = format!("{}\n{keys}\n{}\n", fields(lines(application)), not_again(KeyKind::Secret));
    let hint = origin_hint(application);
    Answer { json, text: text + &hint }
}

pub(super) fn listed(applications: &[Application]) -> Answer {
    let json = json!({"applications": applications.iter().map(to_json).collect::<Vec<_>>()});
    let rows = applications.iter().map(|application| {
        [
            application.id.to_string(),
            application.name.clone(),
            application.delivery.to_string(),
            duration::show(application.access_lifetime),
            refresh(application),
            count(application, KeyKind::Publishable),
            count(application, KeyKind::Secret),
            application.created_at.to_string(),
        ]
    });
    let text = if applications.is_empty() {
        "There are no applications yet: make one with `gatelet app create NAME`.".to_owned()
    } else {
        let header = ["ID", "NAME", "DELIVERY", "ACCESS", "REFRESH", "PK", "SK", "CREATED"];
        table(header, rows)
    };
    Answer { json, text }
}

/// One application; `note` says what follows from a change.
pub(super) fn shown(application: &Application, note: Option<&str>) -> Answer {
    let keys =
        application.keys.iter().map(|key| [key.hash.fingerprint(), key.kind.to_string(), key.created_at.to_string()]);
    let keys = if application.keys.is_empty() {
        "It has no keys: add one with `gatelet app add-key`.\n".to_owned()
    } else {
        table(["KEY", "KIND", "CREATED"], keys)
    };
    let note = note.map(|note| format!("\n{note}\n")).unwrap_or_default();
    let text = format!("{}\n{keys}{note}{}", fields(lines(application)), origin_hint(application));
    Answer { json: to_json(application), text }
}

pub(super) fn key_added(id: ApplicationId, key: &NewKey) -> Answer {
    let json = json!({
        "application_id": id,
        "kind": key.kind,
        "fingerprint": key.hash.fingerprint(),
        "key": key.text.expose(),
    });
    let lines = fields([
        ("application", id.to_string()),
        ("kind", key.kind.to_string()),
        ("fingerprint", key.hash.fingerprint()),
        ("key", key.text.expose().to_owned()),
    ]);
    let bound = CACHED_FOR.as_secs();
    let text = format!("{lines}\n{}\nIt works everywhere within {bound} seconds.\n", not_again(key.kind));
    Answer { json, text }
}

pub(super) fn key_revoked(id: ApplicationId, key: &StoredKey) -> Answer {
    let (fingerprint, bound) = (key.hash.fingerprint(), CACHED_FOR.as_secs());
    Answer {
        json: json!({
            "application_id": id,
            "kind": key.kind,
            "fingerprint": fingerprint,
            "revoked_within_seconds": bound,
        }),
        text: format!(
            "The {} key {fingerprint} is revoked. It stops working everywhere within {bound} seconds.",
            key.kind
        ),
    }
}

fn to_json(application: &Application) -> Value {
    let key = |key: &StoredKey| {
        json!({
            "kind": key.kind,
            "fingerprint": key.hash.fingerprint(),
            "created_at": key.created_at.to_string(),
        })
    };
    let refresh = &application.refresh;
    json!({
        "application_id": application.id,
        "name": application.name,
        "audience": application.audience,
        "delivery": application.delivery,
        "allowed_origins": application.allowed_origins,
        "allowed_return_to": application.allowed_return_to,
        "default_permissions": application.default_permissions.iter().collect::<Vec<_>>(),
        "access_lifetime_seconds": application.access_lifetime.as_secs(),
        "refresh_idle_seconds": refresh.idle.as_secs(),
        "refresh_absolute_seconds": refresh.absolute.as_secs(),
        "grace_seconds": refresh.grace.as_secs(),
        "rotation": refresh.rotation,
        "recovery": refresh.recovery,
        "created_at": application.created_at.to_string(),
        "keys": application.keys.iter().map(key).collect::<Vec<_>>(),
    })
}

fn lines(application: &Application) -> [(&'static str, String); 14] {
    let refresh = &application.refresh;
    let switch = |on| if on { "on" } else { "off" }.to_owned();
    [
        ("application", application.id.to_string()),
        ("name", application.name.clone()),
        ("delivery", application.delivery.to_string()),
        ("allowed origins", or_dash(Some(&application.allowed_origins.join(" ")))),
        ("return to", or_dash(Some(&application.allowed_return_to.join(" ")))),
        ("new users may", or_dash(Some(&application.default_permissions.to_string()))),
        ("audience", application.audience.clone().unwrap_or_else(|| "the deployment's".to_owned())),
        ("access lifetime", duration::show(application.access_lifetime)),
        ("refresh idle", duration::show(refresh.idle)),
        ("refresh absolute", duration::show(refresh.absolute)),
        ("grace", duration::show(refresh.grace)),
        ("rotation", switch(refresh.rotation)),
        ("recovery", switch(refresh.recovery)),
        ("created", application.created_at.to_string()),
    ]
}

/// The refresh rules in a cell: `72h of 30d`, `30d, not rotating`.
fn refresh(application: &Application) -> String {
    let (idle, absolute) = (application.refresh.idle, application.refresh.absolute);
    if application.refresh.rotation {
        format!("{} of {}", duration::show(idle), duration::show(absolute))
    } else {
        format!("{}, not rotating", duration::show(idle))
    }
}

fn count(application: &Application, kind: KeyKind) -> String {
    application.keys.iter().filter(|key| key.kind == kind).count().to_string()
}

fn not_again(kind: KeyKind) -> String {
    format!("The {kind} key is not shown again: only its hash is stored.")
}

/// Without an origin nobody can even sign in to an application that uses cookies, and nothing else would say so.
fn origin_hint(application: &Application) -> String {
    if application.delivery == TokenDelivery::Cookie && application.allowed_origins.is_empty() {
        format!(
            "\nNo page can use its cookies yet: allow one with `gatelet app update {} --origin URL`.\n",
            application.id
        )
    } else {
        String::new()
    }
}
