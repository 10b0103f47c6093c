// SPDX-License-Identifier: GPL-2.0-only

//! `struct_ops_bench`: what struct_ops links cost on the running kernel, as
//! JSON, and the picture of two kernels compared.

mod calls;
mod case;
mod chart;
mod clock;
mod counter;
mod growth;
mod memory;
mod names;
mod namespaces;
mod parallel;
mod report;
mod scale;
mod tables;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::calls::Budget;
use crate::case::{Case, LESS, MORE};
use crate::clock::{Clock, Samples};
use crate::counter::Counter;
use crate::tables::{Pair, Tables};
use struct_ops::link::Link;

/// How many names there are to be linked, if not said otherwise.
const PAIRS: usize = 64;
/// What they begin with.
const PREFIX: &str = "bench";
/// How many connections stream while a link is updated.
const STREAMS: usize = 64;
/// From how many threads 64 links are updated.
const THREADS: [usize; 3] = [1, 2, 4];
/// Into how many slices the time for a rate is divided.
const SLICES: u32 = 10;
/// How often a call is made when its instructions are counted.
const COUNTED: usize = 400;
/// In bytes.
const MEGABYTE: f64 = 1e6;

/// Measures struct_ops links on the running kernel, or draws what was measured.
#[derive(Debug, Parser)]
#[command(name = "struct_ops_bench", version)]
enum Command {
    /// Measure times, and print the cases as JSON.
    Time {
        /// How long each of the measurements takes.
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
    },
    /// Count instructions, and print the cases as JSON. The emulator has to run
    /// one processor and let one instruction take one nanosecond.
    Icount,
    /// The same with many registered names.
    Names,
    /// The same with many network namespaces. This takes 4 GB of memory.
    Namespaces,
    /// Draw the cases of a report as an SVG picture.
    Chart {
        /// The report, a list of cases in JSON.
        report: PathBuf,
        /// The picture.
        svg: PathBuf,
    },
    /// Draw how the cases of a report grow with a number, as an SVG picture.
    Growth {
        /// The report, a list of cases in JSON.
        report: PathBuf,
        /// The picture.
        svg: PathBuf,
    },
}

/// What is shown of an update's latency,
const ALL: [(&str, usize); 4] = [("min", 0), ("p50", 50), ("p99", 99), ("max", 100)];
/// and of another call's.
const TYPICAL: [(&str, usize); 2] = [("p50", 50), ("p99", 99)];

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Time { seconds } => time(Duration::from_secs_f64(seconds)).and_then(print),
        Command::Icount => icount().and_then(print),
        Command::Names => names::count().and_then(print),
        Command::Namespaces => namespaces::count().and_then(print),
        Command::Chart { report, svg } => report::draw(&report, &svg, chart::draw),
        Command::Growth { report, svg } => report::draw(&report, &svg, growth::draw),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("struct_ops_bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the cases.
fn print(cases: Vec<Case>) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(&cases)?);
    Ok(())
}

/// All that is measured in seconds, and memory.
fn time(each: Duration) -> Result<Vec<Case>> {
    let pairs = Tables::load()?.pairs(PREFIX, PAIRS)?;
    let one = &pairs[0];
    let budget = Budget { samples: usize::MAX, time: each };
    let clock = Clock::Monotonic;
    let mut cases = Vec::new();

    {
        let link = Link::create(&one.a)?;
        latency(&mut cases, "update, idle", &calls::update(clock, &link, one, budget)?, &ALL);
        let streams = traffic::Streams::start(&one.name, STREAMS)?;
        let samples = calls::update(clock, &link, one, budget)?;
        ensure!(streams.stop()? > 0, "nothing was streamed");
        latency(&mut cases, &format!("update, {STREAMS} streams"), &samples, &ALL);
    }
    for threads in THREADS {
        let updates = parallel::updates_per_second(&pairs, threads, each)?;
        let plural = if threads == 1 { "" } else { "s" };
        let name = format!("updates, {} links, {threads} thread{plural}", pairs.len());
        cases.push(Case::new(name, "1/s", MORE, updates));
    }
    for (name, samples) in calls(clock, one, budget)? {
        latency(&mut cases, name, &samples, &TYPICAL);
    }
    {
        let _link = Link::create(&one.a)?;
        let (connections, chunks) = rates(clock, one, each)?;
        cases.push(Case::new("connections", "1/s", MORE, connections));
        let sent = chunks * traffic::CHUNK as f64 / MEGABYTE;
        cases.push(Case::new("bulk throughput", "MB/s", MORE, sent));
    }
    cases.push(Case::new("memory per link", "bytes", LESS, memory::per_link(&pairs)?));
    Ok(cases)
}

/// How many connections, and how many chunks of a bulk transfer, there are in a
/// second: the median of a slice of the time. What else the machine does comes
/// and goes, and only slows; so both are measured in turn, and the best slice counts.
fn rates(clock: Clock, pair: &Pair, each: Duration) -> Result<(f64, f64)> {
    let budget = Budget { samples: usize::MAX, time: each / SLICES };
    let (mut connections, mut chunks) = (0.0_f64, 0.0_f64);
    for _ in 0..SLICES {
        let opened = traffic::connect(clock, &pair.name, budget)?.median_seconds();
        connections = connections.max(1.0 / opened);
        let sent = traffic::bulk(clock, &pair.name, budget)?.median_seconds();
        chunks = chunks.max(1.0 / sent);
    }
    Ok((connections, chunks))
}

/// All that is measured in instructions, medians.
fn icount() -> Result<Vec<Case>> {
    let pairs = Tables::load()?.pairs(PREFIX, PAIRS)?;
    let one = &pairs[0];
    let budget = counter::times(COUNTED);
    let clock = counter::CLOCK;
    let mut counter = Counter::new(budget);

    counter.count("an empty system call", &calls::system_call(clock, budget));
    counter.count("first create", &calls::first_create(clock, &pairs)?);
    {
        let link = Link::create(&one.a)?;
        counter.count("update", &calls::update(clock, &link, one, budget)?);
        counter.count("connection", &traffic::connect(clock, &one.name, budget)?);
        counter.count("64 KiB of bulk", &traffic::bulk(clock, &one.name, budget)?);
    }
    for (name, samples) in calls(clock, one, budget)? {
        counter.count(name, &samples);
    }
    counter.add("reading the clock", counter.nothing);
    Ok(counter.cases)
}

/// The calls on a link besides its update.
fn calls(clock: Clock, pair: &Pair, budget: Budget) -> Result<Vec<(&'static str, Samples)>> {
    let mut found = Vec::from(calls::life(clock, pair, budget)?);
    let link = Link::create(&pair.a)?;
    found.push(("info", calls::info(clock, &link, budget)?));
    found.push(("poll", calls::poll(clock, &link, budget)?));
    Ok(found)
}

/// Adds what is to be known of a latency.
fn latency(cases: &mut Vec<Case>, name: &str, samples: &Samples, parts: &[(&str, usize)]) {
    for (part, percent) in parts {
        let value = samples.percentile(*percent) / 1e3;
        cases.push(Case::new(format!("{name}, {part}"), "µs", LESS, value));
    }
}
