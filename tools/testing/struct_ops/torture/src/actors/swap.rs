// SPDX-License-Identifier: GPL-2.0-only

//! Updates the link of one name, right and wrong, and looks at it. Nobody else
//! changes this link, so what each call returns is known.

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use nix::errno::Errno;

use crate::actor::Actor;
use crate::errno::failed_with;
use crate::world::{IMPLEMENTATIONS, NAMES, World};

/// The actor.
pub struct Swap {
    /// The number of its name.
    name: usize,
    /// The table that is registered now.
    now: usize,
}

impl Swap {
    /// For the name with this number.
    pub fn new(name: usize) -> Self {
        Self { name, now: 0 }
    }
}

impl Actor for Swap {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let entry = &world.entries[self.name];
        let next = rng.usize(..IMPLEMENTATIONS);
        let (tables, link) = (&entry.tables, &entry.link);
        match rng.u32(..10) {
            0..5 => {
                link.update(&tables[next]).context("update")?;
                self.now = next;
            }
            5..7 => {
                link.replace(&tables[next], &tables[self.now]).context("replace")?;
                self.now = next;
            }
            7 => {
                let wrong = (self.now + 1) % IMPLEMENTATIONS;
                let result = link.replace(&tables[next], &tables[wrong]);
                ensure!(failed_with(&result, Errno::EPERM), "wrong old map: {result:?}");
            }
            8 => {
                let other = &world.entries[(self.name + 1) % NAMES.len()].tables[next];
                let result = link.update(other);
                ensure!(failed_with(&result, Errno::EINVAL), "other name: {result:?}");
            }
            _ => {
                let info = link.info().context("info")?;
                let line = format!("map_id:\t{}", info.map_id);
                let fdinfo = link.fdinfo().context("fdinfo")?;
                ensure!(fdinfo.contains(&line), "fdinfo lacks {line}: {fdinfo}");
                ensure!(!link.hung_up().context("poll")?, "a link that is attached hung up");
            }
        }
        Ok(())
    }
}
