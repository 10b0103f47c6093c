// SPDX-License-Identifier: GPL-2.0-only

//! The two implementations, and the link that swaps them.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};
use libbpf_rs::{MapCore, MapFlags, MapHandle};
use serde::Serialize;
use struct_ops::attach;
use struct_ops::link::Link;
use struct_ops::object::StructOps;
use struct_ops::table::Tables;

/// The name that both implementations register.
pub const NAME: &str = "ccswap";

/// Which implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// CUBIC, attached first.
    Cubic,
    /// Reno.
    Reno,
}

impl Algorithm {
    /// Both, in the order of their first use.
    pub const ALL: [Self; 2] = [Self::Cubic, Self::Reno];

    /// The one that is current after so many swaps.
    pub fn after(swaps: u64) -> Self {
        if swaps % 2 == 0 { Self::Cubic } else { Self::Reno }
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Cubic => "cubic",
            Self::Reno => "reno",
        })
    }
}

/// What an implementation has counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    /// The connections that it started.
    pub connections: u64,
    /// Those of them that do not tell so, since the kernel could not mark them.
    pub unmarked: u64,
}

/// One implementation in the kernel.
#[derive(Debug)]
struct Implementation {
    /// Its table.
    table: StructOps,
    /// Its variables: the number of connections that it started.
    variables: MapHandle,
    /// The sockets on which it started one.
    started: MapHandle,
}

impl Implementation {
    /// Loads it.
    fn load(algorithm: Algorithm) -> Result<Self> {
        let object: &[u8] = match algorithm {
            Algorithm::Cubic => include_bytes!(concat!(env!("OUT_DIR"), "/cubic.bpf.o")),
            Algorithm::Reno => include_bytes!(concat!(env!("OUT_DIR"), "/reno.bpf.o")),
        };
        let table = StructOps::load_embedded(&algorithm.to_string(), object)?;
        Ok(Self {
            variables: table.other_map(".bss")?,
            started: table.other_map("started")?,
            table,
        })
    }

    /// How many connections it started.
    fn connections(&self) -> Result<Counted> {
        let bytes = self.variables.lookup(&0u32.to_ne_bytes(), MapFlags::ANY)?;
        let bytes = bytes.context("no counters")?;
        let number = |at: usize| {
            let number = bytes.get(at..).and_then(|rest| rest.first_chunk());
            number.copied().map(u64::from_ne_bytes).context("no counter")
        };
        Ok(Counted { connections: number(0)?, unmarked: number(8)? })
    }

    /// Whether it started this connection.
    fn has_started(&self, socket: &impl AsFd) -> Result<bool> {
        let key = socket.as_fd().as_raw_fd().to_ne_bytes();
        Ok(self.started.lookup(&key, MapFlags::ANY)?.is_some())
    }
}

/// Both implementations, one of them behind the link.
#[derive(Debug)]
pub struct Algorithms {
    /// The implementations, in the order of [`Algorithm::ALL`].
    implementations: [Implementation; 2],
    /// The link. Nothing stays registered once it is dropped.
    link: Link,
}

impl Algorithms {
    /// Loads both and attaches CUBIC. To be called before threads are started.
    pub fn attach() -> Result<Self> {
        let implementations =
            [Implementation::load(Algorithm::Cubic)?, Implementation::load(Algorithm::Reno)?];
        let first = &implementations[Algorithm::Cubic as usize].table;
        let tables = Tables::new()?;
        let link = attach::attach(first, &tables.of(first.map())?, &tables)?;
        Ok(Self { implementations, link })
    }

    /// The link's id.
    pub fn link_id(&self) -> Result<u32> {
        Ok(self.link.info()?.id)
    }

    /// Puts an implementation behind the name.
    pub fn swap_to(&self, algorithm: Algorithm) -> io::Result<()> {
        self.link.update(self.get(algorithm).table.as_fd(), None)
    }

    /// Which implementation a connection got; none if it was started by none, or not marked.
    pub fn of_socket(&self, socket: &impl AsFd) -> Result<Option<Algorithm>> {
        for algorithm in Algorithm::ALL {
            if self.get(algorithm).has_started(socket)? {
                return Ok(Some(algorithm));
            }
        }
        Ok(None)
    }

    /// How many connections an implementation started, by its own count.
    pub fn connections(&self, algorithm: Algorithm) -> Result<Counted> {
        self.get(algorithm).connections()
    }

    /// An implementation.
    fn get(&self, algorithm: Algorithm) -> &Implementation {
        &self.implementations[algorithm as usize]
    }
}
