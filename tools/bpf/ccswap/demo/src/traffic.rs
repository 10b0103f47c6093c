// SPDX-License-Identifier: GPL-2.0-only

//! Connections that keep running, and connections that keep opening.
//!
//! A client sends until it has enough and closes its side; the server then
//! tells how many bytes it got. So no byte can get lost unseen.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::thread::{self, Scope};
use std::time::Duration;

use anyhow::{Context, Result};
use socket2::{Domain, SockRef, Socket, Type};

use crate::algorithms::{Algorithm, Algorithms, NAME};
use crate::ledger::{Bulk, Connection, Ledger, Loss};
use struct_ops::netns;

/// After this a connection counts as lost.
const TIMEOUT: Duration = Duration::from_secs(15);
/// What one write hands to the kernel.
static BLOCK: [u8; 32 * 1024] = [0; 32 * 1024];
/// What a short connection sends.
const SHORT: usize = 10 * 1024;
/// How long a bulk transfer runs.
const BULK_LIFE: Duration = Duration::from_secs(2);
/// What of a bulk transfer waits in its socket; it has to drain at the end.
const BULK_BUFFER: usize = 128 * 1024;

/// A server. Connections are served until it is dropped.
#[derive(Debug)]
pub struct Server {
    /// The listening socket.
    listener: TcpListener,
}

impl Server {
    /// Listens in a namespace.
    pub fn listen(namespace: &Path, address: SocketAddrV4) -> Result<Self> {
        let listener = netns::within(namespace, || {
            TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
        })?;
        Ok(Self { listener })
    }

    /// Starts serving.
    pub fn serve<'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        ledger: &'scope Ledger,
    ) -> Result<()> {
        let listener = self.listener.try_clone()?;
        scope.spawn(move || {
            // Accepting fails once the listener is shut down.
            for stream in listener.incoming().map_while(io::Result::ok) {
                scope.spawn(move || {
                    if let Err(error) = receive(stream, ledger) {
                        ledger.lost(Loss::connection("server", &error));
                    }
                });
            }
        });
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Wakes the accepting thread; there is nothing to do if it failed.
        let _ = SockRef::from(&self.listener).shutdown(Shutdown::Both);
    }
}

/// Receives to the end, and tells how much that was.
fn receive(mut stream: TcpStream, ledger: &Ledger) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut buffer = BLOCK;
    let mut total = 0;
    loop {
        let length = stream.read(&mut buffer)? as u64;
        if length == 0 {
            break;
        }
        total += length;
        ledger.add_received(length);
    }
    stream.write_all(&total.to_be_bytes())
}

/// When a socket chooses the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Just before it connects.
    Now,
    /// Before an update that has returned when it connects.
    BeforeSwap,
}

/// Those who connect.
#[derive(Debug, Clone, Copy)]
pub struct Clients<'a> {
    /// Where they are.
    pub namespace: &'a Path,
    /// Whom they connect to.
    pub server: SocketAddrV4,
    /// What they may get.
    pub algorithms: &'a Algorithms,
    /// Where they write down what happens.
    pub ledger: &'a Ledger,
}

impl<'a> Clients<'a> {
    /// Keeps opening short connections, one after another.
    pub fn keep_opening(self, choice: Choice) {
        self.run(|| {
            while !self.ledger.ended() {
                self.transfer(choice, |stream, _| {
                    stream.write_all(&BLOCK[..SHORT])?;
                    Ok(SHORT as u64)
                });
                thread::sleep(Duration::from_millis(10));
            }
        });
    }

