// SPDX-License-Identifier: GPL-2.0-only

//! What must hold of the actors' work.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use common::settle::settle;

use crate::counts::Count;
use crate::report::Case;
use crate::world::{Rule, World};

/// How long the kernel may take to free what was let go. A socket may wait for its peer's last packet
/// for 60 seconds.
pub const PATIENCE: Duration = Duration::from_secs(75);

/// Judges what the actors did and met, before the names are let go.
pub fn of_work(world: &World, steps: &BTreeMap<&'static str, u64>) -> Result<Vec<Case>> {
    let mut cases: Vec<_> =
        Rule::ALL.map(|(rule, name)| Case::new(name, world.complaints(rule))).into();
    cases.push(Case::new(
        "every connection left its implementation",
        settle(PATIENCE, || Ok(unbalanced(&world.balance()?)))?,
    ));
    cases.push(Case::new(
        "every actor acted",
        steps.iter().filter(|(_, steps)| **steps == 0).map(|(name, _)| (*name).into()).collect(),
    ));
    cases.extend(Count::ALL.map(|(count, name)| was_done(name, world.counts.get(count))));
    Ok(cases)
}

/// The implementations that not all connections left, or that none used.
fn unbalanced(balance: &[(u64, u64)]) -> Vec<String> {
    balance
        .iter()
        .enumerate()
        .filter(|(_, (started, released))| started != released || *started == 0)
        .map(|(number, (started, released))| {
            format!("implementation {number}: {started} began, {released} left")
        })
        .collect()
}

/// Whether a kind of work was done at all: what was not done has shown nothing.
fn was_done(name: &str, times: u64) -> Case {
    let complaints = if times == 0 { vec!["there were none".into()] } else { Vec::new() };
    Case::new(format!("there were {name}"), complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_stays_is_noticed() {
        assert!(unbalanced(&[(3, 3), (1, 1)]).is_empty());
        assert_eq!(unbalanced(&[(3, 3), (3, 2)]), ["implementation 1: 3 began, 2 left"]);
        assert_eq!(unbalanced(&[(0, 0)]).len(), 1);
    }

    #[test]
    fn work_that_was_not_done_is_noticed() {
        assert!(was_done("bytes", 1).complaints.is_empty());
        assert!(!was_done("bytes", 0).complaints.is_empty());
    }
}
