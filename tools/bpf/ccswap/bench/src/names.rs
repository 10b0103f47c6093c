// SPDX-License-Identifier: GPL-2.0-only

//! What calls take when many congestion controls are registered.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Socket, Type};

use crate::calls;
use crate::case::Case;
use crate::clock::Samples;
use crate::counter::{CLOCK, Counter, times};
use crate::scale::{self, NAME, Point};
use crate::tables::{Pair, Tables};
use struct_ops::link::Link;

/// How many BPF congestion controls are registered.
const NUMBERS: [usize; 3] = [1, 100, 1000];
/// How often a call is made.
const TIMES: usize = 100;
/// The names of all congestion controls, as far as they fit into 2 KiB.
const AVAILABLE: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";
/// Those of two that the kernel has built in.
const BUILT_IN: [&str; 2] = ["cubic", "reno"];

/// Counts the instructions of calls for each number of names. The one that is
/// made and ended is the last of them, the one that is updated the first.
pub fn count() -> Result<Vec<Case>> {
    // Two tables and a link of each name.
    scale::keep_open(4 * NUMBERS[NUMBERS.len() - 1])?;
    let tables = Tables::load()?;
    let last = tables.pair("last")?;
    let budget = times(TIMES);
    let mut counter = Counter::new(budget);
    let mut registered: Vec<(Pair, Link)> = Vec::new();

    for number in NUMBERS {
        let case = |call: &str| Point { call: call.into(), number: number as u32, of: NAME };

        register(&tables, &mut registered, number - 1)?;
        let fresh = tables.pairs(&format!("fresh{number}_"), TIMES)?;
        counter.count(case("first create"), &calls::first_create(CLOCK, &fresh)?);
        for (call, samples) in calls::life(CLOCK, &last, budget)? {
            counter.count(case(call), &samples);
        }

        register(&tables, &mut registered, number)?;
        let [(first, link), ..] = registered.as_slice() else { unreachable!("there is one") };
        counter.count(case("update"), &calls::update(CLOCK, link, first, budget)?);
        let newest = registered.last().map_or(first, |(pair, _)| pair);
        for name in BUILT_IN {
            counter.count(case(&format!("setsockopt of {name}")), &choose(name)?);
        }
        counter.count(case("setsockopt of the oldest name"), &choose(&first.name)?);
        counter.count(case("setsockopt of the newest name"), &choose(&newest.name)?);
        counter.count(case("list of names"), &list()?);
    }
    Ok(counter.cases)
}

/// Registers more names, until there are so many.
fn register(tables: &Tables, registered: &mut Vec<(Pair, Link)>, count: usize) -> Result<()> {
    for number in registered.len()..count {
        let pair = tables.pair(&format!("bench{number}"))?;
        let link = Link::create(&pair.a)?;
        registered.push((pair, link));
    }
    Ok(())
}

/// TCP_CONGESTION, of a socket that has another congestion control.
fn choose(name: &str) -> io::Result<Samples> {
    let other = if name == BUILT_IN[1] { BUILT_IN[0] } else { BUILT_IN[1] };
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let mut samples = Samples::default();
    for _ in times(TIMES).rounds() {
        socket.set_tcp_congestion(other.as_bytes())?;
        let (took, result) = CLOCK.time(|| socket.set_tcp_congestion(name.as_bytes()));
        result?;
        samples.push(took);
    }
    Ok(samples)
}

/// Reading the names. The built-in ones are never cut.
fn list() -> Result<Samples> {
    let file = File::open(AVAILABLE).with_context(|| format!("cannot open {AVAILABLE}"))?;
    let mut samples = Samples::default();
    let mut text = [0; 4096];
    for _ in times(TIMES).rounds() {
        let (took, length) = CLOCK.time(|| file.read_at(&mut text, 0));
        let listed = String::from_utf8_lossy(&text[..length?]);
        for name in BUILT_IN {
            ensure!(listed.split_whitespace().any(|word| word == name), "{name} is not listed");
        }
        samples.push(took);
    }
    Ok(samples)
}
