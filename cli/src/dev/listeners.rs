//! Where the HTTP API listens.

use super::DevError;
use super::gateway::Gateway;
use super::server;
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The gateway's port, on both loopback addresses.
pub(super) struct Listeners {
    pub(super) port: u16,
    ipv4: TcpListener,
    ipv6: Option<TcpListener>,
}

impl Listeners {
    pub(super) async fn bind(port: u16) -> Result<Self, DevError> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::AddrInUse => DevError::PortInUse(port),
            _ => DevError::Listen(error),
        };
        let ipv4 = server::bind(port).await.map_err(failed)?;
        let bound = ipv4.local_addr().map_err(DevError::Listen)?.port();
        let ipv6 = match server::bind_ipv6(bound).await {
            // A port that nobody asked for may well be taken there.
            Err(_) if port == 0 => None,
            other => other.map_err(failed)?,
        };
        Ok(Self { port: bound, ipv4, ipv6 })
    }

    pub(super) async fn serve(self, handler: Gateway) {
        let handler = Arc::new(handler);
        if let Some(listener) = self.ipv6 {
            tokio::spawn(server::serve(listener, Arc::clone(&handler)));
        }
        server::serve(self.ipv4, handler).await;
    }
}
