// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap update`: replace the table behind a link.

use anyhow::Result;
use struct_ops::link::Link;
use struct_ops::object::StructOps;
use struct_ops::table::Tables;
use struct_ops::{attach, output};

use crate::cli::Update;
use crate::migrate;

/// Runs the command.
pub fn run(args: &Update) -> Result<()> {
    let link = Link::open(&args.link)?;
    let before = link.info()?;
    let mut new = StructOps::load_file(&args.object, args.map.as_deref())?;
    let tables = Tables::new()?;
    let table = tables.of(new.map())?;

    attach::update((&link, &args.link), (&new, &table), args.expect_old, &tables)?;
    new.keep();
    let old = before.map_id.map_or("none".into(), |id| id.to_string());
    let map = new.map_id()?;
    let done = format!("updated {table}: link {}, map {map} in place of {old}", before.id);
    output::say(&done, &done)?;
    if args.migrate.wanted {
        output::say(migrate::run(&args.link, &args.migrate)?, &done)?;
    }
    Ok(())
}
