// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap update`: replace the table behind a link.

use anyhow::Result;
use struct_ops::attach::Replaced;
use struct_ops::link::Link;
use struct_ops::object::StructOps;
use struct_ops::table::Tables;
use struct_ops::{attach, before, output};

use crate::cli::Update;
use crate::migrate;

/// Runs the command.
pub fn run(args: &Update) -> Result<()> {
    let link = Link::open(&args.link)?;
    let id = link.info()?.id;
    let mut new = StructOps::load_file(&args.source.object, args.source.map.as_deref())?;
    let tables = Tables::new()?;
    let table = tables.of(new.map())?;

    let replaced = attach::update((&link, &args.link), (&new, &table), args.expect_old, &tables)?;
    new.keep();
    let kept = if args.forget {
        before::forget(id)?;
        String::new()
    } else {
        keep_before(id, &replaced)
    };
    let (map, old) = (new.map_id()?, replaced.map_id);
    let done = format!("updated {table}: link {id}, map {map} in place of {old}{kept}");
    output::say(&done, &done)?;
    migrate::run(&args.link, &args.migrate, &done)
}

/// Keeps what an update has replaced. Returns what there is to say if that fails: the update
/// stands nevertheless.
pub fn keep_before(link: u32, replaced: &Replaced) -> String {
    let kept = match &replaced.map {
        Some(map) => before::keep(link, map),
        // The one that is kept is not the one before any more.
        None => before::forget(link).map(|_| ()),
    };
    match (kept, &replaced.map) {
        (Ok(()), Some(_)) => String::new(),
        (Ok(()), None) => "; the version before is not kept, which needs CAP_SYS_ADMIN".into(),
        (Err(error), _) => format!("; the version before is not kept: {error}"),
    }
}
