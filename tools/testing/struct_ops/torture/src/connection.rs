// SPDX-License-Identifier: GPL-2.0-only

//! A connection over loopback, both ends in one thread, whose every byte is checked.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, Socket, Type};

use crate::counts::Count;
use crate::world::{Corrupt, World};

/// How long a byte or a connection may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that are sent at once, at most: less than an empty connection takes in.
const CHUNK: usize = 32 << 10;

/// One direction of a connection.
#[derive(Debug)]
pub struct Stream {
    /// What makes its bytes differ from other streams'.
    key: u64,
    /// How many bytes were sent and have arrived.
    at: u64,
}

impl Stream {
    /// A stream with a random key.
    pub fn new(rng: &mut Rng) -> Self {
        Self { key: rng.u64(..), at: 0 }
    }

    /// The byte at a position.
    fn byte(&self, at: u64) -> u8 {
        ((at ^ self.key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
    }

    /// The next bytes to send.
    pub fn chunk(&self, length: usize) -> Vec<u8> {
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
    pub fn receive(&mut self, to: &mut Socket, length: usize) -> Result<()> {
        let mut arrived = vec![0; length];
        to.read_exact(&mut arrived).context("receive")?;
        self.check(&arrived)
    }

    /// Ends it: nothing may arrive after what was checked.
    fn end(&self, from: &Socket, to: &mut Socket) -> Result<()> {
        from.shutdown(Shutdown::Write).context("shutdown")?;
        match to.read(&mut [0]).context("end")? {
            0 => Ok(()),
            _ => Err(Corrupt { at: self.at }.into()),
        }
    }
}

/// A connection, both ends.
#[derive(Debug)]
pub struct Connection {
    /// The client and the server.
    ends: [Socket; 2],
    /// What each of them sends.
    streams: [Stream; 2],
}

impl Connection {
    /// Of two sockets that are connected, and what they have sent.
    pub fn new(client: Socket, server: Socket, streams: [Stream; 2]) -> Self {
        Self { ends: [client, server], streams }
    }

    /// Connects a client to a listener. Nothing is sent.
    pub fn open(client: Socket, listener: &Socket, rng: &mut Rng) -> Result<Self> {
        client.connect(&listener.local_addr()?).context("connect")?;
        Ok(Self::new(client, accept(listener)?, [Stream::new(rng), Stream::new(rng)]))
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
        world.counts.add(Count::Bytes, length as u64);
        Ok(())
    }

    /// Ends the connection, one way after the other.
    pub fn close(self) -> Result<()> {
        let ([mut client, mut server], [there, back]) = (self.ends, self.streams);
        there.end(&client, &mut server)?;
        back.end(&server, &mut client)
    }
}

/// A socket for an address, that waits for long, but not for ever.
pub fn socket(protocol: Protocol, address: IpAddr) -> Result<Socket> {
    let domain = Domain::for_address(SocketAddr::new(address, 0));
    let socket = Socket::new(domain, Type::STREAM, Some(protocol))?;
    wait_for_long(&socket)?;
    Ok(socket)
}

/// A listener at an address of this machine.
pub fn listener(protocol: Protocol, address: IpAddr) -> Result<Socket> {
    let listener = socket(protocol, address)?;
    listener.bind(&SocketAddr::new(address, 0).into()).context("bind")?;
    listener.listen(128).context("listen")?;
    Ok(listener)
}

/// Accepts a connection. An MPTCP listener does not heed its timeout, so poll() waits.
pub fn accept(listener: &Socket) -> Result<Socket> {
    let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(PATIENCE).context("timeout")?;
    if poll(&mut fds, timeout)? == 0 {
        return Err(io::Error::from(io::ErrorKind::TimedOut)).context("accept");
    }
    let (server, _) = listener.accept().context("accept")?;
    wait_for_long(&server)?;
    Ok(server)
}

/// Lets a socket wait for long, but not for ever.
fn wait_for_long(socket: &Socket) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))
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

    #[test]
    fn a_byte_too_many_is_noticed_in_either_direction() {
        for extra in [None, Some(0), Some(1)] {
            let (client, server) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
            if let Some(way) = extra {
                assert_eq!([&client, &server][way].send(b"x").unwrap(), 1);
            }
            let streams = [0, 1].map(|key| Stream { key, at: 0 });
            let closed = Connection::new(client, server, streams).close();
            assert_eq!(closed.is_err_and(|error| error.is::<Corrupt>()), extra.is_some());
        }
    }
}
