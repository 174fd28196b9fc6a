//! Forgeries of the signature itself, where the mathematics has corners.

use shared::access_token::Algorithm;

use super::forge::{Forgery, Target, decode, encode, message};

/// The order of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3), big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, //
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of edwards25519's group (RFC 8032 §5.1), big-endian.
const ED25519_ORDER: [u8; 32] = [
    0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
    0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
];

/// The y coordinates of the points of small order, little-endian; and those that only a lax reader takes for one of them.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

pub fn all(target: &Target) -> Vec<Forgery> {
    let message = message(&target.header().to_string(), target.claims.to_string());
    let signature = target.signature(&message);
    let special = match target.pair.algorithm {
        Algorithm::ES256 => ecdsa(&signature),
        Algorithm::EdDSA => ed25519(&signature),
        Algorithm::RS256 => rsa(target, &signature),
    };
    let forged = |family: &'static str| {
        let message = message.clone();
        move |signature: Vec<u8>| Forgery::new(family, encode(&signature), format!("{message}.{}", encode(signature)))
    };
    let lengths = lengths(&signature).into_iter().map(forged("signature's length"));
    lengths.chain(special.into_iter().map(forged("signature's corner"))).collect()
}

/// The other signature of a pair: `n − s` for `s`.
pub fn twin(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let signature = decode(signature);
    let (r, s) = signature.split_at(32);
    format!("{message}.{}", encode([r, &minus(&P256_ORDER, s)].concat()))
}

/// What any algorithm must refuse.
fn lengths(signature: &[u8]) -> Vec<Vec<u8>> {
    let whole = signature.to_vec();
    let length = whole.len();
    vec![
        Vec::new(),
        vec![0],
        vec![0; length],
        vec![0xff; length],
        [&whole[..], &[0]].concat(),
        [&[0], &whole[..]].concat(),
        whole[1..].to_vec(),
        whole[..length - 1].to_vec(),
        whole[..length / 2].to_vec(),
        [&whole[..], &whole[..]].concat(),
        whole.iter().rev().copied().collect(),
        [&whole[length / 2..], &whole[..length / 2]].concat(),
        whole.iter().map(|byte| !byte).collect(),
    ]
}

/// Zeros, the group's order and beyond, and the form of other standards (RFC 7518 §3.4 has `r ‖ s`, each of 32 bytes).
fn ecdsa(signature: &[u8]) -> Vec<Vec<u8>> {
    let (r, s) = signature.split_at(32);
    let n = &P256_ORDER[..];
    let zero = &[0; 32][..];
    let one = &number(1)[..];
    let (beyond, below) = (&plus(n, one)[..], &minus(n, one)[..]);
    let values = [zero, one, n, beyond, below, &[0xff; 32][..]];
    let mut forged: Vec<_> = values.iter().flat_map(|r| values.iter().map(|s| [*r, *s].concat())).collect();
    forged.extend(values.iter().flat_map(|value| [[*value, s].concat(), [r, *value].concat()]));
    let negative = &minus(n, r)[..];
    forged.extend([
        [negative, s].concat(),
        [negative, &minus(n, s)].concat(),
        [s, r].concat(),
        [r, r].concat(),
        [s, s].concat(),
    ]);
    let integer = |value: &[u8]| {
        let first = value.iter().position(|byte| *byte != 0).unwrap_or(31);
        let sign = if value[first] >= 0x80 { &[0][..] } else { &[] };
        let value = [sign, &value[first..]].concat();
        [&[2, u8::try_from(value.len()).expect("short")], value.as_slice()].concat()
    };
    let body = [integer(r), integer(s)].concat();
    let der = [&[0x30, u8::try_from(body.len()).expect("short")], body.as_slice()].concat();
    let der384 = [&[0; 16], r, &[0; 16], s].concat();
    forged.extend([der, der384, [&[0][..], r, &[0], s].concat(), [&[4][..], r, s].concat()]);
    forged
}

/// `S` beyond the order (RFC 8032 §5.1.7), and points of small order for `R`.
fn ed25519(signature: &[u8]) -> Vec<Vec<u8>> {
    let (r, s) = signature.split_at(32);
    let big = |little: &[u8]| little.iter().rev().copied().collect::<Vec<_>>();
    let order = &ED25519_ORDER[..];
    let mut scalar = big(s);
    let mut forged = Vec::new();
    for _ in 0..8 {
        scalar = plus(&scalar, order);
        forged.push([r, &big(&scalar)].concat());
    }
    let scalars = [vec![0; 32], big(order), big(&number(1)), big(&minus(order, &big(s))), s.to_vec()];
    for point in SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point: Vec<_> =
                (0..32).map(|at| u8::from_str_radix(&point[2 * at..2 * at + 2], 16).expect("hexadecimal")).collect();
            point[31] |= sign;
            forged.extend(scalars.iter().map(|scalar| [&point[..], scalar].concat()));
        }
    }
    let mut negative = r.to_vec();
    negative[31] ^= 0x80;
    forged.extend([[&negative[..], s].concat(), [s, r].concat(), [r, &scalars[3]].concat()]);
    forged
}

/// Numbers that are their own power, the modulus, and the same signature of another length (RFC 8017 §8.2.2).
fn rsa(target: &Target, signature: &[u8]) -> Vec<Vec<u8>> {
    let jwk = serde_json::to_value(&target.pair.public).expect("JSON");
    let modulus = decode(jwk["n"].as_str().expect("a modulus"));
    let small = |value: u8| [vec![0; modulus.len() - 1], vec![value]].concat();
    let mut forged = vec![
        small(1),
        small(2),
        small(3),
        modulus.clone(),
        minus(&modulus, &small(1)),
        minus(&modulus, signature),
        [vec![0], signature.to_vec()].concat(),
        plus_longer(&modulus, signature),
        vec![1],
        vec![0, 1],
    ];
    // What the signature should come to, given away unencrypted.
    let padded = [
        &[0, 1][..],
        &vec![0xff; modulus.len() - 54],
        &[0],
        &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20],
        &[0; 32],
    ]
    .concat();
    forged.push(padded);
    forged
}

fn number(value: u8) -> [u8; 32] {
    let mut number = [0; 32];
    number[31] = value;
    number
}

/// Big-endian, of equal length; what is carried out of the first byte is lost.
fn plus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut sum: Vec<_> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let sum = u16::from(*a) + u16::from(*b) + carry;
            carry = sum >> 8;
            sum.to_be_bytes()[1]
        })
        .collect();
    sum.reverse();
    sum
}

fn minus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let complement: Vec<_> = b.iter().map(|byte| !byte).collect();
    let mut one = vec![0; b.len()];
    one[b.len() - 1] = 1;
    plus(&plus(a, &complement), &one)
}

/// The sum, with room for a carry.
fn plus_longer(a: &[u8], b: &[u8]) -> Vec<u8> {
    plus(&[&[0], a].concat(), &[&[0], b].concat())
}
