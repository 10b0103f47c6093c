// SPDX-License-Identifier: GPL-2.0-only

//! TCP over loopback, under an algorithm by its name.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::calls::Budget;
use crate::clock::{Clock, Samples};

/// How much the bulk transfer sends and receives at a time.
pub const CHUNK: usize = 64 << 10;
/// Room for a chunk on its way.
const BUFFER: usize = 8 * CHUNK;
/// How often a stream with nothing to do looks whether it is to end.
const WAIT_MS: u16 = 20;

/// A socket under the algorithm.
fn socket(algorithm: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_tcp_congestion(algorithm.as_bytes())?;
    Ok(socket)
}

/// A socket that connections go to.
fn listen(algorithm: &str) -> io::Result<(Socket, SockAddr)> {
    let listener = socket(algorithm)?;
    listener.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into())?;
    listener.listen(128)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Opens, accepts and ends one connection after the other, in one thread.
pub fn connect(clock: Clock, algorithm: &str, budget: Budget) -> io::Result<Samples> {
    let (listener, address) = listen(algorithm)?;
    let mut samples = Samples::default();
    for _ in budget.rounds() {
        let (took, result) = clock.time(|| {
            let client = socket(algorithm)?;
            // Ended by a reset, so that no port stays taken.
            client.set_linger(Some(Duration::ZERO))?;
            client.connect(&address)?;
            listener.accept().map(drop)
        });
        result?;
        samples.push(took);
    }
    Ok(samples)
}

/// Sends and receives a chunk after the other, in one thread.
pub fn bulk(clock: Clock, algorithm: &str, budget: Budget) -> io::Result<Samples> {
    let (listener, address) = listen(algorithm)?;
    listener.set_recv_buffer_size(BUFFER)?;
    let mut client = socket(algorithm)?;
    client.set_send_buffer_size(BUFFER)?;
    // The end of a chunk is not to wait for an acknowledgment.
    client.set_tcp_nodelay(true)?;
    client.connect(&address)?;
    let (mut server, _) = listener.accept()?;
    let mut chunk = vec![0; CHUNK];
    let mut samples = Samples::default();
    for _ in budget.rounds() {
        let (took, result) = clock.time(|| {
            client.write_all(&chunk)?;
            server.read_exact(&mut chunk)
        });
        result?;
        samples.push(took);
    }
    Ok(samples)
}

/// Connections that send as fast as they can, in the background.
#[derive(Debug)]
pub struct Streams {
    /// Set when they are to end.
    stop: Arc<AtomicBool>,
    /// The one that sends on all, and the one that receives.
    threads: [JoinHandle<io::Result<u64>>; 2],
}

impl Streams {
    /// Opens so many connections.
    pub fn start(algorithm: &str, count: usize) -> io::Result<Self> {
        let (listener, address) = listen(algorithm)?;
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let sender = socket(algorithm)?;
            sender.connect(&address)?;
            senders.push(sender);
            receivers.push(listener.accept()?.0);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let send = Arc::clone(&stop);
        let receive = Arc::clone(&stop);
        let threads = [
            thread::spawn(move || {
                let data = vec![0; CHUNK];
                serve(&senders, EpollFlags::EPOLLOUT, &send, |mut socket| socket.write(&data))
            }),
            thread::spawn(move || {
                let mut data = vec![0; CHUNK];
                serve(&receivers, EpollFlags::EPOLLIN, &receive, |mut socket| {
                    socket.read(&mut data)
                })
            }),
        ];
        Ok(Self { stop, threads })
    }

    /// Ends them; returns how many bytes were received.
    pub fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let mut bytes = 0;
        for thread in self.threads {
            bytes = thread.join().map_err(|_| anyhow!("a stream's thread panicked"))??;
        }
        Ok(bytes)
    }
}

/// Moves data on whichever socket is ready for it; returns how many bytes.
fn serve(
    sockets: &[Socket],
    ready: EpollFlags,
    stop: &AtomicBool,
    mut act: impl FnMut(&Socket) -> io::Result<usize>,
) -> io::Result<u64> {
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    for (socket, number) in sockets.iter().zip(0..) {
        socket.set_nonblocking(true)?;
        epoll.add(socket, EpollEvent::new(ready, number))?;
    }
    let mut events = vec![EpollEvent::empty(); sockets.len()];
    let mut bytes = 0;
    while !stop.load(Ordering::Relaxed) {
        let count = epoll.wait(&mut events, WAIT_MS)?;
        for event in &events[..count] {
            match act(&sockets[event.data() as usize]) {
                Ok(moved) => bytes += moved as u64,
                // The other end has stopped a little earlier.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
                    ) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(bytes)
}
