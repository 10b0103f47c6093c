// SPDX-License-Identifier: GPL-2.0-only

//! What the steps of a sequence act on. A process runs one sequence and ends, so
//! that no descriptor outlives it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::ptr;

use anyhow::{Context, Result};
use common::namespace::raise_loopback;
use common::tables::{Implementation, Kind};
use common::{link, owned, sys};
use libbpf_rs::MapHandle;
use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use socket2::{Domain, Socket, Type};

use crate::op::Fd;

/// The tables: which implementation, and under which name. The sixth has the
/// name of a built-in congestion control; the last was never written.
pub const TABLES: [(usize, &str); 7] =
    [(0, "fz_a"), (1, "fz_a"), (2, "fz_a"), (0, "fz_b"), (1, "fz_b"), (2, "reno"), (0, "")];
/// Slots of links.
pub const LINKS: usize = 2;
/// Slots of sockets.
pub const SOCKETS: usize = 4;
/// Names of pins.
pub const PATHS: usize = 2;
/// Network namespaces.
pub const NAMESPACES: usize = 3;
/// How many implementations [`TABLES`] has.
pub const IMPLEMENTATIONS: usize = 3;

/// Where a name of pins is.
pub fn pin(path: usize) -> PathBuf {
    format!("/sys/fs/bpf/fuzz{path}").into()
}

/// What a slot of a table has.
#[derive(Debug, Default)]
pub enum Table {
    /// It was not used yet.
    #[default]
    Unused,
    /// The table.
    Open(MapHandle),
    /// It was closed.
    Closed,
}

/// What a sequence acts on.
#[derive(Debug)]
pub struct World<'a> {
    /// What tables are made of, loaded once for all sequences.
    pub implementations: &'a [Implementation],
    /// Made when they are first used.
    tables: [Table; TABLES.len()],
    /// The slots of links.
    pub links: [Option<OwnedFd>; LINKS],
    /// The slots of sockets.
    pub sockets: [Option<Socket>; SOCKETS],
    /// The network namespaces that were entered.
    namespaces: [Option<File>; NAMESPACES],
    /// The wrong descriptors that were used.
    wrong: Vec<(Fd, OwnedFd)>,
    /// Keeps open what was pinned.
    pub kept: Vec<OwnedFd>,
}

impl<'a> World<'a> {
    /// The state that each sequence begins with, in a new network namespace.
    pub fn new(implementations: &'a [Implementation]) -> Result<Self> {
        let initial = File::open("/proc/thread-self/ns/net")?;
        let mut world = Self {
            implementations,
            tables: Default::default(),
            links: Default::default(),
            sockets: Default::default(),
            namespaces: [Some(initial), None, None],
            wrong: Vec::new(),
            kept: Vec::new(),
        };
        world.enter(1)?;
        Ok(world)
    }

    /// The number of a descriptor.
    pub fn fd(&mut self, fd: Fd) -> Result<RawFd> {
        // The largest number that can be a descriptor on any machine is smaller.
        const CLOSED: RawFd = i32::MAX - 1;
        Ok(match fd {
            Fd::Table(slot) => self.table(slot)?.unwrap_or(CLOSED),
            Fd::Link(slot) => self.links[slot].as_ref().map_or(CLOSED, AsRawFd::as_raw_fd),
            Fd::Socket(slot) => self.sockets[slot].as_ref().map_or(CLOSED, AsRawFd::as_raw_fd),
            Fd::Closed => CLOSED,
            Fd::Zero => 0,
            Fd::MinusOne => -1,
            Fd::OPath | Fd::Directory | Fd::Program | Fd::Btf | Fd::OtherLink | Fd::Array => {
                if let Some((_, found)) = self.wrong.iter().find(|(kind, _)| *kind == fd) {
                    return Ok(found.as_raw_fd());
                }
                let made = wrong(fd).with_context(|| format!("cannot make {fd:?}"))?;
                let number = made.as_raw_fd();
                self.wrong.push((fd, made));
                number
            }
        })
    }

    /// The descriptor of a table, unless it was closed.
    fn table(&mut self, slot: usize) -> Result<Option<RawFd>> {
        let (implementation, name) = TABLES[slot];
        if let Table::Unused = self.tables[slot] {
            let implementation = &self.implementations[implementation];
            self.tables[slot] = Table::Open(match name {
                "" => implementation.empty()?,
                name => implementation.named(name)?,
            });
        }
        Ok(match &self.tables[slot] {
            Table::Open(map) => Some(map.as_fd().as_raw_fd()),
            Table::Unused | Table::Closed => None,
        })
    }

