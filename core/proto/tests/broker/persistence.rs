//! Requests with `persist` are told of as they come, move and end, and a later life takes them in again.

use pigato_proto::broker::{Event, StoredRequest};
use pigato_proto::config::{BrokerOptions, Timeout};
use pigato_proto::protocol::{Frame, PeerId, RequestId, ServiceName};

use super::world::{ms, World};

const PERSIST: &str = r#"{"persist":1}"#;
const PERSIST_AND_RETRY: &str = r#"{"persist":1,"retry":1}"#;

fn persistent() -> World {
    World::persistent(BrokerOptions::default())
}

/// What whoever keeps requests was told: `stored c1 r1 0 -` (attempt and worker last), `removed c1 r1`.
fn told(world: &mut World) -> Vec<String> {
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

/// What the keeper has at the end of a life.
fn kept(world: &mut World) -> Vec<StoredRequest> {
    let mut kept: Vec<StoredRequest> = Vec::new();
    for event in world.events() {
        let (client, id) = match &event {
            Event::Stored(request) => (request.client.clone(), request.id.clone()),
            Event::Removed { client, id } => (client.clone(), id.clone()),
            _ => continue,
        };
        kept.retain(|other| other.client != client || other.id != id);
        if let Event::Stored(request) = event {
            kept.push(*request);
        }
    }
    kept
}

/// A request that an earlier life stored.
fn stored(client: &str, id: &str, options: &str) -> StoredRequest {
    let service = ServiceName::new(Frame::from("echo")).expect("a name");
    let id = RequestId::new(Frame::from(id)).expect("an id");
    StoredRequest::new(PeerId::new(Frame::from(client)), id, service, Frame::from("1"), Frame::from(options))
}

#[test]
fn stored_when_it_comes_and_when_it_is_dispatched_removed_when_it_is_answered() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", PERSIST);
    assert_eq!(told(&mut world), ["stored c1 r1 0 -"]);
    world.worker("w1", "echo");
    assert_eq!(told(&mut world), ["stored c1 r1 1 w1"]);
    world.partial("w1", "r1");
    assert!(told(&mut world).is_empty());
    world.reply("w1", "r1");
    assert_eq!(told(&mut world), ["removed c1 r1"]);
}

#[test]
fn all_of_it_is_stored_as_it_came() {
    let mut world = persistent();
    world.send("c1", r#"C|2|echo|r1|{"a":1}|{"persist":1,"timeout":500,"mine":2}|extra"#);
    let [request] = &kept(&mut world)[..] else { panic!("one request") };
    assert_eq!((&*request.data, request.service.as_bytes()), (&br#"{"a":1}"#[..], &b"echo"[..]));
    assert_eq!(&*request.options, br#"{"persist":1,"timeout":500,"mine":2}"#);
    assert_eq!(request.extra, [Frame::from("extra")]);
    assert_eq!((request.attempt, &request.worker, request.remaining), (0, &None, Timeout::After(ms(500))));
}

#[test]
fn the_time_that_is_left_is_told() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", r#"{"persist":1,"timeout":500}"#);
    world.request_with("c1", "echo", "r2", r#"{"persist":1,"timeout":-1}"#);
    world.advance(ms(200));
    world.worker("w1", "echo");
    let left: Vec<Timeout> = kept(&mut world).iter().map(|request| request.remaining).collect();
    assert_eq!(left, [Timeout::After(ms(300)), Timeout::Never]);
}

#[test]
fn requests_without_persist_are_not_told_of() {
    let mut world = persistent();
    world.worker("w1", "echo");
    for (id, options) in [("r1", "{}"), ("r2", r#"{"persist":0}"#), ("r3", r#"{"persist":false}"#)] {
        world.request_with("c1", "echo", id, options);
        world.reply("w1", id);
    }
    assert!(told(&mut world).is_empty());
}

#[test]
fn without_somebody_who_keeps_requests_nothing_is_told() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    world.reply("w1", "r1");
    assert!(told(&mut world).is_empty());
}

#[test]
fn removed_when_it_expires_is_cancelled_or_loses_its_client() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", r#"{"persist":1,"timeout":100}"#);
    told(&mut world);
    world.advance(ms(100));
    assert_eq!(told(&mut world), ["removed c1 r1"]);
    world.request_with("c1", "echo", "r2", PERSIST);
    world.send("c1", "C|8||r2");
    assert_eq!(told(&mut world), ["stored c1 r2 0 -", "removed c1 r2"]);
    world.request_with("c1", "echo", "r3", PERSIST);
    world.unroutable("c1");
    assert_eq!(told(&mut world), ["stored c1 r3 0 -", "removed c1 r3"]);
}

#[test]
fn removed_when_it_fails_at_once() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", r#"{"persist":1,"failFast":true}"#);
    assert_eq!(told(&mut world), ["stored c1 r1 0 -", "removed c1 r1"]);
    assert_eq!(world.outcomes("c1"), ["r1 B_NO_WORKER"]);
}

#[test]
fn a_lost_worker_removes_it_unless_it_may_run_again() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    world.request_with("c1", "echo", "r2", PERSIST_AND_RETRY);
    told(&mut world);
    world.unroutable("w1");
    assert_eq!(told(&mut world), ["removed c1 r1"]);
    world.worker("w2", "echo");
    assert_eq!(told(&mut world), ["stored c1 r2 2 w2"]);
}

#[test]
fn a_reject_leaves_it_stored() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    told(&mut world);
    world.reject("w1", "r1");
    assert!(told(&mut world).is_empty());
    world.worker("w2", "echo");
    assert_eq!(told(&mut world), ["stored c1 r1 1 w2"]);
}

