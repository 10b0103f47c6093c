// SPDX-License-Identifier: GPL-2.0-only

//! The versions of a table that sockets run: the one behind the link, and older ones.

use crate::error::Result;
use crate::iterators::{Iterators, Place, Socket, State};
use crate::table::{self, Table, Tables};

/// A version, and the sockets that run it.
#[derive(Debug)]
pub struct Version {
    /// The id of its map.
    pub map_id: u32,
    /// Whether it is the one behind the link.
    pub current: bool,
    /// Where its table is.
    pub place: Place,
    /// The sockets.
    pub sockets: Vec<Socket>,
}

impl Version {
    /// How many of the sockets are in a state.
    pub fn count(&self, state: State) -> usize {
        self.sockets.iter().filter(|socket| socket.state == state).count()
    }
}

/// The versions of a table, the newest map first: the current one, whose map is `current`, and
/// those of the same type and name that a socket still runs.
///
/// # Errors
///
/// The iterators fail.
pub fn of(
    table: &Table,
    current: u32,
    tables: &Tables,
    iterators: &Iterators,
) -> Result<Vec<Version>> {
    let places = iterators.places()?;
    let sockets = iterators.sockets()?;
    let mut maps = table::struct_ops_maps();
    maps.retain(|id| *id == current || tables.of_map(*id).is_ok_and(|found| found == *table));
    let mut versions: Vec<_> = maps
        .into_iter()
        .filter_map(|map_id| {
            let place = *places.get(&map_id)?;
            let sockets = sockets.iter().filter(|socket| socket.runs(&place)).cloned().collect();
            Some(Version { map_id, current: map_id == current, place, sockets })
        })
        .filter(|version| version.current || !version.sockets.is_empty())
        .collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.map_id));
    Ok(versions)
}
