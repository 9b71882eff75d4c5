//! The results of all measurements.

use crate::measure::{Comparison, Figures};
use crate::profile::Row;
use crate::special::Special;

#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) special: Special,
    /// Profiles, or the failure of each.
    pub(crate) profiles: Vec<(String, Result<Vec<Row>, String>)>,
}

impl Results {
    pub(crate) fn add(&mut self, comparison: Comparison) {
        self.comparisons.push(comparison);
    }

    /// The contenders that failed, with their loads.
    pub(crate) fn failed(&self) -> Vec<String> {
        let rows = self
            .comparisons
            .iter()
            .flat_map(|comparison| comparison.rows.iter().map(|row| (comparison.load.window, row)));
        rows.filter(|(_, (_, figures))| figures.is_err())
            .map(|(window, (name, _))| format!("{name} (window {window})"))
            .chain(self.special.failed())
            .chain(
                self.profiles
                    .iter()
                    .filter(|(_, rows)| rows.is_err())
                    .map(|(what, _)| format!("the profile of {what}")),
            )
            .collect()
    }

    /// The medians of a contender for the load with this window.
    pub(crate) fn figures(&self, window: usize, name: &str) -> Option<Figures> {
        let comparison = self.comparisons.iter().find(|comparison| comparison.load.window == window)?;
        let (_, figures) = comparison.rows.iter().find(|(contender, _)| *contender == name)?;
        figures.as_ref().ok().copied()
    }
}