#[test]
fn a_request_refused_at_once_was_never_stored() {
    let mut world = World::persistent(BrokerOptions::default().max_requests(0_usize));
    world.request_with("c1", "echo", "r1", PERSIST);
    assert_eq!(world.outcomes("c1"), ["r1 B_QUEUE_FULL"]);
    assert!(told(&mut world).is_empty());
}

#[test]
fn while_too_much_waits_to_be_kept_no_more_is_taken_in() {
    let mut world = persistent();
    world.request_with("c1", "echo", "r1", PERSIST);
    world.backlog(true);
    world.request_with("c1", "echo", "r2", PERSIST);
    world.request("c1", "echo", "r3");
    assert_eq!(world.outcomes("c1"), ["r2 B_QUEUE_FULL"]);
    // Which worker has it is not told any more, but that it has ended is.
    world.worker("w1", "echo");
    world.reply("w1", "r1");
    assert_eq!(told(&mut world), ["stored c1 r1 0 -", "removed c1 r1"]);
    world.backlog(false);
    world.request_with("c1", "echo", "r4", PERSIST);
    assert_eq!(told(&mut world), ["stored c1 r4 0 -", "stored c1 r4 1 w1"]);
}

#[test]
fn a_client_that_comes_back_is_stored_in_place_of_its_former_identity() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("old", "echo", "r1", PERSIST_AND_RETRY);
    told(&mut world);
    world.resend_with("new", "echo", "r1", PERSIST_AND_RETRY);
    assert_eq!(told(&mut world), ["removed old r1", "stored new r1 1 w1"]);
    world.reply("w1", "r1");
    assert_eq!(told(&mut world), ["removed new r1"]);
}

#[test]
fn a_broker_that_stops_leaves_what_it_cannot_finish_to_its_next_life() {
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
    let ids: Vec<RequestId> = kept(&mut world).into_iter().map(|request| request.id).collect();
    assert_eq!(ids, ["r1", "r2"].map(|id| RequestId::new(Frame::from(id)).expect("an id")));
}

#[test]
fn what_it_can_finish_while_it_stops_is_removed() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", PERSIST);
    world.drain(ms(1_000));
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert_eq!(told(&mut world), ["stored c1 r1 0 -", "stored c1 r1 1 w1", "removed c1 r1"]);
}

#[test]
fn restored_requests_are_dispatched_in_their_order() {
    let mut former = persistent();
    former.request_with("c1", "echo", "r1", PERSIST);
    former.request_with("c2", "echo", "r2", PERSIST);
    former.drain(ms(0));
    let mut world = persistent();
    world.restore(kept(&mut former));
    assert_eq!(told(&mut world), ["stored c1 r1 0 -", "stored c2 r2 0 -"]);
    world.worker("w1", "echo");
    let expected = ["c1|echo||r1", "c2|echo||r2"].map(|request| format!("W|2|{request}|1|{PERSIST}"));
    assert_eq!(world.received("w1"), expected);
    world.reply("w1", "r1");
    world.reply("w1", "r2");
    assert_eq!((world.outcomes("c1"), world.outcomes("c2")), (vec!["r1 ok".to_owned()], vec!["r2 ok".to_owned()]));
    assert_eq!(told(&mut world)[2..], ["removed c1 r1", "removed c2 r2"]);
    assert_eq!(world.statistics().restored, 2);
}

