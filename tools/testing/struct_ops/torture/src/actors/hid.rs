// SPDX-License-Identifier: GPL-2.0-only

//! HID devices that come and go, with links on them.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use common::link::Link;
use common::tables::{Implementation, Kind};
use fastrand::Rng;

use crate::actor::Actor;
use crate::counts::Count;
use crate::world::World;

/// Every HID device.
const DEVICES: &str = "/sys/bus/hid/devices";
/// How this actor's devices are called there, without their number.
const DEVICE: &str = "0006:F1F2:0001.";
/// A report of one byte, of the vendor's own kind.
const DESCRIPTOR: [u8; 21] =
    [6, 0, 255, 9, 1, 0xa1, 1, 9, 2, 0x15, 0, 0x26, 255, 0, 0x75, 8, 0x95, 1, 0x81, 2, 0xc0];
/// Events of /dev/uhid, see <linux/uhid.h>.
const DESTROY: u32 = 1;
/// See [`DESTROY`].
const CREATE2: u32 = 11;
/// See [`DESTROY`].
const INPUT2: u32 = 12;
/// Where the program counts the reports.
const REPORTS: &str = ".bss.reports";
/// How long a device may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

/// The actor.
pub struct Hid {
    /// The programs.
    implementation: Implementation,
}

impl Hid {
    /// Loads the programs.
    pub fn new() -> Result<Self> {
        Ok(Self { implementation: Implementation::load(Kind::Hid)? })
    }

    /// Sends a report, which the program must see once for each link of the device.
    fn report(&self, world: &World, device: &Device, byte: u8, links: usize) -> Result<()> {
        let before = self.implementation.counter(REPORTS)?;
        device.input(byte)?;
        let seen = self.implementation.counter(REPORTS)? - before;
        ensure!(seen == links as u64, "{links} links, and the program saw {seen} reports");
        world.counts.add(Count::Reports, 1);
        Ok(())
    }
}

/// A device; it is gone when this value is.
struct Device {
    /// Its end of /dev/uhid.
    uhid: File,
    /// Its number.
    id: i32,
}

impl Device {
    /// Makes a device, and waits until links can find it.
    fn new() -> Result<Self> {
        let uhid = OpenOptions::new().read(true).write(true).open("/dev/uhid")?;
        let mut event = CREATE2.to_ne_bytes().to_vec();
        event.extend(b"torture");
        // The name, the place and the serial number take 128 + 64 + 64 bytes.
        event.resize(4 + 256, 0);
        event.extend((DESCRIPTOR.len() as u16).to_ne_bytes());
        event.extend(6u16.to_ne_bytes()); // BUS_VIRTUAL
        for number in [0xf1f2u32, 1, 0, 0] {
            event.extend(number.to_ne_bytes());
        }
        event.extend(DESCRIPTOR);
        (&uhid).write_all(&event).context("create a device")?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            for entry in fs::read_dir(DEVICES)?.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                // The kernel finds a device by its number a little later than this folder
                // lists it, but before it has a driver.
                match name.strip_prefix(DEVICE) {
                    Some(number) if entry.path().join("driver").exists() => {
                        return Ok(Self { uhid, id: i32::from_str_radix(number, 16)? });
                    }
                    _ => {}
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        bail!("the device did not appear")
    }

    /// Sends a report; the programs have seen it when this returns.
    fn input(&self, byte: u8) -> Result<()> {
        let mut event = INPUT2.to_ne_bytes().to_vec();
        event.extend(1u16.to_ne_bytes());
        event.push(byte);
        (&self.uhid).write_all(&event).context("input")
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Closing destroys it as well.
        let _ = (&self.uhid).write_all(&DESTROY.to_ne_bytes());
    }
}

impl Actor for Hid {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let device = Device::new()?;
        let mut links = Vec::new();
        for _ in 0..rng.u32(1..4) {
            let table = self.implementation.for_device(device.id)?;
            links.push(Link::create(&table).context("link of a device")?);
            self.report(world, &device, rng.u8(..), links.len())?;
        }
        if rng.bool() {
            links[0].detach().context("detach from a device")?;
            self.report(world, &device, rng.u8(..), links.len() - 1)?;
        }
        if rng.bool() {
            drop(device);
        }
        for link in &links {
            link.info().context("info")?;
        }
        Ok(())
    }

    fn rest(&self) -> Duration {
        Duration::from_millis(10)
    }
}
