// SPDX-License-Identifier: GPL-2.0-only

//! Connections of TCP, MPTCP and Fast Open, over IPv4 and IPv6. The congestion control is chosen
//! on either side, before or after the connection begins, or not at all.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use fastrand::Rng;
use nix::libc;
use socket2::{Protocol, Socket};

use crate::actor::Actor;
use crate::connection::{Connection, Stream, accept, listener, socket};
use crate::counts::Count;
use crate::world::{NAMES, World};

/// Connections that are open at a time.
const OPEN: usize = 8;

/// The actor.
pub struct Traffic {
    /// The protocol of its sockets.
    protocol: Protocol,
    /// Whether the first bytes go with the first packet.
    fast_open: bool,
    /// One for IPv4, one for IPv6, with their addresses.
    listeners: Vec<(Socket, IpAddr)>,
    /// Those that are open.
    connections: Vec<Connection>,
}

impl Traffic {
    /// TCP.
    pub fn tcp() -> Result<Self> {
        Self::new(Protocol::TCP, false)
    }

    /// MPTCP.
    pub fn mptcp() -> Result<Self> {
        Self::new(Protocol::MPTCP, false)
    }

    /// TCP Fast Open.
    pub fn fast_open() -> Result<Self> {
        Self::new(Protocol::TCP, true)
    }

    /// Makes the listeners.
    fn new(protocol: Protocol, fast_open: bool) -> Result<Self> {
        let mut listeners = Vec::new();
        for address in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
            let listener = listener(protocol, address)?;
            if fast_open {
                set_fast_open(&listener)?;
            }
            listeners.push((listener, address));
        }
        Ok(Self { protocol, fast_open, listeners, connections: Vec::new() })
    }

    /// Opens one more connection.
    fn open(&self, world: &World, rng: &mut Rng) -> Result<Connection> {
        let (listener, address) = &self.listeners[rng.usize(..self.listeners.len())];
        if rng.bool() {
            choose(listener, rng).context("listener")?;
        }
        let client = socket(self.protocol, *address)?;
        if rng.bool() {
            choose(&client, rng).context("before connect")?;
        }
        let mut streams = [Stream::new(rng), Stream::new(rng)];
        let to = listener.local_addr()?;
        let early = if self.fast_open {
            let bytes = streams[0].chunk(rng.usize(1..1000));
            client
                .send_to_with_flags(&bytes, &to, libc::MSG_FASTOPEN)
                .context("connect with data")?
        } else {
            client.connect(&to).context("connect")?;
            0
        };
        let mut server = accept(listener)?;
        streams[0].receive(&mut server, early)?;
        world.counts.add(Count::Bytes, early as u64);
        for socket in [&client, &server] {
            if rng.u32(..4) == 0 {
                choose(socket, rng).context("after connect")?;
            }
        }
        world.counts.add(Count::Connections, 1);
        Ok(Connection::new(client, server, streams))
    }
}

/// Chooses one of the names that are registered throughout.
fn choose(socket: &Socket, rng: &mut Rng) -> io::Result<()> {
    socket.set_tcp_congestion(NAMES[rng.usize(..NAMES.len())].as_bytes())
}

/// Lets a listener take data with the first packet.
fn set_fast_open(listener: &Socket) -> Result<()> {
    let pending: libc::c_int = 128;
    // SAFETY: `pending` is alive and as long as it is said to be.
    let ret = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_FASTOPEN,
            (&raw const pending).cast(),
            size_of_val(&pending) as libc::socklen_t,
        )
    };
    nix::errno::Errno::result(ret).context("TCP_FASTOPEN")?;
    Ok(())
}

impl Actor for Traffic {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        if self.connections.len() < OPEN {
            let connection = self.open(world, rng)?;
            self.connections.push(connection);
        }
        let number = rng.usize(..self.connections.len());
        let mut connection = self.connections.swap_remove(number);
        connection.carry(world, rng)?;
        if rng.u32(..4) == 0 {
            return connection.close();
        }
        self.connections.push(connection);
        Ok(())
    }
}
