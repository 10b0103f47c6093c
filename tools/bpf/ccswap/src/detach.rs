// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap detach`: unregister the table behind a link.

use std::fs;

use anyhow::{Context, Result, anyhow};

use crate::advice;
use crate::bpffs;
use crate::cli::OneLink;
use crate::link::{Link, LinkRef};

/// Runs the command.
pub fn run(args: &OneLink) -> Result<()> {
    let link = Link::open(&args.link)?;
    let info = link.info()?;
    link.detach().map_err(|error| anyhow!(advice::detach(&args.link, &error)))?;
    match info.map_id {
        Some(map) => println!("detached link {} from map {map}", info.id),
        None => println!("link {} was detached already", info.id),
    }

    // A pin of a detached link serves nothing. Only the named one is removed:
    // another may be someone else's.
    if let LinkRef::Pin(path) = &args.link {
        fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    for pin in bpffs::link_pins()?.remove(&info.id).unwrap_or_default() {
        println!("its pin {} stays; rm it to let the link go", pin.display());
    }
    Ok(())
}
