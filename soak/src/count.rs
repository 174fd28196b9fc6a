//! What happened, counted.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

#[derive(Default)]
pub(crate) struct Count {
    pub(crate) requests: AtomicU64,
    /// Those to `/refresh` that were answered 200 or 401.
    pub(crate) refreshes: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) shared: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) sign_outs: AtomicU64,
    /// Requests that were answered 503, and sent again.
    pub(crate) unavailable: AtomicU64,
    /// A client that had not signed out was told that its session is over.
    pub(crate) false_logouts: AtomicU64,
    /// A new access token was refused, or a session outlived its sign-out.
    pub(crate) wrong: AtomicU64,
    /// Any other answer that nobody expects.
    pub(crate) strange: AtomicU64,
    took: Mutex<Vec<Duration>>,
}

impl Count {
    pub(crate) fn took(&self, time: Duration) {
        self.took.lock().unwrap_or_else(PoisonError::into_inner).push(time);
    }

    /// The answer of a refresh that came later than all but this share of them.
    pub(crate) fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [Duration; N] {
        let mut all = self.took.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_unstable();
        shares.map(|share| {
            let wanted = Duration::from_secs_f64(share * Duration::from_secs(all.len() as u64).as_secs_f64()).as_secs();
            let index = usize::try_from(wanted).unwrap_or(usize::MAX).min(all.len().saturating_sub(1));
            all.get(index).copied().unwrap_or_default()
        })
    }
}

/// One more.
pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn of(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
