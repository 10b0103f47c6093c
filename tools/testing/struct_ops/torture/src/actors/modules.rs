// SPDX-License-Identifier: GPL-2.0-only

//! A congestion control that is a module: loaded, chosen and unloaded by several at once. The
//! kernel loads it, too, when a socket asks for its name.

use std::fs::{self, File, Permissions};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module};
use socket2::{Protocol, Socket};

use crate::actor::Actor;
use crate::connection::{self, Connection};
use crate::counts::Count;
use crate::world::World;

/// The name that sockets choose.
const NAME: &[u8] = b"lp";
/// Where the listeners are.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// What has none of its code in a module.
const BUILT_IN: &[u8] = b"reno";
/// What the kernel starts when it wants a module.
const MODPROBE: &str = "/run/torture-modprobe";

/// Has the kernel load this module, whatever it asks for.
pub fn autoload(module: &Path) -> Result<()> {
    fs::write(MODPROBE, format!("#!/bin/sh\nexec insmod {}\n", module.display()))?;
    fs::set_permissions(MODPROBE, Permissions::from_mode(0o755))?;
    fs::write("/proc/sys/kernel/modprobe", MODPROBE).context("cannot set the loader")
}

/// Unloads the module if nothing uses it. Never waits.
pub fn unload() -> nix::Result<()> {
    delete_module(c"tcp_lp", DeleteModuleFlags::O_NONBLOCK)
}

/// The actor.
pub struct Modules {
    /// A listener that chooses the module, or something else.
    listener: Socket,
}

impl Modules {
    /// Makes the listener.
    pub fn new() -> Result<Self> {
        Ok(Self { listener: connection::listener(Protocol::TCP, ADDRESS)? })
    }

    /// A connection of which one end uses the module, unless that is gone just now.
    fn open(&self, rng: &mut Rng) -> Result<Option<Connection>> {
        let client = connection::socket(Protocol::TCP, ADDRESS)?;
        let chooser = if rng.bool() { &client } else { &self.listener };
        match chooser.set_tcp_congestion(NAME) {
            Ok(()) => {}
            Err(error) => {
                let errno = error.raw_os_error().map(Errno::from_raw);
                let gone = matches!(errno, Some(Errno::ENOENT | Errno::EBUSY));
                ensure!(gone, "choose a module: {error}");
                return Ok(None);
            }
        }
        let connection = Connection::open(client, &self.listener, rng)?;
        self.listener.set_tcp_congestion(BUILT_IN).context("listener")?;
        Ok(Some(connection))
    }
}

impl Actor for Modules {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        match if world.counts.lacks(Count::Modular) { 2 } else { rng.u32(..4) } {
            0 => {
                let file = File::open(&world.module).context("open the module")?;
                let result = finit_module(file, c"", ModuleInitFlags::empty());
                let loaded = matches!(result, Ok(()) | Err(Errno::EEXIST | Errno::EBUSY));
                ensure!(loaded, "load: {result:?}");
            }
            1 => {
                let result = unload();
                let unloaded =
                    matches!(result, Ok(()) | Err(Errno::ENOENT | Errno::EBUSY | Errno::EAGAIN));
                ensure!(unloaded, "unload: {result:?}");
            }
            _ => {
                let Some(mut connection) = self.open(rng)? else { return Ok(()) };
                let result = unload();
                // The choosers' programs may have given the socket another one.
                if connection.uses(NAME).context("which")? {
                    ensure!(result == Err(Errno::EAGAIN), "unload what is in use: {result:?}");
                    world.counts.add(Count::Modular, 1);
                }
                for _ in 0..rng.u32(1..4) {
                    connection.carry(world, rng)?;
                }
                connection.close()?;
            }
        }
        Ok(())
    }
}
