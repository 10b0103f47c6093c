// SPDX-License-Identifier: GPL-2.0-only

//! A scheduler of sched_ext's, started and stopped under the load of all others.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::link::Link;
use common::tables::{Implementation, Kind};
use fastrand::Rng;
use nix::errno::Errno;

use crate::actor::Actor;
use crate::counts::Count;
use crate::errno::failed_with;
use crate::world::World;

/// Whether there is a scheduler, and in which state.
const STATE: &str = "/sys/kernel/sched_ext/state";

/// The actor.
pub struct Sched {
    /// The table's type; it has no programs.
    implementation: Implementation,
}

impl Sched {
    /// Loads what there is to load.
    pub fn new() -> Result<Self> {
        Ok(Self { implementation: Implementation::load(Kind::Sched)? })
    }
}

impl Actor for Sched {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let link = world.create(&self.implementation.named("torture")?).context("scheduler")?;
        let result = Link::create(&self.implementation.named("second")?);
        ensure!(failed_with(&result, Errno::EBUSY), "a second scheduler: {result:?}");
        std::thread::sleep(Duration::from_millis(rng.u64(..50)));
        let state = fs::read_to_string(STATE).context("read the state")?;
        ensure!(state.trim() == "enabled", "the kernel has ejected the scheduler: {state}");
        world.counts.add(Count::Schedulers, 1);
        if rng.bool() {
            link.detach().context("detach the scheduler")?;
        }
        Ok(())
    }
}
