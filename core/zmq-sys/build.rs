//! Builds libzmq 4.3.5 from the sources in `zeromq-src`, with the platform's functions enabled.
//!
//! `zeromq-src` compiles libzmq but does not detect which functions the system has: it leaves
//! `platform.hpp` empty, and libzmq then falls back to portable substitutes. It has no hook for
//! macros, but compiles through `cc`, which reads flags from the environment. So this script adds
//! the macros to `CXXFLAGS` of its own process.

mod platform {
    //! What libzmq's own build systems detect on Linux, with glibc and with musl alike.

    pub(crate) const LINUX: &[&str] = &[
        // Timers use the monotonic clock: setting the system's time loses no heartbeats.
        "HAVE_CLOCK_GETTIME",
        // Each socket and thread wakes up through 1 descriptor instead of 2, which is also cheaper.
        "ZMQ_HAVE_EVENTFD",
        "ZMQ_HAVE_EVENTFD_CLOEXEC",
        // Child processes inherit no descriptors; libzmq notices forks.
        "HAVE_ACCEPT4",
        "HAVE_FORK",
        "ZMQ_HAVE_SOCK_CLOEXEC",
        "ZMQ_IOTHREAD_POLLER_USE_EPOLL_CLOEXEC",
        // Socket options that libzmq otherwise accepts and ignores.
        "ZMQ_HAVE_SO_BINDTODEVICE",
        "ZMQ_HAVE_SO_KEEPALIVE",
        "ZMQ_HAVE_SO_PEERCRED",
        "ZMQ_HAVE_SO_PRIORITY",
        "ZMQ_HAVE_TCP_KEEPCNT",
        "ZMQ_HAVE_TCP_KEEPIDLE",
        "ZMQ_HAVE_TCP_KEEPINTVL",
        // Endpoints by the name of an interface (`tcp://lo:*`), and `ipc://*` in its own directory.
        "HAVE_IF_NAMETOINDEX",
        "HAVE_MKDTEMP",
        "ZMQ_HAVE_IFADDRS",
        // Names and affinity of threads.
        "ZMQ_HAVE_PTHREAD_SETNAME_2",
        "ZMQ_HAVE_PTHREAD_SET_AFFINITY",
        // Queues aligned to cache lines; C++11's `noexcept`, `override` and `final`.
        "HAVE_POSIX_MEMALIGN=1",
        "ZMQ_CACHELINE_SIZE=64",
        "ZMQ_HAVE_NOEXCEPT",
    ];
}

mod sodium {
    //! CURVE encryption, on request: `PIGATO_LIBZMQ_SODIUM=static` or `=system` links libsodium.
    //!
    //! An environment variable, because features of a crate that replaces another through a patch
    //! cannot be selected.

    use std::env;
    use std::path::{Path, PathBuf};

    const CHOICE: &str = "PIGATO_LIBZMQ_SODIUM";
    /// Where libsodium is installed (with `include` and `lib` in it), if the compiler does not find
    /// it.
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
                other => panic!("{CHOICE} is `{other}`: set it to `static` or `system`, or unset it"),
            };
            let prefix = env::var_os(PREFIX).map(PathBuf::from);
            Some(Self { kind, prefix })
        }

        pub(crate) fn compiler_flags(&self) -> Vec<String> {
            let include = self.prefix.iter().map(|prefix| format!("-I{}", prefix.join("include").display()));
            ["-DZMQ_HAVE_CURVE=1", "-DZMQ_USE_LIBSODIUM=1"].map(String::from).into_iter().chain(include).collect()
        }

        /// Call this after libzmq is linked: libraries resolve from left to right.
        pub(crate) fn link(&self) {
            let directory = match &self.prefix {
                Some(prefix) => Some(prefix.join("lib")),
                // rustc looks for static libraries only in the directories that it is given.
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
        // If the compiler finds no file, it prints the name without a directory.
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

/// Appends the flags to the most specific of the variables for `cc` that are set.
///
/// Older versions of `cc` read only that one, so another variable would be ignored or would hide
/// the user's flags.
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
    // The process has only this thread, so changing its environment is sound.
    env::set_var(name, format!("{before} {flags}"));
}
