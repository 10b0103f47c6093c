// SPDX-License-Identifier: GPL-2.0-only

//! Processes that use links and connections, and are killed in the middle.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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
/// How long a victim may take to have a link; it loads its programs before.
const PATIENCE: Duration = Duration::from_secs(60);

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
        let began = wait_for_link(&mut victim, &tally);
        if began.is_ok() {
            thread::sleep(Duration::from_millis(rng.u64(..2000)));
        }
        let ended = victim.try_wait()?;
        victim.kill().context("cannot kill a victim")?;
        victim.wait()?;
        began?;
        ensure!(ended.is_none(), "a victim ended by itself: {ended:?}");
        // The first is of the link, the others are of updates.
        if tally.read()? > 1 {
            world.counts.add(Count::Victims, 1);
        }
        Ok(())
    }
}

/// Waits until a victim has its link: one that is killed before has shown nothing.
fn wait_for_link(victim: &mut Child, tally: &Tally) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !tally.wait(Duration::from_millis(100))? {
        let ended = victim.try_wait()?;
        ensure!(ended.is_none(), "a victim ended without a link: {ended:?}");
        ensure!(Instant::now() < end, "a victim had no link after {} s", PATIENCE.as_secs());
    }
    Ok(())
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
