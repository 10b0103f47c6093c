// SPDX-License-Identifier: GPL-2.0-only

//! One figure of the benchmark.

use serde::Serialize;

/// Less is better.
pub const LESS: &str = "less";
/// More is better.
pub const MORE: &str = "more";

/// A figure, with what it means.
#[derive(Debug, Serialize)]
pub struct Case {
    /// What was measured.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// [`LESS`] or [`MORE`].
    pub better: &'static str,
    /// How much of it.
    pub value: f64,
}

impl Case {
    /// A figure.
    pub fn new(
        name: impl Into<String>,
        unit: &'static str,
        better: &'static str,
        value: f64,
    ) -> Self {
        Self { name: name.into(), unit, better, value }
    }
}
