//! The header that is checked in is the one that the sources make.

use std::path::Path;

fn generated() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let modules = ["status", "arguments", "options", "event", "client", "worker", "broker", "directory"];
    let mut builder = cbindgen::Builder::new().with_config(config);
    for module in modules {
        builder = builder.with_src(folder.join(format!("src/{module}.rs")));
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

/// Set to write the header instead of comparing it.
const WRITE: &str = "PIGATO_WRITE_HEADER";

#[test]
fn the_header_is_the_one_that_the_sources_make() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/pigato.h");
    let generated = generated();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(checked_in == generated, "include/pigato.h differs from src/: run `make -C bindings-c header`");
}
