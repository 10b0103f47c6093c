// SPDX-License-Identifier: GPL-2.0-only

//! A route whose congestion control changes, and connections over it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;

use crate::actor::Actor;
use crate::counts::Count;
use crate::program::run;
use crate::world::{NAMES, World};

/// The address that the route leads to, on this machine.
const ADDRESS: &str = "10.9.8.7";

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
    run("ip", &["route", "replace", "local", ADDRESS, "dev", "lo", "congctl", name])?;
    Ok(())
}

impl Actor for Routes {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        route(NAMES[rng.usize(..NAMES.len())])?;
        for _ in 0..rng.u32(1..5) {
            let client = TcpStream::connect(self.at).context("connect over the route")?;
            let server = self.listener.accept().context("accept")?;
            world.counts.add(Count::Connections, 1);
            drop((client, server));
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
        let _ = run("ip", &["route", "del", "local", ADDRESS, "dev", "lo"]);
    }
}