#[test]
fn a_restored_request_has_only_the_time_that_is_left() {
    let mut world = persistent();
    let mut request = stored("c1", "r1", r#"{"persist":1,"timeout":500}"#);
    request.remaining = Timeout::After(ms(200));
    let mut late = stored("c1", "r2", PERSIST);
    late.remaining = Timeout::After(ms(0));
    world.restore(vec![request, late]);
    assert_eq!(told(&mut world), ["stored c1 r1 0 -", "stored c1 r2 0 -", "removed c1 r2"]);
    world.advance(ms(200));
    assert_eq!(told(&mut world), ["removed c1 r1"]);
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
    assert_eq!(told(&mut world), ["stored c1 r1 0 -", "stored c1 r2 0 -", "removed c1 r1", "removed c1 r2"]);
}

#[test]
fn a_partial_reply_gives_a_restored_request_all_of_its_time() {
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
fn a_client_that_sends_a_restored_request_again_gets_one_outcome_of_one_run() {
    let mut world = persistent();
    world.restore(vec![stored("old", "r1", PERSIST_AND_RETRY)]);
    world.worker("w1", "echo");
    world.resend_with("new", "echo", "r1", PERSIST_AND_RETRY);
    assert_eq!(world.jobs("w1"), ["r1"]);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("new"), ["r1 ok"]);
    assert!(world.outcomes("old").is_empty());
    assert_eq!(
        told(&mut world),
        ["stored old r1 0 -", "stored old r1 1 w1", "removed old r1", "stored new r1 1 w1", "removed new r1"]
    );
}

#[test]
fn a_client_with_the_identity_of_before_may_send_it_again() {
    let mut world = persistent();
    world.restore(vec![stored("c1", "r1", PERSIST_AND_RETRY)]);
    world.resend_with("c1", "echo", "r1", PERSIST_AND_RETRY);
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1"]);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}

#[test]
fn what_a_client_has_sent_again_already_is_not_restored_beside_it() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request_with("new", "echo", "r1", PERSIST_AND_RETRY);
    world.request_with("same", "echo", "r2", PERSIST_AND_RETRY);
    told(&mut world);
    world.restore(vec![stored("old", "r1", PERSIST_AND_RETRY), stored("same", "r2", PERSIST_AND_RETRY)]);
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
    assert_eq!(told(&mut world), ["removed old r1", "stored new r1 1 w1"]);
    assert_eq!(world.statistics().restored, 0);
}

#[test]
fn the_same_request_is_not_restored_twice() {
    let mut world = persistent();
    world.restore(vec![stored("c1", "r1", PERSIST), stored("c1", "r1", PERSIST)]);
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn a_restored_request_that_was_lost_with_every_worker_ends() {
    let mut world = persistent();
    let mut request = stored("c1", "r1", PERSIST_AND_RETRY);
    request.attempt = pigato_proto::limits::ATTEMPTS;
    request.worker = Some(PeerId::new(Frame::from("w0")));
    world.restore(vec![request]);
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(told(&mut world), ["stored c1 r1 5 -", "removed c1 r1"]);
}

#[test]
fn attempts_count_on_in_the_next_life() {
    let mut world = persistent();
    let mut request = stored("c1", "r1", PERSIST_AND_RETRY);
    request.attempt = 2;
    world.restore(vec![request]);
    world.worker("w1", "echo");
    assert_eq!(told(&mut world), ["stored c1 r1 2 -", "stored c1 r1 3 w1"]);
}

#[test]
fn a_broker_that_may_not_hold_all_of_it_tells_the_clients() {
    let mut world = World::persistent(BrokerOptions::default().max_requests(1_usize));
    world.restore(vec![stored("c1", "r1", PERSIST), stored("c2", "r2", PERSIST)]);
    assert_eq!(world.outcomes("c2"), ["r2 B_QUEUE_FULL"]);
    assert_eq!(told(&mut world), ["stored c1 r1 0 -", "removed c2 r2"]);
}

#[test]
fn a_broker_that_stops_leaves_stored_what_it_is_given_then() {
    let mut world = persistent();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.drain(ms(1_000));
    world.restore(vec![stored("c1", "r2", PERSIST)]);
    assert!(told(&mut world).is_empty());
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}
