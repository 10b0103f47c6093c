// SPDX-License-Identifier: GPL-2.0-only

//! A picture of a report: what calls take against how many namespaces or names
//! there are.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::report::{Case, Drawn};
use crate::scale::{Point, grouped};

/// How many diagrams stand side by side,
const COLUMNS: usize = 4;
/// and the size of each.
const PANEL: (u32, u32) = (310, 240);
/// The height of the head.
const HEAD: u32 = 80;
/// The C kernel.
const C: RGBColor = RGBColor(0xd9, 0x5f, 0x0e);
/// The Rust kernel.
const RUST: RGBColor = RGBColor(0x2c, 0x7f, 0xb8);

/// A part of the picture.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One diagram: how a call grows with one of the numbers.
struct Panel {
    /// What was measured,
    call: String,
    /// and of what there is a number.
    of: &'static str,
    /// The numbers, and the figures of the C kernel and the Rust kernel.
    points: Vec<(f64, f64, f64)>,
}

/// Draws the cases that have a number into a string.
pub fn draw(svg: &mut String, cases: &[Case]) -> Drawn {
    let panels = panels(cases);
    let rows: Vec<_> = panels
        .chunk_by(|one, next| one.of == next.of)
        .flat_map(|alike| alike.chunks(COLUMNS))
        .collect();
    let size = (COLUMNS as u32 * PANEL.0, HEAD + rows.len() as u32 * PANEL.1);
    let root = SVGBackend::with_string(svg, size).into_drawing_area();
    root.fill(&WHITE)?;
    let (head, body) = root.split_vertically(HEAD);
    let title = "struct_ops links: instructions against the number of namespaces and of names";
    head.draw(&Text::new(title, (20, 16), ("sans-serif", 22)))?;
    for ((colour, name), x) in [(C, "C"), (RUST, "Rust")].into_iter().zip((20..).step_by(110)) {
        head.draw(&Rectangle::new([(x, 50), (x + 22, 66)], colour.filled()))?;
        head.draw(&Text::new(name, (x + 30, 50), ("sans-serif", 16)))?;
    }

    // One scale for all.
    let all = || panels.iter().flat_map(|panel| &panel.points);
    let numbers = 1.0..all().map(|point| point.0).fold(10.0, f64::max);
    let figures = decades(all().flat_map(|(_, c, rust)| [*c, *rust]));
    let areas = body.split_evenly((rows.len().max(1), COLUMNS));
    for (areas, panels) in areas.chunks(COLUMNS).zip(&rows) {
        for (area, panel) in areas.iter().zip(*panels) {
            draw_panel(area, panel, numbers.clone(), figures.clone())?;
        }
    }
    root.present()?;
    drop((head, body));
    drop(root);
    Ok(())
}

/// Sorts cases by all but their number, otherwise in the order of the report.
fn panels(cases: &[Case]) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for case in cases {
        let Ok(Point { call, number, of }) = case.name.parse() else { continue };
        let point = (f64::from(number), case.c, case.rust);
        match panels.iter_mut().find(|panel| panel.call == call && panel.of == of) {
            Some(panel) => panel.points.push(point),
            None => panels.push(Panel { call, of, points: vec![point] }),
        }
    }
    panels
}

/// Draws one diagram.
fn draw_panel(area: &Area<'_>, panel: &Panel, numbers: Range<f64>, figures: Range<f64>) -> Drawn {
    // All are in instructions.
    let call = panel.call.rsplit(", ").next().unwrap_or_default();
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(20)
        .caption(format!("{call}, by {}s", panel.of), ("sans-serif", 15))
        .x_label_area_size(24)
        .y_label_area_size(64)
        .build_cartesian_2d(numbers.log_scale(), figures.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_label_formatter(&|x| grouped(*x as u32))
        .y_label_formatter(&|y| grouped(*y as u32))
        .label_style(("sans-serif", 12))
        .draw()?;
    let c: Vec<_> = panel.points.iter().map(|(number, c, _)| (*number, *c)).collect();
    let rust: Vec<_> = panel.points.iter().map(|(number, _, rust)| (*number, *rust)).collect();
    // Where both are equal, C's line is the wider one.
    for (colour, width, points) in [(C, 5, c), (RUST, 2, rust)] {
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
        chart.draw_series(LineSeries::new(points, colour.stroke_width(width)))?;
    }
    Ok(())
}

/// The powers of ten around all figures.
fn decades(figures: impl Iterator<Item = f64>) -> Range<f64> {
    let positive = figures.filter(|figure| *figure > 0.0);
    let (least, most) =
        positive.fold((f64::MAX, 1.0), |(least, most): (f64, f64), f| (least.min(f), most.max(f)));
    let end = most.log10().ceil().max(1.0);
    10f64.powf(least.log10().floor().min(end - 1.0))..10f64.powf(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_each_call_over_its_numbers() {
        let report = r#"[
            {"name": "update, idle", "unit": "µs", "c": 8000, "rust": 4, "ratio": 2000},
            {"name": "x, update, 1 namespace", "unit": "x", "c": 20, "rust": 10, "ratio": 2},
            {"name": "x, update, 10 namespaces", "unit": "x", "c": 20, "rust": 10, "ratio": 2},
            {"name": "x, update, 1 name", "unit": "x", "c": 2000, "rust": 9, "ratio": 2}]"#;
        let cases: Vec<Case> = serde_json::from_str(report).unwrap();
        let found: Vec<_> =
            panels(&cases).into_iter().map(|panel| (panel.of, panel.points)).collect();
        assert_eq!(
            found,
            [
                ("namespace", vec![(1.0, 20.0, 10.0), (10.0, 20.0, 10.0)]),
                ("name", vec![(1.0, 2000.0, 9.0)]),
            ]
        );

        let mut svg = String::new();
        draw(&mut svg, &cases).unwrap();
        assert!(svg.contains("update, by namespaces") && !svg.contains("idle"));
        // A point for each case and kernel.
        assert_eq!(svg.matches("<circle").count(), 6);
    }

    #[test]
    fn nothing_can_be_drawn() {
        draw(&mut String::new(), &[]).unwrap();
    }

    #[test]
    fn the_axis_holds_all_figures() {
        assert_eq!(decades([20.0, 900.0, 2000.0].into_iter()), 10.0..10_000.0);
        assert_eq!(decades([].into_iter()), 1.0..10.0);
    }
}
