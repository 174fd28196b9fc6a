//! Fixtures are made with the C reference implementation (`argon2-cffi` 25.1).

use super::*;

const PASSWORD: &str = "correct horse battery staple";
const CURRENT: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y";
const PEPPERED: &str =
    "$argon2id$v=19$m=19456,t=2,p=1,keyid=azE$c29tZXNhbHRzb21lc2FsdA$hj5+ixRTvhOETGmk5Sgp6Yd8oyTA7u2mYGxpriLIXqY";
const K1: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const K2: &str = "k2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const SALT: [u8; 16] = *b"somesaltsomesalt";

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn stored(text: &str) -> PasswordHash {
    PasswordHash::from_stored(text.to_owned())
}

fn hasher() -> Hasher {
    Hasher::new(Params::default(), Peppers::default())
}

fn peppered(setting: &str) -> Hasher {
    Hasher::new(Params::default(), setting.parse().unwrap())
}

/// RFC 9106 §5.3, in the buffer of a larger hash before it.
#[test]
fn the_hash_is_that_of_rfc_9106() {
    let id = argon2::KeyId::new(b"rfc").unwrap();
    let hasher = Hasher::new(Params::default(), Peppers::of_vector(id, &[3; 8]));
    hasher.hash(&password(PASSWORD), SALT).unwrap();

    let mut cost = argon2::ParamsBuilder::new();
    cost.m_cost(32).t_cost(3).p_cost(4).output_len(32).keyid(id);
    cost.data(argon2::AssociatedData::new(&[4; 12]).unwrap());
    let recipe = Recipe { version: Version::V0x13, cost: cost.build().unwrap(), salt: Salt::new(&[2; 16]).unwrap() };
    let password = password(&"\u{1}".repeat(32));
    assert_eq!(
        hasher.derive(&recipe, 32, &password).unwrap().as_bytes(),
        [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, //
            0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
        ]
    );
}

#[test]
fn hashes_are_those_of_the_reference_implementation() {
    assert_eq!(hasher().hash(&password(PASSWORD), SALT).unwrap().expose(), CURRENT);
    assert_eq!(peppered(K1).hash(&password(PASSWORD), SALT).unwrap().expose(), PEPPERED);
}

#[test]
fn hashes_of_the_reference_implementation_are_checked_with_their_own_parameters() {
    let unicode = "пароль 🔑 e\u{301}";
    for (text, hash, rehash) in [
        (PASSWORD, CURRENT, false),
        (
            unicode,
            "$argon2id$v=19$m=12288,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$o0CmCbnVvKTc1qijEcyqHgmwFfv3sWh97JLyzG2Juog",
            true,
        ),
        (
            PASSWORD,
            "$argon2id$v=19$m=7168,t=5,p=4$c29tZXNhbHRzb21lc2FsdA$vpFWTmZoqNInN/EAs9Eps9dMLVrksHm2YuEz9iXnzKw",
            true,
        ),
        (PASSWORD, "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$ERNvCBi29vikzzsuEI2bUQ", true),
        (
            PASSWORD,
            "$argon2id$v=16$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$HaIHyfFQ8XtR4UeV7/HdD89CfTOLLpnkuFC+vxedh62Vfi8DmZPyKm/7NJ5O8/RJ44XhOW4sM9xlY2thbRAjlQ",
            true,
        ),
        (
            PASSWORD,
            "$argon2id$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$HaIHyfFQ8XtR4UeV7/HdD89CfTOLLpnkuFC+vxedh62Vfi8DmZPyKm/7NJ5O8/RJ44XhOW4sM9xlY2thbRAjlQ",
            true,
        ),
    ] {
        let hasher = hasher();
        assert_eq!(hasher.verify(&password(text), Some(&stored(hash))), Ok(Verdict::Match { rehash }), "{hash}");
        assert_eq!(hasher.verify(&password("another"), Some(&stored(hash))), Ok(Verdict::Mismatch), "{hash}");
    }
}

#[test]
fn a_smaller_cost_after_a_larger_one_uses_part_of_the_buffer() {
    let hasher = hasher();
    hasher.hash(&password("something else"), SALT).unwrap();
    let small = stored("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$ERNvCBi29vikzzsuEI2bUQ");
    assert_eq!(hasher.verify(&password(PASSWORD), Some(&small)), Ok(Verdict::Match { rehash: true }));
    assert_eq!(hasher.memory.lock().unwrap().len(), 19_456);
}

