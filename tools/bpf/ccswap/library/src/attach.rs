// SPDX-License-Identifier: GPL-2.0-only

//! Registering a table, and replacing it, with the reason if it fails.

use std::io::ErrorKind;
use std::os::fd::AsFd;

use crate::error::{Error, Result, Update};
use crate::holder;
use crate::link::{Link, LinkRef};
use crate::object::StructOps;
use crate::table::{self, Table, Tables};

/// Registers a table, which is `table`, by a link. It ends with the result unless that is pinned.
///
/// # Errors
///
/// The kernel refuses: the name is taken, or the type takes no link.
pub fn attach(new: &StructOps, table: &Table, tables: &Tables) -> Result<Link> {
    Link::create(new).map_err(|error| Error::Attach {
        table: table.clone(),
        holder: (error.kind() == ErrorKind::AlreadyExists)
            .then(|| holder::of(table, tables))
            .flatten(),
        error,
    })
}

/// Replaces what is behind a link by `table`; only in place of the expected map, if one is given.
///
/// # Errors
///
/// The kernel refuses, and the link is as it was.
pub fn update(
    (link, name): (&Link, &LinkRef),
    (new, table): (&StructOps, &Table),
    expected_map: Option<u32>,
    tables: &Tables,
) -> Result<()> {
    let replaced = expected_map
        .map(table::open_map)
        .transpose()
        .and_then(|expected| link.update(new.as_fd(), expected.as_ref().map(AsFd::as_fd)));
    let Err(error) = replaced else {
        return Ok(());
    };
    let current_map = link.info()?.map_id;
    Err(Error::Update(Box::new(Update {
        link: name.clone(),
        current_map,
        current: current_map.and_then(|id| tables.of_map(id).ok()),
        new: table.clone(),
        expected_map,
        error,
    })))
}
