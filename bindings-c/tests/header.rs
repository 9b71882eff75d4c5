//! Compares `include/pigato.h` with what cbindgen makes of `src/` and `pigato.h.in`.

use std::path::Path;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The declarations of one module, which stand where the template has `@module@`.
fn declarations(module: &str) -> String {
    let config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).unwrap();
    let source = folder().join(format!("src/{module}.rs"));
    let mut text = Vec::new();
    cbindgen::Builder::new().with_config(config).with_src(source).generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap().trim().to_owned()
}

fn generated() -> String {
    let template = std::fs::read_to_string(folder().join("pigato.h.in")).unwrap();
    let module_of = |line: &str| line.strip_prefix('@')?.strip_suffix('@').map(declarations);
    template.lines().map(|line| module_of(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

/// Set to write the header instead of comparing it.
const WRITE: &str = "PIGATO_WRITE_HEADER";

#[test]
fn the_checked_in_header_matches_the_sources() {
    let path = folder().join("include/pigato.h");
    let generated = generated();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == generated,
        "include/pigato.h differs from src/ and pigato.h.in: run `make -C bindings-c header`"
    );
}

#[test]
fn no_line_of_the_header_is_longer_than_100_columns() {
    let generated = generated();
    let long: Vec<_> = generated.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(long.is_empty(), "{long:#?}");
}
