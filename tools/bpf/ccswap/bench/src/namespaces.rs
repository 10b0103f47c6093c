// SPDX-License-Identifier: GPL-2.0-only

//! What calls take when a congestion control is the default of many network
//! namespaces, and what one more namespace takes.

use std::fs::{self, File};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CloneFlags, unshare};
use nix::time::ClockId;
use nix::unistd::Pid;

use crate::calls;
use crate::case::Case;
use crate::clock::Samples;
use crate::counter::{CLOCK, Counter, times};
use crate::scale::{self, NAMESPACE, Point};
use crate::tables::Tables;
use struct_ops::link::Link;

/// How many namespaces have it as their default.
const NUMBERS: [usize; 4] = [1, 100, 1000, 10_000];
/// How often a call is made.
const TIMES: usize = 100;
/// How many namespaces more are made and ended.
const MORE: usize = 20;
/// The default of the namespace of who reads it.
const DEFAULT: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
/// How many namespaces there may be.
const LIMIT: &str = "/proc/sys/user/max_net_namespaces";
/// How long nothing may have happened when all is done. Waiting is not counted.
const REST: Duration = Duration::from_secs(2);

/// Counts the instructions of calls for each number of namespaces.
pub fn count() -> Result<Vec<Case>> {
    scale::keep_open(2 * NUMBERS[NUMBERS.len() - 1])?;
    let tables = Tables::load()?;
    let pair = tables.pair("bench")?;
    let budget = times(TIMES);
    let mut counter = Counter::new(budget);
    let mut link = Link::create(&pair.a)?;
    // New namespaces start out with the default of the initial one, which is the first.
    fs::write(DEFAULT, &pair.name).with_context(|| format!("cannot write {DEFAULT}"))?;
    let mut others = Vec::new();

    for number in NUMBERS {
        let case = |call: &str| Point { call: call.into(), number: number as u32, of: NAMESPACE };

        // The initial one is not limited.
        limit(number - 1 + MORE)?;
        others.extend(make(&pair.name, number - 1 - others.len())?.1);
        counter.count(case("update"), &calls::update(CLOCK, &link, &pair, budget)?);
        drop(link);
        for (call, samples) in calls::life(CLOCK, &pair, budget)? {
            counter.count(case(call), &samples);
        }
        link = Link::create(&pair.a)?;

        let (samples, made) = make(&pair.name, MORE)?;
        counter.count(case("making a namespace"), &samples);
        counter.add(case("ending a namespace"), end(made)?);
        // There may be one more only if all of these have ended.
        limit(number)?;
        others.extend(make(&pair.name, 1).context("a namespace did not end")?.1);
    }
    Ok(counter.cases)
}

/// Lets there be so many namespaces.
fn limit(count: usize) -> Result<()> {
    fs::write(LIMIT, count.to_string()).with_context(|| format!("cannot write {LIMIT}"))
}

/// Makes namespaces, which live as long as their files, and checks their default.
fn make(default: &str, count: usize) -> Result<(Samples, Vec<File>)> {
    // In a thread, so that the caller stays where it is.
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let mut samples = Samples::default();
            let mut made = Vec::with_capacity(count);
            for _ in 0..count {
                let (took, result) = CLOCK.time(|| unshare(CloneFlags::CLONE_NEWNET));
                result.context("cannot make a network namespace")?;
                samples.push(took);
                made.push(File::open("/proc/thread-self/ns/net")?);
            }
            // Of the last, since looking it up takes the kernel memory.
            let found = fs::read_to_string(DEFAULT)?;
            ensure!(found.trim_end() == default, "a namespace's default is {found}");
            Ok((samples, made))
        });
        worker.join().expect("no panic")
    })
}

/// Ends namespaces; returns what one of them took. The kernel's workers end them.
fn end(namespaces: Vec<File>) -> Result<f64> {
    let count = namespaces.len() as f64;
    let before = at_rest()?;
    drop(namespaces);
    let took = at_rest()? - before;
    ensure!(!took.is_zero(), "no namespace was ended");
    Ok(took.as_nanos() as f64 / count)
}

/// How long the kernel's workers have run when they have nothing left to do.
fn at_rest() -> Result<Duration> {
    let mut last = Duration::MAX;
    for _ in 0..100 {
        let now = workers()?;
        if now == last {
            return Ok(now);
        }
        last = now;
        thread::sleep(REST);
    }
    bail!("the kernel's workers did not come to rest")
}

/// How long the kernel's workers that are bound to no processor have run.
fn workers() -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if !name.starts_with("kworker/u") {
            continue;
        }
        let pid = entry.file_name().to_string_lossy().parse()?;
        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid))?;
        sum += clock.now()?.into();
    }
    Ok(sum)
}
