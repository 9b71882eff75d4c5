//! What the build script enables works at run time. Fails on the published zmq-sys by design.

use std::ffi::{c_int, c_void, CStr};
use std::ptr;

use zmq_sys::*;

/// A context with 2 PAIR sockets, connected over TCP; closes everything when dropped.
struct Pair {
    context: *mut c_void,
    bound: *mut c_void,
    connected: *mut c_void,
}

impl Pair {
    fn new(endpoint: &CStr, options: &[(u32, c_int)]) -> Self {
        // SAFETY: valid pointers of the sizes given, on one thread.
        unsafe {
            let context = zmq_ctx_new();
            let bound = zmq_socket(context, ZMQ_PAIR as c_int);
            let connected = zmq_socket(context, ZMQ_PAIR as c_int);
            for (option, value) in options {
                for socket in [bound, connected] {
                    let value = (&raw const *value).cast::<c_void>();
                    let rc = zmq_setsockopt(socket, *option as c_int, value, size_of::<c_int>());
                    assert_eq!(rc, 0);
                }
            }
            assert_eq!(zmq_bind(bound, endpoint.as_ptr()), 0, "bind {endpoint:?}");
            let mut last = [0_u8; 256];
            let mut len = last.len();
            let last_ptr = last.as_mut_ptr();
            zmq_getsockopt(bound, ZMQ_LAST_ENDPOINT as c_int, last_ptr.cast(), &mut len);
            assert_eq!(zmq_connect(connected, last_ptr.cast()), 0);
            Self { context, bound, connected }
        }
    }

    /// Sends a byte and passes the received message to `inspect`.
    fn pass_message(&self, inspect: impl FnOnce(*const zmq_msg_t)) {
        let mut message = zmq_msg_t::default();
        // SAFETY: open sockets on their thread, and a message initialised before its use.
        unsafe {
            assert_eq!(zmq_send(self.connected, c"x".as_ptr().cast(), 1, 0), 1);
            zmq_msg_init(&mut message);
            assert_eq!(zmq_msg_recv(&mut message, self.bound, 0), 1);
            inspect(&message);
            zmq_msg_close(&mut message);
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // SAFETY: closed once, the context last.
        unsafe {
            zmq_close(self.bound);
            zmq_close(self.connected);
            zmq_ctx_term(self.context);
        }
    }
}

#[test]
fn is_libzmq_4_3_5() {
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: three places to write to.
    unsafe { zmq_version(&mut major, &mut minor, &mut patch) };
    assert_eq!((major, minor, patch), (4, 3, 5));
}

#[test]
fn curve_is_available_if_and_only_if_requested() {
    // SAFETY: a C string.
    let curve = unsafe { zmq_has(c"curve".as_ptr()) } == 1;
    assert_eq!(curve, cfg!(has_curve));
    let (mut public, mut secret) = ([0_u8; 41], [0_u8; 41]);
    // SAFETY: 41 bytes each, as libzmq requires.
    let rc = unsafe { zmq_curve_keypair(public.as_mut_ptr().cast(), secret.as_mut_ptr().cast()) };
    assert_eq!(rc == 0, curve);
}

#[test]
fn null_pointers_are_refused() {
    // SAFETY: libzmq checks for NULL.
    assert_eq!(unsafe { zmq_close(ptr::null_mut()) }, -1);
    // SAFETY: reads errno.
    assert_eq!(unsafe { zmq_errno() }, errno::ENOTSOCK);
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use std::fs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static WALL_CLOCK: AtomicUsize = AtomicUsize::new(0);

    /// Takes precedence over the C library's function: libzmq calls it if its timers use the wall
    /// clock.
    #[no_mangle]
    extern "C" fn gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int {
        WALL_CLOCK.fetch_add(1, Ordering::SeqCst);
        // SAFETY: arguments passed on unchanged.
        unsafe { libc::syscall(libc::SYS_gettimeofday, time, zone) as c_int }
    }

    #[test]
    fn timers_do_not_use_the_wall_clock() {
        let pair = Pair::new(c"tcp://127.0.0.1:*", &[(ZMQ_HEARTBEAT_IVL, 5), (ZMQ_RCVTIMEO, 30)]);
        pair.pass_message(|_| ());
        let mut byte = 0_u8;
        // SAFETY: a place for one byte.
        let rc = unsafe { zmq_recv(pair.bound, (&raw mut byte).cast(), 1, 0) };
        assert_eq!(rc, -1, "the timeout ends the call");
        assert_eq!(WALL_CLOCK.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn sockets_wake_up_through_an_eventfd() {
        let pair = Pair::new(c"tcp://127.0.0.1:*", &[]);
        let mut fd: c_int = -1;
        let mut len = size_of::<c_int>();
        // SAFETY: a place for an int, and its size.
        unsafe { zmq_getsockopt(pair.bound, ZMQ_FD as c_int, (&raw mut fd).cast(), &mut len) };
        let target = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
        assert_eq!(target.to_str(), Some("anon_inode:[eventfd]"));
    }

    #[test]
    fn keepalive_reaches_the_connection() {
        for wanted in [0, 1] {
            let pair = Pair::new(c"tcp://127.0.0.1:*", &[(ZMQ_TCP_KEEPALIVE, wanted), (ZMQ_TCP_KEEPALIVE_IDLE, 77)]);
            pair.pass_message(|message| {
                // SAFETY: a valid message; the call reads the descriptor of its connection.
                let fd = unsafe { zmq_msg_get(message, ZMQ_SRCFD as c_int) };
                assert_eq!(option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE), wanted);
                if wanted == 1 {
                    assert_eq!(option(fd, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE), 77);
                }
            });
        }
    }

    fn option(fd: c_int, level: c_int, name: c_int) -> c_int {
        let mut value: c_int = -1;
        let mut len = size_of::<c_int>() as libc::socklen_t;
        let place = (&raw mut value).cast();
        // SAFETY: a place for an int, and its size.
        let rc = unsafe { libc::getsockopt(fd, level, name, place, &mut len) };
        assert_eq!(rc, 0);
        value
    }

    #[test]
    fn binds_to_an_interface_by_its_name() {
        Pair::new(c"tcp://lo:*", &[]).pass_message(|_| ());
    }

    #[test]
    fn descriptors_are_closed_on_exec_and_threads_have_names() {
        let pair = Pair::new(c"tcp://127.0.0.1:*", &[]);
        pair.pass_message(|message| {
            // SAFETY: a valid message, and a descriptor that is open while the connection is.
            let flags = unsafe {
                let fd = zmq_msg_get(message, ZMQ_SRCFD as c_int);
                libc::fcntl(fd, libc::F_GETFD)
            };
            assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        });
        let named = fs::read_dir("/proc/self/task").unwrap().any(|task| {
            fs::read_to_string(task.unwrap().path().join("comm")).is_ok_and(|name| name.starts_with("ZMQbg/IO"))
        });
        assert!(named);
    }
}
