// SPDX-License-Identifier: GPL-2.0-only

//! Cases that differ in how many of something there are.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, setrlimit};

/// What such a case's name says: "instructions, update, 10,000 namespaces".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// What was measured: "instructions, update".
    pub call: String,
    /// How many there were,
    pub number: u32,
    /// of these: "namespace" or "name".
    pub of: &'static str,
}

/// What there can be many of.
pub const NAMESPACE: &str = "namespace";
/// See [`NAMESPACE`].
pub const NAME: &str = "name";

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.number == 1 { "" } else { "s" };
        write!(f, "{}, {} {}{plural}", self.call, grouped(self.number), self.of)
    }
}

impl FromStr for Point {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (call, last) = text.rsplit_once(", ").ok_or(())?;
        let (number, of) = last.split_once(' ').ok_or(())?;
        let number = number.replace(',', "").parse().map_err(drop)?;
        let of = [NAMESPACE, NAME]
            .into_iter()
            .find(|word| of.strip_suffix('s').unwrap_or(of) == *word)
            .ok_or(())?;
        Ok(Self { call: call.into(), number, of })
    }
}

/// A number with a comma before its thousands' last three digits.
pub fn grouped(number: u32) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{},{rest:03}", grouped(thousands)),
    }
}

/// Lets so many files be open.
pub fn keep_open(count: usize) -> Result<()> {
    setrlimit(Resource::RLIMIT_NOFILE, count as u64, count as u64)
        .with_context(|| format!("cannot keep {count} files open"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_read_again() {
        for (number, of, name) in [
            (1, NAMESPACE, "instructions, update, 1 namespace"),
            (10_000, NAMESPACE, "instructions, update, 10,000 namespaces"),
            (1, NAME, "instructions, update, 1 name"),
            (1_234_007, NAME, "instructions, update, 1,234,007 names"),
        ] {
            let point = Point { call: "instructions, update".into(), number, of };
            assert_eq!(point.to_string(), name);
            assert_eq!(name.parse(), Ok(point));
        }
    }

    #[test]
    fn other_cases_are_none_of_them() {
        for name in ["updates, 64 links, 1 thread", "update, idle, p50", "memory per link"] {
            assert_eq!(name.parse::<Point>(), Err(()), "{name}");
        }
    }
}
