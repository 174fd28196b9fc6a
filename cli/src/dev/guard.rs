//! The door of the embedded database, through which no page on the web may come.
//!
//! The database's own server checks neither `Host` nor signatures and lets every origin read its answers, so that any page that finds its
//! port could read the stack's private keys. It is therefore never left listening: each connection to it has a listener of its own, which
//! accepts nobody else once that connection stands, and [`Guard`] is all that can be reached.

use super::host;
use super::record::Record;
use super::server::{self, Answer, Handler};
use bytes::Bytes;
use dynoxide::Database;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};

/// What DynamoDB takes.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Headers that belong to one connection.
const NOT_FORWARDED: [HeaderName; 3] = [header::CONNECTION, header::EXPECT, header::TRANSFER_ENCODING];

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Passes on what programs on this machine ask of a database.
pub(crate) struct Guard {
    database: Database,
    record: Arc<Record>,
    /// Connections that nobody uses now. There are as many as there were requests at once.
    idle: Mutex<Vec<Connection>>,
}

/// A connection to the database's server.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Kept, because the connection ends with it, and not polled, because it would let in others.
    _server: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Guard {
    pub(crate) fn new(database: Database, record: Arc<Record>) -> Self {
        Self { database, record, idle: Mutex::default() }
    }

    async fn forward(&self, mut head: Parts, body: Bytes) -> Result<Answer, Failure> {
        strip(&mut head.headers);
        head.version = Version::HTTP_11;
        let mut connection = self.connection().await?;
        let response = connection.sender.send_request(Request::from_parts(head, Full::new(body))).await?;
        let (mut head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        self.idle().push(connection);
        strip(&mut head.headers);
        Ok(Response::from_parts(head, Full::new(body)))
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        loop {
            let idle = self.idle().pop();
            let Some(mut connection) = idle else {
                return dial(server::bind(0).await?, self.database.clone()).await;
            };
            if connection.sender.ready().await.is_ok() {
                return Ok(connection);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for Guard {
    async fn handle(&self, request: Request<Incoming>, _: SocketAddr) -> Answer {
        let (head, body) = request.into_parts();
        // Whatever a page can send that matters here names its origin, and a page behind DNS rebinding names another host.
        if head.headers.contains_key(header::ORIGIN) || !host::is_addressed(&head.headers) {
            return refuse(StatusCode::FORBIDDEN, "AccessDeniedException");
        }
        let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException");
        };
        let body = body.to_bytes();
        self.record.call(&head.headers, &body);
        let answer = self.forward(head, body).await;
        answer.unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"))
    }
}

/// Starts a server for one connection, and connects to it.
async fn dial(listener: TcpListener, database: Database) -> Result<Connection, Failure> {
    let address = listener.local_addr()?;
    let mut server = Box::pin(dynoxide::server::serve_on(listener, database));
    let sender = tokio::select! {
        () = &mut server => return Err("the database's server ended".into()),
        sender = connect(address) => sender?,
    };
    Ok(Connection { sender, _server: server })
}

/// Connects, and waits for a first answer, which shows that the connection has been accepted.
async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let is_healthy = Request::new(Full::default());
    sender.send_request(is_healthy).await?.into_body().collect().await?;
    Ok(sender)
}

fn strip(headers: &mut HeaderMap) {
    for name in NOT_FORWARDED {
        headers.remove(name);
    }
}

fn refuse(status: StatusCode, kind: &str) -> Answer {
    server::json(status, format!(r#"{{"__type":"com.amazon.coral.service#{kind}"}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn guard() -> Guard {
        Guard::new(Database::memory().unwrap(), Arc::new(Record::open(None).unwrap()))
    }

    async fn guarded() -> SocketAddr {
        let listener = server::bind(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server::serve(listener, Arc::new(guard())));
        address
    }

    /// Lists the tables with these headers, on a connection of its own: the answer as it is.
    async fn list_tables(address: SocketAddr, method: &str, headers: &str) -> String {
        let request = format!(
            "{method} / HTTP/1.1\r\n{headers}Connection: close\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
             X-Amz-Date: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders=c\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.to_lowercase()
    }

    #[tokio::test]
    async fn programs_are_answered() {
        let address = guarded().await;
        for host in ["Host: localhost\r\n", "Host: 127.0.0.1:8000\r\n"] {
            let answer = list_tables(address, "POST", host).await;
            assert!(answer.starts_with("http/1.1 200 ") && answer.ends_with(r#"{"tablenames":[]}"#), "{answer}");
        }
    }

    #[tokio::test]
    async fn pages_are_refused() {
        let address = guarded().await;
        let asked = [
            ("POST", "Host: localhost\r\nOrigin: http://localhost\r\n"),
            ("POST", "Host: localhost\r\nOrigin: null\r\n"),
            ("OPTIONS", "Host: localhost\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n"),
            ("POST", "Host: rebound.example\r\n"),
            ("POST", "Host: localhost\r\nHost: localhost\r\n"),
            ("POST", ""),
        ];
        for (method, headers) in asked {
            let answer = list_tables(address, method, headers).await;
            assert!(answer.starts_with("http/1.1 403 ") && !answer.contains("access-control"), "{headers} {answer}");
        }
    }

    #[tokio::test]
    async fn many_at_once_share_few_connections() {
        let guard = Arc::new(guard());
        let ask = |guard: Arc<Guard>| async move {
            let (head, ()) = Request::get("/").body(()).unwrap().into_parts();
            guard.forward(head, Bytes::new()).await.unwrap().status()
        };
        for _ in 0..10 {
            assert_eq!(ask(Arc::clone(&guard)).await, 200);
        }
        assert_eq!(guard.idle().len(), 1);

        let requests: Vec<_> = (0..50).map(|_| tokio::spawn(ask(Arc::clone(&guard)))).collect();
        for request in requests {
            assert_eq!(request.await.unwrap(), 200);
        }
    }

    #[tokio::test]
    async fn the_databases_own_server_takes_nobody_else() {
        let listener = server::bind(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connection = dial(listener, Database::memory().unwrap()).await.unwrap();
        let other = tokio::time::timeout(Duration::from_millis(100), connect(address)).await;
        assert!(other.is_err(), "it was answered");
        assert!(!connection.sender.is_closed());
    }
}
