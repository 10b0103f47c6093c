// SPDX-License-Identifier: GPL-2.0-only

//! That sequences leave no BPF object behind.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use common::ids::{self, Kind};

/// How long what was closed may exist: maps are freed after grace periods, one of them of tasks.
const PATIENCE: Duration = Duration::from_secs(60);

/// The BPF objects of a moment.
#[derive(Debug)]
pub struct Objects(BTreeSet<(Kind, u32)>);

impl Objects {
    /// Those that exist.
    pub fn now() -> Result<Self> {
        let mut found = BTreeSet::new();
        for kind in ids::KINDS {
            found.extend(ids::all(kind)?.into_iter().map(|id| (kind, id)));
        }
        Ok(Self(found))
    }

    /// Waits until there is none that was not there before.
    pub fn expect_no_other(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            let now = Self::now()?;
            let left: Vec<_> = now.0.difference(&self.0).collect();
            if left.is_empty() {
                return Ok(());
            }
            ensure!(start.elapsed() < PATIENCE, "the sequences have left {left:?}");
            sleep(Duration::from_millis(20));
        }
    }
}
