// SPDX-License-Identifier: GPL-2.0-only

//! The report that is drawn.

use std::error::Error;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

/// What drawing ends with.
pub type Drawn = Result<(), Box<dyn Error>>;

/// A case of the report, as far as it is drawn.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// What was measured.
    pub name: String,
    /// In what.
    pub unit: String,
    /// The figure of the C kernel.
    pub c: f64,
    /// The figure of the Rust kernel.
    pub rust: f64,
    /// How many times better the second one is.
    pub ratio: Option<f64>,
}

/// Draws a report into a file.
pub fn draw(report: &Path, svg: &Path, picture: fn(&mut String, &[Case]) -> Drawn) -> Result<()> {
    let text =
        fs::read_to_string(report).with_context(|| format!("cannot read {}", report.display()))?;
    let cases: Vec<Case> = serde_json::from_str(&text)
        .with_context(|| format!("{} is no report", report.display()))?;
    let mut drawn = String::new();
    picture(&mut drawn, &cases).map_err(|error| anyhow!("cannot draw: {error}"))?;
    fs::write(svg, drawn).with_context(|| format!("cannot write {}", svg.display()))
}
