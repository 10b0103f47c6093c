// SPDX-License-Identifier: GPL-2.0-only

//! A picture of a run: throughput, congestion windows and new connections over
//! time, and when what was swapped.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::Schedule;
use crate::algorithms::Algorithm;
use crate::ledger::{Records, Swap};
use crate::topology::{DELAY, RATE};

/// The size of the picture.
const SIZE: (u32, u32) = (1200, 900);
/// The height of its head.
const HEAD: u32 = 96;
/// Where the swaps are too many to be told apart.
const FAST: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
/// Throughput.
const THROUGHPUT: RGBColor = RGBColor(0x40, 0x40, 0x40);

/// The colour of an implementation.
fn colour(algorithm: Algorithm) -> RGBColor {
    match algorithm {
        Algorithm::Cubic => RGBColor(0x1f, 0x77, 0xb4),
        Algorithm::Reno => RGBColor(0xe6, 0x6f, 0x00),
    }
}

/// The colour of the time in which an implementation is current.
fn light(algorithm: Algorithm) -> RGBColor {
    match algorithm {
        Algorithm::Cubic => RGBColor(0xd9, 0xe8, 0xf4),
        Algorithm::Reno => RGBColor(0xfc, 0xe8, 0xd4),
    }
}

/// A line of the picture: seconds and values.
type Points = Vec<(f64, f64)>;
/// A part of the picture.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One of the diagrams, which share the time axis.
struct Panel {
    /// What it shows.
    title: &'static str,
    /// Its lines.
    lines: Vec<(RGBColor, Points)>,
}

/// Draws the picture into a file.
pub fn draw(file: &mut File, records: &Records, schedule: Schedule) -> Result<()> {
    let mut svg = String::new();
    draw_into(&mut svg, records, schedule).map_err(|error| anyhow!("cannot draw: {error}"))?;
    file.write_all(svg.as_bytes()).context("cannot write the picture")
}

/// Draws the picture into a string.
fn draw_into(
    svg: &mut String,
    records: &Records,
    schedule: Schedule,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (head, body) = root.split_vertically(HEAD);
    draw_head(&head, records, schedule)?;

    let panels = panels(records);
    let areas = body.split_evenly((panels.len(), 1));
    for (area, panel) in areas.iter().zip(panels) {
        draw_panel(area, &panel, records, schedule)?;
    }
    root.present()?;
    Ok(())
}

/// Writes the title, and what the colours mean.
fn draw_head(
    area: &Area<'_>,
    records: &Records,
    schedule: Schedule,
) -> Result<(), Box<dyn std::error::Error>> {
    let fast = records.swaps.iter().filter(|swap| swap.at < schedule.slow).count();
    let title = format!(
        "{} swaps of a live congestion control under traffic ({RATE} Mbit/s, {} ms)",
        records.swaps.len(),
        2 * DELAY
    );
    area.draw(&Text::new(title, (20, 16), ("sans-serif", 24)))?;
    let legend = [
        (FAST, format!("{fast} swaps in {:.0} s", schedule.slow.as_secs_f64())),
        (light(Algorithm::Cubic), "CUBIC is current".into()),
        (light(Algorithm::Reno), "Reno is current".into()),
        (colour(Algorithm::Cubic), "connections that got CUBIC".into()),
        (colour(Algorithm::Reno), "connections that got Reno".into()),
    ];
    for ((fill, text), x) in legend.into_iter().zip((20..).step_by(230)) {
        area.draw(&Rectangle::new([(x, 58), (x + 22, 76)], fill.filled()))?;
        area.draw(&Text::new(text, (x + 30, 60), ("sans-serif", 16)))?;
    }
    Ok(())
}

/// What is to be shown of a run.
fn panels(records: &Records) -> Vec<Panel> {
    let seconds = |at: Duration| at.as_secs_f64();
    let throughput = records.samples.iter().map(|s| (seconds(s.at), s.throughput)).collect();
    let bulk = records.bulk.iter().map(|bulk| {
        let points = bulk.cwnd.iter().map(|(at, cwnd)| (seconds(*at), f64::from(*cwnd)));
        (colour(bulk.algorithm), points.collect())
    });
    let counts = Algorithm::ALL.map(|algorithm| {
        let mut moments: Vec<_> = records
            .connections
            .iter()
            .filter(|connection| connection.algorithm == Some(algorithm))
            .map(|connection| seconds(connection.at))
            .collect();
        moments.sort_by(f64::total_cmp);
        let mut points = vec![(0.0, 0.0)];
        points.extend(moments.into_iter().zip(1..).map(|(at, count)| (at, f64::from(count))));
        // The last count holds to the end of what was looked at.
        if let (Some(sample), Some((_, count))) = (records.samples.last(), points.last()) {
            points.push((seconds(sample.at), *count));
        }
        (colour(algorithm), points)
    });
    vec![
        Panel { title: "throughput, Mbit/s", lines: vec![(THROUGHPUT, throughput)] },
        Panel { title: "cwnd of the bulk transfers, segments", lines: bulk.collect() },
        Panel { title: "new connections so far", lines: counts.into() },
    ]
}

