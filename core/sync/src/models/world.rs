//! A handle, an I/O thread and an endpoint that echoes its commands, over the kernel of a model.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Instant;

use loom::sync::Mutex;

use super::kernel::Kernel;
use crate::{Access, Cell, CorkWatch, Endpoint, Inbox, Mailbox, Progress, Scheduler};

const ID: u64 = 1;
const DESCRIPTOR: RawFd = 3;

/// What other threads leave for the I/O thread.
#[derive(Default)]
struct News {
    ready: bool,
    stop: bool,
}

pub(super) struct Engine {
    inbox: Inbox<News>,
    pub(super) kernel: Arc<Kernel>,
}

impl Scheduler for Engine {
    fn schedule(&self, _id: u64) {
        self.inbox.post(|news| news.ready = true, || self.kernel.wake());
    }

    fn is_asleep(&self) -> bool {
        self.inbox.is_asleep()
    }
}

impl Engine {
    pub(super) fn stop(&self) {
        self.inbox.post(|news| news.stop = true, || self.kernel.wake());
    }
}

/// The effect of a command or message. Called under the cell's lock.
pub(super) type Deliver = Box<dyn Fn(usize) + Send>;

/// Sends each command to a peer that echoes it, and delivers what comes back.
pub(super) struct Echo {
    pub(super) mailbox: Arc<Mailbox<usize, 4>>,
    kernel: Arc<Kernel>,
    deliver: Deliver,
    cork_watch: CorkWatch,
    is_released: bool,
    /// Whether the connection is there; without one, commands are delivered at once.
    is_connected: bool,
    /// Set by a command with this number.
    deadline: Option<(usize, Instant)>,
    has_deadline: bool,
    commands: VecDeque<usize>,
    now: Instant,
}

impl Echo {
    fn handle_commands(&mut self) {
        for command in self.commands.drain(..) {
            self.has_deadline |= self.deadline.is_some_and(|(of, _)| of == command);
            if self.is_connected {
                self.kernel.arrive(command);
            } else {
                (self.deliver)(command);
            }
        }
    }

    fn receive(&mut self) -> usize {
        let mut count = 0;
        while let Some(message) = self.kernel.read() {
            count += 1;
            (self.deliver)(message);
        }
        count
    }

    fn process(&mut self) -> Progress {
        let is_left = self.mailbox.take(&mut self.commands, 4);
        self.handle_commands();
        self.receive();
        // In a model, the time of the next look has come whenever the thread has nothing else to
        // do.
        self.now = self.cork_watch.deadline().unwrap_or(self.now);
        self.cork_watch.renew(self.now, self.mailbox.cork(), false);
        if is_left {
            Progress::Again
        } else {
            Progress::Idle
        }
    }
}

impl Endpoint for Echo {
    type Scheduler = Engine;

    fn carry_out_commands(&mut self) -> bool {
        let Some(is_left) = self.mailbox.take_unless_awaited(&mut self.commands, 4) else { return false };
        self.handle_commands();
        !is_left
    }

    fn release(&mut self, scheduler: &Engine, _id: u64) -> bool {
        if self.is_connected {
            scheduler.kernel.unwatch();
            self.is_released = true;
        }
        self.is_connected
    }

    fn released(&self) -> Option<RawFd> {
        self.is_released.then_some(DESCRIPTOR)
    }

    fn read(&mut self) -> (usize, bool) {
        (self.receive(), true)
    }

    fn take_back(&mut self, scheduler: &Engine, _id: u64) -> bool {
        if std::mem::take(&mut self.is_released) {
            scheduler.kernel.watch();
        }
        true
    }

    fn deadline(&self) -> Option<Instant> {
        let of_command = self.deadline.filter(|_| self.has_deadline).map(|(_, at)| at);
        [self.cork_watch.deadline(), of_command].into_iter().flatten().min()
    }
}

/// What a handle holds.
pub(super) struct World {
    pub(super) engine: Engine,
    mailbox: Arc<Mailbox<usize, 4>>,
    cell: Cell<Echo>,
    /// The deadline that the I/O thread knows.
    known_deadline: Mutex<Option<Instant>>,
}

impl World {
    pub(super) fn new(is_connected: bool, deadline: Option<(usize, Instant)>, deliver: Deliver) -> Arc<Self> {
        let kernel = Arc::new(Kernel::new());
        let mailbox = Arc::new(Mailbox::default());
        let echo = Echo {
            mailbox: Arc::clone(&mailbox),
            kernel: Arc::clone(&kernel),
            deliver,
            cork_watch: CorkWatch::default(),
            is_released: false,
            is_connected,
            deadline,
            has_deadline: false,
            commands: VecDeque::new(),
            now: Instant::now(),
        };
        if is_connected {
            kernel.watch();
        }
        let engine = Engine { inbox: Inbox::default(), kernel };
        Arc::new(Self { engine, mailbox, cell: Cell::new(echo), known_deadline: Mutex::new(None) })
    }

    pub(super) fn access(&self) -> Access<'_, usize, Echo, 4> {
        Access { scheduler: &self.engine, mailbox: &self.mailbox, cell: &self.cell, id: ID }
    }

    pub(super) fn queued(&self) -> usize {
        self.mailbox.len()
    }

    /// Whether the I/O thread knows of the endpoint's deadline, or of an earlier one.
    pub(super) fn knows_deadline(&self) -> bool {
        let mut deadline = None;
        self.cell.edit(|echo| deadline = echo.deadline());
        let known = *self.known_deadline.lock().unwrap();
        deadline.is_none_or(|deadline| known.is_some_and(|known| known <= deadline))
    }

    /// The I/O thread, until [`Engine::stop`].
    pub(super) fn run(&self) {
        let mut is_active = true;
        loop {
            let mut is_over = false;
            self.engine.inbox.edit(|news| {
                is_active |= std::mem::take(&mut news.ready);
                is_over = news.stop;
            });
            let mut is_corked = false;
            if std::mem::take(&mut is_active) {
                let processed = self.cell.process(Echo::process).unwrap();
                is_active = processed.progress == Progress::Again;
                *self.known_deadline.lock().unwrap() = processed.deadline;
            }
            self.cell.edit(|echo| is_corked = echo.cork_watch.deadline().is_some());
            if is_over {
                return;
            }
            if is_corked {
                // The deadline passes before anything else happens.
                is_active = true;
                loom::thread::yield_now();
            } else if !is_active && self.engine.inbox.fall_asleep(|news| news.ready || news.stop) {
                is_active |= self.engine.kernel.poll().is_connection;
            }
            self.engine.inbox.wake_up();
        }
    }
}
