//! Prints the medians and their ratios to the baseline.

use crate::measure::Figures;
use crate::{Contender, Load};

type Results = [(Load, Vec<(Contender, Figures)>)];

pub(crate) fn print_table(results: &Results) {
    for (load, figures) in results {
        println!("\nwindow {}, bodies of {} bytes, {} requests", load.window, load.body_bytes, load.requests);
        print!("{:<12}", "");
        for (name, _) in Figures::FIELDS {
            print!("{name:>24}");
        }
        println!();
        let floor = figures[0].1;
        for (contender, figures) in figures {
            print!("{:<12}", contender.name());
            for (_, field) in Figures::FIELDS {
                let cell = format!("{:.1} ({:.2} ×)", field(figures), field(figures) / field(&floor));
                print!("{cell:>24}");
            }
            println!();
        }
    }
}

pub(crate) fn print_json(results: &Results) {
    let rows: Vec<_> = results
        .iter()
        .map(|(load, figures)| {
            let contenders: serde_json::Map<_, _> = figures
                .iter()
                .map(|(contender, figures)| (contender.name().to_owned(), serde_json::json!(figures)))
                .collect();
            serde_json::json!({
                "window": load.window, "body_bytes": load.body_bytes, "requests": load.requests, "medians": contenders,
            })
        })
        .collect();
    println!("{}", serde_json::Value::from(rows));
}
