//! A clock of the test's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use shared::world::{System, Timestamp, World};

/// The world with a clock that stands until it is moved. Copies of it go alike.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    pub fn starting_now() -> Self {
        Self(Arc::new(AtomicU64::new(System.now().seconds())))
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.seconds(), Ordering::Relaxed);
    }

    pub fn advance(&self, time: Duration) {
        self.set(self.now().plus(time));
    }
}

impl World for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::Relaxed))
    }

    fn fill(&self, bytes: &mut [u8]) {
        System.fill(bytes);
    }
}
