// SPDX-License-Identifier: GPL-2.0-only

//! Sockets that do not lead a simple life: half open, disconnected and connected
//! again, changed while they listen, closed with connections that nobody accepted.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use common::socket::disconnect;
use fastrand::Rng;
use nix::errno::Errno;
use socket2::{Domain, Socket, Type};

use crate::actor::Actor;
use crate::errno::failed_with;
use crate::world::{NAMES, World};

/// The actor.
pub struct Odd;

/// A socket with a random one of the names.
fn socket(rng: &mut Rng) -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_tcp_congestion(NAMES[rng.usize(..NAMES.len())].as_bytes()).context("choose")?;
    Ok(socket)
}

impl Actor for Odd {
    fn step(&mut self, _: &World, rng: &mut Rng) -> Result<()> {
        let listener = socket(rng)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        listener.listen(rng.i32(..3))?;
        let address = listener.local_addr()?;
        let mut clients = Vec::new();
        // More than the listener takes, so some stay half open.
        for _ in 0..rng.u32(1..6) {
            let client = socket(rng)?;
            client.set_nonblocking(true)?;
            let result = client.connect(&address);
            let begun = result.is_ok() || failed_with(&result, Errno::EINPROGRESS);
            ensure!(begun, "connect without waiting: {result:?}");
            clients.push(client);
        }
        for client in &clients {
            let name = NAMES[rng.usize(..NAMES.len())];
            match rng.u32(..4) {
                0 => client.set_tcp_congestion(name.as_bytes()).context("half open")?,
                1 => {
                    disconnect(client).context("disconnect")?;
                    client.set_tcp_congestion(name.as_bytes()).context("disconnected")?;
                    // To whom it was connected, or to a port where nobody is.
                    let _ = client.connect(&address);
                }
                2 => {
                    let name = client.tcp_congestion().context("which")?;
                    ensure!(name.starts_with(b"torture_"), "{name:?}");
                }
                _ => {}
            }
        }
        if rng.bool() {
            listener.set_tcp_congestion(NAMES[0].as_bytes()).context("while it listens")?;
            // There may be none, if the first client has gone.
            listener.set_nonblocking(true)?;
            let _ = listener.accept();
        }
        Ok(())
    }
}
