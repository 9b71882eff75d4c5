//! Deadlines of a machine, in a heap. Nothing ticks, and dropping a deadline, the usual case, searches nothing.
//!
//! A key has at most one live entry. Postponing a deadline is free: the owner keeps the true deadline, the entry may fire
//! early, and the owner then arms it again. A dropped entry stays in the heap, marked as dead, until it reaches the top or
//! dead entries outnumber live ones.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// The position of a key's entry. The owner of the deadline keeps it beside the deadline.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Armed(Option<(Instant, Ticket)>);

/// Identifies an entry. Numbers are reused, each time with another generation.
#[derive(Debug, Clone, Copy)]
struct Ticket {
    number: u32,
    generation: u32,
}

/// The state of the entry with a number: how often the number was used, and whether the entry is alive.
#[derive(Debug, Clone, Copy)]
struct Entry {
    generation: u32,
    is_alive: bool,
}

#[derive(Debug)]
pub(crate) struct Timers<K> {
    /// The earliest entry is on top; it is never a dead one.
    heap: BinaryHeap<Reverse<(Instant, K, u32)>>,
    /// By number.
    entries: Vec<Entry>,
    /// Numbers without an entry in the heap.
    unused: Vec<u32>,
    dead: usize,
    /// The origin of shared times: the first of them.
    origin: Option<Instant>,
}

/// Dead entries that are not worth a clean-up.
const TOLERATED: usize = 64;

impl<K: Ord> Default for Timers<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), entries: Vec::new(), unused: Vec::new(), dead: 0, origin: None }
    }
}

impl<K: Ord + Copy> Timers<K> {
    /// Makes sure that `key` fires at `deadline` or earlier.
    pub(crate) fn arm(&mut self, key: K, armed: &mut Armed, deadline: Instant) {
        if armed.0.is_some_and(|(at, _)| at <= deadline) {
            return;
        }
        self.disarm(armed);
        let ticket = self.ticket();
        self.heap.push(Reverse((deadline, key, ticket.number)));
        armed.0 = Some((deadline, ticket));
    }

    /// Rounds `due` up by less than `slack`, to a time that all deadlines in the same slack share. Many deadlines then cost one
    /// wake-up and one system timer instead of one each.
    pub(crate) fn shared(&mut self, due: Instant, slack: Duration) -> Instant {
        let origin = *self.origin.get_or_insert(due);
        let slack = slack.as_nanos().max(1);
        let missing = match due.checked_duration_since(origin) {
            Some(since) => (slack - since.as_nanos() % slack) % slack,
            None => (origin - due).as_nanos() % slack,
        };
        due + Duration::from_nanos(u64::try_from(missing).unwrap_or(0))
    }

    fn ticket(&mut self) -> Ticket {
        let number = self.unused.pop().unwrap_or(self.entries.len() as u32);
        if number as usize == self.entries.len() {
            self.entries.push(Entry { generation: 0, is_alive: false });
        }
        let entry = &mut self.entries[number as usize];
        *entry = Entry { generation: entry.generation.wrapping_add(1), is_alive: true };
        Ticket { number, generation: entry.generation }
    }

    /// Drops an entry, unless it has fired.
    pub(crate) fn disarm(&mut self, armed: &mut Armed) {
        let Some((_, ticket)) = armed.0.take() else { return };
        let entry = &mut self.entries[ticket.number as usize];
        if entry.generation != ticket.generation || !std::mem::take(&mut entry.is_alive) {
            return;
        }
        self.dead += 1;
        if self.dead > TOLERATED + self.heap.len() - self.dead {
            self.remove_dead();
        } else {
            self.drop_dead_top();
        }
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes out one key that is due. Its owner must reset its [`Armed`] (see [`Armed::fired`]).
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, key, number)) = self.heap.pop()?;
        self.entries[number as usize].is_alive = false;
        self.unused.push(number);
        self.drop_dead_top();
        Some(key)
    }

    /// Removes dead entries from the top.
    fn drop_dead_top(&mut self) {
        while let Some(Reverse((.., number))) = self.heap.peek() {
            let number = *number;
            if self.entries[number as usize].is_alive {
                return;
            }
            self.heap.pop();
            self.unused.push(number);
            self.dead -= 1;
        }
    }

    fn remove_dead(&mut self) {
        let (entries, unused) = (&self.entries, &mut self.unused);
        self.heap.retain(|Reverse((.., number))| {
            let is_alive = entries[*number as usize].is_alive;
            if !is_alive {
                unused.push(*number);
            }
            is_alive
        });
        self.dead = 0;
    }
}

