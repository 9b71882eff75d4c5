//! The broker reports the storing and removal of requests with `persist`, and its next run restores
//! them.

use pigato_proto::broker::{Event, StoredRequest};
use pigato_proto::config::{BrokerOptions, Timeout};
use pigato_proto::protocol::{Frame, PeerId, RequestId, ServiceName};

use super::world::{ms, World};

const PERSIST: &str = r#"{"persist":1}"#;
const PERSIST_AND_RETRY: &str = r#"{"persist":1,"retry":1}"#;

fn persistent() -> World {
    World::persistent(BrokerOptions::default())
}

/// The store's events: `stored c1 r1 0 -` (attempt and worker last), `removed c1 r1`.
fn store_events(world: &mut World) -> Vec<String> {
    let line = |event| match event {
        Event::Stored(request) => {
            let id = String::from_utf8_lossy(request.id.as_bytes()).into_owned();
            let worker = request.worker.as_ref().map_or_else(|| "-".to_owned(), PeerId::to_text);
            Some(format!("stored {} {id} {} {worker}", request.client, request.attempt))
        }
        Event::Removed { client, id } => Some(format!("removed {client} {}", String::from_utf8_lossy(id.as_bytes()))),
        _ => None,
    };
    world.events().into_iter().filter_map(line).collect()
}

/// The content of the store at the end of a run.
fn left_in_store(world: &mut World) -> Vec<StoredRequest> {
    let mut left_in_store: Vec<StoredRequest> = Vec::new();
    for event in world.events() {
        let (client, id) = match &event {
            Event::Stored(request) => (request.client.clone(), request.id.clone()),
            Event::Removed { client, id } => (client.clone(), id.clone()),
            _ => continue,
        };
        left_in_store.retain(|other| other.client != client || other.id != id);
        if let Event::Stored(request) = event {
            left_in_store.push(*request);
        }
    }
    left_in_store
}

/// A request that a previous run stored.
fn stored(client: &str, id: &str, options: &str) -> StoredRequest {
    let service = ServiceName::new(Frame::from("echo")).expect("a name");
    let id = RequestId::new(Frame::from(id)).expect("an id");
    StoredRequest::new(PeerId::new(Frame::from(client)), id, service, Frame::from("1"), Frame::from(options))
}

#[test]
fn a_request_is_stored_on_receipt_and_dispatch_and_removed_when_answered() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", PERSIST);
    assert_eq!(store_events(&mut world), ["stored c1 r1 0 -"]);
    world.worker("w1", "echo");
    assert_eq!(store_events(&mut world), ["stored c1 r1 1 w1"]);
    world.partial("w1", "r1");
    assert!(store_events(&mut world).is_empty());
    world.reply("w1", "r1");
    assert_eq!(store_events(&mut world), ["removed c1 r1"]);
}

#[test]
fn the_whole_request_is_stored_unchanged() {
    let mut world = persistent();
    world.send("c1", r#"C|2|echo|r1|{"a":1}|{"persist":1,"timeout":500,"mine":2}|extra"#);
    let [request] = &left_in_store(&mut world)[..] else { panic!("one request") };
    assert_eq!((&*request.data, request.service.as_bytes()), (&br#"{"a":1}"#[..], &b"echo"[..]));
    assert_eq!(&*request.options, br#"{"persist":1,"timeout":500,"mine":2}"#);
    assert_eq!(request.extra, [Frame::from("extra")]);
    assert_eq!((request.attempt, &request.worker, request.remaining), (0, &None, Timeout::After(ms(500))));
}

#[test]
fn the_remaining_time_is_stored() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", r#"{"persist":1,"timeout":500}"#);
    world.request_with("c1", "echo", "r2", r#"{"persist":1,"timeout":-1}"#);
    world.advance(ms(200));
    world.worker("w1", "echo");
    let left: Vec<Timeout> = left_in_store(&mut world).iter().map(|request| request.remaining).collect();
    assert_eq!(left, [Timeout::After(ms(300)), Timeout::Never]);
}

#[test]
fn requests_without_persist_are_not_stored() {
    let mut world = persistent();
    world.worker("w1", "echo");
    for (id, options) in [("r1", "{}"), ("r2", r#"{"persist":0}"#), ("r3", r#"{"persist":false}"#)] {
        world.request_with("c1", "echo", id, options);
        world.reply("w1", id);
    }
    assert!(store_events(&mut world).is_empty());
}

#[test]
fn without_a_store_nothing_is_stored() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    world.reply("w1", "r1");
    assert!(store_events(&mut world).is_empty());
}

#[test]
fn a_request_is_removed_when_it_expires_is_cancelled_or_loses_its_client() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", r#"{"persist":1,"timeout":100}"#);
    store_events(&mut world);
    world.advance(ms(100));
    assert_eq!(store_events(&mut world), ["removed c1 r1"]);
    world.request_with("c1", "echo", "r2", PERSIST);
    world.send("c1", "C|8||r2");
    assert_eq!(store_events(&mut world), ["stored c1 r2 0 -", "removed c1 r2"]);
    world.request_with("c1", "echo", "r3", PERSIST);
    world.unroutable("c1");
    assert_eq!(store_events(&mut world), ["stored c1 r3 0 -", "removed c1 r3"]);
}

#[test]
fn a_request_that_fails_at_once_is_removed() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", r#"{"persist":1,"failFast":true}"#);
    assert_eq!(store_events(&mut world), ["stored c1 r1 0 -", "removed c1 r1"]);
    assert_eq!(world.outcomes("c1"), ["r1 B_NO_WORKER"]);
}

#[test]
fn a_lost_worker_removes_a_request_without_retry() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    world.request_with("c1", "echo", "r2", PERSIST_AND_RETRY);
    store_events(&mut world);
    world.unroutable("w1");
    assert_eq!(store_events(&mut world), ["removed c1 r1"]);
    world.worker("w2", "echo");
    assert_eq!(store_events(&mut world), ["stored c1 r2 2 w2"]);
}

#[test]
fn a_rejected_request_stays_stored() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    store_events(&mut world);
    world.reject("w1", "r1");
    assert!(store_events(&mut world).is_empty());
    world.worker("w2", "echo");
    assert_eq!(store_events(&mut world), ["stored c1 r1 1 w2"]);
}

