//! Builds libzmq 4.3.5 from the sources in `zeromq-src`, with the abilities of the platform switched on.
//!
//! `zeromq-src` knows how to compile libzmq, but not which functions the system has: it leaves `platform.hpp` empty,
//! and libzmq then falls back to what every Unix had in 1990. It has no hook for macros either, but compiles through
//! `cc`, which takes flags from the environment: so the macros go into `CXXFLAGS` of this process, which nobody else
//! sees.

mod platform {
    //! What libzmq's own build systems find on Linux, with glibc and with musl alike.

    pub(crate) const LINUX: &[&str] = &[
        // Timers by the monotonic clock: no lost heartbeats when somebody sets the time.
        "HAVE_CLOCK_GETTIME",
        // One descriptor instead of two for the wake-up of each socket and thread, and cheaper.
        "ZMQ_HAVE_EVENTFD",
        "ZMQ_HAVE_EVENTFD_CLOEXEC",
        // No descriptors leak into child processes; forks are noticed.
        "HAVE_ACCEPT4",
        "HAVE_FORK",
        "ZMQ_HAVE_SOCK_CLOEXEC",
        "ZMQ_IOTHREAD_POLLER_USE_EPOLL_CLOEXEC",
        // Socket options that are accepted and ignored otherwise.
        "ZMQ_HAVE_SO_BINDTODEVICE",
        "ZMQ_HAVE_SO_KEEPALIVE",
        "ZMQ_HAVE_SO_PEERCRED",
        "ZMQ_HAVE_SO_PRIORITY",
        "ZMQ_HAVE_TCP_KEEPCNT",
        "ZMQ_HAVE_TCP_KEEPIDLE",
        "ZMQ_HAVE_TCP_KEEPINTVL",
        // Endpoints by the name of an interface (tcp://lo:*), and ipc://* in a directory of its own.
        "HAVE_IF_NAMETOINDEX",
        "HAVE_MKDTEMP",
        "ZMQ_HAVE_IFADDRS",
        // Threads with names and with an affinity.
        "ZMQ_HAVE_PTHREAD_SETNAME_2",
        "ZMQ_HAVE_PTHREAD_SET_AFFINITY",
        // Queues that keep off each other's cache lines; C++11's noexcept, override and final.
        "HAVE_POSIX_MEMALIGN=1",
        "ZMQ_CACHELINE_SIZE=64",
        "ZMQ_HAVE_NOEXCEPT",
    ];
}

mod sodium {
    //! CURVE encryption, on request: `PIGATO_LIBZMQ_SODIUM=static` or `=system` links libsodium.
    //!
    //! A cargo feature would be the usual switch, but those who use a crate through a patch have no place to name one.

    use std::env;
    use std::path::{Path, PathBuf};

    const CHOICE: &str = "PIGATO_LIBZMQ_SODIUM";
    /// Where libsodium is installed (with `include` and `lib` in it), if the compiler does not find it by itself.
    const PREFIX: &str = "PIGATO_LIBZMQ_SODIUM_DIR";

    pub(crate) struct Sodium {
        kind: &'static str,
        prefix: Option<PathBuf>,
    }

    impl Sodium {
        pub(crate) fn from_env() -> Option<Self> {
            println!("cargo:rerun-if-env-changed={CHOICE}");
            println!("cargo:rerun-if-env-changed={PREFIX}");
            let kind = match env::var(CHOICE).unwrap_or_default().as_str() {
                "" => return None,
                "static" => "static",
                "system" => "dylib",
                other => panic!("{CHOICE} is `static`, `system` or not set, but not `{other}`"),
            };
            let prefix = env::var_os(PREFIX).map(PathBuf::from);
            Some(Self { kind, prefix })
        }

        pub(crate) fn compiler_flags(&self) -> Vec<String> {
            let include = self.prefix.iter().map(|prefix| format!("-I{}", prefix.join("include").display()));
            ["-DZMQ_HAVE_CURVE=1", "-DZMQ_USE_LIBSODIUM=1"].map(String::from).into_iter().chain(include).collect()
        }

        /// To be called after libzmq was linked, because libraries resolve from left to right.
        pub(crate) fn link(&self) {
            let directory = match &self.prefix {
                Some(prefix) => Some(prefix.join("lib")),
                // rustc looks for static libraries in the directories that it is told only.
                None if self.kind == "static" => compilers_directory("libsodium.a"),
                None => None,
            };
            if let Some(directory) = directory {
                println!("cargo:rustc-link-search=native={}", directory.display());
            }
            println!("cargo:rustc-link-lib={}=sodium", self.kind);
        }
    }

    /// The directory in which the C compiler finds a library.
    fn compilers_directory(library: &str) -> Option<PathBuf> {
        let output =
            cc::Build::new().get_compiler().to_command().arg(format!("-print-file-name={library}")).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        // What it does not find it prints as it was asked, without a directory.
        let directory = Path::new(path.trim()).parent()?;
        (!directory.as_os_str().is_empty()).then(|| directory.to_owned())
    }
}

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let sodium = sodium::Sodium::from_env();

    let mut flags = Vec::new();
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        flags.extend(platform::LINUX.iter().map(|name| format!("-D{name}")));
    }
    if let Some(sodium) = &sodium {
        flags.extend(sodium.compiler_flags());
    }
    add_cxx_flags(&flags.join(" "));

    zeromq_src::Build::new().build();

    if let Some(sodium) = &sodium {
        sodium.link();
    }
    println!("cargo:rustc-check-cfg=cfg(has_curve)");
    if sodium.is_some() {
        println!("cargo:rustc-cfg=has_curve");
    }
}

/// Appends to the most specific of the variables that are set for `cc` already.
///
/// Older versions of `cc` read the first of them only, so another one would be ignored, or would hide the user's flags.
fn add_cxx_flags(flags: &str) {
    let target = env::var("TARGET").expect("set by cargo");
    let host = env::var("HOST").expect("set by cargo");
    let kind = if target == host { "HOST" } else { "TARGET" };
    let candidates = [
        format!("CXXFLAGS_{target}"),
        format!("CXXFLAGS_{}", target.replace(['-', '.'], "_")),
        format!("{kind}_CXXFLAGS"),
    ];
    let name = candidates.iter().find(|name| env::var_os(name).is_some()).map_or("CXXFLAGS", String::as_str);
    let before = env::var(name).unwrap_or_default();
    // Only this thread exists.
    env::set_var(name, format!("{before} {flags}"));
}
