//! What looks like a secret of ours, so that one is found that nobody has seen being issued.

/// How secrets begin, and how much must follow. What stands before is not part of a longer word.
const SHAPES: [(&str, usize); 7] = [
    ("gl_rt_", 12),
    // The first member of a JWT's header, in base64url.
    ("eyJ", 16),
    ("sk_", 16),
    ("pk_", 16),
    ("$argon2", 8),
    ("-----BEGIN", 1),
    // PKCS #8 in base64.
    ("MIGHAgEA", 1),
];

/// What in `line` has the form of a secret.
pub fn suspicious(line: &str) -> Option<&str> {
    SHAPES.iter().find_map(|(prefix, length)| {
        line.match_indices(prefix).find_map(|(start, _)| {
            let (before, rest) = (line[..start].chars().next_back(), &line[start..]);
            let end = rest[prefix.len()..].find(|next| !is_part(next)).map_or(rest.len(), |end| end + prefix.len());
            let stands_alone = !before.is_some_and(|before| before.is_ascii_alphanumeric() || before == '_');
            (stands_alone && end >= prefix.len() + length).then_some(&rest[..end])
        })
    })
}

fn is_part(next: char) -> bool {
    next.is_ascii_alphanumeric() || "_-.$=+/, ".contains(next)
}

#[test]
fn secrets_are_known_by_their_form() {
    let secrets = [
        "gl_rt_AQIDBAUGBwgJCgsMDQ4P",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "sk_4Tz9bQ0mW1xR7uYc2E5vK8",
        "pk_4Tz9bQ0mW1xR7uYc2E5vK8",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
        "-----BEGIN PRIVATE KEY",
        "MIGHAgEAMBMGByqGSM49AgEG",
    ];
    for secret in secrets {
        assert_eq!(suspicious(&format!(r#"{{"cause":"{secret}"}}"#)), Some(secret));
        assert_eq!(suspicious(&format!("token={secret}")), Some(secret));
    }
    for harmless in ["gl_rt_", "sk_short", "task_force_of_a_hundred_people", "a user_key and a pk of user#1", "eyJ"] {
        assert_eq!(suspicious(harmless), None);
    }
}
