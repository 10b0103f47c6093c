// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap detach`: unregister the table behind a link.

use std::fs;

use anyhow::{Context, Result, anyhow};

use crate::advice;
use crate::bpffs;
use crate::cli::OneLink;
use crate::link::{Link, LinkRef};
use crate::output;

/// Runs the command.
pub fn run(args: &OneLink) -> Result<()> {
    let link = Link::open(&args.link)?;
    let info = link.info()?;
    link.detach().map_err(|error| anyhow!(advice::detach(&args.link, &error)))?;
    let done = match info.map_id {
        Some(map) => format!("detached link {} from map {map}", info.id),
        None => format!("link {} was detached already", info.id),
    };

    // A pin of a detached link serves nothing. Only the named one is removed:
    // another may be someone else's.
    if let LinkRef::Pin(path) = &args.link {
        fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    output::say(&done, &done)?;
    for pin in bpffs::link_pins()?.remove(&info.id).unwrap_or_default() {
        let stays = format!("its pin {} stays; rm it to let the link go", pin.display());
        output::say(stays, &done)?;
    }
    Ok(())
}
