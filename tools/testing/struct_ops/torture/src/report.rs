// SPDX-License-Identifier: GPL-2.0-only

//! What a run did, and whether what must hold did hold.

use std::collections::BTreeMap;

use serde::Serialize;

/// One thing that must hold.
#[derive(Debug, Serialize)]
pub struct Case {
    /// What.
    pub name: String,
    /// Why it does not; empty when it does.
    pub complaints: Vec<String>,
}

impl Case {
    /// A thing that holds unless something is complained of.
    pub fn new(name: impl Into<String>, complaints: Vec<String>) -> Self {
        Self { name: name.into(), complaints }
    }
}

/// The account of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What the random streams were made from.
    pub seed: u64,
    /// How long the actors ran.
    pub seconds: f64,
    /// How many steps each actor made.
    pub steps: BTreeMap<&'static str, u64>,
    /// Connections that were made.
    pub connections: u64,
    /// Connections whose congestion control was a module.
    pub modular: u64,
    /// Bytes that arrived and were right.
    pub bytes: u64,
    /// For each implementation: connections that began on it, and that left it.
    pub implementations: Vec<(u64, u64)>,
    /// What must hold.
    pub cases: Vec<Case>,
}

impl Report {
    /// Whether everything held.
    pub fn holds(&self) -> bool {
        self.cases.iter().all(|case| case.complaints.is_empty())
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (actor, steps) in &self.steps {
            writeln!(f, "{actor:22}{steps:>10} steps")?;
        }
        writeln!(f, "{:22}{:>10}", "connections", self.connections)?;
        writeln!(f, "{:22}{:>10}", "of a module", self.modular)?;
        writeln!(f, "{:22}{:>10}", "bytes", self.bytes)?;
        for (number, (started, released)) in self.implementations.iter().enumerate() {
            writeln!(f, "implementation {number}: {started} began, {released} left")?;
        }
        for case in &self.cases {
            let verdict = if case.complaints.is_empty() { "holds " } else { "FAILED" };
            writeln!(f, "{verdict} {}", case.name)?;
            for complaint in &case.complaints {
                writeln!(f, "    {complaint}")?;
            }
        }
        write!(f, "seed {}, {:.1} s", self.seed, self.seconds)
    }
}
