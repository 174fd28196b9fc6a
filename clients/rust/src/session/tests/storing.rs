use std::future::Future;

use super::*;
use crate::testing::Hold;

/// A store whose content a test can see and break.
#[derive(Clone, Default)]
pub(super) struct Visible {
    tokens: Arc<MemoryStore>,
    broken: Shared<bool>,
    /// Reached, and not passed while this is held.
    hold: Hold,
    reached: Shared<bool>,
}

impl TokenStore for Visible {
    async fn load(&self) -> Result<Option<Tokens>, StoreError> {
        self.tokens.load().await
    }

    async fn save(&self, tokens: &Tokens) -> Result<(), StoreError> {
        self.reached.set(true);
        self.hold.pass().await;
        if self.broken.get() { Err("the disk is full".into()) } else { self.tokens.save(tokens).await }
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.reached.set(true);
        self.hold.pass().await;
        self.tokens.clear().await
    }
}

#[tokio::test]
async fn nothing_is_used_that_could_not_be_stored() {
    let place = Place::new().await;
    let store = Visible::default();
    let session = place.settings().store(store.clone()).build().unwrap();
    assert!(matches!(session.access_token().await, Err(SessionError::NotSignedIn)));
    session.resume("refresh-0").await.unwrap();
    store.broken.set(true);
    for _ in 0..3 {
        assert!(matches!(session.access_token().await, Err(SessionError::Store(_))));
    }
    store.broken.set(false);
    assert_eq!(session.access_token().await.unwrap().expose(), "access-1");
    assert_eq!(store.load().await.unwrap().unwrap().refresh_token.expose(), "refresh-1");
    assert_eq!(place.refreshes(), 1, "what was granted is kept until it is stored");
}

#[tokio::test]
async fn what_another_process_has_stored_is_used() {
    let place = Place::new().await;
    let store = Visible::default();
    let [one, two] = [(); 2].map(|()| place.settings().store(store.clone()).build().unwrap());
    one.sign_in("ada", &"secret".into()).await.unwrap();
    place.clock.advance(Duration::from_secs(1000));
    let tokens = [one.access_token().await.unwrap(), two.access_token().await.unwrap()];
    assert_eq!(tokens.each_ref().map(Secret::expose), ["access-2"; 2]);
    assert_eq!(place.refreshes(), 1);

    one.sign_out().await.unwrap();
    assert!(store.load().await.unwrap().is_none());
    assert!(matches!(one.access_token().await, Err(SessionError::NotSignedIn)));
}

#[tokio::test]
async fn while_the_store_fails_the_old_access_token_is_used_and_the_old_refresh_token_is_not() {
    let place = Place::new().await;
    let store = Visible::default();
    let session = place.settings().store(store.clone()).build().unwrap();
    session.sign_in("ada", &"secret".into()).await.unwrap();
    store.broken.set(true);
    place.clock.advance(Duration::from_mins(15));
    for _ in 0..3 {
        assert_eq!(session.access_token().await.unwrap().expose(), "access-1");
        place.until_refreshed(1).await;
        place.clock.advance(Duration::from_secs(11));
    }
    assert_eq!(place.refreshes(), 1);
    session.sign_out().await.unwrap();
    assert_eq!(place.server.received().pop().unwrap().body, r#"{"refresh_token":"refresh-2"}"#);
    store.broken.set(false);
    assert!(matches!(session.access_token().await, Err(SessionError::NotSignedIn)));
}

/// Begins something with a session, and gives it up while the store is busy with it.
async fn given_up<F: Future + Send + 'static>(store: &Visible, begun: F)
where
    F::Output: Send,
{
    store.reached.set(false);
    let held = store.hold.close().await;
    let task = tokio::spawn(begun);
    until(|| store.reached.get()).await;
    task.abort();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
    drop(held);
}

#[tokio::test]
async fn what_the_store_is_busy_with_is_done_though_the_caller_has_gone_away() {
    let place = Place::new().await;
    let store = Visible::default();
    let session = place.settings().store(store.clone()).build().unwrap();
    let one = session.clone();
    given_up(&store, async move { one.sign_in("ada", &"secret".into()).await }).await;
    assert_eq!(session.access_token().await.unwrap().expose(), "access-1");

    let one = session.clone();
    given_up(&store, async move { one.resume("resumed").await }).await;
    place.clock.advance(Duration::from_secs(1000));
    assert_eq!(session.access_token().await.unwrap().expose(), "access-2");
    assert!(place.server.received().pop().unwrap().body.contains("resumed"));

    let one = session.clone();
    given_up(&store, async move { one.sign_out().await }).await;
    place.clock.advance(Duration::from_secs(1000));
    assert!(matches!(session.access_token().await, Err(SessionError::NotSignedIn)));
}
