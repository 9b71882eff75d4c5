use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::check;
use super::kernel::Pipe;
use crate::Parker;

/// Two threads each set a flag and wake; the sleeper looks at the flags before each sleep, as a
/// future's waiter does.
fn wakes(sleep: impl Fn(&Parker<Pipe>) + Copy + Send + Sync + 'static) -> impl Fn() + Send + Sync + 'static {
    move || {
        let parker = Arc::new(Parker::new(Pipe::new()));
        let flags = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (parker, flags) = (Arc::clone(&parker), Arc::clone(&flags));
                thread::spawn(move || {
                    flags.fetch_add(1, Ordering::Relaxed);
                    parker.wake();
                })
            })
            .collect();
        while flags.load(Ordering::Relaxed) < 2 {
            sleep(&parker);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

fn poll(parker: &Parker<Pipe>) {
    parker.poll(|pipe| {
        pipe.poll();
        true
    });
}

#[test]
fn a_parked_thread_misses_no_wake_up() {
    check("parker: a wake-up ends a park and publishes what came before it", wakes(Parker::park));
}

#[test]
fn a_polling_thread_misses_no_wake_up() {
    check("parker: a wake-up ends a poll and publishes what came before it", wakes(poll));
}

#[test]
fn a_late_signal_does_not_hide_a_wake_up() {
    check("parker: parks and polls in turn miss no wake-up", || {
        let parker = Arc::new(Parker::new(Pipe::new()));
        let flags = Arc::new(AtomicUsize::new(0));
        let (waking, setting) = (Arc::clone(&parker), Arc::clone(&flags));
        let thread = thread::spawn(move || {
            for _ in 0..2 {
                setting.fetch_add(1, Ordering::Relaxed);
                waking.wake();
            }
        });
        let mut polls = true;
        while flags.load(Ordering::Relaxed) < 2 {
            if polls {
                poll(&parker);
            } else {
                parker.park();
            }
            polls = !polls;
        }
        thread.join().unwrap();
    });
}
