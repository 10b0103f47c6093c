// SPDX-License-Identifier: GPL-2.0-only

//! What a run leaves in the kernel: nothing.

use anyhow::{Context, Result};
use common::settle::settle;

use crate::actors::modules;
use crate::cases::PATIENCE;
use crate::census::Census;
use crate::leaks;
use crate::report::Case;
use crate::slabs::{self, Slabs};

/// What there was before the run.
pub struct Before {
    /// What exists.
    census: Census,
    /// The objects in caches, where the kernel counts them.
    slabs: Option<Slabs>,
}

impl Before {
    /// Takes it down.
    pub fn new() -> Result<Self> {
        leaks::forget()?;
        let slabs = slabs::are_counted().then(slabs::count).transpose();
        let slabs = slabs.context("cannot count the objects in caches")?;
        Ok(Self { census: Census::take().context("cannot count what exists")?, slabs })
    }

    /// Compares it with what there is now, once the kernel has freed what was let go.
    pub fn cases(&self) -> Result<Vec<Case>> {
        let census = Case::new(
            "programs, maps, links, BTF, sockets and modules are as before",
            settle(PATIENCE, || {
                // It has BTF, and may be in use until the last of its connections has ended.
                let _ = modules::unload();
                Ok(Census::take()?.complaints(&self.census))
            })?,
        );
        let name = "slabs are as before";
        let slabs = match &self.slabs {
            Some(before) => Case::new(
                name,
                settle(PATIENCE, || Ok(slabs::complaints(&slabs::count()?, before)))?,
            ),
            None => Case::skipped(name, "the kernel was built without SLUB_DEBUG"),
        };
        let name = "kmemleak is silent";
        let leaks = if leaks::are_looked_for() {
            Case::new(name, leaks::found()?)
        } else {
            Case::skipped(name, "the kernel was built without DEBUG_KMEMLEAK")
        };
        Ok(vec![census, slabs, leaks])
    }
}
