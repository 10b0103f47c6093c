// SPDX-License-Identifier: GPL-2.0-only

//! A queueing discipline, registered while an interface uses it and while none does.

use std::time::Duration;

use anyhow::{Context, Result};
use common::tables::{Implementation, Kind};
use fastrand::Rng;

use super::create;
use super::sched::Sched;
use crate::actor::Actor;
use crate::program::run;
use crate::world::World;

/// The name of the discipline.
const NAME: &str = "torture_disc";
/// The interface.
const DEVICE: &str = "torture0";

/// The actor.
pub struct Disc {
    /// The programs.
    implementation: Implementation,
}

impl Disc {
    /// Loads the programs, and makes an interface.
    pub fn new() -> Result<Self> {
        run("ip", &["link", "add", DEVICE, "type", "dummy"])?;
        Ok(Self { implementation: Implementation::load(Kind::Qdisc)? })
    }
}

impl Actor for Disc {
    fn step(&mut self, _: &World, rng: &mut Rng) -> Result<()> {
        let link = create(&self.implementation.named(NAME)?).context("link of a qdisc")?;
        if rng.bool() {
            run("tc", &["qdisc", "replace", "dev", DEVICE, "root", "handle", "1:", NAME])?;
            if rng.bool() {
                link.detach().context("detach a qdisc that is used")?;
            }
            run("tc", &["qdisc", "del", "dev", DEVICE, "root"])?;
        }
        Ok(())
    }
}

impl Drop for Disc {
    fn drop(&mut self) {
        // It is an interface of the guest's, which ends soon.
        let _ = run("ip", &["link", "del", DEVICE]);
    }
}

/// Both rest for long, so they take turns in one thread.
impl Actor for (Disc, Sched) {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        if rng.u32(..4) == 0 { self.1.step(world, rng) } else { self.0.step(world, rng) }
    }

    fn rest(&self) -> Duration {
        Duration::from_millis(50)
    }
}
