// SPDX-License-Identifier: GPL-2.0-only

//! A trial of a new version of a congestion control: a share of the new connections gets it under
//! a second name, and an account is kept of those and of the others.
//!
//! All of it ends with this process: the second name and what chooses it are held by descriptors
//! and nothing is pinned. Connections that run the new version keep it until they close.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use libbpf_rs::{MapCore, MapFlags, Object};
use serde::Serialize;

use crate::attach;
use crate::error::{Error, Result};
use crate::iterators::{Iterators, Move, Moved};
use crate::link::Link;
use crate::mounts;
use crate::object::{self, StructOps};
use crate::table::{Table, Tables};

/// What `src/bpf/trial.bpf.c` was compiled to.
const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trial.bpf.o"));
/// The kernel's TCP_CA_NAME_MAX, which counts a terminator.
const NAME_MAX: usize = 16;
/// What the second name ends with.
const SUFFIX: &str = ".new";
/// The number of fields of a `struct account` there.
const FIELDS: usize = 9;

/// The name that the new version has during a trial.
pub fn name(name: &str) -> String {
    let room = NAME_MAX - 1 - SUFFIX.len();
    let stem = name.get(..room).unwrap_or(name);
    format!("{stem}{SUFFIX}")
}

/// Where the control group of all processes is.
///
/// # Errors
///
/// No cgroup2 file system is mounted.
pub fn root_cgroup() -> Result<PathBuf> {
    let mounts = mounts::of_type("cgroup2")?;
    let whole = mounts.into_iter().find(|mount| mount.root == "/");
    whole
        .map(|mount| mount.point)
        .ok_or(io::ErrorKind::NotFound.into())
        .map_err(Error::system("find a cgroup2 file system; mount one"))
}

/// What was seen of the connections that run one version, since the trial began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// How many there were.
    pub connections: u64,
    /// How many of them have ended.
    pub ended: u64,
    /// Segments of data that were sent, again included.
    pub segments: u64,
    /// Segments that were sent again.
    pub retransmitted: u64,
    /// Bytes that the other end has confirmed.
    pub bytes: u64,
    /// The sum of the smoothed round trip times of all samples, in microseconds.
    pub rtt_us: u64,
    /// How many samples that are.
    pub rtt_samples: u64,
    /// The sum of the delivery rates of all samples, in bytes a second.
    pub bytes_per_second: u64,
    /// How many samples that are.
    pub rate_samples: u64,
}

impl Account {
    /// The share of segments that were sent again; none if none was sent.
    pub fn retransmits(&self) -> Option<f64> {
        mean(self.retransmitted, self.segments)
    }

    /// The mean round trip time in microseconds; none without a sample.
    pub fn rtt(&self) -> Option<f64> {
        mean(self.rtt_us, self.rtt_samples)
    }

    /// The mean delivery rate in bits a second; none without a sample.
    pub fn rate(&self) -> Option<f64> {
        mean(self.bytes_per_second, self.rate_samples).map(|bytes| bytes * 8.0)
    }

    /// Reads a `struct account`.
    fn read(bytes: &[u8]) -> Self {
        let mut fields = bytes
            .chunks_exact(8)
            .map(|field| field.first_chunk().copied().map_or(0, u64::from_ne_bytes));
        let mut next = || fields.next().unwrap_or_default();
        Self {
            connections: next(),
            ended: next(),
            segments: next(),
            retransmitted: next(),
            bytes: next(),
            rtt_us: next(),
            rtt_samples: next(),
            bytes_per_second: next(),
            rate_samples: next(),
        }
    }
}

/// A mean, if there is something to take it of.
fn mean(sum: u64, count: u64) -> Option<f64> {
    (count != 0).then(|| sum as f64 / count as f64)
}

/// The accounts of both versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Accounts {
    /// Of what was behind the link when the trial began.
    pub old: Account,
    /// Of the new version.
    pub new: Account,
}

