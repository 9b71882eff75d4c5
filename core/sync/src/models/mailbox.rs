use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::thread;

use super::check;
use super::kernel::Pipe;
use crate::{Mailbox, Parker, Refused};

type Small = Mailbox<usize, 1>;

struct ThreadWaker(Parker<Pipe>);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

/// Submits one command, and waits while there is no room. Returns whether it was accepted.
fn push_waiting(mailbox: &Small, command: usize) -> bool {
    let parker = Arc::new(ThreadWaker(Parker::new(Pipe::new())));
    let waker = Waker::from(Arc::clone(&parker));
    loop {
        match mailbox.push(command, false) {
            Ok(_) => return true,
            Err(Refused::Closed) => return false,
            Err(Refused::Full(_)) => {}
        }
        if !mailbox.wait_for_room(&waker) {
            parker.0.park();
        }
    }
}

/// Two threads submit to a mailbox of one; this one takes or closes. Returns the accepted commands
/// and those that came out.
fn submit_two(take: impl FnOnce(&Small) -> VecDeque<usize>) -> (Vec<usize>, Vec<usize>) {
    let mailbox = Arc::new(Small::default());
    let threads: Vec<_> = (0..2)
        .map(|command| {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || push_waiting(&mailbox, command).then_some(command))
        })
        .collect();
    let mut taken = Vec::from(take(&mailbox));
    let accepted = threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
    taken.sort_unstable();
    (accepted, taken)
}

#[test]
fn a_thread_that_waits_for_room_gets_it() {
    check("mailbox: a thread that waits for room is woken, and each command is taken once", || {
        let (accepted, taken) = submit_two(|mailbox| {
            let mut taken = VecDeque::new();
            while taken.len() < 2 {
                mailbox.take(&mut taken, 1);
                thread::yield_now();
            }
            taken
        });
        assert_eq!(accepted, [0, 1]);
        assert_eq!(taken, [0, 1]);
    });
}

#[test]
fn a_closed_mailbox_leaves_no_thread_waiting() {
    check("mailbox: after close no thread waits, and each accepted command came out once", || {
        let (accepted, taken) = submit_two(|mailbox| {
            let mut taken = VecDeque::new();
            mailbox.take(&mut taken, 1);
            taken.extend(mailbox.close());
            taken
        });
        assert_eq!(accepted, taken);
    });
}
