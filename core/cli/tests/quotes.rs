//! The bundled quotes are what the checked-in program makes, and look like quotes.

#[allow(dead_code)]
#[path = "../examples/generate_quotes.rs"]
mod generate_quotes;

const BUNDLED: &str = include_str!("../data/quotes.csv");

#[test]
fn the_file_is_what_the_program_makes() {
    assert!(
        BUNDLED == generate_quotes::csv(),
        "run: cargo run -p pigato-cli --example generate_quotes > core/cli/data/quotes.csv"
    );
}

#[test]
fn it_says_that_it_is_generated() {
    assert!(BUNDLED.starts_with("# GENERATED data, not real quotes"));
}

#[test]
fn rows_are_in_the_order_of_dates_and_within_high_and_low() {
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