impl Armed {
    /// Notes that the entry has fired and is gone.
    pub(crate) fn fired(&mut self) {
        self.0 = None;
    }
}

#[cfg(debug_assertions)]
impl<K> Timers<K> {
    /// Whether an entry is alive and fires at `deadline` at the latest.
    pub(crate) fn fires_by(&self, armed: &Armed, deadline: Instant) -> bool {
        armed.0.is_some_and(|(at, ticket)| {
            let entry = self.entries[ticket.number as usize];
            at <= deadline && entry.is_alive && entry.generation == ticket.generation
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A start, and times after it.
    fn clock() -> impl Fn(u64) -> Instant {
        let start = test_clock();
        move |millis| start + Duration::from_millis(millis)
    }

    fn test_clock() -> Instant {
        Instant::now()
    }

    #[test]
    fn keys_fire_in_the_order_of_their_deadlines() {
        let at = clock();
        let mut timers = Timers::default();
        for key in [3u64, 1, 2] {
            timers.arm(key, &mut Armed::default(), at(key));
        }
        assert_eq!(timers.next(), Some(at(1)));
        assert_eq!(timers.pop_due(at(0)), None);
        assert_eq!([timers.pop_due(at(2)), timers.pop_due(at(2)), timers.pop_due(at(2))], [Some(1), Some(2), None]);
        assert_eq!(timers.next(), Some(at(3)));
    }

    #[test]
    fn a_dropped_deadline_does_not_fire() {
        let at = clock();
        let mut timers = Timers::default();
        let mut armed = [Armed::default(); 3];
        for (key, armed) in armed.iter_mut().enumerate() {
            timers.arm(key, armed, at(key as u64));
        }
        timers.disarm(&mut armed[1]);
        timers.disarm(&mut armed[0]);
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.pop_due(at(9)), Some(2));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_deadline_is_moved_forward_and_stays_when_it_is_postponed() {
        let at = clock();
        let mut timers = Timers::default();
        let mut armed = Armed::default();
        timers.arm('a', &mut armed, at(5));
        timers.arm('a', &mut armed, at(9));
        assert_eq!(timers.next(), Some(at(5)));
        timers.arm('a', &mut armed, at(2));
        assert_eq!(timers.pop_due(at(9)), Some('a'));
        armed.fired();
        assert_eq!(timers.pop_due(at(9)), None);
    }

    #[test]
    fn deadlines_in_the_same_slack_share_a_time_and_none_is_early() {
        let at = clock();
        let mut timers = Timers::<u64>::default();
        let mut shared = |time, slack| timers.shared(at(time), Duration::from_millis(slack));
        let times = [100, 101, 109, 110, 111, 90, 89];
        assert_eq!(times.map(|time| shared(time, 10)), [100, 110, 110, 110, 120, 90, 90].map(&at));
        assert_eq!(shared(111, 0), at(111));
    }

    #[test]
    fn dropped_deadlines_are_cleaned_up() {
        let at = clock();
        let mut timers = Timers::default();
        let mut first = Armed::default();
        timers.arm(0, &mut first, at(0));
        for key in 1..10_000 {
            let mut armed = Armed::default();
            timers.arm(key, &mut armed, at(key));
            timers.disarm(&mut armed);
        }
        assert!(timers.heap.len() <= 2 * TOLERATED + 2, "{} entries", timers.heap.len());
        assert!(timers.entries.len() <= 2 * TOLERATED + 2, "{} numbers", timers.entries.len());
    }

    #[test]
    fn disarming_an_entry_that_has_fired_drops_no_other() {
        let at = clock();
        let mut timers = Timers::default();
        let mut fired = Armed::default();
        timers.arm('a', &mut fired, at(1));
        assert_eq!(timers.pop_due(at(1)), Some('a'));
        timers.arm('b', &mut Armed::default(), at(2));
        timers.disarm(&mut fired);
        assert_eq!(timers.pop_due(at(2)), Some('b'));
    }
}
