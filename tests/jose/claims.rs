//! Forgeries of claims: wrong types, which are errors and not absence (CVE-2026-25537), and JSON that two readers could
//! read differently.

use serde_json::{Value, json};

use super::forge::{Forgery, Target, with};

pub fn all(target: &Target) -> Vec<Forgery> {
    [absent, wrong_types, wrong_times, wrong_values, repeated, other_payloads]
        .into_iter()
        .flat_map(|family| family(target))
        .collect()
}

fn sealed(target: &Target, family: &'static str, payload: impl Into<String>) -> Forgery {
    let payload = payload.into();
    let token = target.sealed(&target.header().to_string(), &payload);
    Forgery::new(family, payload.chars().take(300).collect::<String>(), token)
}

/// All but `scope`, which a token without permissions does not have.
fn names(target: &Target) -> impl Iterator<Item = &str> {
    target.claims.as_object().expect("an object").keys().map(String::as_str)
}

fn absent(target: &Target) -> Vec<Forgery> {
    let without = |name: &str| {
        let mut claims = target.claims.clone();
        claims.as_object_mut().expect("an object").remove(name);
        sealed(target, "absent claim", claims.to_string())
    };
    names(target).filter(|name| *name != "scope").map(without).collect()
}

fn wrong_types(target: &Target) -> Vec<Forgery> {
    let values = [json!(null), json!({}), json!([]), json!(true), json!([[]]), json!({"x": 1})];
    let texts = [json!(0), json!(-1), json!(1.5)];
    let numbers = [json!("1"), json!("9999999999"), json!("")];
    names(target)
        .flat_map(|name| {
            let more = if target.claims[name].is_number() { numbers.clone() } else { texts.clone() };
            let wrong = values.iter().cloned().chain(more).filter(move |value| !(name == "amr" && *value == json!([])));
            wrong.map(move |value| with(&target.claims, name, value))
        })
        .map(|claims| sealed(target, "claim of a wrong type", claims.to_string()))
        .collect()
}

/// Numbers as text, which JSON libraries make of what no integer type can hold.
fn wrong_times(target: &Target) -> Vec<Forgery> {
    let numbers = [
        "9999999999.5",
        "1e400",
        "-1e400",
        "1e10",
        "1E+10",
        "-1",
        "-0.0",
        "18446744073709551616",
        "99999999999999999999999999",
        "[9999999999]",
        "\"9999999999\"",
        "{\"N\":\"9999999999\"}",
        "0x7fffffff",
        "NaN",
        "Infinity",
        "+9999999999",
        "09999999999",
        "9999999999.",
        ".5",
    ];
    let mut forged = Vec::new();
    for name in ["exp", "iat", "nbf", "auth_time", "ep"] {
        let written = format!("\"{name}\":{}", target.claims[name]);
        for number in numbers {
            let claims = target.claims.to_string().replace(&written, &format!("\"{name}\":{number}"));
            forged.push(sealed(target, "number no integer", claims));
        }
    }
    forged
}

fn wrong_values(target: &Target) -> Vec<Forgery> {
    let now = target.claims["iat"].as_u64().expect("a number");
    let text = |name: &str| target.claims[name].as_str().expect("text").to_owned();
    let (iss, aud) = (text("iss"), text("aud"));
    let changes = [
        ("iss", json!(format!("{iss}/"))),
        ("iss", json!(iss.to_uppercase())),
        ("iss", json!([iss])),
        ("iss", json!(format!("{iss}\u{0}"))),
        ("iss", json!(format!("{iss}.evil.example"))),
        ("iss", json!("")),
        ("iss", json!(&iss[..iss.len() - 1])),
        ("iss", json!(target.canary)),
        ("aud", json!([aud])),
        ("aud", json!([aud, "x"])),
        ("aud", json!(["x", aud])),
        ("aud", json!("")),
        ("aud", json!("*")),
        ("aud", json!(format!("{aud} x"))),
        ("aud", json!(format!("{aud}/"))),
        ("aud", json!(aud.to_uppercase())),
        ("exp", json!(now - 31)),
        ("exp", json!(0)),
        ("nbf", json!(now + 3600)),
        ("iat", json!(now + 3600)),
        ("nbf", json!(u64::MAX)),
        ("iat", json!(u64::MAX)),
        ("sub", json!("")),
        ("sub", json!("somebody")),
        ("sub", json!(text("sub").to_uppercase() + "A")),
        ("sub", json!(format!("{} ", text("sub")))),
        ("sid", json!("")),
        ("sid", json!("../x")),
        ("client_id", json!("")),
        ("client_id", json!("*")),
        ("amr", json!([1])),
        ("amr", json!("pwd")),
    ];
    let forged = |(name, value): &(&str, Value)| {
        sealed(target, "claim of a wrong value", with(&target.claims, name, value.clone()).to_string())
    };
    changes.iter().map(forged).collect()
}

fn repeated(target: &Target) -> Vec<Forgery> {
    let claims = target.claims.to_string();
    let inside = &claims[1..claims.len() - 1];
    let mut forged = Vec::new();
    for name in names(target) {
        let again = format!("\"{name}\":{}", target.claims[name]);
        for claims in [format!("{{{inside},{again}}}"), format!("{{{again},{inside}}}")] {
            forged.push(sealed(target, "repeated claim", claims));
        }
    }
    forged
}

/// Payloads that are no object of claims, a token in the token among them (RFC 8725 §3.1).
fn other_payloads(target: &Target) -> Vec<Forgery> {
    let claims = target.claims.to_string();
    // A claim that nobody knows may be anything, so it is a known one.
    let deep = |open: &str, close: &str, levels: usize| {
        let nested = format!("\"amr\":{}1{}", open.repeat(levels), close.repeat(levels));
        claims.replace(&format!("\"amr\":{}", target.claims["amr"]), &nested)
    };
    let payloads = [
        String::new(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        "1".into(),
        "true".into(),
        "\"\"".into(),
        target.genuine(),
        format!("\"{}\"", target.genuine()),
        format!("[{claims}]"),
        format!("{claims}{claims}"),
        format!("{claims}x"),
        format!("{claims}\u{0}"),
        format!("\u{feff}{claims}"),
        format!("{claims},"),
        claims.replace('"', "'"),
        claims[..claims.len() - 1].to_owned(),
        format!("{{\"claims\":{claims}}}"),
        claims.replace("\"sub\"", "\"SUB\""),
        deep("[", "]", 200),
        deep("{\"x\":", "}", 200),
        deep("[", "]", 2500),
        deep("{\"x\":", "}", 900),
        "[".repeat(5000),
    ];
    payloads.into_iter().map(|payload| sealed(target, "other payload", payload)).collect()
}
