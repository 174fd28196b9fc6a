use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::provider::remembered::Passing;

const NOW: Timestamp = Timestamp::from_seconds(1_795_290_000);
const PARAMETER: &str = "arn:aws:ssm:eu-west-1:123456789012:parameter/gatelet/google";
const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:gatelet/google-AbCdEf";

/// A service that answers once, and hands over what it was asked.
async fn service(status: u16, answer: &Value) -> (AwsAccess, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let body = answer.to_string();
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4096];
        let mut length = 0;
        while !String::from_utf8_lossy(&asked[..length]).contains('}') {
            length += stream.read(&mut asked[length..]).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    (access(&endpoint), asked)
}

fn access(endpoint: &str) -> AwsAccess {
    let account = Aws {
        region: "eu-north-1".into(),
        endpoint: None,
        access_key_id: "AKID".into(),
        secret_access_key: Secret::new("secret".into()),
        session_token: Some(Secret::new("token".into())),
    };
    let stores =
        SecretStores { parameter_store: Some(endpoint.to_owned()), secrets_manager: Some(endpoint.to_owned()) };
    AwsAccess { account, stores, web: HttpClient::new().allowing_local(true) }
}

fn kept_at(place: &str, apple: Option<AppleKey>) -> ClientSecret {
    ClientSecret::read(place, apple, &|_| None).unwrap()
}

#[tokio::test]
async fn a_secret_is_read_where_its_arn_says_with_a_signature() {
    for (arn, answer, target, scope) in [
        (PARAMETER, json!({"Parameter": {"Value": "s3cr3t"}}), "AmazonSSM.GetParameter", "eu-west-1/ssm/aws4_request"),
        (
            SECRET,
            json!({"SecretString": "s3cr3t"}),
            "secretsmanager.GetSecretValue",
            "eu-central-1/secretsmanager/aws4_request",
        ),
    ] {
        let (access, asked) = service(200, &answer).await;
        let secret = kept_at(arn, None).get("client", "https://issuer", &access, NOW).await.unwrap();
        assert_eq!(secret.expose(), "s3cr3t");
        let asked = asked.await.unwrap();
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        let credential = format!("credential=akid/20261121/{scope}");
        for part in
            ["post / ", &format!("x-amz-target: {}", target.to_lowercase()), &credential, "x-amz-security-token: token"]
        {
            assert!(head.contains(part), "{part} in {head}");
        }
        assert!(body.contains(arn), "{body}");
        assert!(!asked.contains("secret_access_key"));
    }
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_will_not() {
    for (status, answer, passes) in [
        (500, json!({}), true),
        (503, json!("no object"), true),
        (400, json!({"__type": "ThrottlingException"}), true),
        (400, json!({"__type": "AccessDeniedException", "message": "not for you"}), false),
        (400, json!({"__type": "ParameterNotFound"}), false),
        (200, json!({"Parameter": {}}), false),
    ] {
        let (access, asked) = service(status, &answer).await;
        let error = kept_at(PARAMETER, None).get("client", "https://issuer", &access, NOW).await.unwrap_err();
        assert_eq!(error.may_pass(), passes, "{status} {answer}: {error}");
        asked.await.unwrap();
    }
    let gone = access("http://127.0.0.1:1");
    let error = kept_at(SECRET, None).get("client", "https://issuer", &gone, NOW).await.unwrap_err();
    assert!(error.may_pass(), "{error}");
}

#[tokio::test]
async fn a_secret_is_asked_for_once_in_five_minutes() {
    let (access, asked) = service(200, &json!({"Parameter": {"Value": "s3cr3t"}})).await;
    let secret = kept_at(PARAMETER, None);
    secret.get("client", "https://issuer", &access, NOW).await.unwrap();
    asked.await.unwrap();
    // There is nobody to ask any more.
    for later in [1, 299, 301, 24 * 3600 - 1] {
        let now = NOW.plus(Duration::from_secs(later));
        assert_eq!(secret.get("client", "https://issuer", &access, now).await.unwrap().expose(), "s3cr3t", "{later}");
    }
    let tomorrow = NOW.plus(Duration::from_hours(24));
    assert!(secret.get("client", "https://issuer", &access, tomorrow).await.is_err());
}

#[tokio::test]
async fn apples_secret_is_a_jwt_that_its_key_has_signed() {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
    let key = AppleKey { team_id: "TEAM".into(), key_id: "KEY".into() };
    let secret = key.sign(&Secret::new(pem), "com.example.web", "https://appleid.apple.com", NOW).unwrap();
    assert_eq!(jsonwebtoken::decode_header(secret.expose()).unwrap().kid.as_deref(), Some("KEY"));

    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_audience(&["https://appleid.apple.com"]);
    let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
    let claims = jsonwebtoken::decode::<Value>(secret.expose(), &public, &validation).unwrap().claims;
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("TEAM"), &json!("com.example.web")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
}

#[tokio::test]
async fn what_is_no_key_signs_nothing() {
    let key = AppleKey { team_id: "TEAM".into(), key_id: "KEY".into() };
    for text in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----"] {
        let error = key.sign(&Secret::new(text.into()), "client", "issuer", NOW).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
