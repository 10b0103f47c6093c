// SPDX-License-Identifier: GPL-2.0-only

//! Reads and writes the lists of names and the default.

use std::fs;

use anyhow::{Context, Result, ensure};
use common::sysctl::{ALLOWED, AVAILABLE, DEFAULT, read};
use fastrand::Rng;

use crate::actor::Actor;
use crate::world::{NAMES, World};

/// The actor.
pub struct Sysctl;

/// Allows ordinary users to choose the names that are registered throughout. No list that is
/// written during the run lacks them, so they stay allowed.
pub fn allow() -> Result<()> {
    let allowed = format!("reno cubic {}", NAMES.join(" "));
    fs::write(ALLOWED, allowed).context("write the allowed")
}

impl Actor for Sysctl {
    fn step(&mut self, _: &World, rng: &mut Rng) -> Result<()> {
        let name = NAMES[rng.usize(..NAMES.len())];
        match rng.u32(..4) {
            0 => fs::write(DEFAULT, name).context("write the default")?,
            1 => allow()?,
            2 => drop(read(ALLOWED).context("read the allowed")?),
            _ => {
                let listed = read(AVAILABLE).context("read the available")?;
                for name in NAMES {
                    let found = listed.split_whitespace().any(|word| word == name);
                    ensure!(found, "{name} is not available: {listed}");
                }
            }
        }
        Ok(())
    }
}
