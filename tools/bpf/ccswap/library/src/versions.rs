// SPDX-License-Identifier: GPL-2.0-only

//! The versions of a table that sockets run: the one behind the link, and older ones.

use std::collections::HashMap;

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
    /// Whether it is kept for a rollback.
    pub kept: bool,
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

/// What the iterators saw at one time. It serves any number of tables.
#[derive(Debug)]
pub struct Snapshot {
    /// Where the table of each map is.
    places: HashMap<u32, Place>,
    /// The TCP sockets.
    sockets: Vec<Socket>,
}

impl Snapshot {
    /// Runs the iterators.
    ///
    /// # Errors
    ///
    /// They fail.
    pub fn take(iterators: &Iterators) -> Result<Self> {
        Ok(Self { places: iterators.places()?, sockets: iterators.sockets()? })
    }

    /// The versions of a table, the newest map first: the current one, whose map is `current`,
    /// the one that is kept for a rollback, and those of the same type and name that a socket
    /// still runs.
    pub fn versions(
        &self,
        table: &Table,
        (current, kept): (u32, Option<u32>),
        tables: &Tables,
    ) -> Vec<Version> {
        let mut maps = table::struct_ops_maps();
        maps.retain(|id| *id == current || tables.of_map(*id).is_ok_and(|found| found == *table));
        let mut versions: Vec<_> = maps
            .into_iter()
            .filter_map(|map_id| {
                let place = *self.places.get(&map_id)?;
                let runs = self.sockets.iter().filter(|socket| socket.runs(&place));
                let sockets = runs.cloned().collect();
                Some(Version {
                    map_id,
                    current: map_id == current,
                    kept: Some(map_id) == kept,
                    place,
                    sockets,
                })
            })
            .filter(|version| version.current || version.kept || !version.sockets.is_empty())
            .collect();
        versions.sort_by_key(|version| std::cmp::Reverse(version.map_id));
        versions
    }
}
