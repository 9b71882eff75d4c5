//! Gives the shared library its name, by which programs that were linked with it find it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The number changes when programs have to be compiled anew; see README.md, "Versions".
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpigato.so.1");
}