/// Draws one diagram.
fn draw_panel(
    area: &Area<'_>,
    panel: &Panel,
    records: &Records,
    schedule: Schedule,
) -> Result<(), Box<dyn std::error::Error>> {
    let end = schedule.end.as_secs_f64();
    let values = panel.lines.iter().flat_map(|(_, points)| points).map(|(_, value)| *value);
    let top = values.fold(1.0, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .margin_right(24)
        .caption(panel.title, ("sans-serif", 18))
        .x_label_area_size(26)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..end, 0.0..top)?;

    for (from, to, fill) in bands(records, schedule) {
        chart.draw_series([Rectangle::new([(from, 0.0), (to, top)], fill.filled())])?;
    }
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .y_labels(5)
        .x_label_formatter(&|x| format!("{x:.0} s"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .label_style(("sans-serif", 14))
        .draw()?;
    for swap in records.swaps.iter().filter(|swap| swap.at >= schedule.slow) {
        let at = swap.at.as_secs_f64();
        chart.draw_series(LineSeries::new([(at, 0.0), (at, top)], colour(swap.to)))?;
    }
    for (line, points) in &panel.lines {
        chart.draw_series(LineSeries::new(points.iter().copied(), line.stroke_width(2)))?;
    }
    Ok(())
}

/// The background: what was current when, as far as it can be shown.
fn bands(records: &Records, schedule: Schedule) -> Vec<(f64, f64, RGBColor)> {
    let slow = schedule.slow.as_secs_f64();
    let mut bands = vec![(0.0, slow, FAST)];
    let (fast, watched): (Vec<&Swap>, Vec<&Swap>) =
        records.swaps.iter().partition(|swap| swap.at < schedule.slow);
    let mut from = slow;
    let mut current = fast.last().map_or(Algorithm::Cubic, |swap| swap.to);
    let ends = watched.iter().map(|swap| (swap.at, swap.to));
    for (at, to) in ends.chain([(schedule.end, current)]) {
        let at = at.as_secs_f64();
        bands.push((from, at, light(current)));
        (from, current) = (at, to);
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Bulk, Connection, Sample};

    const SCHEDULE: Schedule = Schedule {
        period: Duration::from_millis(20),
        slow: Duration::from_secs(3),
        end: Duration::from_secs(5),
    };

    /// A run of two fast swaps and one slow.
    fn records() -> Records {
        let swap = |ms, to| {
            let at = Duration::from_millis(ms);
            Swap { at, to, latency: Duration::ZERO }
        };
        let at = Duration::from_secs(1);
        Records {
            swaps: vec![
                swap(20, Algorithm::Reno),
                swap(40, Algorithm::Cubic),
                swap(4000, Algorithm::Reno),
            ],
            connections: vec![Connection { at, algorithm: Some(Algorithm::Cubic), stale: None }],
            bulk: vec![Bulk {
                port: 1,
                algorithm: Algorithm::Reno,
                running: false,
                cwnd: vec![(at, 10), (at * 2, 20)],
            }],
            samples: vec![Sample { at, throughput: 19.0 }, Sample { at: at * 2, throughput: 18.0 }],
            ..Records::default()
        }
    }

    #[test]
    fn the_background_shows_what_was_current() {
        let colours = bands(&records(), SCHEDULE);
        assert_eq!(
            colours,
            [
                (0.0, 3.0, FAST),
                (3.0, 4.0, light(Algorithm::Cubic)),
                (4.0, 5.0, light(Algorithm::Reno)),
            ]
        );
    }

    #[test]
    fn the_picture_is_svg_and_tells_the_swaps() {
        let mut svg = String::new();
        draw_into(&mut svg, &records(), SCHEDULE).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        for text in [
            "3 swaps of a live",
            "2 swaps in 3 s",
            "throughput, Mbit/s",
            "cwnd of",
            "new connections",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn a_run_without_anything_can_be_drawn() {
        let mut svg = String::new();
        draw_into(&mut svg, &Records::default(), SCHEDULE).unwrap();
        assert!(svg.contains("0 swaps"));
    }
}
