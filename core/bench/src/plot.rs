//! Plots of throughput and of latency percentiles, as SVG.

use std::path::Path;

use plotters::prelude::*;

use crate::measure::Comparison;
use crate::results::Results;

const SIZE: (u32, u32) = (960, 440);

/// Percentiles, evenly spaced.
const PERCENTILES: [&str; 4] = ["p50", "p90", "p99", "p99.9"];

const COLOURS: [RGBColor; 12] = [
    RGBColor(110, 110, 110),
    RGBColor(170, 170, 170),
    RGBColor(200, 80, 40),
    RGBColor(40, 90, 160),
    RGBColor(0, 150, 170),
    RGBColor(60, 140, 60),
    RGBColor(180, 30, 60),
    RGBColor(140, 110, 50),
    RGBColor(120, 60, 150),
    RGBColor(190, 120, 200),
    RGBColor(90, 60, 30),
    RGBColor(240, 160, 60),
];

fn colour(at: usize) -> RGBColor {
    COLOURS[at % COLOURS.len()]
}

/// Draws all plots into a folder; returns their captions and file names.
pub(crate) fn draw(folder: &Path, results: &Results) -> Result<Vec<(String, String)>, String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut plots = Vec::new();
    for comparison in &results.comparisons {
        let load = comparison.load;
        let name = |what: &str| format!("{what}-{}-{}.svg", load.window, load.body_bytes);
        let caption = |what: &str| format!("{what}, window {}, bodies of {} bytes", load.window, load.body_bytes);
        for (what, file, draw) in [
            ("Requests per second", name("throughput"), throughput as Plot),
            ("Latency in µs", name("latency"), latency as Plot),
        ] {
            let caption = caption(what);
            let path = folder.join(&file);
            draw(&path, &caption, comparison).map_err(|error| format!("{}: {error}", path.display()))?;
            plots.push((caption, file));
        }
    }
    Ok(plots)
}

type Plot = fn(&Path, &str, &Comparison) -> Outcome;
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The contenders with results, and the indexes of their colours.
fn measured(comparison: &Comparison) -> Vec<(usize, &'static str, &crate::measure::Figures)> {
    let rows = comparison.rows.iter().enumerate();
    rows.filter_map(|(at, (name, figures))| Some((at, *name, figures.as_ref().ok()?))).collect()
}

fn throughput(path: &Path, caption: &str, comparison: &Comparison) -> Outcome {
    let rows = measured(comparison);
    let most = rows.iter().map(|(_, _, figures)| figures.requests_per_second).fold(1.0, f64::max);
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let count = rows.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(270)
        .build_cartesian_2d(0.0..most * 1.12, 0.0..count)?;
    let whole = |value: &f64| format!("{value:.0}");
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .max_light_lines(0)
        .x_labels(6)
        .x_label_formatter(&whole)
        .draw()?;
    for (row, (at, name, figures)) in rows.iter().enumerate() {
        let y = count - row as f64;
        let rate = figures.requests_per_second;
        chart.draw_series([Rectangle::new([(0.0, y - 0.85), (rate, y - 0.15)], colour(*at).filled())])?;
        let text = |words: String, style: TextStyle<'static>| Text::new(words, (rate, y - 0.36), style);
        chart.draw_series([text(format!(" {rate:.0}"), ("sans-serif", 13).into_font().into())])?;
        let (left, middle) = (12, chart.backend_coord(&(0.0, y - 0.5)).1);
        area.draw(&Text::new((*name).to_owned(), (left, middle - 7), ("sans-serif", 14)))?;
    }
    Ok(area.present()?)
}

fn latency(path: &Path, caption: &str, comparison: &Comparison) -> Outcome {
    let rows = measured(comparison);
    let of = |figures: &crate::measure::Figures| [figures.p50, figures.p90, figures.p99, figures.p999];
    let all: Vec<f64> = rows.iter().flat_map(|(_, _, figures)| of(figures)).collect();
    let least = all.iter().copied().fold(f64::INFINITY, f64::min).clamp(1.0, 1e9);
    let most = all.iter().copied().fold(least * 2.0, f64::max);
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    // Room for the names on the right.
    let (plot, legend) = area.split_horizontally(SIZE.0 - 280);
    let mut chart = ChartBuilder::on(&plot)
        .caption(caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..(PERCENTILES.len() - 1) as f64, (least * 0.8..most * 1.2).log_scale())?;
    let label = |at: &f64| PERCENTILES.get(at.round() as usize).map_or_else(String::new, |name| (*name).to_owned());
    let whole = |value: &f64| format!("{value:.0}");
    chart
        .configure_mesh()
        .max_light_lines(0)
        .x_labels(PERCENTILES.len())
        .x_label_formatter(&label)
        .y_label_formatter(&whole)
        .draw()?;
    for (row, (at, name, figures)) in rows.iter().enumerate() {
        let points = of(figures).into_iter().enumerate().map(|(at, value)| (at as f64, value.max(least)));
        chart.draw_series(LineSeries::new(points, colour(*at).stroke_width(2)))?;
        let y = 50 + 22 * row as i32;
        legend.draw(&Rectangle::new([(4, y), (16, y + 12)], colour(*at).filled()))?;
        legend.draw(&Text::new((*name).to_owned(), (22, y), ("sans-serif", 13)))?;
    }
    Ok(area.present()?)
}
