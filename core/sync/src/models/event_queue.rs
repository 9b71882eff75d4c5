use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::thread;

use super::check;
use super::kernel::Pipe;
use crate::EventQueue;

type Queue = EventQueue<usize, Pipe, 4>;

fn queue() -> Arc<Queue> {
    Arc::new(Queue::new(Pipe::new()))
}

fn in_an_hour() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}

fn wait(queue: &Queue, events: &mut Vec<usize>) {
    let (count, _) = queue.wait(events, 1, in_an_hour());
    assert!(count > 0 || queue.is_closed(), "it has waited for nothing");
}

/// Two events, then the end.
fn produce(queue: &Arc<Queue>) -> thread::JoinHandle<()> {
    let queue = Arc::clone(queue);
    thread::spawn(move || {
        queue.extend([0].into_iter());
        queue.extend([1].into_iter());
        queue.close();
    })
}

/// Takes by `next` until the queue is closed and empty.
fn consume(queue: &Queue, mut next: impl FnMut(&Queue, &mut Vec<usize>)) -> Vec<usize> {
    let mut events = Vec::new();
    loop {
        let is_closed = queue.is_closed();
        let before = events.len();
        next(queue, &mut events);
        if is_closed && events.len() == before {
            return events;
        }
    }
}

#[test]
fn a_watched_descriptor_is_readable_while_there_are_events() {
    check("event queue: a consumer that waits for the descriptor gets all events, also if it asks late", || {
        let queue = queue();
        let producer = produce(&queue);
        queue.set_watched(true);
        let events = consume(&queue, |queue, events| {
            queue.signal().poll();
            queue.drain(events, 1);
        });
        producer.join().unwrap();
        assert_eq!(events, [0, 1]);
        assert!(queue.signal().is_readable(), "it is closed");
    });
}

#[test]
fn an_empty_queue_is_not_readable() {
    check("event queue: the descriptor is not readable once the queue is empty", || {
        let queue = queue();
        queue.set_watched(true);
        let producing = Arc::clone(&queue);
        let producer = thread::spawn(move || {
            producing.extend([0].into_iter());
            producing.extend([1].into_iter());
        });
        let mut events = Vec::new();
        while events.len() < 2 {
            queue.signal().poll();
            queue.drain(&mut events, 2);
        }
        producer.join().unwrap();
        assert_eq!(events, [0, 1]);
        assert!(!queue.signal().is_readable());
    });
}

#[test]
fn threads_that_wait_get_all_events() {
    check("event queue: two threads in `wait` get each event once, and both end with the queue", || {
        let queue = queue();
        let producer = produce(&queue);
        let other = Arc::clone(&queue);
        let waiting = thread::spawn(move || consume(&other, wait));
        let mut events = consume(&queue, wait);
        events.extend(waiting.join().unwrap());
        producer.join().unwrap();
        events.sort_unstable();
        assert_eq!(events, [0, 1]);
    });
}

#[test]
fn an_event_ends_a_wait() {
    check("event queue: each of two threads in `wait` is woken for an event, without a close", || {
        let queue = queue();
        let producing = Arc::clone(&queue);
        let producer = thread::spawn(move || {
            producing.extend([0].into_iter());
            producing.extend([1].into_iter());
        });
        let other = Arc::clone(&queue);
        let one = |queue: &Queue| {
            let mut events = Vec::new();
            wait(queue, &mut events);
            events
        };
        let waiting = thread::spawn(move || one(&other));
        let mut events = one(&queue);
        events.extend(waiting.join().unwrap());
        producer.join().unwrap();
        events.sort_unstable();
        assert_eq!(events, [0, 1]);
    });
}

#[test]
fn a_poll_ends_with_the_next_event() {
    check("event queue: a thread that polls only between begin and end gets all events", || {
        let queue = queue();
        let producer = produce(&queue);
        let events = consume(&queue, |queue, events| {
            if queue.begin_poll() {
                queue.signal().poll();
                queue.end_poll();
            }
            queue.drain(events, 1);
        });
        producer.join().unwrap();
        assert_eq!(events, [0, 1]);
    });
}

#[test]
fn a_poll_survives_another_thread_that_takes_events() {
    check("event queue: a poll that another thread interrupts to take one event ends with the next event", || {
        let queue = queue();
        let producing = Arc::clone(&queue);
        let producer = thread::spawn(move || producing.extend([0, 1].into_iter()));
        let taking = Arc::clone(&queue);
        // The first event that comes is taken here, or none.
        let other = thread::spawn(move || {
            let (was_polled, _) = taking.end_poll();
            let mut events = Vec::new();
            taking.drain(&mut events, 1);
            if was_polled {
                taking.resume_poll();
            }
            events
        });
        if queue.begin_poll() {
            queue.signal().poll();
            queue.end_poll();
        }
        let mut events = other.join().unwrap();
        producer.join().unwrap();
        queue.drain(&mut events, 2);
        assert_eq!(events, [0, 1]);
        assert!(!queue.signal().is_readable());
    });
}
