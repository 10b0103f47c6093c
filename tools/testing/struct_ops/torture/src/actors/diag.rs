// SPDX-License-Identifier: GPL-2.0-only

//! Dumps all sockets with what inet_diag knows of their congestion control.

use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;

use crate::actor::Actor;
use crate::program::run;
use crate::world::World;

/// The actor.
pub struct Diag;

impl Actor for Diag {
    fn step(&mut self, _: &World, rng: &mut Rng) -> Result<()> {
        let which = ["-tian", "-tien", "-Mian"][rng.usize(..3)];
        run("ss", &[which]).map(drop)
    }

    fn rest(&self) -> Duration {
        Duration::from_millis(50)
    }
}
