// SPDX-License-Identifier: GPL-2.0-only

//! Lets links of one name come and go: creates, updates, pins, opens again,
//! detaches and closes them. The name is the actor's own, so what each call
//! returns is known.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use common::link::Link;
use fastrand::Rng;
use libbpf_rs::MapHandle;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, Socket, Type};

use crate::actor::Actor;
use crate::errno::failed_with;
use crate::world::{World, tables};

/// The actor.
pub struct Life {
    /// The name.
    name: &'static str,
    /// Tables of that name.
    tables: Vec<MapHandle>,
    /// One that was never written to.
    empty: MapHandle,
    /// Where the link is pinned.
    pin: PathBuf,
}

impl Life {
    /// For this name.
    pub fn new(world: &World, name: &'static str) -> Result<Self> {
        let tables = tables(&world.implementations, name)?;
        let empty = world.implementations[0].empty()?;
        Ok(Self { name, tables, empty, pin: world.pins.join(name) })
    }

    /// Waits for the end of a link in epoll, and ends it.
    fn hang_up(link: &Link) -> Result<()> {
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        epoll.add(link, EpollEvent::new(EpollFlags::empty(), 1))?;
        let mut events = [EpollEvent::empty()];
        ensure!(epoll.wait(&mut events, EpollTimeout::ZERO)? == 0, "epoll before the end");
        link.detach().context("detach")?;
        ensure!(epoll.wait(&mut events, EpollTimeout::ZERO)? == 1, "no event at the end");
        ensure!(events[0].events().contains(EpollFlags::EPOLLHUP), "{:?}", events[0]);
        Ok(())
    }
}

impl Actor for Life {
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        let tables = &self.tables;
        let result = Link::create(&self.empty);
        ensure!(failed_with(&result, Errno::EINVAL), "a table without a value: {result:?}");
        let link = world.create(&tables[rng.usize(..tables.len())]).context("create")?;
        let result = Link::create(&tables[rng.usize(..tables.len())]);
        ensure!(failed_with(&result, Errno::EEXIST), "a second link: {result:?}");
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_tcp_congestion(self.name.as_bytes()).context("choose")?;
        for _ in 0..rng.u32(..4) {
            link.update(&tables[rng.usize(..tables.len())]).context("update")?;
        }
        let mut second = None;
        if rng.bool() {
            link.pin(&self.pin).context("pin")?;
            let result = link.pin(&self.pin);
            ensure!(failed_with(&result, Errno::EEXIST), "a second pin: {result:?}");
            second = Some(Link::open_pin(&self.pin).context("open the pin")?);
            fs::remove_file(&self.pin).context("remove the pin")?;
        }
        if rng.bool() {
            second = Some(Link::open_id(link.info()?.id).context("open by id")?);
        }
        if rng.bool() {
            Self::hang_up(&link)?;
            let result = link.update(&tables[0]);
            ensure!(failed_with(&result, Errno::ENOLINK), "update after the end: {result:?}");
            ensure!(link.info()?.map_id == 0, "a map after the end");
            link.detach().context("detach again")?;
        }
        if let Some(second) = second {
            drop(link);
            second.hung_up().context("poll of the second descriptor")?;
        }
        Ok(())
    }
}
