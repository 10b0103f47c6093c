// SPDX-License-Identifier: GPL-2.0-only

//! What all actors share: the names, their tables, and the account of the run.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use common::link::Link;
use common::tables::{Implementation, Kind};
use libbpf_rs::MapHandle;

use crate::counts::Counts;
use crate::create::{LongestWait, create};

/// The names that are registered throughout; their links are updated all the time.
pub const NAMES: [&str; 3] = ["torture_a", "torture_b", "torture_c"];
/// How many implementations each name changes between.
pub const IMPLEMENTATIONS: usize = 3;
/// How many failures of an actor are kept in words.
const KEPT: usize = 3;

/// What must hold. A failure is counted under one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every byte arrives, as it was sent.
    Bytes,
    /// No connection is reset, refused or stuck.
    Connections,
    /// Every call returns what it should.
    Calls,
}

impl Rule {
    /// All of them, with the name that the report gives them.
    pub const ALL: [(Self, &str); 3] = [
        (Self::Bytes, "no byte lost or corrupted"),
        (Self::Connections, "no connection reset or stuck"),
        (Self::Calls, "every call returned what it should"),
    ];

    /// The rule that an actor's error breaks.
    fn broken_by(error: &anyhow::Error) -> Self {
        if error.is::<Corrupt>() {
            return Self::Bytes;
        }
        let kind = error.root_cause().downcast_ref::<io::Error>().map(io::Error::kind);
        match kind {
            Some(io::ErrorKind::UnexpectedEof) => Self::Bytes,
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::TimedOut
                | io::ErrorKind::WouldBlock,
            ) => Self::Connections,
            _ => Self::Calls,
        }
    }
}

/// A byte that is not the one that was sent.
#[derive(Debug)]
pub struct Corrupt {
    /// Its position in the stream.
    pub at: u64,
}

impl std::fmt::Display for Corrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {} is not the one that was sent", self.at)
    }
}

impl std::error::Error for Corrupt {}

/// A name's link, and the tables that it changes between.
#[derive(Debug)]
pub struct Entry {
    /// The table of each implementation.
    pub tables: Vec<MapHandle>,
    /// The link that keeps the name registered.
    pub link: Link,
}

/// For each rule and actor: how often the actor broke the rule, and the first times in words.
type Failures = BTreeMap<(Rule, String), (u64, Vec<String>)>;

/// The state of the run.
#[derive(Debug)]
pub struct World {
    /// The implementations, each with counters of its own.
    pub implementations: Vec<Implementation>,
    /// The names that are registered throughout.
    pub entries: Vec<Entry>,
    /// A folder for pins.
    pub pins: PathBuf,
    /// The file of the module `tcp_lp`.
    pub module: PathBuf,
    /// Whether the actors are to end.
    pub stop: AtomicBool,
    /// The work that was done.
    pub counts: Counts,
    /// The longest wait for a name.
    pub longest_wait: LongestWait,
    /// What went wrong: how often, and the first in words.
    failures: Mutex<Failures>,
}

/// Makes the table of each implementation for a name.
pub fn tables(implementations: &[Implementation], name: &str) -> Result<Vec<MapHandle>> {
    implementations.iter().map(|implementation| implementation.named(name)).collect()
}

impl World {
    /// Loads the implementations, and registers the names.
    pub fn new(pins: PathBuf, module: PathBuf) -> Result<Self> {
        let implementations = (0..IMPLEMENTATIONS)
            .map(|_| Implementation::load(Kind::Congestion))
            .collect::<Result<Vec<_>>>()?;
        let entries = NAMES
            .into_iter()
            .map(|name| {
                let tables = tables(&implementations, name)?;
                let link = Link::create(&tables[0]).context("cannot create a link")?;
                Ok(Entry { tables, link })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            implementations,
            entries,
            pins,
            module,
            stop: AtomicBool::new(false),
            counts: Counts::default(),
            longest_wait: LongestWait::default(),
            failures: Mutex::default(),
        })
    }

    /// Whether the actors are to go on.
    pub fn goes_on(&self) -> bool {
        !self.stop.load(Relaxed)
    }

    /// Creates a link, once the last one of that name is gone.
    pub fn create(&self, map: &impl AsFd) -> io::Result<Link> {
        create(map, &self.longest_wait)
    }

    /// For each implementation: connections that began on it, and that left it.
    pub fn balance(&self) -> Result<Vec<(u64, u64)>> {
        self.implementations.iter().map(|used| Ok((used.started()?, used.released()?))).collect()
    }

    /// Keeps an account of an actor's error.
    pub fn fail(&self, actor: &str, error: &anyhow::Error) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, words) = failures.entry((Rule::broken_by(error), actor.into())).or_default();
        *count += 1;
        if words.len() < KEPT {
            words.push(format!("{actor}: {error:#}"));
        }
    }

    /// What broke a rule, in words; nothing if the rule holds.
    pub fn complaints(&self, rule: Rule) -> Vec<String> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for ((_, actor), (count, words)) in failures.iter().filter(|((of, _), _)| *of == rule) {
            found.extend_from_slice(words);
            if *count > words.len() as u64 {
                found.push(format!("{actor}: {count} in all"));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_breaks_the_rule_that_it_belongs_to() {
        let io = |kind| anyhow::Error::from(io::Error::from(kind)).context("where");
        let broken = |error| Rule::broken_by(&error);
        assert_eq!(broken(Corrupt { at: 1 }.into()), Rule::Bytes);
        assert_eq!(broken(io(io::ErrorKind::UnexpectedEof)), Rule::Bytes);
        assert_eq!(broken(io(io::ErrorKind::ConnectionReset)), Rule::Connections);
        assert_eq!(broken(io(io::ErrorKind::InvalidInput)), Rule::Calls);
        assert_eq!(broken(anyhow::anyhow!("a surprise")), Rule::Calls);
    }
}
