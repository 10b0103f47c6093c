// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap rollback`: go back to the version before the last update.

use anyhow::{Context, Result};
use struct_ops::link::Link;
use struct_ops::table::Tables;
use struct_ops::{attach, before, output};

use crate::cli::Rollback;
use crate::{migrate, update};

/// Runs the command.
pub fn run(args: &Rollback) -> Result<()> {
    let link = Link::open(&args.link)?;
    let id = link.info()?.id;
    let none = || format!("no version before is kept for {}; an update keeps one", args.link);
    if args.forget {
        let forgotten = before::forget(id)?;
        let said = if forgotten { "the version before is kept no more".into() } else { none() };
        return Ok(output::say(said, "")?);
    }
    let map = before::kept(id).with_context(none)?;
    let tables = Tables::new()?;
    let table = tables.of(&map)?;
    let replaced = attach::update((&link, &args.link), (&map, &table), None, &tables)?;
    let kept = update::keep_before(id, &replaced);
    let now = link.info()?.map_id.unwrap_or_default();
    let done =
        format!("rolled back {table}: link {id}, map {now} in place of {}{kept}", replaced.map_id);
    output::say(&done, &done)?;
    migrate::run(&args.link, &args.migrate, &done)
}
