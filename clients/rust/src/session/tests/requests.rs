use super::{super::middleware::NEW_FOR, *};

#[tokio::test]
async fn a_token_that_is_rejected_is_refreshed_once_and_the_request_repeated_once() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    let other = place.settings().build().unwrap();
    other.sign_in("ada", &"secret".into()).await.unwrap();
    place.clock.advance(NEW_FOR);
    assert_eq!(place.asks(&session).await, 200);
    assert_eq!((place.refreshes(), place.server.count()), (1, 5));
}

#[tokio::test]
async fn a_body_that_can_not_be_sent_twice_is_not_repeated_but_the_token_renewed() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.settings().build().unwrap().sign_in("ada", &"secret".into()).await.unwrap();
    place.clock.advance(NEW_FOR);
    let client = RefreshMiddleware::new(session.clone()).client();
    let once = || reqwest::Body::wrap(http_body_util::Full::new(axum::body::Bytes::from("x")));
    let post = || client.post(format!("{}/auth/resource", place.server.url)).body(once()).send();
    assert_eq!(post().await.unwrap().status(), 401);
    assert_eq!(post().await.unwrap().status(), 200);
    assert_eq!(place.refreshes(), 1);
}

#[tokio::test]
async fn tokens_go_to_listed_origins_and_the_key_to_the_issuer_alone() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    let [friend, stranger] = [Server::start(|_| answer(200, "{}")).await, Server::start(|_| answer(200, "{}")).await];
    let client = RefreshMiddleware::new(session).allow_origin(&friend.url).unwrap().client();
    client.get(format!("{}/x", friend.url)).send().await.unwrap();
    client.get(format!("{}/auth/resource", place.server.url)).send().await.unwrap();
    let refused = client.get(format!("{}/x", stranger.url)).send().await.unwrap_err();
    assert!(refused.to_string().contains("not one of the origins"), "{refused}");
    assert_eq!(stranger.count(), 0);

    let at_friend = &friend.received()[0].headers;
    assert_eq!((&at_friend["authorization"], at_friend.get("api-key")), (&"Bearer access-1".parse().unwrap(), None));
    let at_home = &place.server.received().pop().unwrap().headers;
    assert_eq!(
        (&at_home["authorization"], &at_home["api-key"]),
        (&"Bearer access-1".parse().unwrap(), &"pk_x".parse().unwrap())
    );
}

#[tokio::test]
async fn a_service_that_rejects_every_token_does_not_cost_a_refresh_for_each_request() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    let friend = Server::start(|_| answer(401, "{}")).await;
    let client = RefreshMiddleware::new(session).allow_origin(&friend.url).unwrap().client();
    for refreshes in 0..3 {
        for _ in 0..3 {
            assert_eq!(client.get(&friend.url).send().await.unwrap().status(), 401);
        }
        assert_eq!(place.refreshes(), refreshes);
        place.clock.advance(NEW_FOR);
    }
}

fn moved(target: &str) -> Response {
    let mut moved = answer(307, "");
    moved.headers_mut().insert("location", target.parse().unwrap());
    moved
}

#[tokio::test]
async fn nothing_follows_a_redirect_whatever_client_it_is_given() {
    let stranger = Server::start(|_| answer(200, "{}")).await;
    let target = stranger.url.clone();
    let mover = Server::start(move |_| moved(&target)).await;
    let follows = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::limited(10));
    let session = Session::builder(&mover.url, "pk_x").http_client(follows()).build().unwrap();
    assert!(session.sign_in("ada", &"secret".into()).await.is_err());
    session.resume("x").await.unwrap();
    let introspector = crate::Introspector::builder(&mover.url, "sk_x").http_client(follows()).build().unwrap();
    assert!(introspector.introspect("x").await.is_err());
    let client = RefreshMiddleware::new(session).client();
    assert!(client.get(&mover.url).send().await.is_err());
    assert_eq!((mover.count(), stranger.count()), (3, 0));
}