#[test]
fn the_last_of_256_characters_counts() {
    let hasher = hasher();
    let hash = hasher.hash(&password(&format!("{}a", "ж".repeat(255))), SALT).unwrap();
    for (last, expected) in [("a", Verdict::Match { rehash: false }), ("b", Verdict::Mismatch), ("", Verdict::Mismatch)]
    {
        assert_eq!(hasher.verify(&password(&format!("{}{last}", "ж".repeat(255))), Some(&hash)), Ok(expected));
    }
}

#[test]
fn a_hash_made_with_other_parameters_is_to_be_replaced() {
    for (memory, iterations, parallelism, rehash) in
        [(19_456, 2, 1, false), (19_457, 2, 1, true), (19_456, 3, 1, true), (19_456, 2, 2, true), (7_168, 5, 1, true)]
    {
        let hasher = Hasher::new(Params::new(memory, iterations, parallelism).unwrap(), Peppers::default());
        assert_eq!(hasher.verify(&password(PASSWORD), Some(&stored(CURRENT))), Ok(Verdict::Match { rehash }));
    }
}

/// The buffer shows the work: it is filled to the current memory cost, with what argon2id left there.
#[test]
fn an_unknown_user_costs_a_whole_hash() {
    let (unknown, known) = (hasher(), hasher());
    assert_eq!(unknown.verify(&password(PASSWORD), None), Ok(Verdict::Mismatch));
    assert_eq!(known.verify(&password("wrong password"), Some(&stored(CURRENT))), Ok(Verdict::Mismatch));
    for hasher in [unknown, known] {
        let memory = hasher.memory.lock().unwrap();
        assert_eq!(memory.len(), 19_456);
        assert!(memory.iter().all(|block| block.as_ref().iter().any(|word| *word != 0)), "every block was written");
    }
}

#[test]
fn an_oversize_password_costs_nothing_whoever_the_user_is() {
    let hasher = hasher();
    let oversize = password(&"a".repeat(1025));
    for user in [None, Some(&stored(CURRENT)), Some(&stored("corrupt"))] {
        assert_eq!(hasher.verify(&oversize, user), Ok(Verdict::Mismatch));
    }
    assert!(hasher.memory.lock().unwrap().is_empty());
}

#[test]
fn a_corrupt_hash_is_an_error_before_any_work() {
    let hasher = hasher();
    for (text, expected) in [
        ("", HashError::Unreadable),
        (PASSWORD, HashError::Unreadable),
        ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA", HashError::Unreadable),
        ("$argon2id$v=19$m=19456,t=2,p=1", HashError::Unreadable),
        (
            "$argon2id$v=19$m=19456,t=2,p=1$c29t!XNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y",
            HashError::Unreadable,
        ),
        (
            "$argon2id$v=18$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y",
            HashError::Unreadable,
        ),
        (
            "$argon2id$v=19$m=19456,t=0,p=1$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y",
            HashError::Unreadable,
        ),
        (
            "$argon2id$v=19$m=19456,t=2,p=1,x=1$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y",
            HashError::Unreadable,
        ),
        (
            "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$zEgUAfk8nkAqqwmxnskapVML0TG0qJm7u/61l2dzSuc",
            HashError::Unreadable,
        ),
        ("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", HashError::Unreadable),
        (
            "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y",
            HashError::Excessive,
        ),
        (
            "$argon2id$v=19$m=19456,t=65,p=1$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y",
            HashError::Excessive,
        ),
        (
            "$argon2id$v=19$m=19456,t=2,p=17$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y",
            HashError::Excessive,
        ),
        (PEPPERED, HashError::UnknownPepper),
    ] {
        assert_eq!(hasher.verify(&password(PASSWORD), Some(&stored(text))), Err(expected), "{text}");
    }
    assert!(hasher.memory.lock().unwrap().is_empty());
}

#[test]
fn a_pepper_is_part_of_the_hash_and_can_be_rotated() {
    let rotated = format!("{K2},{K1}");
    for (setting, hash, rehash) in [(K1, PEPPERED, false), (&rotated, PEPPERED, true), (K1, CURRENT, true)] {
        let hasher = peppered(setting);
        assert_eq!(hasher.verify(&password(PASSWORD), Some(&stored(hash))), Ok(Verdict::Match { rehash }));
    }
    let same_id_other_secret = peppered(&K2.replace("k2:", "k1:"));
    assert_eq!(same_id_other_secret.verify(&password(PASSWORD), Some(&stored(PEPPERED))), Ok(Verdict::Mismatch));
    assert_eq!(peppered(K2).verify(&password(PASSWORD), Some(&stored(PEPPERED))), Err(HashError::UnknownPepper));
}

#[test]
fn debug_output_hides_the_hash() {
    assert_eq!(format!("{:?}", stored(CURRENT)), "PasswordHash");
}
