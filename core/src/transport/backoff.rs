//! Pauses between attempts to reach a broker.

use std::time::Duration;

use crate::limits;

/// Pause after the first failed attempt. Short: a broker that starts at the same time listens within milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Shortest pause between two attempts, whatever the settings say.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The pauses between the attempts of one connection that is not up yet: each is twice the one before.
///
/// The option `reconnect` is the pause after a *lost* connection; the machine applies it. This is the pause between
/// attempts while nobody answers. Both double up to [`limits::RECONNECT`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectBackoff {
    /// The next pause.
    pub(super) pause: Duration,
    /// The longest pause.
    pub(super) longest: Duration,
}

impl ConnectBackoff {
    /// Pauses for a peer with this `reconnect` option, which the first pause never exceeds.
    pub(crate) fn new(reconnect: Duration) -> Self {
        let reconnect = reconnect.clamp(SHORTEST_PAUSE, limits::DURATION);
        Self { pause: FIRST_PAUSE.min(reconnect), longest: limits::RECONNECT.max(reconnect) }
    }

    /// The pause before the next attempt. `jitter` lengthens it by up to its half, so that the clients of a failed broker
    /// do not reconnect in lockstep.
    pub(super) fn next(&mut self, jitter: u8) -> Duration {
        let pause = self.pause;
        self.pause = (self.pause * 2).min(self.longest);
        pause + pause * u32::from(jitter % 32) / 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let mut backoff = ConnectBackoff::new(Duration::from_secs(1));
        let pauses: Vec<_> = (0..12).map(|_| backoff.next(0).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn the_first_pause_is_at_most_the_reconnect_option() {
        assert_eq!(ConnectBackoff::new(Duration::from_millis(20)).next(0), Duration::from_millis(20));
        assert_eq!(ConnectBackoff::new(Duration::ZERO).next(0), SHORTEST_PAUSE);
    }

    #[test]
    fn a_pause_is_lengthened_by_less_than_its_half() {
        let longest = ConnectBackoff::new(Duration::from_secs(1)).next(u8::MAX);
        assert!(longest > FIRST_PAUSE && longest < FIRST_PAUSE * 3 / 2, "{longest:?}");
    }
}
