use std::sync::Arc;

use loom::thread;

use super::check;
use super::kernel::Kernel;
use crate::Inbox;

#[test]
fn the_io_thread_never_sleeps_on_news() {
    check("inbox: the I/O thread takes all news, and no wake-up is lost", || {
        let shared = Arc::new((Inbox::<Vec<usize>>::default(), Kernel::new()));
        let threads: Vec<_> = (0..2)
            .map(|news| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.0.post(|inbox| inbox.push(news), || shared.1.wake()))
            })
            .collect();
        let mut taken = Vec::new();
        let (inbox, kernel) = &*shared;
        while taken.len() < 2 {
            inbox.edit(|news| taken.append(news));
            if taken.len() < 2 && inbox.fall_asleep(|news| !news.is_empty()) {
                kernel.poll();
            }
            inbox.wake_up();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        taken.sort_unstable();
        assert_eq!(taken, [0, 1]);
    });
}
