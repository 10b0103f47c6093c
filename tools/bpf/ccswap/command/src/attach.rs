// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap attach`: register a table and pin its link.

use anyhow::Result;
use struct_ops::object::StructOps;
use struct_ops::table::Tables;
use struct_ops::{attach, bpffs, output};

use crate::cli::Attach;

/// Runs the command.
pub fn run(args: &Attach) -> Result<()> {
    if let Some(pin) = &args.pin {
        bpffs::check_free(pin)?;
    }
    let mut new = StructOps::load_file(&args.source.object, args.source.map.as_deref())?;
    let tables = Tables::new()?;
    let table = tables.of(new.map())?;

    let name = table.name.as_deref().unwrap_or(new.name());
    let pin = args.pin.clone().unwrap_or_else(|| bpffs::default_pin(name));
    bpffs::check_free(&pin)?;

    let link = attach::attach(&new, &table, &tables)?;
    // Without the pin the link ends with this process, and all is as before.
    bpffs::pin(&link, &pin)?;
    new.keep();
    let done = format!(
        "attached {table}: link {}, map {}, pinned at {}",
        link.info()?.id,
        new.map_id()?,
        pin.display()
    );
    Ok(output::say(&done, &done)?)
}
