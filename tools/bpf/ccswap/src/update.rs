// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap update`: replace the table behind a link.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Result, anyhow};
use libbpf_rs::libbpf_sys as sys;

use crate::advice;
use crate::cli::Update;
use crate::link::{self, Link};
use crate::output;
use crate::struct_ops::StructOps;
use crate::table::Tables;

/// Runs the command.
pub fn run(args: &Update) -> Result<()> {
    let link = Link::open(&args.link)?;
    let before = link.info()?;
    let new = StructOps::load_file(&args.object, args.map.as_deref())?;
    let map_id = new.map_id()?;
    let tables = Tables::new()?;
    let table = tables.of_map(map_id)?;

    if let Err(error) = replace(&link, &new, args.expect_old) {
        let current_map = link.info()?.map_id;
        let current = current_map.and_then(|id| tables.of_map(id).ok());
        let update = advice::Update {
            link: &args.link,
            current_map,
            current: current.as_ref(),
            new: &table,
            expected_map: args.expect_old,
        };
        return Err(anyhow!(update.explain(&error)));
    }
    let old = before.map_id.map_or("none".into(), |id| id.to_string());
    let done = format!("updated {table}: link {}, map {map_id} in place of {old}", before.id);
    output::say(&done, &done)
}

/// Updates the link, if asked only in place of the expected map.
fn replace(link: &Link, new: &StructOps, expected: Option<u32>) -> io::Result<()> {
    let expected = expected.map(open_map).transpose()?;
    link.update(new.as_fd(), expected.as_ref().map(AsFd::as_fd))
}

/// Opens a map by its id.
fn open_map(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: a plain integer.
    link::owned(unsafe { sys::bpf_map_get_fd_by_id(id) })
}
