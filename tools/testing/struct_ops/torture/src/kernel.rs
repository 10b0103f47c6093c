// SPDX-License-Identifier: GPL-2.0-only

//! Which kernel this is.

use anyhow::{Context, Result};

use crate::program::run;

/// Whether an update keeps the permission of ordinary users to choose the name. With the registry
/// in C it is lost.
pub fn keeps_permission() -> Result<bool> {
    let config = run("zcat", &["/proc/config.gz"]).context("cannot read the configuration")?;
    Ok(config.lines().any(|line| line == "CONFIG_TCP_CONG_REGISTRY_RUST=y"))
}
