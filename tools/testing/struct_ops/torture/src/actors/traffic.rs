// SPDX-License-Identifier: GPL-2.0-only

//! Connections over loopback, whose every byte is checked. TCP, MPTCP and Fast
//! Open, over IPv4 and IPv6; the congestion control is chosen on either side,
//! before or after the connection begins, or not at all.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, Socket, Type};

use crate::actor::Actor;
use crate::world::{Corrupt, NAMES, World};

/// How long a byte or a connection may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections that are open at a time.
const OPEN: usize = 8;
/// Bytes that are sent at once, at most: less than an empty connection takes in.
const CHUNK: usize = 32 << 10;

/// One direction of a connection.
struct Stream {
    /// What makes its bytes differ from other streams'.
    key: u64,
    /// How many bytes were sent and have arrived.
    at: u64,
}

impl Stream {
    /// A stream with a random key.
    fn new(rng: &mut Rng) -> Self {
        Self { key: rng.u64(..), at: 0 }
    }

    /// The byte at a position.
    fn byte(&self, at: u64) -> u8 {
        ((at ^ self.key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
    }

    /// The next bytes to send.
    fn chunk(&self, length: usize) -> Vec<u8> {
        (self.at..).take(length).map(|at| self.byte(at)).collect()
    }

    /// Compares what arrived with what was sent.
    fn check(&mut self, arrived: &[u8]) -> Result<()> {
        for &byte in arrived {
            if byte != self.byte(self.at) {
                return Err(Corrupt { at: self.at }.into());
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Sends bytes through a connection, and checks them at its other end.
    fn carry(&mut self, from: &mut Socket, to: &mut Socket, length: usize) -> Result<()> {
        from.write_all(&self.chunk(length)).context("send")?;
        self.receive(to, length)
    }

    /// Receives bytes that are on their way.
    fn receive(&mut self, to: &mut Socket, length: usize) -> Result<()> {
        let mut arrived = vec![0; length];
        to.read_exact(&mut arrived).context("receive")?;
        self.check(&arrived)
    }
}

/// A connection, both ends.
pub struct Connection {
    /// The two sockets.
    ends: [Socket; 2],
    /// What each of them sends.
    streams: [Stream; 2],
}

impl Connection {
    /// Of two sockets that are connected, through which nothing was sent.
    pub fn new(client: Socket, server: Socket, rng: &mut Rng) -> Self {
        Self { ends: [client, server], streams: [Stream::new(rng), Stream::new(rng)] }
    }

    /// Whether one of the sockets uses a congestion control.
    pub fn uses(&self, name: &[u8]) -> io::Result<bool> {
        for end in &self.ends {
            if end.tcp_congestion()?.starts_with(name) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sends bytes one way or the other.
    pub fn carry(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let (length, way) = (rng.usize(1..=CHUNK), rng.usize(..2));
        let [client, server] = &mut self.ends;
        let (from, to) = if way == 0 { (client, server) } else { (server, client) };
        self.streams[way].carry(from, to, length)?;
        world.bytes.fetch_add(length as u64, Relaxed);
        Ok(())
    }

    /// Ends the connection; nothing more may arrive.
    pub fn close(mut self) -> Result<()> {
        self.ends[0].shutdown(Shutdown::Write).context("shutdown")?;
        let mut rest = [0];
        match self.ends[1].read(&mut rest).context("end")? {
            0 => Ok(()),
            _ => Err(Corrupt { at: self.streams[0].at }.into()),
        }
    }
}

/// The actor.
pub struct Traffic {
    /// The protocol of its sockets.
    protocol: Protocol,
    /// Whether the first bytes go with the first packet.
    fast_open: bool,
    /// One for IPv4, one for IPv6.
    listeners: Vec<(Socket, SocketAddr)>,
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
        for address in [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()] {
            let listener = socket(protocol, &address)?;
            listener.bind(&address.into())?;
            if fast_open {
                set_fast_open(&listener)?;
            }
            listener.listen(128)?;
            let address = listener.local_addr()?.as_socket().context("no address")?;
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
        let client = socket(self.protocol, address)?;
        if rng.bool() {
            choose(&client, rng).context("before connect")?;
        }
        let mut streams = [Stream::new(rng), Stream::new(rng)];
        let early = if self.fast_open {
            let bytes = streams[0].chunk(rng.usize(1..1000));
            client
                .send_to_with_flags(&bytes, &(*address).into(), libc::MSG_FASTOPEN)
                .context("connect with data")?
        } else {
            client.connect(&(*address).into()).context("connect")?;
            0
        };
        let mut server = accept(listener)?;
        streams[0].receive(&mut server, early)?;
        world.bytes.fetch_add(early as u64, Relaxed);
        for socket in [&client, &server] {
            if rng.u32(..4) == 0 {
                choose(socket, rng).context("after connect")?;
            }
        }
        world.connections.fetch_add(1, Relaxed);
        Ok(Connection { ends: [client, server], streams })
    }
}

/// A socket that waits for long, but not for ever.
pub fn socket(protocol: Protocol, address: &SocketAddr) -> Result<Socket> {
    let socket = Socket::new(Domain::for_address(*address), Type::STREAM, Some(protocol))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
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

/// Accepts a connection. An MPTCP listener does not heed its timeout, so poll() waits.
pub fn accept(listener: &Socket) -> Result<Socket> {
    let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(PATIENCE).context("timeout")?;
    if poll(&mut fds, timeout)? == 0 {
        return Err(io::Error::from(io::ErrorKind::TimedOut)).context("accept");
    }
    let (server, _) = listener.accept().context("accept")?;
    server.set_read_timeout(Some(PATIENCE))?;
    server.set_write_timeout(Some(PATIENCE))?;
    Ok(server)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_lost_or_doubled_byte_is_noticed() {
        let stream = || Stream { key: 7, at: 0 };
        let sent = stream().chunk(1000);
        assert!(stream().check(&sent).is_ok());
        let mut changed = sent.clone();
        changed[500] ^= 1;
        let error = stream().check(&changed).unwrap_err();
        assert_eq!(error.downcast_ref::<Corrupt>().unwrap().at, 500);
        let mut lost = sent.clone();
        lost.remove(300);
        assert!(stream().check(&lost).is_err());
        let mut doubled = sent.clone();
        doubled.insert(300, sent[300]);
        assert!(stream().check(&doubled).is_err());
    }
}
