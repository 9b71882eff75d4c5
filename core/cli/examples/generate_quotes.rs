//! Generates the bundled daily quotes:
//! `cargo run -p pigato-cli --example generate_quotes > core/cli/data/quotes.csv`.
//!
//! GENERATED data, not real quotes: a geometric random walk over business days. No operation
//! depends on the machine, so the same seed produces the same file everywhere. A test compares the
//! bundled file with the output.

use std::fmt::Write as _;
use std::io::Write as _;

const SEED: u64 = 20_150_101;
const ROWS: usize = 2_500;

/// 1 January 2015, a Thursday, in days since 1 January 1970.
const FIRST_DAY: i64 = 16_436;

/// Mean daily change of the logarithm of the price.
const DRIFT: f64 = 0.000_3;

/// Standard deviation of that change.
const VOLATILITY: f64 = 0.012;

fn main() -> std::io::Result<()> {
    std::io::stdout().lock().write_all(csv().as_bytes())
}

/// Generates the whole file.
pub(crate) fn csv() -> String {
    let mut text = format!(
        "# GENERATED data, not real quotes: a random walk with seed {SEED}, made by examples/generate_quotes.rs\n\
         date,open,high,low,close,volume\n"
    );
    let mut random = Random(SEED);
    let mut previous_close = 100.0_f64;
    let weekdays = (FIRST_DAY..).filter(|day| (day + 3).rem_euclid(7) < 5);
    for day in weekdays.take(ROWS) {
        let open = previous_close * (1.0 + 0.25 * VOLATILITY * random.normal());
        let close = open * (1.0 + DRIFT + VOLATILITY * random.normal());
        let high = open.max(close) * (1.0 + 0.5 * VOLATILITY * random.normal().abs());
        let low = open.min(close) * (1.0 - 0.5 * VOLATILITY * random.normal().abs());
        let volume = 1_000_000 + random.below(4_000_000);
        let (year, month, day) = civil(day);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{year}-{month:02}-{day:02},{open:.2},{high:.2},{low:.2},{close:.2},{volume}");
        previous_close = close;
    }
    text
}

/// The SplitMix64 generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Uniform between 0 and 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Approximately normal with deviation 1: a sum of 12 uniform numbers, which needs no
    /// logarithm.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Converts days since 1 January 1970 to year, month and day. Not for earlier dates.
fn civil(days: i64) -> (i64, i64, i64) {
    // Count from 1 March of year 0, so that leap days are at the end of a year.
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
