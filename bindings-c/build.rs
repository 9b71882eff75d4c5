//! Sets the soname of the shared library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The number changes when programs must be recompiled; see README.md, "Versions".
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpigato.so.1");
}
