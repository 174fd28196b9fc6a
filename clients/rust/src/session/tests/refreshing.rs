use std::{future::Future, task::Poll};

use tokio::task::JoinSet;

use super::{storing::Visible, *};

#[tokio::test]
async fn a_token_is_refreshed_ahead_of_its_expiry_and_once_for_all() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.clock.advance(Duration::from_secs(799));
    assert_eq!(token(&session).await, "access-1");
    place.clock.advance(Duration::from_secs(101));
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let session = session.clone();
        tasks.spawn(async move { token(&session).await });
    }
    assert!(tasks.join_all().await.iter().all(|token| token.starts_with("access-")));
    while token(&session).await != "access-2" {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.refreshes(), 1);
}

#[tokio::test]
async fn a_definite_end_is_the_end_and_costs_no_more_requests() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.mood.set(Mood::Ends);
    place.clock.advance(Duration::from_secs(1000));
    for _ in 0..3 {
        assert!(matches!(session.access_token().await, Err(SessionError::Ended)));
    }
    assert_eq!(place.refreshes(), 1);
    place.mood.set(Mood::Grants);
    assert!(matches!(session.access_token().await, Err(SessionError::Ended)));
    session.sign_in("ada", &"secret".into()).await.unwrap();
    assert_eq!(token(&session).await, "access-2");
}

#[tokio::test]
async fn whatever_is_not_definite_keeps_the_session() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.clock.advance(Duration::from_secs(1000));
    for (mood, requests) in [(Mood::IsAway, 3), (Mood::SaysLater, 1), (Mood::RefusesTheKey, 1)] {
        place.mood.set(mood);
        let before = place.refreshes();
        match session.access_token().await {
            Err(SessionError::Unavailable(_)) => assert!(mood != Mood::RefusesTheKey),
            Err(SessionError::Refused(problem)) => assert_eq!(problem.code, crate::Code::InvalidApiKey),
            _ => panic!("there is no token to be had"),
        }
        assert_eq!(place.refreshes() - before, requests);
        place.clock.advance(Duration::from_mins(1));
    }
    place.mood.set(Mood::Grants);
    assert_eq!(token(&session).await, "access-2");
    assert!(place.server.received().iter().rev().take(1).all(|received| received.body.contains("refresh-1")));
}

#[tokio::test]
async fn a_token_that_is_merely_due_is_used_during_an_outage() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.mood.set(Mood::IsAway);
    place.clock.advance(Duration::from_mins(15));
    for _ in 0..5 {
        assert_eq!(token(&session).await, "access-1");
    }
    place.until_refreshed(3).await;
    assert_eq!(token(&session).await, "access-1");
    assert_eq!(place.refreshes(), 3, "one refresh, in three tries");
    place.clock.advance(Duration::from_secs(100));
    assert!(matches!(session.access_token().await, Err(SessionError::Unavailable(_))));
}

#[tokio::test]
async fn many_that_wait_for_a_refresh_that_fails_do_not_all_try_it() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.mood.set(Mood::SaysLater);
    place.clock.advance(Duration::from_secs(1000));
    let held = place.server.hold().await;
    let mut waiting: Vec<_> = (0..20).map(|_| Box::pin(session.access_token())).collect();
    for waits in &mut waiting {
        let arrived = std::future::poll_fn(|context| Poll::Ready(waits.as_mut().poll(context))).await;
        assert!(arrived.is_pending());
    }
    drop(held);
    for waits in waiting {
        assert!(waits.await.is_err());
    }
    assert_eq!(place.refreshes(), 1);
}

#[tokio::test]
async fn whoever_has_a_good_token_does_not_wait_for_the_next() {
    let place = Place::new().await;
    let store = Visible::default();
    let session = place.settings().store(store.clone()).build().unwrap();
    session.sign_in("ada", &"secret".into()).await.unwrap();
    place.clock.advance(Duration::from_mins(15));
    let held = place.server.hold().await;
    let begun_anew = place.settings().store(store).build().unwrap();
    for session in [&session, &session, &begun_anew, &begun_anew] {
        assert_eq!(session.access_token().await.unwrap().expose(), "access-1");
        assert!(place.refreshes() < 3);
    }
    drop(held);
    while session.access_token().await.unwrap().expose() == "access-1" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_wait_that_was_asked_for_is_kept_by_the_calls_that_follow() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.clock.advance(Duration::from_secs(1000));
    for (mood, wait) in [(Mood::SaysLater, 60), (Mood::RefusesTheKey, 10)] {
        let before = place.refreshes();
        place.mood.set(mood);
        for _ in 0..3 {
            assert!(session.access_token().await.is_err());
        }
        place.clock.advance(Duration::from_secs(wait - 1));
        match session.access_token().await {
            Err(SessionError::Unavailable(failure)) => assert_eq!(failure.retry_after(), Duration::from_secs(1)),
            Err(SessionError::Refused(_)) => assert!(mood == Mood::RefusesTheKey),
            _ => panic!("nothing has been asked"),
        }
        assert_eq!(place.refreshes() - before, 1);
        place.clock.advance(Duration::from_secs(1));
    }
    place.mood.set(Mood::Grants);
    assert_eq!(token(&session).await, "access-2");
}

#[tokio::test]
async fn a_token_that_is_merely_due_is_used_while_the_key_is_refused() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.mood.set(Mood::RefusesTheKey);
    place.clock.advance(Duration::from_mins(15));
    assert_eq!(token(&session).await, "access-1");
    place.until_refreshed(1).await;
    assert_eq!(token(&session).await, "access-1");
}

#[tokio::test]
async fn a_race_that_is_lost_is_not_the_end() {
    let place = Place::new().await;
    let store = Visible::default();
    let session = place.settings().store(store.clone()).patience(1, Duration::ZERO).build().unwrap();
    session.resume("older").await.unwrap();
    place.mood.set(Mood::KnowsOnly("newer"));
    let held = place.server.hold().await;
    let racing = session.clone();
    let racing = tokio::spawn(async move { racing.access_token().await });
    place.until_refreshed(1).await;
    store.save(&Tokens::new("newer")).await.unwrap();
    drop(held);
    assert_eq!(racing.await.unwrap().unwrap().expose(), "access-1");
}
