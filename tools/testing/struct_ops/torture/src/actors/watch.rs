// SPDX-License-Identifier: GPL-2.0-only

//! Looks at links that others update meanwhile, in every way that takes no lock.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::link::Link;
use fastrand::Rng;
use libbpf_rs::MapCore;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::actor::Actor;
use crate::world::World;

/// The actor.
pub struct Watch {
    /// A descriptor of its own for the link of each name.
    links: Vec<Link>,
    /// The ids of the maps that the link of each name changes between.
    maps: Vec<HashSet<u32>>,
    /// Waits for any of the links to hang up; none does.
    epoll: Epoll,
}

impl Watch {
    /// Opens the links of all names.
    pub fn new(world: &World) -> Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let (mut links, mut maps) = (Vec::new(), Vec::new());
        for entry in &world.entries {
            let link = Link::open_id(entry.link.info()?.id).context("open by id")?;
            epoll.add(&link, EpollEvent::new(EpollFlags::empty(), 0)).context("epoll")?;
            links.push(link);
            let ids = entry.tables.iter().map(|table| Ok(table.info()?.info.id));
            maps.push(ids.collect::<Result<_>>()?);
        }
        Ok(Self { links, maps, epoll })
    }
}

impl Actor for Watch {
    fn step(&mut self, _: &World, rng: &mut Rng) -> Result<()> {
        let name = rng.usize(..self.links.len());
        let (link, maps) = (&self.links[name], &self.maps[name]);
        let id = link.info().context("info")?.map_id;
        ensure!(maps.contains(&id), "info has the map {id}, not one of {maps:?}");
        let fdinfo = link.fdinfo().context("fdinfo")?;
        let id = fdinfo.lines().find_map(|line| line.strip_prefix("map_id:")).map(str::trim);
        ensure!(
            id.is_some_and(|id| id.parse().is_ok_and(|id| maps.contains(&id))),
            "fdinfo has no map of {maps:?}: {fdinfo}"
        );
        ensure!(!link.hung_up().context("poll")?, "a link that is attached hung up");
        let mut events = [EpollEvent::empty()];
        let found = self.epoll.wait(&mut events, EpollTimeout::ZERO).context("epoll_wait")?;
        ensure!(found == 0, "a link that is attached woke up: {events:?}");
        Ok(())
    }

    fn rest(&self) -> Duration {
        Duration::from_micros(200)
    }
}
