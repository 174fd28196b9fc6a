//! Forgeries of form: other serialisations, other spellings of the same bytes, and tokens of any size.

use serde_json::json;

use super::forge::{Forgery, Target, encode, parts};

pub fn all(target: &Target) -> Vec<Forgery> {
    [json_forms, encrypted, nested, base64, separators, sizes].into_iter().flat_map(|family| family(target)).collect()
}

/// The JSON serialisations of a good token (RFC 7515 §7.2).
fn json_forms(target: &Target) -> Vec<Forgery> {
    let token = target.genuine();
    let [protected, payload, signature] = parts(&token);
    let header = target.header();
    let one = json!({"protected": protected, "signature": signature});
    let forms = [
        json!({"payload": payload, "protected": protected, "signature": signature}),
        json!({"payload": payload, "protected": protected, "header": header, "signature": signature}),
        json!({"payload": payload, "header": header, "signature": signature}),
        json!({"payload": payload, "signatures": [one]}),
        json!({"payload": payload, "signatures": [one, one]}),
        json!({"payload": payload, "signatures": []}),
        json!({"token": token}),
        json!(token),
        json!([token]),
        json!([protected, payload, signature]),
    ];
    let mut texts = forms.map(|form| form.to_string()).to_vec();
    // Which is a compact one as well, to a reader that looks for dots.
    texts.push(format!(r#"{{"protected":"{protected}.","payload":".{payload}.","signature":"{signature}"}}"#));
    texts.push(format!("{protected}.{payload}.{signature}.{{\"payload\":1}}"));
    texts.into_iter().map(|text| Forgery::new("JSON serialisation", text.clone(), text)).collect()
}

/// JWE (RFC 7516): five parts, and what is not one but looks so.
fn encrypted(target: &Target) -> Vec<Forgery> {
    let [_, payload, signature] = &parts(&target.genuine()).map(str::to_owned);
    let algorithms = [
        "dir",
        "A128KW",
        "A256GCMKW",
        "RSA1_5",
        "RSA-OAEP",
        "RSA-OAEP-256",
        "ECDH-ES",
        "ECDH-ES+A128KW",
        "PBES2-HS256+A128KW",
    ];
    let mut forged = Vec::new();
    for algorithm in algorithms {
        let header = json!({"alg": algorithm, "enc": "A128GCM", "typ": "at+jwt", "kid": target.pair.kid, "p2c": 2_000_000_000, "p2s": "AAAA"});
        let header = encode(header.to_string());
        for token in [
            format!("{header}.AAAA.AAAAAAAAAAAAAAAA.{payload}.AAAAAAAAAAAAAAAAAAAAAA"),
            format!("{header}....{signature}"),
            format!("{header}.{payload}.{signature}"),
        ] {
            forged.push(Forgery::new("encrypted", algorithm, token));
        }
    }
    forged
}

/// A good token inside a token (RFC 7519 §5.2).
fn nested(target: &Target) -> Vec<Forgery> {
    let genuine = target.genuine();
    let headers = [
        json!({"alg": "none", "cty": "JWT"}),
        json!({"alg": target.pair.algorithm.as_str(), "kid": target.pair.kid, "typ": "at+jwt", "cty": "JWT"}),
        target.header(),
    ];
    let mut inner = genuine.clone();
    let mut forged = Vec::new();
    for depth in 1..=4 {
        for header in &headers {
            forged.push(Forgery::new(
                "nested",
                format!("{depth} deep, {header}"),
                target.sealed(&header.to_string(), &inner),
            ));
        }
        inner = target.sealed(&headers[1].to_string(), &inner);
    }
    forged.push(Forgery::new("nested", "encoded as a whole", encode(&genuine)));
    forged
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The same bytes in other letters (RFC 7515 §2: base64url without padding, line breaks and white space).
fn base64(target: &Target) -> Vec<Forgery> {
    // Payloads of three lengths, so that each kind of ending is there.
    let mut forged = Vec::new();
    for length in 0..3 {
        let token = target.sealed(&target.header().to_string(), format!("{}{}", target.claims, " ".repeat(length)));
        for at in 0..3 {
            let own = parts(&token);
            let mut respelt = endings(own[at]);
            if length == 0 {
                respelt.extend(spellings(own[at]));
            }
            respelt.retain(|part| part != own[at]);
            for part in respelt {
                let mut changed = own.map(str::to_owned);
                changed[at].clone_from(&part);
                forged.push(Forgery::new("base64url", format!("part {at}: {part}"), changed.join(".")));
            }
        }
    }
    forged
}

fn spellings(part: &str) -> Vec<String> {
    let mut spellings: Vec<_> =
        ["A", "AAAA", " ", "\n", "\r\n", "\t", "\u{0}", "\u{a0}", "\u{200b}", "%3D", "+", "/", ","]
            .into_iter()
            .flat_map(|more| {
                [format!("{part}{more}"), format!("{more}{part}"), format!("{}{more}{}", &part[..4], &part[4..])]
            })
            .collect();
    spellings.push(part.replacen('e', "\u{435}", 1));
    spellings.push(part.replacen('-', "+", 1));
    spellings.push(part.replacen('_', "/", 1));
    spellings.push(part.replacen('A', "%41", 1));
    spellings.push(part[..part.len() - 1].to_owned());
    spellings.push(part.to_uppercase());
    spellings
}

/// Padding, and bits that are left over at the end and must be zero (RFC 4648 §3.5).
fn endings(part: &str) -> Vec<String> {
    let (rest, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|letter| last.as_bytes() == [*letter]).expect("a letter of the alphabet");
    let spare = match part.len() % 4 {
        2 => 16,
        3 => 4,
        _ => 1,
    };
    let twins = (1..spare).map(|bits| format!("{rest}{}", char::from(ALPHABET[value ^ bits])));
    twins.chain(["=", "==", "==="].map(|padding| format!("{part}{padding}"))).collect()
}

/// Parts too many, too few, in other places.
fn separators(target: &Target) -> Vec<Forgery> {
    let token = target.genuine();
    let [header, payload, signature] = parts(&token);
    let texts = [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        "....".into(),
        format!("{token}."),
        format!(".{token}"),
        format!("..{token}"),
        format!("{token}.."),
        token.replacen('.', "..", 1),
        token.replace('.', ".."),
        token.replace('.', ""),
        token.replacen('.', "", 1),
        token.replace('.', ","),
        token.replace('.', " "),
        token.replace('.', ":"),
        token.replace('.', "\u{2024}"),
        token.replace('.', "%2e"),
        token.replace('.', "\u{0}"),
        format!("{token}.{token}"),
        format!("{token} {token}"),
        format!("{token},{token}"),
        format!("{token}\n"),
        format!("{token}\0"),
        format!("\"{token}\""),
        format!("Bearer {token}x"),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{payload}.{header}.{signature}"),
        format!("{signature}.{payload}.{header}"),
        format!("{header}.{header}.{signature}"),
        header.to_owned(),
        token.to_lowercase(),
        token.chars().rev().collect(),
    ];
    texts.into_iter().map(|text| Forgery::new("separator", text.clone(), text)).collect()
}

/// Sizes of which none may cost anything.
fn sizes(target: &Target) -> Vec<Forgery> {
    let token = target.genuine();
    let [header, payload, signature] = parts(&token);
    let padded =
        |spaces: usize| target.sealed(&target.header().to_string(), format!("{}{}", target.claims, " ".repeat(spaces)));
    let texts = [
        padded(6_200),
        padded(16_000),
        padded(750_000),
        "x".repeat(1_000_000),
        ".".repeat(1_000_000),
        "a.".repeat(500_000),
        format!("{header}.{payload}.{}", signature.repeat(9_000)),
        format!("{}.{payload}.{signature}", header.repeat(9_000)),
        format!("{header}.{}.{signature}", payload.repeat(3_000)),
        format!("{token}{}", "=".repeat(1_000_000)),
    ];
    texts.into_iter().map(|text| Forgery::new("size", format!("{} bytes", text.len()), text)).collect()
}
