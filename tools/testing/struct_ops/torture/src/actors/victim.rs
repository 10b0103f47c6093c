// SPDX-License-Identifier: GPL-2.0-only

//! Processes that use links and connections, and are killed in the middle.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::tables::{Implementation, Kind};
use fastrand::Rng;
use socket2::SockRef;

use crate::actor::Actor;
use crate::counts::Count;
use crate::create::{LongestWait, create};
use crate::tally::{Adder, Tally};
use crate::world::World;

/// The name that victims use. Only one lives at a time.
const NAME: &str = "torture_victim";

/// The actor: starts a victim and kills it.
pub struct Victims;

impl Actor for Victims {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let tally = Tally::new()?;
        let mut victim = Command::new("/proc/self/exe")
            .args(["victim", "--seed", &rng.u64(..).to_string()])
            .stdin(Stdio::null())
            .stdout(tally.output()?)
            .spawn()
            .context("cannot start a victim")?;
        // It is killed at random once it has its link, the first one once it has updated it.
        let wanted = if world.counts.lacks(Count::Victims) { 2 } else { 1 };
        let told = wait_for(&mut victim, &tally, wanted);
        if told.is_ok() {
            thread::sleep(Duration::from_millis(rng.u64(..2000)));
        }
        let ended = victim.try_wait()?;
        victim.kill().context("cannot kill a victim")?;
        victim.wait()?;
        ensure!(ended.is_none(), "a victim ended by itself: {ended:?}");
        // The first time is for the link, the others are for updates.
        if told? + tally.take()? > 1 {
            world.counts.add(Count::Victims, 1);
        }
        Ok(())
    }
}

/// Waits until a victim has told so many times what it did: before that, its death shows little.
/// If it never does, the run ends because of an actor that does not end.
fn wait_for(victim: &mut Child, tally: &Tally, wanted: u64) -> Result<u64> {
    let mut told = 0;
    while told < wanted {
        let ended = victim.try_wait()?;
        ensure!(ended.is_none(), "a victim ended early: {ended:?}");
        tally.wait(Duration::from_millis(100))?;
        told += tally.take()?;
    }
    Ok(told)
}

/// What a victim does: everything at once, for ever. It tells when it has its link, and after
/// each update.
pub fn live(seed: u64) -> Result<()> {
    let mut rng = Rng::with_seed(seed);
    let done = Adder::new(&std::io::stdout())?;
    let implementation = Implementation::load(Kind::Congestion)?;
    let tables = [implementation.named(NAME)?, implementation.named(NAME)?];
    // The last victim's link may still be on its way out.
    let link = create(&tables[0], &LongestWait::default()).context("create")?;
    done.add()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut open = Vec::new();
    loop {
        link.update(&tables[rng.usize(..2)]).context("update")?;
        done.add()?;
        SockRef::from(&listener).set_tcp_congestion(NAME.as_bytes()).context("choose")?;
        let client = TcpStream::connect(listener.local_addr()?).context("connect")?;
        open.push((client, listener.accept()?));
        if open.len() > 16 {
            open.swap_remove(rng.usize(..open.len()));
        }
    }
}
