// SPDX-License-Identifier: GPL-2.0-only

//! Programs of socket operations and of the security module that choose among the names, attached
//! for a while, again and again.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use libbpf_rs::{MapCore, MapFlags, Object, ObjectBuilder};

use super::routes;
use crate::actor::Actor;
use crate::counts::Count;
use crate::world::{NAMES, World};

/// The programs.
const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/choose.bpf.o"));
/// The control group of all processes.
const GROUP: &str = "/sys/fs/cgroup";
/// So many connections do not all end without a choice.
const MANY: u64 = 500;
/// The size of a name in the kernel.
const NAME: usize = 16;

/// The actor.
pub struct Choosers {
    /// The programs and their maps.
    object: Object,
    /// What they are attached to.
    group: File,
}

impl Choosers {
    /// Loads the programs, and tells them the names, and whom to leave alone.
    pub fn new() -> Result<Self> {
        let object = ObjectBuilder::default().open_memory(OBJECT)?.load()?;
        let chooser = Self { object, group: File::open(GROUP)? };
        let mut value = vec![0; NAME * NAMES.len()];
        for (field, name) in value.chunks_mut(NAME).zip(NAMES) {
            field[..name.len()].copy_from_slice(name.as_bytes());
        }
        chooser.tell(".names", &value)?;
        chooser.tell(".left_alone", &routes::ADDRESS.octets())?;
        Ok(chooser)
    }

    /// Writes what the programs read.
    fn tell(&self, suffix: &str, value: &[u8]) -> Result<()> {
        Ok(self.map(suffix)?.update(&0u32.to_ne_bytes(), value, MapFlags::ANY)?)
    }

    /// A map of the object, by how its name ends.
    fn map(&self, suffix: &str) -> Result<impl MapCore + '_> {
        let map = self.object.maps().find(|map| map.name().to_string_lossy().ends_with(suffix));
        map.with_context(|| format!("no map {suffix}"))
    }

    /// A number that the programs count.
    fn counted(&self, suffix: &str) -> Result<u64> {
        let value = self.map(suffix)?.lookup(&0u32.to_ne_bytes(), MapFlags::ANY)?;
        let number = value.as_deref().and_then(|value| value.first_chunk()).copied();
        Ok(u64::from_ne_bytes(number.context("no number")?))
    }
}

impl Actor for Choosers {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let before = self.counted(".chosen")?;
        let connections_before = world.counts.get(Count::Connections);
        let attached = self
            .object
            .progs_mut()
            .map(|program| program.attach_cgroup(self.group.as_raw_fd()))
            .collect::<Result<Vec<_>, _>>()
            .context("attach what chooses")?;
        sleep(Duration::from_millis(rng.u64(20..200)));
        // Traffic ends before the actors do, so there may be no socket left to choose for.
        while self.counted(".chosen")? == before && world.goes_on() {
            let connections = world.counts.get(Count::Connections) - connections_before;
            ensure!(connections < MANY, "none of {connections} connections was given a name");
            sleep(Duration::from_millis(10));
        }
        drop(attached);
        let refused = self.counted(".refused")?;
        ensure!(refused == 0, "{refused} sockets could not be given a name");
        Ok(())
    }

    fn rest(&self) -> Duration {
        Duration::from_millis(50)
    }
}
