// SPDX-License-Identifier: GPL-2.0-only

//! The actors.

mod choosers;
mod diag;
mod hid;
mod life;
pub mod modules;
mod namespaces;
mod odd;
mod qdisc;
mod race;
mod routes;
mod sched;
mod swap;
pub mod sysctl;
mod traffic;
pub mod victim;
mod watch;

use crate::actor::Make;

/// Every actor with its name; some act more than once.
pub const ALL: [(&str, Make); 21] = [
    ("swap a", |_, _| Ok(Box::new(swap::Swap::new(0)))),
    ("swap b", |_, _| Ok(Box::new(swap::Swap::new(1)))),
    ("swap c", |_, _| Ok(Box::new(swap::Swap::new(2)))),
    ("watch", |world, _| Ok(Box::new(watch::Watch::new(world)?))),
    ("life 0", |world, _| Ok(Box::new(life::Life::new(world, "torture_0")?))),
    ("life 1", |world, _| Ok(Box::new(life::Life::new(world, "torture_1")?))),
    ("race 0", |world, _| Ok(Box::new(race::Race::new(world)?))),
    ("traffic TCP", |_, _| Ok(Box::new(traffic::Traffic::tcp()?))),
    ("traffic MPTCP", |_, _| Ok(Box::new(traffic::Traffic::mptcp()?))),
    ("traffic Fast Open", |_, _| Ok(Box::new(traffic::Traffic::fast_open()?))),
    ("odd sockets", |_, _| Ok(Box::new(odd::Odd))),
    ("namespaces", |_, _| Ok(Box::new(namespaces::Namespaces::new()?))),
    ("sysctl", |_, _| Ok(Box::new(sysctl::Sysctl))),
    ("routes", |_, _| Ok(Box::new(routes::Routes::new()?))),
    ("choosers", |_, _| Ok(Box::new(choosers::Choosers::new()?))),
    ("modules 0", |_, _| Ok(Box::new(modules::Modules::new()?))),
    ("modules 1", |_, _| Ok(Box::new(modules::Modules::new()?))),
    ("diag", |_, _| Ok(Box::new(diag::Diag))),
    ("HID", |_, _| Ok(Box::new(hid::Hid::new()?))),
    ("qdisc and sched_ext", |_, _| Ok(Box::new((qdisc::Disc::new()?, sched::Sched::new()?)))),
    ("victims", |_, _| Ok(Box::new(victim::Victims))),
];
