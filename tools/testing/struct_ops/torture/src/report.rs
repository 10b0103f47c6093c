// SPDX-License-Identifier: GPL-2.0-only

//! What a run did, and whether what must hold did hold.

use std::collections::BTreeMap;

use serde::Serialize;

/// The width of names in front of numbers.
const WIDTH: usize = 36;

/// One thing that must hold.
#[derive(Debug, Serialize)]
pub struct Case {
    /// What.
    pub name: String,
    /// Why it does not; empty when it does.
    pub complaints: Vec<String>,
    /// Why nobody looked whether it does.
    pub skipped: Option<&'static str>,
}

impl Case {
    /// A thing that holds unless something is complained of.
    pub fn new(name: impl Into<String>, complaints: Vec<String>) -> Self {
        Self { name: name.into(), complaints, skipped: None }
    }

    /// A thing that this kernel gives no means to look at.
    pub fn skipped(name: impl Into<String>, reason: &'static str) -> Self {
        Self { name: name.into(), complaints: Vec::new(), skipped: Some(reason) }
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
    /// How much of each kind of work was done.
    pub counts: BTreeMap<&'static str, u64>,
    /// The longest wait for a name of a link that was closed, in seconds.
    pub longest_wait: f64,
    /// For each implementation: connections that began on it, and that left it.
    pub implementations: Vec<(u64, u64)>,
    /// What must hold.
    pub cases: Vec<Case>,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(reason) = self.skipped {
            return writeln!(f, "skipped {}: {reason}", self.name);
        }
        let verdict = if self.complaints.is_empty() { "holds  " } else { "FAILED " };
        writeln!(f, "{verdict} {}", self.name)?;
        self.complaints.iter().try_for_each(|complaint| writeln!(f, "    {complaint}"))
    }
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
            writeln!(f, "{actor:WIDTH$}{steps:>10} steps")?;
        }
        for (what, count) in &self.counts {
            writeln!(f, "{what:WIDTH$}{count:>10}")?;
        }
        writeln!(f, "{:WIDTH$}{:>10.3} s", "longest wait for a name", self.longest_wait)?;
        for (number, (started, released)) in self.implementations.iter().enumerate() {
            writeln!(f, "implementation {number}: {started} began, {released} left")?;
        }
        for case in &self.cases {
            write!(f, "{case}")?;
        }
        write!(f, "seed {}, {:.1} s", self.seed, self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_holds_fails_or_is_skipped() {
        assert_eq!(Case::new("all", Vec::new()).to_string(), "holds   all\n");
        assert_eq!(Case::new("all", vec!["one".into()]).to_string(), "FAILED  all\n    one\n");
        assert_eq!(Case::skipped("all", "why").to_string(), "skipped all: why\n");
    }
}
