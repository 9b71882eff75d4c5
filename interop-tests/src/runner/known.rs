//! Expected skips and failures, which `known.toml` lists with reasons. An unlisted skip or failure
//! fails the run, and so does a listed failure that passes.

use std::path::Path;

use serde::Deserialize;

use super::cell::{Finished, Outcome};
use super::drivers::Role;
use super::plan::Lack;

/// The contents of `known.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Capabilities that languages lack. The cells that need them are skipped.
    #[serde(default)]
    lacks: Vec<Listed>,
    /// Cells that are expected to fail.
    #[serde(default)]
    failure: Vec<Failure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    languages: Vec<String>,
    role: Role,
    capability: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    /// A pattern for [`is_match`]: `SCENARIO/CLIENT/WORKER/BROKER`.
    cells: String,
    reason: String,
    /// Whether the failure depends on timing, so that the cell may pass.
    #[serde(default)]
    sometimes: bool,
}

impl Known {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| describe(&error))?;
        toml::from_str(&text).map_err(|error| describe(&error))
    }

    /// The listed reason why a language lacks a capability.
    #[must_use]
    pub fn reason_for(&self, lack: &Lack) -> Option<&str> {
        let is_it = |listed: &&Listed| {
            listed.role == lack.role
                && listed.capability == lack.capability
                && listed.languages.contains(&lack.language)
        };
        self.lacks.iter().find(is_it).map(|listed| listed.reason.as_str())
    }

    /// Adds the listed reason to an outcome that `known.toml` makes expected or unexpected.
    pub fn judge(&self, finished: &mut Finished) {
        let name = finished.cell.to_string();
        let listed = self.failure.iter().find(|listed| is_match(&listed.cells, &name));
        let listed = listed.filter(|listed| match finished.outcome {
            Outcome::Passed => !listed.sometimes,
            Outcome::Failed { .. } => true,
            Outcome::Skipped { .. } => false,
        });
        finished.known = listed.map(|listed| listed.reason.clone());
    }
}

/// Whether a name matches a pattern part by part, with parts separated by `/`. A part of the
/// pattern may be `*` or end with `*`. Missing trailing parts match anything.
#[must_use]
pub fn is_match(pattern: &str, name: &str) -> bool {
    let fits = |(pattern, part): (&str, &str)| match pattern.strip_suffix('*') {
        Some(start) => part.starts_with(start),
        None => pattern == part,
    };
    pattern.split('/').count() <= name.split('/').count() && pattern.split('/').zip(name.split('/')).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_cells_part_by_part() {
        assert!(is_match("echo/go/c/rust", "echo/go/c/rust"));
        assert!(is_match("echo/*/c/*", "echo/go/c/rust"));
        assert!(is_match("echo", "echo/go/c/rust"));
        assert!(is_match("ech*/raw-*", "echo/raw-go/c/rust"));
        assert!(!is_match("echo/*/c", "echo/go/node/rust"));
        assert!(!is_match("echo/go/c/rust/more", "echo/go/c/rust"));
    }

    #[test]
    fn a_lack_is_looked_up_by_language_role_and_capability() {
        let text = r#"
            [[lacks]]
            languages = ["published"]
            role = "worker"
            capability = "v1"
            reason = "it is old"
        "#;
        let known: Known = toml::from_str(text).unwrap();
        let lack = |language: &str, role| Lack { language: language.to_owned(), role, capability: "v1".to_owned() };
        assert_eq!(known.reason_for(&lack("published", Role::Worker)), Some("it is old"));
        assert_eq!(known.reason_for(&lack("published", Role::Client)), None);
        assert_eq!(known.reason_for(&lack("go", Role::Worker)), None);
    }

    #[test]
    fn a_listed_failure_that_passes_is_bad_unless_it_depends_on_timing() {
        use super::super::cell::{Cell, Triple};
        let known = |more: &str| -> Known {
            toml::from_str(&format!("[[failure]]\ncells = \"odd/*\"\nreason = \"so it is\"\n{more}")).unwrap()
        };
        let scenario = "name = \"odd\"\nabout = \"\"\nsteps = []\n";
        let triple = Triple { client: "c".to_owned(), worker: "go".to_owned(), broker: "rust".to_owned() };
        let cell = Cell { scenario: std::sync::Arc::new(toml::from_str(scenario).unwrap()), triple };
        let is_bad = |known: &Known, outcome: Outcome| {
            let took = std::time::Duration::ZERO;
            let mut finished = Finished { cell: cell.clone(), outcome, took, known: None };
            known.judge(&mut finished);
            finished.is_bad()
        };
        let failed = || Outcome::Failed { why: String::new(), log: String::new() };
        for (known, passed_is_bad) in [(known(""), true), (known("sometimes = true"), false)] {
            assert!(!is_bad(&known, failed()));
            assert_eq!(is_bad(&known, Outcome::Passed), passed_is_bad);
        }
        assert!(is_bad(&Known::default(), failed()));
    }
}
