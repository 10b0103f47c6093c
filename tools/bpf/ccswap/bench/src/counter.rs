// SPDX-License-Identifier: GPL-2.0-only

//! Cases that are measured in instructions.

use std::fmt::Display;
use std::time::Duration;

use crate::calls::{self, Budget};
use crate::case::{Case, LESS};
use crate::clock::{Clock, Samples};

/// What instructions are counted with.
pub const CLOCK: Clock = Clock::Instructions;
/// The unit of all of them.
const UNIT: &str = "instructions";

/// How often a call is made: so many times, however long that takes.
pub const fn times(samples: usize) -> Budget {
    Budget { samples, time: Duration::MAX }
}

/// Collects the cases.
#[derive(Debug)]
pub struct Counter {
    /// What reading the counter takes.
    pub nothing: f64,
    /// What was counted so far.
    pub cases: Vec<Case>,
}

impl Counter {
    /// Starts out without a case.
    pub fn new(budget: Budget) -> Self {
        Self { nothing: calls::nothing(CLOCK, budget).percentile(50), cases: Vec::new() }
    }

    /// Adds the median of a call, less the reading of the counter.
    pub fn count(&mut self, name: impl Display, samples: &Samples) {
        self.add(name, samples.percentile(50) - self.nothing);
    }

    /// Adds a figure.
    pub fn add(&mut self, name: impl Display, instructions: f64) {
        self.cases.push(Case::new(format!("{UNIT}, {name}"), UNIT, LESS, instructions));
    }
}
