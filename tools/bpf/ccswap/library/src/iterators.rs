// SPDX-License-Identifier: GPL-2.0-only

//! The BPF iterators that see which table each TCP socket runs, and that move sockets.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libbpf_rs::libbpf_sys as sys;
use libbpf_rs::{Link, MapCore, MapFlags, Object};
use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};

use crate::error::{Error, Result};
use crate::{link, netns, object};

/// What `src/bpf/sockets.bpf.c` was compiled to.
const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sockets.bpf.o"));
/// The size of a `struct table_record` there.
const TABLE_RECORD: usize = 24;
/// The size of a `struct socket_record` there.
const SOCKET_RECORD: usize = 48;
/// Where a `moving` there has its parts: the name, what was moved, the refusals, the control
/// group, the port.
const MOVED: usize = 16;
/// See [`MOVED`].
const REFUSED: usize = MOVED + 8;
/// See [`MOVED`].
const CGROUP: usize = REFUSED + 8 * 256;
/// See [`MOVED`].
const PORT: usize = CGROUP + 8;
/// The address family of IPv4.
const AF_INET: u16 = 2;
/// `TCP_LISTEN` and `TCP_ESTABLISHED` of the kernel.
const LISTEN: u8 = 10;
/// See [`LISTEN`].
const ESTABLISHED: u8 = 1;

/// Where a map's table is.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its address, by which sockets know it.
    address: u64,
    /// How long it has been loaded; none if the kernel does not tell.
    pub age: Option<Duration>,
}

/// What a socket does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for connections.
    Listening,
    /// It is connected.
    Established,
    /// Anything else: it connects, or closes.
    Other,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Listening => "listening",
            Self::Established => "established",
            Self::Other => "other",
        })
    }
}

/// A TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// A file of its network namespace.
    pub namespace: PathBuf,
    /// Its own address.
    pub local: SocketAddr,
    /// The other end's.
    pub remote: SocketAddr,
    /// What it does.
    pub state: State,
    /// The address of its table.
    table: u64,
}

impl Socket {
    /// Whether it runs the table at that place.
    pub fn runs(&self, place: &Place) -> bool {
        self.table == place.address
    }
}

/// What is to be moved to a name's current table.
#[derive(Debug)]
pub struct Move<'a> {
    /// The name.
    pub name: &'a str,
    /// The tables that are to be left.
    pub from: &'a [Place],
    /// Only sockets of the control group with this id, or of one below it.
    pub cgroup: Option<u64>,
    /// Only sockets with this port at either end.
    pub port: Option<u16>,
    /// Only sockets of this network namespace.
    pub namespace: Option<&'a Path>,
}

/// What became of the sockets that were to be moved.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many were.
    pub moved: u64,
    /// How many were not, by the reason.
    pub refused: Vec<(Errno, u64)>,
}

/// The iterators, loaded.
#[derive(Debug)]
pub struct Iterators {
    /// The programs and their maps.
    object: Object,
    /// The iterator over maps.
    tables: Link,
    /// The iterator over sockets.
    sockets: Link,
    /// The one that moves them.
    moves: Link,
}

impl Iterators {
    /// Loads them.
    ///
    /// # Errors
    ///
    /// The kernel has no such iterators, or the user may not.
    pub fn load() -> Result<Self> {
        let origin = "ccswap's iterators over TCP sockets";
        let object = object::load_own(origin, OBJECT)?;
        let attach = |name: &str| {
            let program = object.progs_mut().find(|program| program.name() == name);
            program
                .map_or(Err(libbpf_rs::Error::from_raw_os_error(Errno::ENOENT as i32)), |found| {
                    found.attach()
                })
        };
        let links = (|| Ok((attach("tables")?, attach("sockets")?, attach("move")?)))();
        let (tables, sockets, moves) = links.map_err(object::refused(origin))?;
        Ok(Self { object, tables, sockets, moves })
    }

    /// Where the table of each struct_ops map is, by the map's id.
    ///
    /// # Errors
    ///
    /// The iterator fails.
    pub fn places(&self) -> Result<HashMap<u32, Place>> {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
        let bytes = read_all(self.tables.as_fd()).map_err(Error::system("list the maps"))?;
        Ok(bytes.chunks_exact(TABLE_RECORD).map(|record| place(record, now)).collect())
    }

    /// The TCP sockets of every network namespace that can be entered.
    ///
    /// # Errors
    ///
    /// The iterator fails.
    pub fn sockets(&self) -> Result<Vec<Socket>> {
        let mut found = Vec::new();
        for namespace in netns::all()? {
            let bytes = run_in(&namespace, self.sockets.as_fd())?;
            let sockets =
                bytes.chunks_exact(SOCKET_RECORD).map(|record| socket(record, &namespace));
            found.extend(sockets);
        }
        Ok(found)
    }

