//! Requests that no client library sends: headers twice, paths that are no URL.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Answer, App};

impl App {
    /// Sends exactly this, byte for byte, with `Host` and `Content-Length` added. A stack that answers before it has read everything is
    /// free to.
    pub async fn send_raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let host = self.stack.ready.base_url.trim_start_matches("http://");
        let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let lines = lines.concat();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(host).await.expect("the stack listens");
        stream.write_all(head.as_bytes()).await.expect("the stack reads the head");
        let _ = stream.write_all(body).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        parse(&String::from_utf8_lossy(&bytes))
    }
}

fn parse(response: &str) -> Answer {
    let (head, text) = response.split_once("\r\n\r\n").expect("a response with a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    Answer { status: status.expect("a status line"), headers, text: text.to_owned() }
}
