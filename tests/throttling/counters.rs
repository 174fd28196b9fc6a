//! The counters themselves, at any time that we like.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use shared::{
    ids::UserKey,
    store::Admission,
    throttle::{CEILING, Counted, FREE, Guesser, KEPT_FOR, Source, delay},
    world::{System, Timestamp, World},
};

use super::fail;
use crate::support::App;

/// As many as the embedded database answers within the time that a call may take.
const AT_ONCE: usize = 25;

/// Who is new to the service.
fn stranger() -> Guesser {
    Guesser::Stranger(UserKey::random(&System))
}

#[tokio::test]
async fn an_account_waits_longer_after_each_failure_and_is_locked_at_the_ceiling() {
    let throttles = App::start().database.store().throttles;
    let guesser = stranger();
    let mut now = System.now();
    for count in 1..=CEILING {
        let wait = delay(count - 1);
        now = now.plus(wait);
        if !wait.is_zero() {
            let refused = Admission::Refused { retry_after: Duration::from_secs(1), locked: false };
            assert_eq!(fail(&throttles, guesser, now.minus(Duration::from_secs(1))).await, refused, "{count}");
        }
        assert_eq!(fail(&throttles, guesser, now).await, Admission::Granted { count });
    }
    let locked = |retry_after| Admission::Refused { retry_after, locked: true };
    assert_eq!(fail(&throttles, guesser, now).await, locked(KEPT_FOR));
    let later = now.plus(KEPT_FOR).minus(Duration::from_secs(1));
    assert_eq!(fail(&throttles, guesser, later).await, locked(Duration::from_secs(1)));
    // The item is still there: TTL has not collected it.
    assert_eq!(fail(&throttles, guesser, now.plus(KEPT_FOR)).await, Admission::Granted { count: 1 });
    assert_eq!(fail(&throttles, guesser, now.plus(KEPT_FOR)).await, Admission::Granted { count: 2 });
}

#[tokio::test]
async fn failures_are_forgotten_after_a_year() {
    let throttles = App::start().database.store().throttles;
    let (guesser, now) = (stranger(), System.now());
    for count in 1..FREE {
        assert_eq!(fail(&throttles, guesser, now).await, Admission::Granted { count });
    }
    assert_eq!(fail(&throttles, guesser, now.plus(KEPT_FOR)).await, Admission::Granted { count: 1 });
}

#[tokio::test]
async fn a_thousand_guesses_at_once_are_five() {
    let throttles = App::start().database.store().throttles;
    let (guesser, now) = (stranger(), System.now());
    let answers: Vec<_> =
        stream::iter(0..1000).map(|_| fail(&throttles, guesser, now)).buffer_unordered(AT_ONCE).collect().await;
    let granted = answers.iter().filter(|answer| matches!(answer, Admission::Granted { .. })).count();
    assert_eq!(granted, FREE as usize);

    let (source, limit) = (Source::of_address(Some("2001:db8::7")), 40);
    let attempt = |_| throttles.count_attempt(Counted::SignIns, source, limit, now);
    let answers: Vec<_> = stream::iter(0..1000).map(attempt).buffer_unordered(AT_ONCE).collect().await;
    let granted = answers.into_iter().map(|answer| answer.expect("the store answers"));
    assert_eq!(granted.filter(|answer| matches!(answer, Admission::Granted { .. })).count(), limit as usize);
    let next = Counted::SignIns.window_start(now).plus(Counted::SignIns.window());
    let anew = throttles.count_attempt(Counted::SignIns, source, limit, next).await;
    assert!(matches!(anew, Ok(Admission::Granted { count: 1 })), "{anew:?}");
}

/// A world in which every draw is the same: two attempts in it are one whose answer got lost.
struct Lost;

impl World for Lost {
    fn now(&self) -> Timestamp {
        System.now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[tokio::test]
async fn an_attempt_that_is_sent_again_counts_once() {
    let throttles = App::start().database.store().throttles;
    let (guesser, now) = (stranger(), System.now());
    for _ in 0..FREE - 1 {
        fail(&throttles, guesser, now).await;
    }
    for _ in 0..2 {
        let answer = throttles.count_failure(guesser, now, &Lost).await.expect("the store answers");
        assert_eq!(answer, Admission::Granted { count: FREE });
    }
}
