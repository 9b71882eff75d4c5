//! The bundled quotes equal the output of the checked-in generator and are plausible.

#[allow(dead_code)]
#[path = "../examples/generate_quotes.rs"]
mod generate_quotes;

const BUNDLED: &str = include_str!("../data/quotes.csv");

#[test]
fn the_bundled_file_equals_the_output_of_the_generator() {
    assert!(
        BUNDLED == generate_quotes::csv(),
        "run: cargo run -p pigato-cli --example generate_quotes > core/cli/data/quotes.csv"
    );
}

#[test]
fn the_file_states_that_it_is_generated() {
    assert!(BUNDLED.starts_with("# GENERATED data, not real quotes"));
}

#[test]
fn rows_are_sorted_by_date_and_prices_are_between_low_and_high() {
    let rows: Vec<Vec<&str>> = BUNDLED.lines().skip(2).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 2_500);
    assert_eq!(rows[0][0], "2015-01-01");
    assert_eq!(rows[1][0], "2015-01-02");
    assert_eq!(rows[2][0], "2015-01-05", "the weekend has no quotes");
    assert!(rows.windows(2).all(|pair| pair[0][0] < pair[1][0]));
    for row in rows {
        let price = |column: usize| row[column].parse::<f64>().unwrap();
        let (open, high, low, close) = (price(1), price(2), price(3), price(4));
        assert!(low > 0.0 && low <= open.min(close) && open.max(close) <= high, "{row:?}");
        assert!(row[5].parse::<u64>().unwrap() >= 1_000_000);
    }
}
