// SPDX-License-Identifier: GPL-2.0-only

//! Processes that use links and connections, and are killed in the middle.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::tables::{Implementation, Kind};
use fastrand::Rng;
use socket2::SockRef;

use super::create;
use crate::actor::Actor;
use crate::world::World;

/// The name that victims use. Only one lives at a time.
const NAME: &str = "torture_victim";

/// The actor: starts a victim and kills it.
pub struct Victims;

impl Actor for Victims {
    fn step(&mut self, _: &World, rng: &mut Rng) -> Result<()> {
        let mut victim = Command::new("/proc/self/exe")
            .args(["victim", "--seed", &rng.u64(..).to_string()])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start a victim")?;
        thread::sleep(Duration::from_millis(rng.u64(..2000)));
        let ended = victim.try_wait()?;
        victim.kill().context("cannot kill a victim")?;
        victim.wait()?;
        ensure!(ended.is_none(), "a victim ended by itself: {ended:?}");
        Ok(())
    }
}

/// What a victim does: everything at once, for ever.
pub fn live(seed: u64) -> Result<()> {
    let mut rng = Rng::with_seed(seed);
    let implementation = Implementation::load(Kind::Congestion)?;
    let tables = [implementation.named(NAME)?, implementation.named(NAME)?];
    // The last victim's link may still be on its way out.
    let link = create(&tables[0]).context("create")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut open = Vec::new();
    loop {
        link.update(&tables[rng.usize(..2)]).context("update")?;
        SockRef::from(&listener).set_tcp_congestion(NAME.as_bytes()).context("choose")?;
        let client = TcpStream::connect(listener.local_addr()?).context("connect")?;
        open.push((client, listener.accept()?));
        if open.len() > 16 {
            open.swap_remove(rng.usize(..open.len()));
        }
    }
}
