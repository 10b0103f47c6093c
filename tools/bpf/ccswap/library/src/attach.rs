// SPDX-License-Identifier: GPL-2.0-only

//! Registering a table, and replacing it, with the reason if it fails.

use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};

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

/// What an update replaced.
#[derive(Debug)]
pub struct Replaced {
    /// The id of the map that the link held before.
    pub map_id: u32,
    /// That map; none if the user may not open it, which needs CAP_SYS_ADMIN.
    pub map: Option<OwnedFd>,
}

/// Replaces what is behind a link by `table` in `map`; only in place of the expected map, if one
/// is given. Returns what was replaced.
///
/// # Errors
///
/// The kernel refuses, and the link is as it was.
pub fn update(
    (link, name): (&Link, &LinkRef),
    (map, table): (&impl AsFd, &Table),
    expected_map: Option<u32>,
    tables: &Tables,
) -> Result<Replaced> {
    loop {
        let current_map = link.info()?.map_id;
        let old = current_map.and_then(|id| table::open_map(id).ok());
        let expected = match expected_map {
            Some(id) => Some(table::open_map(id)),
            // So that no update by another goes unseen between the look and the call.
            None => old.as_ref().map(OwnedFd::try_clone),
        };
        let replaced = expected
            .transpose()
            .and_then(|expected| link.update(map.as_fd(), expected.as_ref().map(AsFd::as_fd)));
        let now = link.info()?.map_id;
        match replaced {
            Ok(()) => return Ok(Replaced { map_id: current_map.unwrap_or_default(), map: old }),
            Err(_) if expected_map.is_none() && now.is_some() && now != current_map => {}
            Err(error) => {
                return Err(Error::Update(Box::new(Update {
                    link: name.clone(),
                    current_map: now,
                    current: now.and_then(|id| tables.of_map(id).ok()),
                    new: table.clone(),
                    expected_map,
                    error,
                })));
            }
        }
    }
}
