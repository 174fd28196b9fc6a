//! What can happen to a call, and the answers that DynamoDB would give then.

use std::{fmt, time::Duration};

use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Response, StatusCode,
    body::{Bytes, Frame},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};
use serde_json::json;

/// How long a call takes while DynamoDB is slow.
pub const SLOW: Duration = Duration::from_millis(500);

/// How long the first half of a body has to travel before the connection is cut.
const TRAVEL: Duration = Duration::from_millis(20);

/// What happens to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They pass.
    None,
    /// They pass too, but each is held until another joins it or until it is plain that none does. So calls that are sent
    /// together overlap, and calls that wait for each other don't.
    Held,
    /// They pass, and the answer is late.
    Slow,
    /// DynamoDB throttles.
    Throttle,
    /// DynamoDB fails.
    InternalError,
    /// A transaction has the item: an exception, or the reason for which another transaction is cancelled.
    Conflict,
    /// Nothing comes back.
    Hang,
    /// The connection is cut before DynamoDB hears of it.
    CutBefore,
    /// DynamoDB does it, and the connection is cut before the answer.
    CutAfter,
    /// DynamoDB does it, and the connection is cut in the middle of the answer.
    HalfAnswer,
    /// The function that called is killed before DynamoDB hears of it.
    KillBefore,
    /// DynamoDB does it, and the function is killed before the answer.
    KillAfter,
}

impl Fault {
    /// Whether DynamoDB has done by then what it was asked.
    pub const fn is_after(self) -> bool {
        matches!(self, Self::CutAfter | Self::HalfAnswer | Self::KillAfter)
    }

    /// Whether the function dies of it.
    pub const fn kills(self) -> bool {
        matches!(self, Self::KillBefore | Self::KillAfter)
    }
}

/// A connection that ends before the answer does.
#[derive(Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

pub type Answer = Response<BoxBody<Bytes, Cut>>;

/// What DynamoDB says instead of doing what it was asked, if the fault is that it says something.
pub fn refusal(fault: Fault, operation: &str) -> Option<Answer> {
    let transaction = operation == "TransactWriteItems";
    match fault {
        Fault::Throttle if transaction => Some(cancelled("ThrottlingError")),
        Fault::Throttle => Some(error(400, "ThrottlingException")),
        Fault::InternalError => Some(error(500, "InternalServerError")),
        Fault::Conflict if transaction => Some(cancelled("TransactionConflict")),
        Fault::Conflict => Some(error(400, "TransactionConflictException")),
        _ => None,
    }
}

/// Inside a transaction, what goes wrong is the reason of a cancellation.
fn cancelled(code: &str) -> Answer {
    let message =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [None, {code}]");
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": message,
        "CancellationReasons": [{"Code": "None"}, {"Code": code, "Message": "on demand"}],
    });
    answer_of(StatusCode::BAD_REQUEST, body.to_string().into())
}

fn error(status: u16, code: &str) -> Answer {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "on demand"});
    answer_of(StatusCode::from_u16(status).unwrap_or_default(), body.to_string().into())
}

pub fn answer_of(status: StatusCode, body: Bytes) -> Answer {
    with_body(status, Full::new(body).map_err(|never| match never {}).boxed())
}

/// An answer that says how long it is, and ends half way.
pub fn half_of(status: StatusCode, body: &Bytes) -> Answer {
    let first = body.slice(..body.len() / 2);
    let frames = stream::unfold(Some(first), |rest| async move {
        match rest {
            Some(half) if !half.is_empty() => Some((Ok(Frame::data(half)), Some(Bytes::new()))),
            Some(_) => {
                tokio::time::sleep(TRAVEL).await;
                Some((Err(Cut), None))
            }
            None => None,
        }
    });
    let mut answer = with_body(status, BodyExt::boxed(StreamBody::new(frames)));
    answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    answer
}

fn with_body(status: StatusCode, body: BoxBody<Bytes, Cut>) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
