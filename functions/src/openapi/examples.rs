//! Values that the examples share.

pub(crate) const USER_KEY: &str = "c1063f8a-e20b-48b5-bf09-b4748c85520c";
pub(crate) const USER_ID: &str = "ada@example.com";
pub(crate) const USER_SECRET: &str = "nine teal kettles sing";
pub(crate) const SESSION_ID: &str = "80808761-bec2-42d3-919a-ce3f12fc443a";
pub(crate) const APPLICATION_ID: &str = "99c22a7f-20f6-4e9d-b6cf-a69b504abe3a";
pub(crate) const ISSUER: &str = "https://auth.example.com/api/v1/auth";
pub(crate) const PERMISSION: &str = "orders:read";
/// When the user of the examples signed in.
pub(crate) const SIGNED_IN_AT: u64 = 1_795_294_173;
/// When their access token expires.
pub(crate) const EXPIRES_AT: u64 = SIGNED_IN_AT + 1200;
/// When their session ends if it is not refreshed.
pub(crate) const SESSION_EXPIRES_AT: u64 = SIGNED_IN_AT + 259_200;
pub(crate) const IDENTITY_ID: &str = "qL8R4QIcQ_ZsRqOAbeRfcZhilN_MksRtDaErMA2pIXU";
pub(crate) const CODE: &str = "SplxlOBeZQQYbYS6WxSbIAgLXsBZQiHbZWVfRPFhxq0";
/// Those of RFC 7636 appendix B.
pub(crate) const CODE_VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CODE_CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Shortened: no token is as short as these.
pub(crate) const ACCESS_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJj.MEUCIQ";
pub(crate) const REFRESH_TOKEN: &str = "gl_rt_AcVf";
pub(crate) const DEVICE_TOKEN: &str = "gl_dt_AsVf";