    /// Moves sockets.
    ///
    /// # Errors
    ///
    /// The iterator fails. Some may have been moved by then.
    pub fn move_sockets(&self, what: &Move<'_>) -> Result<Moved> {
        let failed =
            |error| Error::system("hand over what is to be moved")(io::Error::other(error));
        let old_tables = object::map_ending(&self.object, "old_tables")?;
        for place in what.from {
            let key = place.address.to_ne_bytes();
            old_tables.update(&key, &[1], MapFlags::ANY).map_err(failed)?;
        }
        let variables = object::map_ending(&self.object, ".bss")?;
        let first = 0u32.to_ne_bytes();
        let mut value = vec![0; variables.value_size() as usize];
        value[..what.name.len()].copy_from_slice(what.name.as_bytes());
        value[CGROUP..PORT].copy_from_slice(&what.cgroup.unwrap_or(0).to_ne_bytes());
        value[PORT..PORT + 2].copy_from_slice(&what.port.unwrap_or(0).to_ne_bytes());
        variables.update(&first, &value, MapFlags::ANY).map_err(failed)?;

        let namespaces = match what.namespace {
            Some(path) => vec![path.to_owned()],
            None => netns::all()?,
        };
        let ran = namespaces
            .iter()
            .try_for_each(|namespace| run_in(namespace, self.moves.as_fd()).map(|_| ()));
        for place in what.from {
            old_tables.delete(&place.address.to_ne_bytes()).map_err(failed)?;
        }
        ran?;
        let value = variables.lookup(&first, MapFlags::ANY).map_err(failed)?.unwrap_or_default();
        Ok(moved(&value))
    }
}

/// Runs an iterator in a namespace, unless that has gone.
fn run_in(namespace: &Path, iterator: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let run = || read_all(iterator).map_err(Error::system("look at the TCP sockets"));
    match netns::within(namespace, run) {
        Err(_) if !namespace.exists() => Ok(Vec::new()),
        result => result,
    }
}

/// Runs an iterator to its end.
fn read_all(iterator: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    // SAFETY: a plain integer.
    let mut output =
        File::from(link::owned(unsafe { sys::bpf_iter_create(iterator.as_raw_fd()) })?);
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match output.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend(&buffer[..count]),
            // So much was skipped that the kernel takes a breath.
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The numbers at a place of a record.
fn number<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record[at..].first_chunk().copied().unwrap_or([0; N])
}

/// Reads a `struct table_record`.
fn place(record: &[u8], now: Duration) -> (u32, Place) {
    let address = u64::from_ne_bytes(number(record, 0));
    let loaded = u64::from_ne_bytes(number(record, 8));
    let age = (loaded != 0).then(|| now.saturating_sub(Duration::from_nanos(loaded)));
    (u32::from_ne_bytes(number(record, 16)), Place { address, age })
}

/// Reads a `struct socket_record`.
fn socket(record: &[u8], namespace: &Path) -> Socket {
    let short = |at| u16::from_ne_bytes(number(record, at));
    let address = |at| match short(8) {
        AF_INET => IpAddr::from(Ipv4Addr::from(number::<4>(record, at))),
        _ => IpAddr::from(Ipv6Addr::from(number::<16>(record, at))),
    };
    Socket {
        namespace: namespace.to_owned(),
        local: (address(16), short(10)).into(),
        remote: (address(32), short(12)).into(),
        state: match record[14] {
            LISTEN => State::Listening,
            ESTABLISHED => State::Established,
            _ => State::Other,
        },
        table: u64::from_ne_bytes(number(record, 0)),
    }
}

/// Reads what a `moving` counted.
fn moved(value: &[u8]) -> Moved {
    let count = |at: usize| u64::from_ne_bytes(number(value, at));
    let refused =
        (1..256).map(|errno| (Errno::from_raw(errno), count(REFUSED + 8 * errno as usize)));
    Moved { moved: count(MOVED), refused: refused.filter(|(_, count)| *count > 0).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_table() {
        let mut record = 0xffff_8880_0000_1000u64.to_ne_bytes().to_vec();
        record.extend(2_000_000_000u64.to_ne_bytes());
        record.extend([7u32.to_ne_bytes(), [0; 4]].concat());
        let (map, found) = place(&record, Duration::from_secs(5));
        assert_eq!((map, found.age), (7, Some(Duration::from_secs(3))));
        record[8..16].fill(0);
        assert_eq!(place(&record, Duration::from_secs(5)).1.age, None);
    }

    #[test]
    fn reads_sockets_of_both_families() {
        let mut record = vec![0; SOCKET_RECORD];
        record[..8].copy_from_slice(&9u64.to_ne_bytes());
        record[8..10].copy_from_slice(&AF_INET.to_ne_bytes());
        record[10..12].copy_from_slice(&80u16.to_ne_bytes());
        record[14] = LISTEN;
        record[16..20].copy_from_slice(&[127, 0, 0, 1]);
        let four = socket(&record, Path::new("/n"));
        assert_eq!((four.local.to_string(), four.state), ("127.0.0.1:80".into(), State::Listening));
        assert!(four.runs(&Place { address: 9, age: None }));
        record[8..10].copy_from_slice(&10u16.to_ne_bytes());
        record[14] = ESTABLISHED;
        record[32..48].copy_from_slice(&Ipv6Addr::LOCALHOST.octets());
        let six = socket(&record, Path::new("/n"));
        assert_eq!((six.remote.to_string(), six.state), ("[::1]:0".into(), State::Established));
    }

    #[test]
    fn counts_what_was_moved_and_why_others_were_not() {
        let mut value = vec![0; PORT + 8];
        value[MOVED] = 3;
        value[REFUSED + 8 * Errno::EPERM as usize] = 2;
        assert_eq!(moved(&value), Moved { moved: 3, refused: vec![(Errno::EPERM, 2)] });
    }
}
