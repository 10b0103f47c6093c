// SPDX-License-Identifier: GPL-2.0-only

//! A picture of a report: for each case how many times better Rust is than C.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::{Case, Drawn};
use crate::scale::Point;

/// The width of the picture.
const WIDTH: u32 = 1200;
/// The height of its head, of a case, and of the axis below.
const HEAD: u32 = 80;
/// See [`HEAD`].
const ROW: u32 = 26;
/// See [`HEAD`].
const FOOT: u32 = 40;
/// Where the bars are, between the names and the figures.
const BARS: Range<i32> = 330..840;
/// Rust is better.
const BETTER: RGBColor = RGBColor(0x2c, 0x7f, 0xb8);
/// C is better.
const WORSE: RGBColor = RGBColor(0xd9, 0x5f, 0x0e);
/// How much of a difference is none.
const EQUAL: f64 = 0.01;

/// Draws cases, in the order of the report, into a string. Those of many
/// namespaces or names have a picture of their own.
pub fn draw(svg: &mut String, cases: &[Case]) -> Drawn {
    let rows: Vec<(&Case, f64)> = cases
        .iter()
        .filter(|case| case.name.parse::<Point>().is_err())
        .filter_map(|case| Some((case, case.ratio.filter(|ratio| *ratio > 0.0)?)))
        .collect();
    let bottom = HEAD + ROW * rows.len() as u32;
    let area = SVGBackend::with_string(svg, (WIDTH, bottom + FOOT)).into_drawing_area();
    area.fill(&WHITE)?;

    let font = |size: u32| ("sans-serif", size).into_font();
    let at = |horizontal| Pos::new(horizontal, VPos::Center);
    let left = TextStyle::from(font(14)).pos(at(HPos::Left));
    let right = TextStyle::from(font(14)).pos(at(HPos::Right));
    let middle = TextStyle::from(font(13)).pos(at(HPos::Center));
    let text = |text: String, x: i32, y: u32, style: &TextStyle<'_>| {
        area.draw(&Text::new(text, (x, y as i32), style.clone()))
    };
    text(
        "struct_ops links: how many times better the Rust kernel is than the C kernel".into(),
        20,
        26,
        &TextStyle::from(font(22)).pos(at(HPos::Left)),
    )?;
    text("ratio".into(), (BARS.start + BARS.end) / 2, HEAD - 18, &middle)?;
    text("C → Rust".into(), BARS.end + 90, HEAD - 18, &left)?;

    let decades = decades(rows.iter().map(|(_, ratio)| *ratio));
    let x = |ratio: f64| {
        let share =
            (ratio.log10() - f64::from(decades.start)) / f64::from(decades.end - decades.start);
        BARS.start + (share * f64::from(BARS.end - BARS.start)).round() as i32
    };
    for decade in decades.start..=decades.end {
        let at = x(10f64.powi(decade));
        let grey = if decade == 0 { BLACK.mix(0.6) } else { BLACK.mix(0.15) };
        area.draw(&PathElement::new(vec![(at, HEAD as i32), (at, bottom as i32)], grey))?;
        text(format!("{}", 10f64.powi(decade)), at, bottom + 16, &middle)?;
    }
    for ((case, ratio), top) in rows.into_iter().zip((HEAD..).step_by(ROW as usize)) {
        let y = top + ROW / 2;
        let colour = if ratio < 1.0 - EQUAL { WORSE } else { BETTER };
        let (from, to) = (x(1.0).min(x(ratio)), x(1.0).max(x(ratio)).max(x(1.0) + 1));
        let bar = [(from, top as i32 + 4), (to, (top + ROW) as i32 - 4)];
        area.draw(&Rectangle::new(bar, colour.filled()))?;
        text(case.name.clone(), BARS.start - 12, y, &right)?;
        text(format!("{} ×", number(ratio)), BARS.end + 10, y, &left)?;
        let figures = format!("{} → {} {}", number(case.c), number(case.rust), case.unit);
        text(figures, BARS.end + 90, y, &left)?;
    }
    area.present()?;
    drop(area);
    Ok(())
}

/// The powers of ten that hold all ratios, and one.
fn decades(ratios: impl Iterator<Item = f64>) -> Range<i32> {
    let (least, most) =
        ratios.fold((1.0, 1.0), |(least, most): (f64, f64), r| (least.min(r), most.max(r)));
    least.log10().floor() as i32..(most.log10().ceil() as i32).max(1)
}

/// A number with three digits that count.
fn number(value: f64) -> String {
    let digits = 2 - value.abs().max(0.01).log10().floor() as i32;
    format!("{value:.*}", digits.max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_each_case_with_a_ratio() {
        let report = r#"[
            {"name": "update", "unit": "µs", "c": 8000, "rust": 4, "ratio": 2000},
            {"name": "poll", "unit": "µs", "c": 1, "rust": 2, "ratio": 0.5},
            {"name": "grown, 9 names", "unit": "1", "c": 1, "rust": 1, "ratio": 1},
            {"name": "odd", "unit": "1", "c": 0, "rust": 0, "ratio": null}]"#;
        let cases: Vec<Case> = serde_json::from_str(report).unwrap();
        let mut svg = String::new();
        draw(&mut svg, &cases).unwrap();
        for text in ["update", "2000 ×", "8000 → 4.00 µs", "poll", "0.500 ×"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("odd") && !svg.contains("grown"));
        assert_eq!((svg.matches("#2C7FB8").count(), svg.matches("#D95F0E").count()), (1, 1));
    }

    #[test]
    fn the_axis_holds_all_ratios() {
        assert_eq!(decades([0.5, 3000.0].into_iter()), -1..4);
        assert_eq!(decades([1.0].into_iter()), 0..1);
    }

    #[test]
    fn numbers_are_short() {
        let found = [1234.5, 12.345, 1.2345, 0.12345, 0.0].map(number);
        assert_eq!(found, ["1234", "12.3", "1.23", "0.123", "0.0000"]);
    }
}
