use std::sync::Arc;

use loom::sync::Mutex;
use loom::thread;

use super::check;
use super::world::World;

#[test]
fn uncorking_hands_over_what_was_held_back() {
    check("cork: commands of the corking and of another thread are carried out once", || {
        let carried_out = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&carried_out);
        let world = World::new(false, None, Box::new(move |command| log.lock().unwrap().push(command)));
        let running = Arc::clone(&world);
        let io = thread::spawn(move || running.run());
        let other = Arc::clone(&world);
        let submitting = thread::spawn(move || other.access().submit(1, false).unwrap());
        world.access().cork(usize::MAX);
        world.access().submit(2, false).unwrap();
        world.access().uncork();
        submitting.join().unwrap();
        world.engine.stop();
        io.join().unwrap();
        let mut carried_out = carried_out.lock().unwrap().clone();
        carried_out.sort_unstable();
        assert_eq!(carried_out, [1, 2]);
    });
}

#[test]
fn a_cork_that_stays_holds_no_command_back_for_long() {
    check("cork: left in, its commands are carried out all the same", || {
        let carried_out = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&carried_out);
        let world = World::new(false, None, Box::new(move |command| log.lock().unwrap().push(command)));
        let running = Arc::clone(&world);
        let io = thread::spawn(move || running.run());
        // A cork before, so that the I/O thread may be about to end its watch.
        world.access().cork(usize::MAX);
        world.access().uncork();
        world.access().cork(usize::MAX);
        world.access().submit(1, false).unwrap();
        while world.queued() > 0 {
            thread::yield_now();
        }
        world.access().uncork();
        world.engine.stop();
        io.join().unwrap();
        assert_eq!(*carried_out.lock().unwrap(), [1]);
    });
}
