//! A thousand clients started and stopped, again and again, leave nothing behind. A program of its own, so that nothing
//! else opens descriptors or starts threads meanwhile.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
// Tests have threads and a clock.
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

/// Rounds until every buffer has the size that it keeps.
const WARM_UP: usize = 2;

/// Most that the memory in use may grow after that: far less than as many clients leave behind if they leave anything,
/// and room for tables that double.
const GROWTH: usize = 512 << 10;

#[test]
fn a_thousand_clients_five_times_over_leave_nothing_behind() {
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
            eventually("the broker has forgotten them", || (broker.statistics().unwrap().clients <= 1).then_some(()));
            if round + 1 == WARM_UP {
                warm = bytes_in_use();
            }
        }
        let grown = bytes_in_use().saturating_sub(warm);
        assert!(grown < GROWTH, "{grown} bytes more after {} rounds", ROUNDS - WARM_UP);
    }
    // The last handle is one that the I/O thread holds itself.
    let broker = Broker::builder().bind(ANY_PORT).intch(Some(ANY_PORT)).start().unwrap();
    let directory = Directory::start(broker.endpoint(), broker.intch().unwrap()).unwrap();
    drop(broker);
    drop(directory);
    eventually("threads and descriptors are what they were", || ((threads(), descriptors()) == start).then_some(()));
}

/// Starts them all, has each make a request, and stops one half and drops the other.
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

/// What is allocated and not freed, by Rust and by libzmq. Resident memory would tell more of the allocator, which takes
/// a dozen rounds until it needs no more.
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