    /// Closes a descriptor; false if it was closed, or is not one that a step opens.
    pub fn close(&mut self, fd: Fd) -> bool {
        match fd {
            Fd::Table(slot) => {
                matches!(std::mem::replace(&mut self.tables[slot], Table::Closed), Table::Open(_))
            }
            Fd::Link(slot) => self.links[slot].take().is_some(),
            Fd::Socket(slot) => self.sockets[slot].take().is_some(),
            _ => false,
        }
    }

    /// The socket of a slot, opened if there is none.
    pub fn socket(&mut self, slot: usize) -> io::Result<&Socket> {
        if self.sockets[slot].is_none() {
            self.sockets[slot] = Some(Socket::new(Domain::IPV4, Type::STREAM, None)?);
        }
        self.sockets[slot].as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Enters a network namespace, made if it was not entered before.
    pub fn enter(&mut self, namespace: usize) -> io::Result<()> {
        if let Some(file) = &self.namespaces[namespace] {
            return Ok(setns(file, CloneFlags::CLONE_NEWNET)?);
        }
        unshare(CloneFlags::CLONE_NEWNET)?;
        self.namespaces[namespace] = Some(File::open("/proc/thread-self/ns/net")?);
        raise_loopback()
    }

    /// How many connections each implementation has started.
    pub fn started(&self) -> Result<Vec<u64>> {
        self.implementations.iter().map(Implementation::started).collect()
    }

    /// Detaches what is or was pinned: a pin is dropped some time after its removal.
    pub fn end(&mut self) {
        for path in (0..PATHS).map(pin) {
            self.keep(&path);
            // That there is none is well.
            let _ = fs::remove_file(path);
        }
        for kept in &self.kept {
            // What is no link cannot be detached.
            let _ = link::detach(kept.as_raw_fd());
        }
    }

    /// Keeps open what is pinned, if anything.
    pub fn keep(&mut self, path: &Path) {
        if path.exists() {
            self.kept.extend(link::open_pin(path));
        }
    }
}

/// Loads the implementations that tables are made of.
pub fn implementations() -> Result<Vec<Implementation>> {
    (0..IMPLEMENTATIONS).map(|_| Implementation::load(Kind::Congestion)).collect()
}

/// Makes a descriptor of a wrong kind.
fn wrong(kind: Fd) -> Result<OwnedFd> {
    Ok(match kind {
        Fd::OPath => {
            OpenOptions::new().read(true).custom_flags(libc::O_PATH).open("/dev/null")?.into()
        }
        Fd::Program => program()?,
        // The first BTF is the kernel's.
        // SAFETY: an integer.
        Fd::Btf => owned(unsafe { sys::bpf_btf_get_fd_by_id(1) })?,
        Fd::OtherLink => {
            let (program, namespace) = (program()?, File::open("/proc/thread-self/ns/net")?);
            let (program, namespace) = (program.as_raw_fd(), namespace.as_raw_fd());
            let kind = sys::BPF_SK_LOOKUP;
            // SAFETY: integers, and a null pointer for "no options".
            owned(unsafe { sys::bpf_link_create(program, namespace, kind, ptr::null()) })?
        }
        // SAFETY: null pointers for "no name" and "no options".
        Fd::Array => owned(unsafe {
            sys::bpf_map_create(sys::BPF_MAP_TYPE_ARRAY, ptr::null(), 4, 8, 1, ptr::null())
        })?,
        _ => File::open("/")?.into(),
    })
}

/// A program that returns 1 for each lookup of a socket.
fn program() -> io::Result<OwnedFd> {
    // r0 = 1; exit
    let code: [u64; 2] = [0x1_0000_00b7, 0x95];
    let options = sys::bpf_prog_load_opts {
        sz: size_of::<sys::bpf_prog_load_opts>() as sys::size_t,
        expected_attach_type: sys::BPF_SK_LOOKUP,
        ..Default::default()
    };
    // SAFETY: the instructions, the licence and the options outlive the call, and
    // an instruction has 64 bits.
    owned(unsafe {
        sys::bpf_prog_load(
            sys::BPF_PROG_TYPE_SK_LOOKUP,
            ptr::null(),
            c"GPL".as_ptr(),
            code.as_ptr().cast(),
            code.len() as sys::size_t,
            ptr::from_ref(&options).cast_mut(),
        )
    })
}
