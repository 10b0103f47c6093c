// SPDX-License-Identifier: GPL-2.0-only

//! The text format in which Prometheus takes metrics.

use std::fmt::{Display, Formatter, Result};

/// A metric that may rise and fall, with its samples.
#[derive(Debug)]
pub struct Gauge {
    /// Its name.
    name: &'static str,
    /// What it tells.
    help: &'static str,
    /// The samples, each a line.
    lines: String,
}

impl Gauge {
    /// A gauge without samples.
    pub fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, lines: String::new() }
    }

    /// Adds a sample.
    pub fn add(&mut self, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.lines += &format!("{}{labels} {value}\n", self.name);
    }
}

impl Display for Gauge {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { name, help, lines } = self;
        write!(f, "# HELP {name} {help}\n# TYPE {name} gauge\n{lines}")
    }
}

/// A label's value as it stands between quotes.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_its_help_its_type_and_its_samples() {
        let mut gauge = Gauge::new("cars", "Cars on the road.");
        assert_eq!(gauge.to_string(), "# HELP cars Cars on the road.\n# TYPE cars gauge\n");
        gauge.add(&[], 3);
        gauge.add(&[("colour", "red"), ("doors", "")], 0);
        assert_eq!(
            gauge.to_string(),
            "# HELP cars Cars on the road.\n# TYPE cars gauge\n\
             cars 3\n\
             cars{colour=\"red\",doors=\"\"} 0\n"
        );
    }

    #[test]
    fn what_would_end_a_label_is_escaped() {
        assert_eq!(escape("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
        assert_eq!(escape("bbr.v2 ü"), "bbr.v2 ü");
    }
}
