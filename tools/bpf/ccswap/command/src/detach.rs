// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap detach`: unregister the table behind a link.

use anyhow::Result;
use struct_ops::link::{Link, LinkRef};
use struct_ops::{Error, before, bpffs, output};

use crate::cli::OneLink;

/// Runs the command.
pub fn run(args: &OneLink) -> Result<()> {
    let link = Link::open(&args.link)?;
    let info = link.info()?;
    link.detach().map_err(|error| Error::Detach { link: args.link.clone(), error })?;
    let done = match info.map_id {
        Some(map) => format!("detached link {} from map {map}", info.id),
        None => format!("link {} was detached already", info.id),
    };

    before::forget(info.id)?;

    // A pin of a detached link serves nothing. Only the named one is removed:
    // another may be someone else's.
    let mut said = vec![done.clone()];
    match &args.link {
        LinkRef::Pin(path) if !bpffs::unpin(path, info.id)? => {
            said.push(format!("{} holds something else by now, and stays", path.display()));
        }
        _ => {}
    }
    for pin in bpffs::link_pins()?.remove(&info.id).unwrap_or_default() {
        said.push(format!("its pin {} stays; rm it to let the link go", pin.display()));
    }
    Ok(output::say(said.join("\n"), &done)?)
}
