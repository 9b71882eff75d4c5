//! The bundled daily quotes. Generated, not real; see `data/README.md`.

use serde::{Deserialize, Serialize};

/// The invented stock.
pub(super) const SYMBOL: &str = "PGTO";

const CSV: &str = include_str!("../../data/quotes.csv");

/// One day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Quote {
    pub(super) date: String,
    pub(super) open: f64,
    pub(super) high: f64,
    pub(super) low: f64,
    pub(super) close: f64,
    pub(super) volume: u64,
}

/// Parses all quotes, in the order of their dates. An error contains the invalid line.
pub(super) fn quotes() -> Result<Vec<Quote>, String> {
    let lines = CSV.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| quote(line).ok_or_else(|| format!("invalid quote: {line}"))).collect()
}

fn quote(line: &str) -> Option<Quote> {
    let columns: Vec<&str> = line.split(',').collect();
    let [date, open, high, low, close, volume] = columns[..] else { return None };
    Some(Quote {
        date: date.to_owned(),
        open: open.parse().ok()?,
        high: high.parse().ok()?,
        low: low.parse().ok()?,
        close: close.parse().ok()?,
        volume: volume.parse().ok()?,
    })
}
