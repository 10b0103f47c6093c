// SPDX-License-Identifier: GPL-2.0-only

//! Network namespaces that come and go, with one of the names as their default.

use std::fs;

use anyhow::{Context, Result, ensure};
use common::sysctl::DEFAULT;
use fastrand::Rng;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use socket2::{Domain, Socket, Type};

use super::failed_with;
use crate::actor::Actor;
use crate::world::{NAMES, World};

/// The actor. Its thread leaves a namespace for the next one, which ends the old.
pub struct Namespaces;

impl Actor for Namespaces {
    fn step(&mut self, _: &World, rng: &mut Rng) -> Result<()> {
        unshare(CloneFlags::CLONE_NEWNET).context("new namespace")?;
        for _ in 0..rng.u32(1..3) {
            let name = NAMES[rng.usize(..NAMES.len())];
            let result = fs::write(DEFAULT, name);
            // While someone writes which names are allowed, none is for a moment.
            if failed_with(&result, Errno::EPERM) {
                continue;
            }
            result.context("write the default")?;
            let read = fs::read_to_string(DEFAULT).context("read the default")?;
            ensure!(read.trim() == name, "{name} was written, {read} is the default");
            let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
            if rng.bool() {
                socket.listen(1).context("listen")?;
            }
            let used = socket.tcp_congestion().context("which")?;
            ensure!(used.starts_with(name.as_bytes()), "{name} is the default, not {used:?}");
        }
        Ok(())
    }
}