/// A trial that is under way.
#[derive(Debug)]
pub struct Trial {
    /// What chooses, and its attachment; it goes first.
    chooser: Option<libbpf_rs::Link>,
    /// The chooser's program and maps.
    object: Object,
    /// The second name, which ends with this.
    _link: Link,
    /// The new version.
    table: StructOps,
    /// The name that the connections have asked for.
    name: String,
}

impl Trial {
    /// Registers the new version, which was loaded under the [second name](name), and attaches to
    /// the control group what chooses it. No connection gets it until there is a
    /// [share](Self::set_share).
    ///
    /// # Errors
    ///
    /// The second name is taken, by another trial perhaps; the kernel refuses the program.
    pub fn begin(table: StructOps, old: &Table, tables: &Tables, cgroup: &Path) -> Result<Self> {
        let name = old.name.clone().unwrap_or_default();
        let group =
            File::open(cgroup).map_err(Error::system(format!("open {}", cgroup.display())))?;
        let object = object::load_own("ccswap's program that chooses connections", OBJECT)?;
        let link = attach::attach(&table, &tables.of(table.map())?, tables)?;
        let chooser = object
            .progs_mut()
            .next()
            .map(|program| program.attach_cgroup(group.as_raw_fd()))
            .transpose()
            .map_err(io::Error::other)
            .map_err(Error::system(format!("attach a program to {}", cgroup.display())))?;
        let trial = Self { chooser, object, _link: link, table, name };
        trial.set_share(0)?;
        Ok(trial)
    }

    /// Sets the share of new connections that get the new version, in ten thousandths.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn set_share(&self, share: u64) -> Result<()> {
        let value =
            [padded(&self.name), padded(&name(&self.name)), share.to_ne_bytes().to_vec()].concat();
        object::map_ending(&self.object, ".choice")?
            .update(&0u32.to_ne_bytes(), &value, MapFlags::ANY)
            .map_err(io::Error::other)
            .map_err(Error::system("set the share"))
    }

    /// What was seen so far.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn accounts(&self) -> Result<Accounts> {
        let value = object::map_ending(&self.object, ".bss")?
            .lookup(&0u32.to_ne_bytes(), MapFlags::ANY)
            .map_err(io::Error::other)
            .map_err(Error::system("read the accounts"))?
            .unwrap_or_default();
        let mut accounts = value.chunks(8 * FIELDS).map(Account::read);
        let mut next = || accounts.next().unwrap_or_default();
        Ok(Accounts { old: next(), new: next() })
    }

    /// Ends the trial: no further connection gets the new version, and those that have it go to
    /// what is behind their name now. Returns what became of them.
    ///
    /// # Errors
    ///
    /// They cannot be moved. Then they keep it until they close.
    pub fn end(mut self, iterators: &Iterators) -> Result<Moved> {
        self.chooser = None;
        let from: Vec<_> = iterators.places()?.remove(&self.table.map_id()?).into_iter().collect();
        iterators.move_sockets(&Move {
            name: &self.name,
            from: &from,
            cgroup: None,
            port: None,
            namespace: None,
        })
    }
}

/// A name as long as the kernel's.
fn padded(name: &str) -> Vec<u8> {
    let mut field = name.as_bytes().to_vec();
    field.resize(NAME_MAX, 0);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_name_fits() {
        assert_eq!(name("bbr"), "bbr.new");
        assert_eq!(name("fifteen_letters"), "fifteen_let.new");
        assert_eq!(name("fifteen_letters").len(), NAME_MAX - 1);
    }

    #[test]
    fn reads_an_account() {
        let bytes: Vec<u8> = (1..=FIELDS as u64).flat_map(u64::to_ne_bytes).collect();
        let account = Account::read(&bytes);
        assert_eq!((account.connections, account.rate_samples), (1, 9));
        assert_eq!(account.retransmits(), Some(4.0 / 3.0));
        assert_eq!(account.rtt(), Some(6.0 / 7.0));
        assert_eq!(account.rate(), Some(64.0 / 9.0));
    }

    #[test]
    fn nothing_seen_is_no_mean() {
        let account = Account::default();
        assert_eq!((account.retransmits(), account.rtt(), account.rate()), (None, None, None));
    }
}
