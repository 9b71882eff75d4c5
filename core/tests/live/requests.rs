//! Requests and their replies.

use pigato::{Client, Codec, Response, Worker};
use serde_json::{json, Value};

use crate::support::serve::{broker, serve, serve_echo};
use crate::support::wait::within;

#[test]
fn data_is_returned_unchanged() {
    let broker = broker();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();

    for data in [json!("hello"), json!({"nested": [1, 2.5, null, "ü"]}), json!([]), json!(0), json!(false), json!("")]
    {
        let answer: Value = within("the reply", client.call("echo", &data)).unwrap();
        assert_eq!(answer, data);
    }
}

#[test]
fn null_is_returned_as_null() {
    let broker = broker();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();

    let reply = within("the reply", client.request("echo", &()).send()).unwrap();

    assert_eq!(reply.bytes(), b"null");
    assert_eq!(reply.json().unwrap(), Value::Null);
    assert_eq!(reply.decode::<Option<u32>>().unwrap(), None);
}

#[test]
fn partial_replies_keep_their_order() {
    const COUNT: u32 = 10_000;
    let broker = broker();
    let _worker = serve(Worker::builder(broker.endpoint(), "count"), |_request, reply| {
        for number in 0..COUNT {
            reply.write_blocking(&number)?;
        }
        Ok(COUNT)
    });
    let client = Client::connect(broker.endpoint()).unwrap();

    let mut response = client.request("count", &()).send();
    for expected in 0..=COUNT {
        let reply = within("a reply", response.next()).expect("a reply").unwrap();
        assert_eq!(reply.decode::<u32>().unwrap(), expected);
        assert_eq!(reply.is_final(), expected == COUNT);
    }
    assert!(within("the end", response.next()).is_none());
}

#[test]
fn each_of_10000_concurrent_requests_gets_its_own_reply() {
    let broker = broker();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();

    let responses: Vec<Response> = (0..10_000).map(|number| client.request("echo", &number).send()).collect();

    for (number, response) in responses.into_iter().enumerate() {
        let reply = within("the reply", response).unwrap();
        assert_eq!(reply.decode::<usize>().unwrap(), number);
    }
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.requests, statistics.replies), (10_000, 10_000));
    assert_eq!((statistics.queued, statistics.in_flight, statistics.request_bytes), (0, 0, 0));
}

#[test]
fn every_byte_value_passes_unchanged() {
    let broker = broker();
    let _worker = serve(Worker::builder(broker.endpoint(), "bytes"), |request, reply| {
        assert_eq!(request.codec(), Codec::Raw);
        reply.write_raw_blocking(request.bytes())?;
        reply.end_raw(request.bytes())?;
        Ok(())
    });
    let client = Client::connect(broker.endpoint()).unwrap();
    let all: Vec<u8> = (0..=255).collect();

    for bytes in [all, Vec::new(), vec![0], vec![0xff, 0xfe]] {
        let mut response = client.request_raw("bytes", bytes.clone()).send();
        for _ in 0..2 {
            let reply = within("a reply", response.next()).expect("a reply").unwrap();
            assert_eq!(reply.bytes(), bytes);
            assert_eq!(reply.codec(), Codec::Raw);
        }
    }
}

#[test]
fn a_body_of_sixteen_mebibytes_passes() {
    let broker = broker();
    let _worker =
        serve(Worker::builder(broker.endpoint(), "bytes"), |request, reply| Ok(reply.end_raw(request.data())?));
    let client = Client::connect(broker.endpoint()).unwrap();
    let body: Vec<u8> = (0..16_u32 << 20).map(|position| (position % 251) as u8).collect();

    let reply = within("the reply", client.request_raw("bytes", body.clone()).send()).unwrap();

    assert!(reply.bytes() == body, "the body was changed");
}

#[test]
fn options_pass_in_both_directions() {
    let broker = broker();
    let _worker = serve(Worker::builder(broker.endpoint(), "options"), |request, reply| {
        reply.set_option("answered", "yes");
        Ok(json!({"options": request.options(), "attempt": request.attempt(), "service": request.service()}))
    });
    let client = Client::connect(broker.endpoint()).unwrap();

    let request = client.request("options", &()).header("colour", "blue").retry(true);
    let reply = within("the reply", request.send()).unwrap();

    let seen = reply.json().unwrap();
    assert_eq!(seen["options"]["colour"], "blue");
    assert_eq!(seen["options"]["timeout"], 60_000);
    assert_eq!((&seen["attempt"], &seen["service"]), (&json!(1), &json!("options")));
    assert_eq!(reply.options(), json!({"answered": "yes"}));
}

#[test]
fn a_request_made_before_the_worker_exists_waits_for_it() {
    let broker = broker();
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("late", &"late answer").send();
    crate::support::wait::eventually("the request waits", || (broker.statistics().unwrap().queued == 1).then_some(()));

    let _worker = serve_echo(broker.endpoint(), "late");

    assert_eq!(within("the reply", response).unwrap().json().unwrap(), "late answer");
}
