// SPDX-License-Identifier: GPL-2.0-only

//! A queueing discipline, registered while an interface uses it and while none does.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use common::tables::{Implementation, Kind};
use fastrand::Rng;

use super::sched::Sched;
use crate::actor::Actor;
use crate::counts::Count;
use crate::program::run;
use crate::world::World;

/// The name of the discipline.
const NAME: &str = "torture_disc";
/// The interface.
const DEVICE: &str = "torture0";
/// Its address.
const ADDRESS: &str = "10.9.7.1/24";
/// An address that packets leave through it for.
const PEER: Ipv4Addr = Ipv4Addr::new(10, 9, 7, 2);
/// How long a packet may take to the discipline: another processor may have to hand it over.
const PATIENCE: Duration = Duration::from_secs(10);

/// The actor.
pub struct Disc {
    /// The programs.
    implementation: Implementation,
}

impl Disc {
    /// Loads the programs, and makes an interface.
    pub fn new() -> Result<Self> {
        run("ip", &["link", "add", DEVICE, "type", "dummy"])?;
        let disc = Self { implementation: Implementation::load(Kind::Qdisc)? };
        run("ip", &["address", "add", ADDRESS, "dev", DEVICE])?;
        run("ip", &["link", "set", DEVICE, "up"])?;
        Ok(disc)
    }

    /// How many packets the discipline was given, and how often it was asked for one.
    fn counted(&self) -> Result<[u64; 2]> {
        Ok([self.implementation.counter(".enqueued")?, self.implementation.counter(".dequeued")?])
    }

    /// Sends packets through the interface, which the discipline must see.
    fn send(&self, world: &World, packets: u64) -> Result<()> {
        let before = self.counted()?;
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        for _ in 0..packets {
            socket.send_to(b"torture", (PEER, 9)).context("send through a qdisc")?;
        }
        let end = Instant::now() + PATIENCE;
        loop {
            let [enqueued, dequeued] = self.counted()?;
            let (enqueued, dequeued) = (enqueued - before[0], dequeued - before[1]);
            // The kernel may ask once for several, and sends packets of its own.
            if enqueued >= packets && dequeued > 0 {
                world.counts.add(Count::Packets, packets);
                return Ok(());
            }
            ensure!(
                Instant::now() < end,
                "{packets} packets: {enqueued} enqueued, asked for {dequeued} times"
            );
            sleep(Duration::from_millis(1));
        }
    }
}

impl Actor for Disc {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let link = world.create(&self.implementation.named(NAME)?).context("link of a qdisc")?;
        if rng.bool() || world.counts.lacks(Count::Packets) {
            run("tc", &["qdisc", "replace", "dev", DEVICE, "root", "handle", "1:", NAME])?;
            self.send(world, rng.u64(1..8))?;
            if rng.bool() {
                link.detach().context("detach a qdisc that is used")?;
                // The interface keeps what it uses.
                self.send(world, rng.u64(1..8))?;
            }
            run("tc", &["qdisc", "del", "dev", DEVICE, "root"])?;
        }
        Ok(())
    }
}

impl Drop for Disc {
    fn drop(&mut self) {
        // It is an interface of the guest's, which ends soon.
        let _ = run("ip", &["link", "del", DEVICE]);
    }
}

/// Both rest for long, so they take turns in one thread.
impl Actor for (Disc, Sched) {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        self.0.step(world, rng)?;
        let schedules = rng.u32(..4) == 0 || world.counts.lacks(Count::Schedulers);
        if schedules { self.1.step(world, rng) } else { Ok(()) }
    }

    fn rest(&self) -> Duration {
        Duration::from_millis(50)
    }
}
