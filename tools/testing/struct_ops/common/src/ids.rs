// SPDX-License-Identifier: GPL-2.0-only

//! The ids of the BPF objects that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use nix::errno::Errno;

use crate::{check, sys};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Programs.
    Prog,
    /// Maps.
    Map,
    /// Links.
    Link,
    /// Descriptions of types.
    Btf,
}

/// All of them.
pub const KINDS: [Kind; 4] = [Kind::Prog, Kind::Map, Kind::Link, Kind::Btf];

/// The id of the next object after `id`, or ENOENT.
pub fn next(kind: Kind, id: u32) -> io::Result<u32> {
    let mut next = 0;
    let call = match kind {
        Kind::Prog => sys::bpf_prog_get_next_id,
        Kind::Map => sys::bpf_map_get_next_id,
        Kind::Link => sys::bpf_link_get_next_id,
        Kind::Btf => sys::bpf_btf_get_next_id,
    };
    // SAFETY: `next` is alive and written by the call.
    check(unsafe { call(id, &mut next) })?;
    Ok(next)
}

/// The ids of every object of a kind, rising.
pub fn all(kind: Kind) -> io::Result<Vec<u32>> {
    let mut ids = Vec::new();
    loop {
        match next(kind, ids.last().copied().unwrap_or(0)) {
            Ok(id) => ids.push(id),
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => return Ok(ids),
            Err(error) => return Err(error),
        }
    }
}

/// The objects of a moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Objects(pub BTreeMap<Kind, BTreeSet<u32>>);

impl Objects {
    /// Those that exist.
    pub fn now() -> io::Result<Self> {
        let found = KINDS.into_iter().map(|kind| Ok((kind, all(kind)?.into_iter().collect())));
        Ok(Self(found.collect::<io::Result<_>>()?))
    }

    /// Those that were not there before, in words; empty when there are none.
    pub fn complaints(&self, before: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, now) in &self.0 {
            let new: Vec<_> = now.difference(&before.0[kind]).collect();
            if !new.is_empty() {
                found.push(format!("{kind:?}s that are left: {new:?}"));
            }
        }
        found
    }
}