#[test]
fn a_refused_request_is_never_stored() {
    let mut world = World::persistent(BrokerOptions::default().max_requests(0_usize));
    world.request_with("c1", "echo", "r1", PERSIST);
    assert_eq!(world.outcomes("c1"), ["r1 B_QUEUE_FULL"]);
    assert!(store_events(&mut world).is_empty());
}

#[test]
fn no_request_is_accepted_while_the_stores_backlog_is_full() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", PERSIST);
    world.backlog(true);
    world.request_with("c1", "echo", "r2", PERSIST);
    world.request("c1", "echo", "r3");
    assert_eq!(world.outcomes("c1"), ["r2 B_QUEUE_FULL"]);
    // The dispatch is not stored any more, but the removal is.
    world.worker("w1", "echo");
    world.reply("w1", "r1");
    assert_eq!(store_events(&mut world), ["stored c1 r1 0 -", "removed c1 r1"]);
    world.backlog(false);
    world.request_with("c1", "echo", "r4", PERSIST);
    assert_eq!(store_events(&mut world), ["stored c1 r4 0 -", "stored c1 r4 1 w1"]);
}

#[test]
fn a_rebound_request_is_stored_under_the_new_identity() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("old", "echo", "r1", PERSIST_AND_RETRY);
    store_events(&mut world);
    world.resend_with("new", "echo", "r1", PERSIST_AND_RETRY);
    assert_eq!(store_events(&mut world), ["removed old r1", "stored new r1 1 w1"]);
    world.reply("w1", "r1");
    assert_eq!(store_events(&mut world), ["removed new r1"]);
}

#[test]
fn a_stopping_broker_leaves_unfinished_requests_in_the_store() {
    let mut world = persistent();
    world.modern_worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    world.request_with("c1", "nobody", "r2", PERSIST);
    world.request("c1", "nobody", "r3");
    world.drain(ms(1_000));
    assert_eq!(world.outcomes("c1"), ["r3 B_DRAINING"]);
    world.advance(ms(1_000));
    assert!(world.outcomes("c1").is_empty());
    assert_eq!(world.received("w1").last_chunk::<2>().expect("messages"), &["W|8|c1||r1", "W|5"]);
    assert_eq!(world.statistics().left, 2);
    let ids: Vec<RequestId> = left_in_store(&mut world).into_iter().map(|request| request.id).collect();
    assert_eq!(ids, ["r1", "r2"].map(|id| RequestId::new(Frame::from(id)).expect("an id")));
}

#[test]
fn requests_finished_during_the_stop_are_removed() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    world.drain(ms(1_000));
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert_eq!(store_events(&mut world), ["stored c1 r1 0 -", "stored c1 r1 1 w1", "removed c1 r1"]);
}

#[test]
fn restored_requests_are_dispatched_in_order() {
    let mut former = persistent();
    former.request_with("c1", "echo", "r1", PERSIST);
    former.request_with("c2", "echo", "r2", PERSIST);
    former.drain(ms(0));
    let mut world = persistent();
    world.restore(left_in_store(&mut former));
    assert_eq!(store_events(&mut world), ["stored c1 r1 0 -", "stored c2 r2 0 -"]);
    world.worker("w1", "echo");
    let expected = ["c1|echo||r1", "c2|echo||r2"].map(|request| format!("W|2|{request}|1|{PERSIST}"));
    assert_eq!(world.received("w1"), expected);
    world.reply("w1", "r1");
    world.reply("w1", "r2");
    assert_eq!((world.outcomes("c1"), world.outcomes("c2")), (vec!["r1 ok".to_owned()], vec!["r2 ok".to_owned()]));
    assert_eq!(store_events(&mut world)[2..], ["removed c1 r1", "removed c2 r2"]);
    assert_eq!(world.statistics().restored, 2);
}

