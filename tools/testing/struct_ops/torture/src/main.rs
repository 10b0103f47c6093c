// SPDX-License-Identifier: GPL-2.0-only

//! Uses struct_ops links in every way at once, under traffic that must not
//! notice, and checks at the end that nothing was lost and nothing is left.
//!
//! It changes the running kernel: for a virtual machine, as root.

mod actor;
mod actors;
mod cases;
mod census;
mod connection;
mod counts;
mod create;
mod errno;
mod kernel;
mod leaks;
mod leftovers;
mod program;
mod report;
mod slabs;
mod tally;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use common::{namespace, sysctl};
use nix::sys::resource::{Resource, setrlimit};

use crate::leftovers::Before;
use crate::report::Report;
use crate::world::World;

/// Settings of the guest, and what the run needs them to be.
const SETTINGS: [(&str, &str); 4] = [
    ("/proc/sys/net/ipv4/tcp_fastopen", "3"),
    ("/proc/sys/net/mptcp/enabled", "1"),
    // Both are the actors' to change.
    (sysctl::DEFAULT, "cubic"),
    (sysctl::ALLOWED, "reno cubic"),
];
/// How long an actor may take to end. In the debug kernel, on a busy host, a victim takes two
/// minutes until it has loaded its programs.
const PATIENCE: Duration = Duration::from_secs(300);
/// The exit status when an actor does not end.
const STUCK: i32 = 3;
/// Descriptors that may be open at a time.
const DESCRIPTORS: u64 = 4096;

/// Uses struct_ops links in every way at once, in a virtual machine.
#[derive(Parser)]
#[command(subcommand_negates_reqs = true)]
struct Options {
    /// For another part of the run.
    #[command(subcommand)]
    part: Option<Part>,
    /// How long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// What the random streams are made from; random by default.
    #[arg(long)]
    seed: Option<u64>,
    /// The file of the module `tcp_lp`, as it was built for this kernel.
    #[arg(long, required = true)]
    module: Option<PathBuf>,
    /// Where the report goes, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What the program starts itself as.
#[derive(Subcommand)]
enum Part {
    /// A process that waits to be killed.
    #[command(hide = true)]
    Victim {
        /// What its random stream is made from.
        #[arg(long)]
        seed: u64,
    },
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if let Some(Part::Victim { seed }) = options.part {
        actors::victim::live(seed)?;
    }
    let module = options.module.context("no module")?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    let report = torture(seed, module, Duration::from_secs(options.seconds))?;
    println!("{report}");
    if let Some(path) = options.json {
        fs::write(&path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs all actors for a time, and checks what must hold.
fn torture(seed: u64, module: PathBuf, time: Duration) -> Result<Report> {
    setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS)?;
    set()?;
    actors::modules::autoload(&module)?;
    namespace::spare_tunnels().context("cannot do without devices for tunnels")?;
    let before = Before::new()?;
    let pins = Path::new("/sys/fs/bpf/torture");
    fs::create_dir(pins).context("cannot make a folder for pins; is this the guest?")?;

    let world = World::new(pins.to_owned(), module)?;
    actors::sysctl::allow()?;
    let began = Instant::now();
    let steps = act(&world, seed, time);
    let seconds = began.elapsed().as_secs_f64();
    set()?;

    let mut cases = cases::of_work(&world, &steps)?;
    let (counts, implementations) = (world.counts.named(), world.balance()?);
    let longest_wait = world.longest_wait.get().as_secs_f64();
    drop(world);
    fs::remove_dir(pins).context("a pin is left")?;
    cases.extend(before.cases()?);
    Ok(Report { seed, seconds, steps, counts, longest_wait, implementations, cases })
}

/// Waits until all actors have ended; those that have not in time.
fn late(
    actors: &[(&'static str, ScopedJoinHandle<'_, u64>)],
    patience: Duration,
) -> Vec<&'static str> {
    let end = Instant::now() + patience;
    loop {
        let late: Vec<_> = actors
            .iter()
            .filter(|(_, actor)| !actor.is_finished())
            .map(|(name, _)| *name)
            .collect();
        if late.is_empty() || Instant::now() > end {
            return late;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Runs all actors; the number of steps that each has made.
fn act(world: &World, seed: u64, time: Duration) -> BTreeMap<&'static str, u64> {
    thread::scope(|scope| {
        let started: Vec<_> = actors::ALL
            .into_iter()
            .enumerate()
            .map(|(number, (name, make))| {
                (name, actor::start(scope, world, name, make, actor::stream(seed, number)))
            })
            .collect();
        thread::sleep(time);
        world.stop.store(true, Relaxed);
        let late = late(&started, PATIENCE);
        if !late.is_empty() {
            // A thread that is stuck in the kernel cannot be joined.
            eprintln!("error: did not end in {} s: {}", PATIENCE.as_secs(), late.join(", "));
            process::exit(STUCK);
        }
        started.into_iter().map(|(name, actor)| (name, actor.join().unwrap_or(0))).collect()
    })
}

/// Sets what the run needs.
fn set() -> Result<()> {
    for (path, value) in SETTINGS {
        fs::write(path, value).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_that_does_not_end_is_named() {
        let stop = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            let stuck = scope.spawn(|| {
                while !stop.load(Relaxed) {
                    thread::sleep(Duration::from_millis(1));
                }
                0
            });
            let actors = [("done", scope.spawn(|| 0)), ("stuck", stuck)];
            let late = late(&actors, Duration::from_millis(100));
            stop.store(true, Relaxed);
            assert_eq!(late, ["stuck"]);
        });
    }
}
