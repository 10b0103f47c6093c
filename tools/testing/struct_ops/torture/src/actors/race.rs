// SPDX-License-Identifier: GPL-2.0-only

//! Updates, detaches and closes one link at the same time, from two threads.

use std::io;
use std::thread;

use anyhow::{Context, Result, ensure};
use common::link::Link;
use fastrand::Rng;
use libbpf_rs::MapHandle;
use nix::errno::Errno;

use crate::actor::Actor;
use crate::errno::failed_with;
use crate::world::{World, tables};

/// The name, which is this actor's alone.
const NAME: &str = "torture_race";

/// The actor.
pub struct Race {
    /// Tables of its name.
    tables: Vec<MapHandle>,
}

impl Race {
    /// Makes the tables.
    pub fn new(world: &World) -> Result<Self> {
        let tables = tables(&world.implementations, NAME)?;
        Ok(Self { tables })
    }
}

/// Whether an update may end like this while someone detaches.
fn may_be(result: &io::Result<()>) -> bool {
    result.is_ok() || failed_with(result, Errno::ENOLINK)
}

impl Actor for Race {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let link = world.create(&self.tables[0]).context("create")?;
        let second = Link::open_id(link.info()?.id).context("open by id")?;
        let (updates, detaches) = (rng.usize(1..8), rng.bool());
        let spin = rng.u32(..2000);
        let results: Vec<_> = thread::scope(|scope| {
            let tables = &self.tables;
            let updater = scope.spawn(move || {
                (0..updates).map(|n| link.update(&tables[n % tables.len()])).collect()
            });
            for _ in 0..spin {
                std::hint::spin_loop();
            }
            let detached = if detaches { second.detach() } else { second.info().map(drop) };
            drop(second);
            let mut results: Vec<_> = updater.join().unwrap_or_default();
            results.push(detached);
            results
        });
        for result in &results {
            ensure!(may_be(result), "in a race: {result:?}");
        }
        let ended = results[..updates].iter().skip_while(|result| result.is_ok());
        ensure!(ended.clone().all(Result::is_err), "an update after the end: {results:?}");
        ensure!(detaches || ended.count() == 0, "an end without a detach: {results:?}");
        Ok(())
    }
}
