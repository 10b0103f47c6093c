// SPDX-License-Identifier: GPL-2.0-only

//! Network namespaces that come and go, with one of the names as their default, and connections
//! in some of them.

use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use common::namespace::raise_loopback;
use common::sysctl::{self, DEFAULT};
use fastrand::Rng;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use socket2::{Domain, Protocol, Socket, Type};

use crate::actor::Actor;
use crate::connection::{Connection, listener, socket};
use crate::counts::Count;
use crate::errno::failed_with;
use crate::kernel;
use crate::world::{NAMES, World};

/// The actor. Its thread leaves a namespace for the next one, which ends the old.
pub struct Namespaces {
    /// Whether the names stay allowed.
    allowed: bool,
}

impl Namespaces {
    /// Asks what the kernel promises.
    pub fn new() -> Result<Self> {
        Ok(Self { allowed: kernel::keeps_permission()? })
    }

    /// Makes a name the default of this namespace, which an ordinary user must be allowed to
    /// choose.
    fn set_default(&self, name: &str) -> Result<()> {
        let result = fs::write(DEFAULT, name);
        if !self.allowed && failed_with(&result, Errno::EPERM) {
            return Ok(());
        }
        result.context("write the default")?;
        let read = sysctl::read(DEFAULT).context("read the default")?;
        ensure!(read.trim() == name, "{name} was written, {read} is the default");
        Ok(())
    }
}

/// Opens a socket, which uses the default of this namespace.
fn use_default(rng: &mut Rng) -> Result<()> {
    let name = sysctl::read(DEFAULT).context("read the default")?;
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
    if rng.bool() {
        socket.listen(1).context("listen")?;
    }
    let used = socket.tcp_congestion().context("which")?;
    ensure!(used.starts_with(name.trim().as_bytes()), "{name} is the default, not {used:?}");
    Ok(())
}

/// Opens a connection in this namespace, and ends it soon.
fn connect(world: &World, rng: &mut Rng) -> Result<()> {
    raise_loopback().context("loopback")?;
    let address = Ipv4Addr::LOCALHOST.into();
    let listener = listener(Protocol::TCP, address)?;
    let client = socket(Protocol::TCP, address)?;
    let mut connection = Connection::open(client, &listener, rng)?;
    connection.carry(world, rng)?;
    world.counts.add(Count::Apart, 1);
    connection.close()
}

impl Actor for Namespaces {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        unshare(CloneFlags::CLONE_NEWNET).context("new namespace")?;
        for _ in 0..rng.u32(1..3) {
            self.set_default(NAMES[rng.usize(..NAMES.len())])?;
            use_default(rng)?;
        }
        let connects = rng.u32(..4) == 0 || world.counts.lacks(Count::Apart);
        if connects { connect(world, rng) } else { Ok(()) }
    }
}
