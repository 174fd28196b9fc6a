//! Tests of [`super`], in a file of their own to keep both readable.

use super::*;

fn work(request_id: &str) -> Work {
    Work { request_id: request_id.to_owned(), trace: String::new(), event: Bytes::new() }
}

fn started(queue: &mut Queue) -> Vec<InstanceId> {
    std::iter::from_fn(|| queue.wanted()).collect()
}

fn given(door: &mut oneshot::Receiver<Work>) -> Option<String> {
    door.try_recv().ok().map(|work| work.request_id)
}

#[test]
fn who_waits_longest_is_served_first() {
    let mut queue = Queue::new(1);
    let _outcomes: Vec<_> = ["a", "b", "c"].map(|id| queue.submit(work(id))).into();
    let instance = started(&mut queue)[0];
    for expected in ["a", "b", "c"] {
        assert_eq!(given(&mut queue.next(instance).unwrap()).as_deref(), Some(expected));
        assert!(queue.finish(instance, expected).is_some());
    }
}

#[test]
fn overlapping_invocations_start_instances_up_to_the_limit() {
    let mut queue = Queue::new(2);
    let _a = queue.submit(work("a"));
    assert_eq!(started(&mut queue).len(), 1);
    let _b = queue.submit(work("b"));
    assert_eq!(started(&mut queue).len(), 1);
    let _c = queue.submit(work("c"));
    assert_eq!(started(&mut queue).len(), 0, "the limit is two");
}

#[test]
fn an_idle_instance_is_used_before_another_is_started() {
    let mut queue = Queue::new(10);
    let instance = queue.add();
    let mut door = queue.next(instance).unwrap();
    let mut outcome = queue.submit(work("a"));
    assert_eq!(given(&mut door).as_deref(), Some("a"));
    assert!(started(&mut queue).is_empty());

    queue.finish(instance, "a").unwrap().send(Outcome::Answered(Bytes::from_static(b"1"))).unwrap();
    assert_eq!(outcome.try_recv(), Ok(Outcome::Answered(Bytes::from_static(b"1"))));
}

#[test]
fn an_instance_that_dies_at_work_fails_that_invocation_only() {
    let mut queue = Queue::new(1);
    let mut first = queue.submit(work("a"));
    let mut second = queue.submit(work("b"));
    let instance = started(&mut queue)[0];
    let _door = queue.next(instance).unwrap();

    queue.bury(instance, Outcome::Died);
    assert_eq!(first.try_recv(), Ok(Outcome::Died));
    assert!(second.try_recv().is_err(), "the second still waits");

    let replacement = started(&mut queue)[0];
    assert_eq!(given(&mut queue.next(replacement).unwrap()).as_deref(), Some("b"));
}

#[test]
fn an_instance_that_dies_idle_fails_nobody() {
    let mut queue = Queue::new(1);
    let instance = queue.add();
    let _door = queue.next(instance).unwrap();
    queue.bury(instance, Outcome::Died);

    let mut outcome = queue.submit(work("a"));
    assert_eq!(started(&mut queue).len(), 1);
    assert!(outcome.try_recv().is_err());
}

#[test]
fn a_function_that_cannot_start_fails_one_invocation_for_each_attempt() {
    let mut queue = Queue::new(1);
    let mut outcomes = ["a", "b"].map(|id| queue.submit(work(id)));
    for outcome in &mut outcomes {
        let instance = started(&mut queue)[0];
        queue.bury(instance, Outcome::Died);
        assert_eq!(outcome.try_recv(), Ok(Outcome::Died));
    }
    assert!(started(&mut queue).is_empty(), "nobody waits any more");
}

#[test]
fn an_instance_that_left_the_door_is_passed_over() {
    let mut queue = Queue::new(2);
    let (stays, leaves) = (queue.add(), queue.add());
    let mut door = queue.next(stays).unwrap();
    drop(queue.next(leaves));

    let _outcome = queue.submit(work("a"));
    assert_eq!(given(&mut door).as_deref(), Some("a"));
}

#[test]
fn only_the_instance_at_work_can_finish_it() {
    let mut queue = Queue::new(2);
    let _outcome = queue.submit(work("a"));
    let (instance, other) = (started(&mut queue)[0], queue.add());
    let _door = queue.next(instance).unwrap();
    assert!(queue.finish(other, "a").is_none());
    assert!(queue.finish(instance, "b").is_none());
    assert!(queue.finish(InstanceId::new_v4(), "a").is_none());
    assert!(queue.finish(instance, "a").is_some());
    assert!(queue.finish(instance, "a").is_none(), "once is enough");
    assert!(queue.next(InstanceId::new_v4()).is_none());
}

#[test]
fn asking_again_without_an_answer_fails_the_invocation() {
    let mut queue = Queue::new(1);
    let mut outcome = queue.submit(work("a"));
    let instance = started(&mut queue)[0];
    let _door = queue.next(instance).unwrap();
    let _again = queue.next(instance).unwrap();
    assert_eq!(outcome.try_recv(), Ok(Outcome::Died));
}
