//! Forgeries of the rest of the header: members that make a verifier do more than verify, other types, repeated names.

use serde_json::{Value, json};

use super::forge::{Forgery, Target, encode, with};

pub fn all(target: &Target) -> Vec<Forgery> {
    [extensions, types, repeated].into_iter().flat_map(|family| family(target)).collect()
}

/// Members that change what is signed or how (RFC 7515 §4.1.11, RFC 7797), with a signature that fits each.
fn extensions(target: &Target) -> Vec<Forgery> {
    let header = target.header();
    let claims = target.claims.to_string();
    let members = [
        json!({"crit": []}),
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": ["b64"], "b64": true}),
        json!({"crit": ["alg"]}),
        json!({"crit": ["x"], "x": 1}),
        json!({"crit": "exp"}),
        json!({"crit": null}),
        json!({"crit": ["crit"]}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"zip": ""}),
        json!({"cty": "JWT"}),
        json!({"cty": "at+jwt"}),
        json!({"enc": "A128GCM"}),
        json!({"epk": {}}),
        json!({"p2c": 1_000_000_000, "p2s": "AAAA"}),
        json!({"url": target.canary}),
        json!({"nonce": "x"}),
        json!({"ppt": "shaken"}),
        json!({"exp": 1}),
        json!({"x": {"y": []}}),
        json!({"": ""}),
        json!({"Alg": "none"}),
        json!({"ALG": "none", "KID": "x"}),
    ];
    let with_all = |members: &Value| {
        let mut changed = header.clone();
        for (name, member) in members.as_object().expect("an object") {
            changed[name] = member.clone();
        }
        changed.to_string()
    };
    let mut forged: Vec<_> = members
        .iter()
        .map(|members| Forgery::new("extension", members.to_string(), target.sealed(&with_all(members), &claims)))
        .collect();
    // With `b64` false the payload is signed, and stands in the token, as it is.
    let unencoded = encode(with_all(&json!({"crit": ["b64"], "b64": false})));
    for payload in [claims.as_str(), "x", ""] {
        let message = format!("{unencoded}.{payload}");
        let signature = encode(target.signature(&message));
        forged.push(Forgery::new("extension", format!("unencoded {payload}"), format!("{message}.{signature}")));
        forged.push(Forgery::new("extension", format!("detached {payload}"), format!("{unencoded}..{signature}")));
    }
    forged
}

/// Tokens of other kinds (RFC 8725 §3.11).
fn types(target: &Target) -> Vec<Forgery> {
    let names = [
        json!("JWT"),
        json!("jwt"),
        json!("id+jwt"),
        json!("logout+jwt"),
        json!("secevent+jwt"),
        json!("dpop+jwt"),
        json!("JOSE"),
        json!("JOSE+JSON"),
        json!("at"),
        json!("at+jwt "),
        json!("at+jwt\u{0}"),
        json!("at+jwt;x=y"),
        json!("application/"),
        json!("application/application/at+jwt"),
        json!("application/jwt"),
        json!(""),
        json!(null),
        json!(["at+jwt"]),
        json!({"at+jwt": 1}),
        json!(1),
    ];
    let mut forged: Vec<_> = names
        .iter()
        .map(|name| {
            let header = with(&target.header(), "typ", name.clone()).to_string();
            Forgery::new("type", name.to_string(), target.sealed(&header, target.claims.to_string()))
        })
        .collect();
    for header in ["{}", "[]", "null", "1", "\"at+jwt\"", "", "{", "{}{}"] {
        forged.push(Forgery::new("type", format!("header {header}"), target.sealed(header, target.claims.to_string())));
    }
    forged
}

/// Names that are there twice, of which two readers take different ones (RFC 7515 §4).
fn repeated(target: &Target) -> Vec<Forgery> {
    let header = target.header().to_string();
    let inside = &header[1..header.len() - 1];
    let kid = &target.pair.kid;
    let alg = target.pair.algorithm.as_str();
    let again = [
        format!(r#""alg":"{alg}""#),
        r#""alg":"none""#.into(),
        r#""alg":"HS256""#.into(),
        format!(r#""kid":"{kid}""#),
        r#""kid":"x""#.into(),
        r#""typ":"at+jwt""#.into(),
        r#""typ":"JWT""#.into(),
        format!(r#""\u0061lg":"{alg}""#),
        format!(r#""k\u0069d":"{kid}""#),
    ];
    let mut forged = Vec::new();
    for again in again {
        for header in [format!("{{{inside},{again}}}"), format!("{{{again},{inside}}}")] {
            forged.push(Forgery::new(
                "repeated header",
                header.clone(),
                target.sealed(&header, target.claims.to_string()),
            ));
        }
    }
    for header in [
        format!("{header}{header}"),
        format!("{header}x"),
        format!("{header}\u{0}"),
        format!("\u{feff}{header}"),
        format!("[{header}]"),
    ] {
        forged.push(Forgery::new("repeated header", header.clone(), target.sealed(&header, target.claims.to_string())));
    }
    forged
}