#[test]
fn a_restored_request_has_the_remaining_time() {
    let mut world = persistent();
    let mut request = stored("c1", "r1", r#"{"persist":1,"timeout":500}"#);
    request.remaining = Timeout::After(ms(200));
    let mut late = stored("c1", "r2", PERSIST);
    late.remaining = Timeout::After(ms(0));
    world.restore(vec![request, late]);
    assert_eq!(store_events(&mut world), ["stored c1 r1 0 -", "stored c1 r2 0 -", "removed c1 r2"]);
    world.advance(ms(200));
    assert_eq!(store_events(&mut world), ["removed c1 r1"]);
    world.worker("w1", "echo");
    assert!(world.jobs("w1").is_empty());
}

#[test]
fn a_restored_request_has_at_most_its_timeout() {
    let mut world = persistent();
    let mut long = stored("c1", "r1", r#"{"persist":1,"timeout":500}"#);
    long.remaining = Timeout::After(ms(700));
    let mut endless = stored("c1", "r2", r#"{"persist":1,"timeout":500}"#);
    endless.remaining = Timeout::Never;
    world.restore(vec![long, endless]);
    world.advance(ms(500));
    assert_eq!(store_events(&mut world), ["stored c1 r1 0 -", "stored c1 r2 0 -", "removed c1 r1", "removed c1 r2"]);
}

#[test]
fn a_partial_reply_restarts_the_whole_timeout_of_a_restored_request() {
    let mut world = persistent();
    world.worker("w1", "echo");
    let mut request = stored("c1", "r1", r#"{"persist":1,"timeout":500}"#);
    request.remaining = Timeout::After(ms(200));
    world.restore(vec![request]);
    world.advance(ms(100));
    world.partial("w1", "r1");
    world.advance(ms(499));
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 partial", "r1 ok"]);
}

#[test]
fn a_resent_copy_of_a_restored_request_does_not_run_again() {
    let mut world = persistent();
    world.restore(vec![stored("old", "r1", PERSIST_AND_RETRY)]);
    world.worker("w1", "echo");
    world.resend_with("new", "echo", "r1", PERSIST_AND_RETRY);
    assert_eq!(world.jobs("w1"), ["r1"]);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("new"), ["r1 ok"]);
    assert!(world.outcomes("old").is_empty());
    assert_eq!(
        store_events(&mut world),
        ["stored old r1 0 -", "stored old r1 1 w1", "removed old r1", "stored new r1 1 w1", "removed new r1"]
    );
}

#[test]
fn a_client_with_its_previous_identity_can_resend_a_restored_request() {
    let mut world = persistent();
    world.restore(vec![stored("c1", "r1", PERSIST_AND_RETRY)]);
    world.resend_with("c1", "echo", "r1", PERSIST_AND_RETRY);
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1"]);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}

#[test]
fn a_request_resent_before_the_restore_is_not_duplicated() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("new", "echo", "r1", PERSIST_AND_RETRY);
    world.request_with("same", "echo", "r2", PERSIST_AND_RETRY);
    store_events(&mut world);
    world.restore(vec![stored("old", "r1", PERSIST_AND_RETRY), stored("same", "r2", PERSIST_AND_RETRY)]);
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
    assert_eq!(store_events(&mut world), ["removed old r1", "stored new r1 1 w1"]);
    assert_eq!(world.statistics().restored, 0);
}

#[test]
fn a_request_stored_twice_is_restored_once() {
    let mut world = persistent();
    world.restore(vec![stored("c1", "r1", PERSIST), stored("c1", "r1", PERSIST)]);
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn a_restored_request_without_attempts_left_ends() {
    let mut world = persistent();
    let mut request = stored("c1", "r1", PERSIST_AND_RETRY);
    request.attempt = pigato_proto::limits::ATTEMPTS;
    request.worker = Some(PeerId::new(Frame::from("w0")));
    world.restore(vec![request]);
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(store_events(&mut world), ["stored c1 r1 5 -", "removed c1 r1"]);
}

#[test]
fn attempts_continue_after_a_restart() {
    let mut world = persistent();
    let mut request = stored("c1", "r1", PERSIST_AND_RETRY);
    request.attempt = 2;
    world.restore(vec![request]);
    world.worker("w1", "echo");
    assert_eq!(store_events(&mut world), ["stored c1 r1 2 -", "stored c1 r1 3 w1"]);
}

#[test]
fn a_restored_request_beyond_the_limit_is_refused() {
    let mut world = World::persistent(BrokerOptions::default().max_requests(1_usize));
    world.restore(vec![stored("c1", "r1", PERSIST), stored("c2", "r2", PERSIST)]);
    assert_eq!(world.outcomes("c2"), ["r2 B_QUEUE_FULL"]);
    assert_eq!(store_events(&mut world), ["stored c1 r1 0 -", "removed c2 r2"]);
}

#[test]
fn requests_restored_during_a_stop_stay_stored() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.drain(ms(1_000));
    world.restore(vec![stored("c1", "r2", PERSIST)]);
    assert!(store_events(&mut world).is_empty());
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}
