//! Waiting requests keep no receive buffers alive, although libzmq reads many into one buffer or
//! each into its own. A separate program, because it reads the memory of the whole process.
#![cfg(target_os = "linux")]

use pigato::Broker;

/// Each request is received alone. If each kept a buffer alive, of which the written pages count,
/// the total would be twice the limit; without buffers it is half of it.
const REQUESTS: usize = 16_000;
const MOST_BYTES: usize = 60 << 20;

const TIMEOUT_MILLIS: i32 = 30_000;

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

#[test]
fn requests_received_one_by_one_keep_no_receive_buffers() {
    let broker = Broker::builder().bind("tcp://127.0.0.1:*").intch(None).start().unwrap();
    let context = zmq::Context::new();
    let client = context.socket(zmq::DEALER).unwrap();
    client.set_linger(0).unwrap();
    client.set_rcvtimeo(TIMEOUT_MILLIS).unwrap();
    client.connect(broker.endpoint()).unwrap();
    let body = "x".repeat(100);

    let before = resident_bytes();
    for number in 0..REQUESTS {
        client.send_multipart(["C", "2", "nobody", &number.to_string(), &body, "{}"], 0).unwrap();
        // Once the heartbeat is answered, the request has been read.
        client.send_multipart(["C", "4"], 0).unwrap();
        assert_eq!(client.recv_multipart(0).unwrap()[..2], [b"C".to_vec(), b"4".to_vec()]);
    }
    let grown = resident_bytes() - before;
    assert_eq!(broker.statistics().unwrap().queued, REQUESTS);
    println!("{grown} bytes for {REQUESTS} requests");
    assert!(grown < MOST_BYTES, "{grown} bytes for {REQUESTS} requests");
}
