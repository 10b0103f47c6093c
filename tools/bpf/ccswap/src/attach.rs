// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap attach`: register a table and pin its link.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use crate::advice;
use crate::bpffs;
use crate::cli::Attach;
use crate::link::Link;
use crate::output;
use crate::struct_ops::StructOps;
use crate::table::Tables;

/// Runs the command.
pub fn run(args: &Attach) -> Result<()> {
    if let Some(pin) = &args.pin {
        bpffs::check_free(pin)?;
    }
    let new = StructOps::load_file(&args.object, args.map.as_deref())?;
    let map_id = new.map_id()?;
    let table = Tables::new()?.of_map(map_id)?;

    let name = table.name.as_deref().unwrap_or(new.name());
    let pin = args.pin.clone().unwrap_or_else(|| Path::new(bpffs::DEFAULT_DIR).join(name));
    bpffs::check_free(&pin)?;

    let link =
        Link::create(new.as_fd()).map_err(|error| anyhow!(advice::attach(&table, &error)))?;
    // Without the pin the link ends with this process, and all is as before.
    pin_link(&link, &pin)?;
    let done = format!(
        "attached {table}: link {}, map {map_id}, pinned at {}",
        link.info()?.id,
        pin.display()
    );
    output::say(&done, &done)
}

/// Pins the link, in a directory that may have to be made.
fn pin_link(link: &Link, path: &Path) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    link.pin(path).with_context(|| {
        format!(
            "cannot pin the link at {} (a name there holds no dot); nothing stays attached",
            path.display()
        )
    })
}
