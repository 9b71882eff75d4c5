//! The record: the cost of each scenario when it was last renewed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

const HEADER: &str = "\
# Instructions per request, counted by callgrind. `make gate` checks them; `make gate-renew` writes new ones.
# Counts depend on the compiler, so its version is recorded.
";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// The output of `rustc --version`.
    pub(crate) rustc: String,
    /// Counts by scenario.
    pub(crate) instructions: BTreeMap<String, u64>,
}

pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.toml")
}

impl Record {
    pub(crate) fn empty() -> Self {
        Self { rustc: compiler(), instructions: BTreeMap::new() }
    }

    pub(crate) fn read() -> Result<Self, String> {
        let path = path();
        let problem = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| problem(&error))?;
        toml::from_str(&text).map_err(|error| problem(&error))
    }

    pub(crate) fn write(&self) -> Result<(), String> {
        let mut text = format!("{HEADER}\nrustc = \"{}\"\n\n[instructions]\n", self.rustc);
        for (name, count) in &self.instructions {
            writeln!(text, "{name} = {count}").expect("memory");
        }
        std::fs::write(path(), text).map_err(|error| format!("{}: {error}", path().display()))
    }
}

/// The compiler that cargo uses here.
fn compiler() -> String {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("--version").output();
    output.map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
