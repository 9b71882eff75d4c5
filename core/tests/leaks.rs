//! 1,000 clients, started and stopped 5 times, leave nothing behind. A separate program, so that
//! nothing else opens descriptors or starts threads meanwhile.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
// Tests start threads and read the clock.
#![allow(clippy::disallowed_methods)]

#[path = "sockets/process.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod process;
#[path = "sockets/serve.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod serve;
#[path = "sockets/wait.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod wait;

use nix::sys::resource::{getrlimit, setrlimit, Resource};
use pigato::services::Directory;
use pigato::{Broker, Client, Response};

use process::{descriptors, threads};
use serve::{broker, serve_echo, ANY_PORT};
use wait::{eventually, within};

const CLIENTS: usize = 1_000;
const ROUNDS: usize = 5;

/// Rounds until every buffer has reached its final size.
const WARM_UP: usize = 2;

/// Maximum growth of the memory in use after the warm-up: far less than 1,000 clients would leak,
/// with room for tables that double.
const GROWTH: usize = 512 << 10;

#[test]
fn starting_and_stopping_1000_clients_5_times_leaks_nothing() {
    allow_descriptors(16 * CLIENTS as u64);
    let start = (threads(), descriptors());
    {
        let broker = broker();
        let _worker = serve_echo(broker.endpoint(), "echo");
        let client = Client::connect(broker.endpoint()).unwrap();
        assert_eq!(within("the reply", client.call::<_, u8>("echo", &1)).unwrap(), 1);
        let (running, mut warm) = ((threads(), descriptors()), 0);
        for round in 0..ROUNDS {
            use_clients(broker.endpoint());
            eventually("the broker has closed its ends", || ((threads(), descriptors()) == running).then_some(()));
            eventually("the broker has dropped their state", || {
                (broker.statistics().unwrap().clients <= 1).then_some(())
            });
            if round + 1 == WARM_UP {
                warm = bytes_in_use();
            }
        }
        let grown = bytes_in_use().saturating_sub(warm);
        assert!(grown < GROWTH, "{grown} bytes leaked in {} rounds", ROUNDS - WARM_UP);
    }
    // The I/O thread holds the last handle itself.
    let broker = Broker::builder().bind(ANY_PORT).intch(Some(ANY_PORT)).start().unwrap();
    let directory = Directory::start(broker.endpoint(), broker.intch().unwrap()).unwrap();
    drop(broker);
    drop(directory);
    eventually("threads and descriptors are as many as at the start", || {
        ((threads(), descriptors()) == start).then_some(())
    });
}

/// Starts all clients, makes a request with each, then stops half of them and drops the others.
fn use_clients(endpoint: &str) {
    let clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(endpoint).unwrap()).collect();
    let responses: Vec<Response> =
        clients.iter().enumerate().map(|(number, client)| client.request("echo", &number).send()).collect();
    for (number, response) in responses.into_iter().enumerate() {
        assert_eq!(within("the reply", response).unwrap().decode::<usize>().unwrap(), number);
    }
    for client in clients.iter().step_by(2) {
        within("the client stops", client.stop());
    }
}

/// Bytes allocated and not freed, by Rust and libzmq. Resident memory would measure the allocator,
/// which takes a dozen rounds to stop growing.
fn bytes_in_use() -> usize {
    // SAFETY: has no precondition.
    let information = unsafe { libc::mallinfo2() };
    information.uordblks + information.hblkhd
}

fn allow_descriptors(needed: u64) {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(hard >= needed, "this test needs {needed} descriptors; raise `ulimit -Hn` from {hard}");
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(needed), hard).unwrap();
}
