// SPDX-License-Identifier: GPL-2.0-only

//! A route whose congestion control changes, and connections over it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use socket2::SockRef;

use crate::actor::Actor;
use crate::counts::Count;
use crate::program::run;
use crate::world::{NAMES, World};

/// The address that the route leads to, on this machine. Nobody else chooses for its connections.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 9, 8, 7);

/// The actor.
pub struct Routes {
    /// Listens at the address.
    listener: TcpListener,
    /// Where.
    at: SocketAddr,
}

impl Routes {
    /// Makes the address.
    pub fn new() -> Result<Self> {
        route("reno")?;
        let listener = TcpListener::bind((ADDRESS, 0)).context("listen")?;
        let at = listener.local_addr()?;
        Ok(Self { listener, at })
    }
}

/// Makes the route, or changes it.
fn route(name: &str) -> Result<()> {
    let to = ADDRESS.to_string();
    run("ip", &["route", "replace", "local", &to, "dev", "lo", "congctl", name])?;
    Ok(())
}

impl Actor for Routes {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let name = NAMES[rng.usize(..NAMES.len())];
        route(name)?;
        for _ in 0..rng.u32(1..5) {
            let client = TcpStream::connect(self.at).context("connect over the route")?;
            let (server, _) = self.listener.accept().context("accept")?;
            for end in [&client, &server] {
                let used = SockRef::from(end).tcp_congestion().context("which")?;
                ensure!(used.starts_with(name.as_bytes()), "the route has {name}, not {used:?}");
            }
            world.counts.add(Count::Routed, 1);
        }
        Ok(())
    }

    fn rest(&self) -> Duration {
        Duration::from_millis(20)
    }
}

impl Drop for Routes {
    fn drop(&mut self) {
        // The report tells if it stays: its congestion control does, too.
        let _ = run("ip", &["route", "del", "local", &ADDRESS.to_string(), "dev", "lo"]);
    }
}