    /// Starts a bulk transfer every second, so that some always run.
    pub fn keep_running<'scope>(self, scope: &'scope Scope<'scope, '_>)
    where
        'a: 'scope,
    {
        // A little after the full second, when the slow swaps are.
        let mut next = Duration::from_millis(100);
        while self.ledger.wait_until(next) {
            scope.spawn(move || {
                self.run(|| self.transfer(Choice::Now, |stream, got| self.send_bulk(stream, got)))
            });
            next += Duration::from_secs(1);
        }
    }

    /// Works in the clients' namespace. To be called in a thread of its own.
    fn run(self, work: impl FnOnce()) {
        match netns::enter(self.namespace) {
            Ok(()) => work(),
            Err(error) => self.ledger.lost(Loss::Other(format!("{error:#}"))),
        }
    }

    /// One connection: what `send` says it has sent must have arrived.
    fn transfer(
        self,
        choice: Choice,
        send: impl FnOnce(&mut TcpStream, Algorithm) -> io::Result<u64>,
    ) {
        let Some((mut stream, algorithm)) = self.connect(choice) else {
            return;
        };
        let exchange = || -> io::Result<(u64, u64)> {
            let sent = send(&mut stream, algorithm)?;
            stream.shutdown(Shutdown::Write)?;
            let mut received = [0; 8];
            stream.read_exact(&mut received)?;
            Ok((sent, u64::from_be_bytes(received)))
        };
        let loss = match exchange() {
            Ok((sent, received)) if sent == received => {
                self.ledger.records().confirmed += sent;
                return;
            }
            Ok((sent, received)) => Loss::Other(format!("{received} bytes of {sent} arrived")),
            Err(error) => Loss::connection("client", &error),
        };
        self.ledger.records().unconfirmed += 1;
        self.ledger.lost(loss);
    }

    /// Opens a connection by the name that is being swapped, and finds out
    /// what it got.
    fn connect(self, choice: Choice) -> Option<(TcpStream, Algorithm)> {
        let socket = match Socket::new(Domain::IPV4, Type::STREAM, None) {
            Ok(socket) => socket,
            Err(error) => {
                self.ledger.lost(Loss::connection("socket", &error));
                return None;
            }
        };
        if let Err(error) = socket.set_tcp_congestion(NAME.as_bytes()) {
            self.ledger.lost(Loss::Name(format!("setsockopt(TCP_CONGESTION): {error}")));
            return None;
        }
        if choice == Choice::BeforeSwap {
            self.ledger.wait_for_swap();
        }
        let swaps = self.ledger.watch_swaps();
        if let Err(error) = socket
            .connect_timeout(&self.server.into(), TIMEOUT)
            .and_then(|()| socket.set_read_timeout(Some(TIMEOUT)))
            .and_then(|()| socket.set_write_timeout(Some(TIMEOUT)))
        {
            self.ledger.lost(Loss::connection("connect", &error));
            return None;
        }
        let algorithm = match self.algorithms.of_socket(&socket) {
            Ok(algorithm) => algorithm,
            Err(error) => {
                self.ledger.lost(Loss::Other(format!("asking for a socket: {error:#}")));
                return None;
            }
        };
        let stale = algorithm.and_then(|algorithm| swaps.stale(algorithm));
        let at = self.ledger.now();
        self.ledger.records().connections.push(Connection { at, algorithm, stale });
        Some((socket.into(), algorithm?))
    }

    /// Sends for some seconds, known to the ledger meanwhile.
    fn send_bulk(self, stream: &mut TcpStream, algorithm: Algorithm) -> io::Result<u64> {
        SockRef::from(&*stream).set_send_buffer_size(BULK_BUFFER)?;
        let port = stream.local_addr()?.port();
        let index = {
            let bulk = &mut self.ledger.records().bulk;
            bulk.push(Bulk { port, algorithm, running: true, cwnd: Vec::new() });
            bulk.len() - 1
        };
        let end = self.ledger.now() + BULK_LIFE;
        let mut sent = 0;
        let result = loop {
            if self.ledger.ended() || self.ledger.now() >= end {
                break Ok(sent);
            }
            match stream.write(&BLOCK) {
                Ok(length) => sent += length as u64,
                Err(error) => break Err(error),
            }
        };
        self.ledger.records().bulk[index].running = false;
        result
    }
}
