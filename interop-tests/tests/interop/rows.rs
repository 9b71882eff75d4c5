//! Streams a table row by row through our broker, in both directions, and compares every row.

use std::fmt::Write as _;
use std::path::PathBuf;

use pigato::Client;
use pigato_interop::peer::Peer;
use serde_json::{json, Value};

use crate::helpers::{collect, own_worker};
use crate::serve::broker;

const ROWS: u32 = 5_000;

/// A file with daily quotes. Dropping it removes the file.
struct Table {
    path: PathBuf,
    rows: Vec<Value>,
}

impl Table {
    fn write(name: &str) -> Self {
        let mut text = String::from("date,symbol,open,high,low,close,volume,note\n");
        let mut close = 10_000_i64;
        for row in 0..ROWS {
            let open = close;
            // Prices in cents that vary without a random number generator.
            close += i64::from(row * 7_919 % 201) - 100;
            let cents = |price: i64| format!("{}.{:02}", price / 100, price.rem_euclid(100));
            let (high, low) = (open.max(close) + 25, open.min(close) - 25);
            let (year, month, day) = (1995 + row / 336, row / 28 % 12 + 1, row % 28 + 1);
            let note = ["", "\"quoted, with a comma\"", "Zürich €", "\\backslash\t"][row as usize % 4];
            let prices = [open, high, low, close].map(cents).join(",");
            let volume = u64::from(row) * 104_729 % 1_000_003;
            writeln!(text, "{year}-{month:02}-{day:02},PIG,{prices},{volume},{note}")
                .expect("writing to a string succeeds");
        }
        let path = std::env::temp_dir().join(format!("pigato-interop-{}-{name}.csv", std::process::id()));
        std::fs::write(&path, &text).expect("the temporary directory is writable");
        Self { path, rows: text.lines().map(Value::from).collect() }
    }

    fn request(&self) -> Value {
        json!({"do": "stream", "file": self.path})
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // A file that cannot be removed stays in the temporary directory of the system.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn assert_same(streamed: &[Value], table: &Table) {
    assert_eq!(streamed.len(), table.rows.len());
    for (number, (got, expected)) in streamed.iter().zip(&table.rows).enumerate() {
        assert_eq!(got, expected, "row {number}");
    }
}

#[test]
fn from_our_worker_to_the_published_client() {
    let table = Table::write("ours");
    let broker = broker();
    let _worker = own_worker(broker.endpoint(), "stocks");
    let mut client = Peer::published_client(broker.endpoint());

    client.request("rows", "stocks", &table.request(), &json!({}));

    assert_eq!(client.outcome("rows"), Ok(Value::Null));
    assert_same(&client.partials("rows"), &table);
}

#[test]
fn from_the_published_worker_to_our_client() {
    let table = Table::write("published");
    let broker = broker();
    let _worker = Peer::published_worker(broker.endpoint(), "stocks");
    let client = Client::connect(broker.endpoint()).unwrap();

    let mut replies = collect(client.request("stocks", &table.request()).send());

    assert_eq!(replies.pop(), Some(Value::Null), "the final reply");
    assert_same(&replies, &table);
}

#[test]
fn from_our_worker_to_our_client() {
    let table = Table::write("both");
    let broker = broker();
    let _worker = own_worker(broker.endpoint(), "stocks");
    let client = Client::connect(broker.endpoint()).unwrap();

    let mut replies = collect(client.request("stocks", &table.request()).send());

    assert_eq!(replies.pop(), Some(Value::Null), "the final reply");
    assert_same(&replies, &table);
}
