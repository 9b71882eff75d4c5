use std::sync::Arc;

use loom::sync::Mutex;
use loom::thread;

use super::check;
use super::kernel::KernelSignal;
use super::world::World;
use crate::Parker;

/// What the sink shares with the threads that wait: which replies came, and whom each wakes.
#[derive(Default)]
struct Replies {
    has_come: [bool; 2],
    parkers: [Option<Arc<Parker<KernelSignal>>>; 2],
}

/// Requests by one thread or two, each of which waits for its own reply as `pigato::api` does.
fn request_and_reply(threads: usize) {
    let replies = Arc::new(Mutex::new(Replies::default()));
    let sink = Arc::clone(&replies);
    let world = World::new(
        true,
        None,
        Box::new(move |reply| {
            let mut replies = sink.lock().unwrap();
            assert!(!std::mem::replace(&mut replies.has_come[reply], true), "delivered twice");
            let parker = replies.parkers[reply].clone();
            drop(replies);
            if let Some(parker) = parker {
                parker.wake();
            }
        }),
    );
    let running = Arc::clone(&world);
    let io = thread::spawn(move || running.run());
    let request = move |world: &World, replies: &Mutex<Replies>, number: usize| {
        let parker = Arc::new(Parker::new(KernelSignal(Arc::clone(&world.engine.kernel), number)));
        world.access().submit(number, false).unwrap();
        loop {
            let mut state = replies.lock().unwrap();
            if state.has_come[number] {
                return;
            }
            state.parkers[number] = Some(Arc::clone(&parker));
            drop(state);
            if !world.access().lead(None, |_| parker.poll(|_| world.engine.kernel.poll_beside(number))) {
                parker.park();
            }
        }
    };
    let others: Vec<_> = (1..threads)
        .map(|number| {
            let (world, replies) = (Arc::clone(&world), Arc::clone(&replies));
            thread::spawn(move || request(&world, &replies, number))
        })
        .collect();
    request(&world, &replies, 0);
    others.into_iter().for_each(|thread| thread.join().unwrap());
    world.engine.stop();
    io.join().unwrap();
    assert!(world.engine.kernel.is_watched(), "nobody reads in the end");
    // The parkers know the kernel, and the sink the parkers.
    replies.lock().unwrap().parkers = Default::default();
}

#[test]
fn a_thread_that_leads_gets_its_reply() {
    check("leadership: one thread that waits gets its reply; the descriptor has one reader, in the end too", || {
        request_and_reply(1);
    });
}

#[test]
fn two_threads_that_wait_get_their_replies() {
    check("leadership: two threads that wait get their replies; the descriptor has one reader, in the end too", || {
        request_and_reply(2);
    });
}
