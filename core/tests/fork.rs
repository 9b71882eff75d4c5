//! The child of a fork has a copy of the handles, but not of the thread behind them. A separate
//! program, because it forks.
#![cfg(unix)]
// Tests start threads and read the clock.
#![allow(clippy::disallowed_methods)]

#[path = "sockets/serve.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod serve;
#[path = "sockets/wait.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod wait;

use std::panic::{catch_unwind, AssertUnwindSafe};

use nix::sys::signal::{kill, Signal};
use nix::sys::wait::{waitpid, WaitPidFlag, WaitStatus};
use nix::unistd::{fork, ForkResult, Pid};
use pigato::{Broker, Client, ErrorCode, Response, Worker};

use serve::{broker, serve_echo};
use wait::{eventually, within, WAIT_TIMEOUT};

struct Inherited {
    broker: Broker,
    worker: Worker,
    client: Client,
    pending: Response,
}

#[test]
fn a_child_gets_errors_from_inherited_handles_and_can_start_new_ones() {
    let broker = broker();
    let echo = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    assert_eq!(within("the reply", client.call::<_, u8>("echo", &1)).unwrap(), 1);
    let worker = Worker::connect(broker.endpoint(), "other").unwrap();
    let pending = client.request("nobody", &()).send();
    let inherited = Inherited { broker, worker, client, pending };

    // SAFETY: the child uses only what the library documents as usable after a fork; that is under
    // test.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let outcome = catch_unwind(AssertUnwindSafe(|| use_in_child(inherited)));
            std::process::exit(i32::from(outcome.is_err()));
        }
        ForkResult::Parent { child } => {
            assert_eq!(status_of(child), WaitStatus::Exited(child, 0), "see the child's message above");
        }
    }
    // The parent's handles still work.
    assert_eq!(within("the reply", inherited.client.call::<_, u8>("echo", &2)).unwrap(), 2);
    within("the worker stops", inherited.worker.stop());
    drop(inherited.pending);
    echo.stop();
    within("the broker stops", inherited.broker.stop());
}

fn use_in_child(inherited: Inherited) {
    let Inherited { broker, worker, client, pending } = inherited;
    let error = within("the outcome", client.request("echo", &()).send()).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Fork), "{error}");
    assert_eq!(broker.statistics().unwrap_err().code(), ErrorCode::Fork);
    assert!(within("the end", worker.next()).is_none());
    within("the client stops", client.stop());
    within("the worker stops", worker.stop());
    within("the broker stops", broker.stop());
    drop((broker, worker, client, pending));

    let broker = serve::broker();
    let echo = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    assert_eq!(within("the reply", client.call::<_, u8>("echo", &3)).unwrap(), 3);
    echo.stop();
    within("the broker stops", broker.stop());
}

/// How the child ended. A child that hangs is killed, and the test fails.
fn status_of(child: Pid) -> WaitStatus {
    let outcome = catch_unwind(|| {
        eventually("the child ends", || match waitpid(child, Some(WaitPidFlag::WNOHANG)).unwrap() {
            WaitStatus::StillAlive => None,
            status => Some(status),
        })
    });
    outcome.unwrap_or_else(|_| {
        kill(child, Signal::SIGKILL).unwrap();
        waitpid(child, None).unwrap();
        panic!("the child hung for {WAIT_TIMEOUT:?}");
    })
}
