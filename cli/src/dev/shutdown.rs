//! When to stop.

use std::io::Read;
use tokio::sync::oneshot;

/// Resolves at Ctrl-C, at SIGTERM or, if `with_stdin`, when standard input ends.
pub(crate) async fn requested(with_stdin: bool) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
        () = stdin_ended(), if with_stdin => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// A thread of its own: the runtime would wait for a blocked read before it ends.
async fn stdin_ended() {
    let (ended, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok(1..) = std::io::stdin().read(&mut buffer) {}
        let _ = ended.send(());
    });
    let _ = wait.await;
}
