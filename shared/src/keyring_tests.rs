use std::future::ready;

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn away() -> KeysError {
    StoreError::Unavailable("away".into()).into()
}

#[tokio::test]
async fn a_copy_is_used_until_it_is_old_and_then_replaced() {
    let kept = Kept::nothing();
    let get = async |at: Duration, value: u8| {
        *kept.get(RELOAD_AFTER, FOREVER, START.plus(at), ready(Ok(value))).await.unwrap()
    };
    assert_eq!(get(Duration::ZERO, 1).await, 1);
    assert_eq!(get(RELOAD_FOR_UNKNOWN_AFTER, 2).await, 1);
    assert_eq!(get(RELOAD_AFTER, 2).await, 2);
}

#[tokio::test]
async fn an_old_copy_serves_while_the_store_is_away() {
    let kept = Kept::nothing();
    assert!(kept.get(RELOAD_AFTER, FOREVER, START, ready(Err::<u8, _>(away()))).await.is_err());
    kept.get(RELOAD_AFTER, FOREVER, START, ready(Ok(1))).await.unwrap();

    let later = START.plus(RELOAD_AFTER * 2);
    assert_eq!(*kept.get(RELOAD_AFTER, FOREVER, later, ready(Err(away()))).await.unwrap(), 1);
    let soon_after = later.plus(Duration::from_secs(1));
    assert_eq!(*kept.get(RELOAD_AFTER, FOREVER, soon_after, ready(Ok(2))).await.unwrap(), 1, "not asked again at once");
}

#[tokio::test]
async fn keys_that_are_gone_are_an_error_and_not_a_reason_to_forget() {
    let kept = Kept::nothing();
    kept.get(RELOAD_AFTER, FOREVER, START, ready(Ok(1))).await.unwrap();
    let none = KeysError::None { table: "keys".into(), kind: "private" };
    let later = START.plus(RELOAD_AFTER);
    assert!(kept.get(RELOAD_AFTER, FOREVER, later, ready(Err(none))).await.is_err());
    assert_eq!(*kept.get(RELOAD_AFTER, FOREVER, later, ready(Err(away()))).await.unwrap(), 1);
}

#[tokio::test]
async fn a_copy_that_signs_is_not_used_for_ever() {
    let kept = Kept::nothing();
    let get =
        async |at: Duration, loaded| kept.get(RELOAD_AFTER, SIGNS_UNCHECKED_FOR, START.plus(at), ready(loaded)).await;
    assert_eq!(*get(Duration::ZERO, Ok(1)).await.unwrap(), 1);
    let last = Duration::from_secs(SIGNS_UNCHECKED_FOR.as_secs() - 1);
    assert_eq!(*get(last, Err(away())).await.unwrap(), 1, "an outage of a day");
    assert!(get(SIGNS_UNCHECKED_FOR, Err(away())).await.is_err(), "the successor has taken over long ago");
    assert_eq!(*get(SIGNS_UNCHECKED_FOR, Ok(2)).await.unwrap(), 2);
}

#[tokio::test]
async fn what_an_old_copy_lacks_is_decided_by_the_table_or_not_at_all() {
    let kept = Kept::nothing();
    kept.get(RELOAD_AFTER, FOREVER, START, ready(Ok(1))).await.unwrap();
    let get = async |at: Duration, loaded| kept.get_recent(START.plus(at), ready(loaded)).await;
    let soon = Duration::from_secs(59);
    assert_eq!(*get(soon, Ok(2)).await.unwrap(), 1, "not asked more often than once a minute");

    let later = RELOAD_FOR_UNKNOWN_AFTER;
    assert!(get(later, Err(away())).await.is_err());
    assert!(get(later + soon, Ok(2)).await.is_err(), "nor while it can't say");
    let known = kept.get(RELOAD_AFTER, FOREVER, START.plus(later + soon), ready(Err(away()))).await;
    assert_eq!(*known.unwrap(), 1, "what the copy has is good all the same");
    assert_eq!(*get(later * 2, Ok(2)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_table_that_refuses_is_as_good_as_away() {
    let kept = Kept::nothing();
    kept.get(RELOAD_AFTER, FOREVER, START, ready(Ok(1))).await.unwrap();
    let refused = StoreError::Rejected { operation: "Query", source: "no right".into() };
    let later = START.plus(RELOAD_AFTER);
    assert_eq!(*kept.get(RELOAD_AFTER, FOREVER, later, ready(Err(refused.into()))).await.unwrap(), 1);
}

#[tokio::test]
async fn a_clock_that_goes_back_keeps_no_copy_alive() {
    let kept = Kept::nothing();
    kept.get(RELOAD_AFTER, FOREVER, START.plus(RELOAD_AFTER), ready(Ok(1))).await.unwrap();
    assert_eq!(*kept.get(RELOAD_AFTER, FOREVER, START, ready(Ok(2))).await.unwrap(), 2);
}
