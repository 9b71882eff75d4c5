//! Where Ruby's threads sleep for each other, so that only one of them is awake at a time.
//!
//! Ruby's own means wake a thread while the one that wakes it still has the GVL: the woken one gets as far as the GVL and sleeps
//! again, and each hand-over costs two switches. Here the thread that goes to sleep wakes the next one *after* it has let the GVL
//! go. One that is to be woken so is laid in a [`Baton`]; if nobody goes to sleep, a thread without the GVL wakes it a little later.

use std::ffi::c_void;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use magnus::{function, method, prelude::*, typed_data::Obj, Error, RModule, Ruby};
use pigato::ErrorCode;
use pigato_frame::fork_generation;

use crate::error::thrown;
use crate::handle::define_class;

/// Between two looks after what lies in batons: what is seen twice is woken.
const LOOK: Duration = Duration::from_millis(1);

/// Looks without anything new after which nobody looks any more until there is.
const IDLE_LOOKS: u32 = 100;

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let class = define_class::<Parker>(ruby, native, "Parker")?;
    class.undef_default_alloc_func();
    class.define_singleton_method("create", function!(Parker::create, 0))?;
    class.define_method("usable?", method!(Parker::is_usable, 0))?;
    class.define_method("park", method!(Parker::park, 2))?;
    class.define_method("unpark", method!(Parker::unpark, 0))?;
    let class = define_class::<Baton>(ruby, native, "Baton")?;
    class.undef_default_alloc_func();
    class.define_singleton_method("create", function!(Baton::create, 0))?;
    class.define_method("lay", method!(Baton::lay, 1))?;
    class.define_method("pass", method!(Baton::pass, 0))?;
    class.define_method("clear", method!(Baton::clear, 0))?;
    Ok(())
}

/// What lets one thread go on, once.
// The standard library's lock and condition keep all they know in themselves. Those of `parking_lot` enter who waits in a table of
// the process's, and a forked child would inherit entries of threads that it does not have.
struct Permit {
    is_given: Mutex<bool>,
    given: Condvar,
    generation: u32,
}

impl Permit {
    fn new() -> Self {
        Self { is_given: Mutex::new(false), given: Condvar::new(), generation: fork_generation() }
    }

    /// Whether it is of this process: in a child, its thread is not there, and another may have had its lock at the fork.
    fn is_usable(&self) -> bool {
        self.generation == fork_generation()
    }

    fn give(&self) {
        if self.is_usable() {
            *held(&self.is_given) = true;
            self.given.notify_one();
        }
    }

    /// Waits until it is given, or the time has come.
    fn take(&self, until: Option<Instant>) {
        let is_missing = |is_given: &mut bool| !*is_given;
        let lock = held(&self.is_given);
        let mut is_given = match until {
            None => self.given.wait_while(lock, is_missing).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                self.given.wait_timeout_while(lock, left, is_missing).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        *is_given = false;
    }
}

/// Nothing panics with one of these locks.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where one thread sleeps.
#[magnus::wrap(class = "Pigato::Native::Parker", free_immediately)]
struct Parker(Arc<Permit>);

/// A thread's way without the GVL.
struct Nap {
    permit: Arc<Permit>,
    baton: Arc<Laid>,
    until: Option<Instant>,
}

impl Parker {
    fn create() -> Self {
        Self(Arc::new(Permit::new()))
    }

    fn is_usable(&self) -> bool {
        self.0.is_usable()
    }

    /// Lets the GVL go, wakes what lies in the baton, and sleeps until it is woken itself, the time is over or Ruby has something
    /// for this thread.
    fn park(&self, baton: Obj<Baton>, seconds: Option<f64>) {
        // What is longer than any duration is without end.
        let duration = seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX));
        let until = duration.and_then(|duration| Instant::now().checked_add(duration));
        let mut nap = Nap { permit: Arc::clone(&self.0), baton: Arc::clone(&baton.0), until };
        let permit = Arc::as_ptr(&nap.permit).cast_mut().cast();
        // SAFETY: called with the GVL; both functions get what outlives the call, touch nothing of Ruby's, and do not unwind.
        unsafe { rb_sys::rb_thread_call_without_gvl2(Some(sleep), (&raw mut nap).cast(), Some(interrupt), permit) };
        // If Ruby had something for this thread from the beginning, nothing was called.
        nap.baton.pass();
    }

    fn unpark(&self) {
        self.0.give();
    }
}

extern "C" fn sleep(nap: *mut c_void) -> *mut c_void {
    // SAFETY: `park` gives its own nap, which nobody else knows.
    let nap = unsafe { &*nap.cast::<Nap>() };
    nap.baton.pass();
    nap.permit.take(nap.until);
    ptr::null_mut()
}

extern "C" fn interrupt(permit: *mut c_void) {
    // SAFETY: `park` keeps the permit until it has returned.
    unsafe { &*permit.cast::<Permit>() }.give();
}

