//! All random choices of a run come from one seeded stream.

use std::ops::RangeInclusive;
use std::time::Duration;

use pigato_proto::entropy::Entropy;

/// A seeded stream of choices.
#[derive(Debug)]
pub(crate) struct Random(Entropy);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Entropy::from_number(seed))
    }

    /// An independent source for a machine.
    pub(crate) fn entropy(&mut self) -> Entropy {
        Entropy::from_number(self.0.number())
    }

    /// Returns true with this chance in percent.
    pub(crate) fn percent(&mut self, chances: u32) -> bool {
        (self.0.below(100) as u32) < chances
    }

    pub(crate) fn number(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        low + self.0.below((high - low + 1) as usize) as u64
    }

    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.0.below(things.len())]
    }

    /// A duration between two numbers of microseconds; short durations are more likely.
    pub(crate) fn micros(&mut self, range: RangeInclusive<u64>) -> Duration {
        let (low, high) = range.into_inner();
        let high = if self.percent(80) { low + (high - low) / 4 } else { high };
        Duration::from_micros(self.number(low..=high.max(low)))
    }

    pub(crate) fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        let (low, high) = range.into_inner();
        self.micros(low * 1_000..=high * 1_000)
    }

    pub(crate) fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.number(0..=most);
        (0..length).map(|_| self.0.number() as u8).collect()
    }
}
