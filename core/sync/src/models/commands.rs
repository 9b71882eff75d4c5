use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::sync::Mutex;
use loom::thread;

use super::check;
use super::world::World;

/// Runs the I/O thread and two threads, and returns the commands that were carried out.
fn run(
    deadline: Option<(usize, Instant)>,
    submit: impl Fn(&World, usize) + Copy + Send + 'static,
) -> (Arc<World>, Vec<usize>) {
    let carried_out = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&carried_out);
    let world = World::new(false, deadline, Box::new(move |command| log.lock().unwrap().push(command)));
    let running = Arc::clone(&world);
    let io = thread::spawn(move || running.run());
    let other = Arc::clone(&world);
    let submitting = thread::spawn(move || submit(&other, 1));
    submit(&world, 2);
    submitting.join().unwrap();
    world.engine.stop();
    io.join().unwrap();
    let mut carried_out = carried_out.lock().unwrap().clone();
    carried_out.sort_unstable();
    (world, carried_out)
}

#[test]
fn each_command_is_carried_out_once() {
    check("commands: each is carried out once, here or on the I/O thread, which knows the deadline then", || {
        let at = Instant::now() + Duration::from_secs(1);
        let (world, carried_out) = run(Some((1, at)), |world, command| {
            world.access().submit(command, false).unwrap();
        });
        assert_eq!(carried_out, [1, 2]);
        assert!(world.knows_deadline());
    });
}

#[test]
fn commands_that_are_held_back_are_handed_over() {
    check("commands: those given within `together`, or beside it, are carried out once", || {
        let (_, carried_out) = run(None, |world, command| {
            if command == 1 {
                world.access().together(|| world.access().submit(command, false).unwrap());
            } else {
                world.access().submit(command, false).unwrap();
            }
        });
        assert_eq!(carried_out, [1, 2]);
    });
}

#[test]
fn two_holders_hand_over_everything() {
    check("commands: the last of two holders hands over what both submitted", || {
        let (_, carried_out) = run(None, |world, command| {
            world.access().together(|| world.access().submit(command, false).unwrap());
        });
        assert_eq!(carried_out, [1, 2]);
    });
}