/// Room for one that is to be woken when somebody goes to sleep.
#[magnus::wrap(class = "Pigato::Native::Baton", free_immediately)]
struct Baton(Arc<Laid>);

#[derive(Default)]
struct Laid {
    /// From `Arc::into_raw`, or null. No lock: one that another thread has at a fork would be locked in the child for ever. In one
    /// order with `IS_RESTING`, or who lays and who goes to rest could each miss the other.
    permit: AtomicPtr<Permit>,
    is_seen: AtomicBool,
}

impl Laid {
    fn replace(&self, permit: *mut Permit) -> Option<Arc<Permit>> {
        let former = self.permit.swap(permit, Ordering::SeqCst);
        // SAFETY: whoever takes a pointer out of here has it alone; it was put in by `lay`.
        (!former.is_null()).then(|| unsafe { Arc::from_raw(former) })
    }

    fn pass(&self) {
        if let Some(permit) = self.replace(ptr::null_mut()) {
            permit.give();
        }
    }

    /// Returns whether there is something.
    fn look(&self) -> bool {
        let is_there = !self.permit.load(Ordering::SeqCst).is_null();
        if is_there && self.is_seen.swap(true, Ordering::AcqRel) {
            self.pass();
        }
        is_there
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        self.pass();
    }
}

impl Baton {
    fn create(ruby: &Ruby) -> Result<Self, Error> {
        let laid = Arc::default();
        watch(&laid).map_err(|error| thrown(ruby, pigato::Error::new(ErrorCode::System, error.to_string())))?;
        Ok(Self(laid))
    }

    /// Has this thread woken when another goes to sleep, or soon. What lay there is woken at once.
    fn lay(&self, parker: Obj<Parker>) {
        self.0.is_seen.store(false, Ordering::Release);
        if let Some(former) = self.0.replace(Arc::into_raw(Arc::clone(&parker.0)).cast_mut()) {
            former.give();
        }
        if IS_RESTING.load(Ordering::SeqCst) {
            rouse();
        }
    }

    /// Takes away what lies there, and wakes nobody.
    fn clear(&self) {
        drop(self.0.replace(ptr::null_mut()));
    }

    /// Wakes what lies there now.
    fn pass(&self) {
        self.0.pass();
    }
}

/// The thread that looks after batons, of one process.
struct Watch {
    generation: u32,
    batons: Arc<Mutex<Vec<Weak<Laid>>>>,
    thread: Thread,
}

static WATCH: Mutex<Option<Watch>> = Mutex::new(None);
static IS_RESTING: AtomicBool = AtomicBool::new(false);

/// Called with the GVL only, so that nobody has the lock when Ruby forks.
fn rouse() {
    if IS_RESTING.swap(false, Ordering::SeqCst) {
        if let Some(watch) = &*held(&WATCH) {
            watch.thread.unpark();
        }
    }
}

/// Has a baton looked after as long as it is there. Called with the GVL only.
fn watch(laid: &Arc<Laid>) -> io::Result<()> {
    let mut current = held(&WATCH);
    let watch = match &mut *current {
        Some(watch) if watch.generation == fork_generation() => watch,
        current => current.insert(start()?),
    };
    let mut batons = held(&watch.batons);
    if batons.len() == batons.capacity() {
        // While it rests nobody else does.
        batons.retain(|baton| baton.strong_count() > 0);
    }
    batons.push(Arc::downgrade(laid));
    Ok(())
}

fn start() -> io::Result<Watch> {
    let batons = Arc::<Mutex<Vec<Weak<Laid>>>>::default();
    let seen = Arc::clone(&batons);
    let thread = thread::Builder::new().name("pigato-baton".to_owned()).spawn(move || look_after(&seen))?;
    Ok(Watch { generation: fork_generation(), batons, thread: thread.thread().clone() })
}

fn look_after(batons: &Mutex<Vec<Weak<Laid>>>) {
    let mut idle_looks = 0;
    loop {
        let is_idle = !look_once(batons);
        idle_looks = if is_idle { idle_looks + 1 } else { 0 };
        if idle_looks < IDLE_LOOKS {
            thread::sleep(LOOK);
            continue;
        }
        IS_RESTING.store(true, Ordering::SeqCst);
        // What was laid before that did not rouse it.
        if !look_once(batons) {
            thread::park();
        }
        IS_RESTING.store(false, Ordering::SeqCst);
        idle_looks = 0;
    }
}

/// Returns whether something lies in one of them.
fn look_once(batons: &Mutex<Vec<Weak<Laid>>>) -> bool {
    let mut has_some = false;
    held(batons).retain(|baton| {
        let baton = baton.upgrade();
        has_some |= baton.as_ref().is_some_and(|baton| baton.look());
        baton.is_some()
    });
    has_some
}
