// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap-demo`: swap two implementations behind one name, under traffic.

mod algorithms;
mod chart;
mod cli;
mod ledger;
mod live;
mod summary;
mod topology;
mod traffic;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use struct_ops::output;

use crate::cli::Demo;
use algorithms::{Algorithm, Algorithms, NAME};
use ledger::Ledger;
use live::Screen;
use summary::{Run, Summary};
use topology::{DELAY, RATE, SERVER_ADDRESS, Topology};
use traffic::{Choice, Clients, Server};

/// How many clients open short connections at a time.
const SHORT_CLIENTS: usize = 4;
/// The exit status of what the user interrupts.
const INTERRUPTED: u8 = 130;

/// When to swap: many times a second, and at last once a second.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The least time between two swaps while they are many.
    period: Duration,
    /// When they become slow.
    pub slow: Duration,
    /// When they end.
    pub end: Duration,
}

impl Schedule {
    /// Divides the time: three fifths of it are fast.
    fn new(args: &Demo) -> Self {
        Self {
            period: Duration::from_secs(1) / args.swaps_per_second,
            slow: Duration::from_secs(args.seconds * 3 / 5),
            end: Duration::from_secs(args.seconds),
        }
    }

    /// When to swap next, after the swap due at `due` was done at `now`.
    fn next(&self, due: Duration, now: Duration) -> Duration {
        if due < self.slow {
            // Do not catch up on what a slow kernel has missed.
            (due + self.period).max(now).min(self.slow)
        } else {
            due + Duration::from_secs(1)
        }
    }
}

fn main() -> ExitCode {
    output::finish("ccswap-demo", run(&Demo::parse()))
}

/// Runs the demo.
fn run(args: &Demo) -> Result<ExitCode> {
    let screen = Screen { json: args.json };
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    // Before the run, so that it is not in vain.
    let (picture, mut file) = create_picture(&args.out)?;

    let algorithms = Algorithms::attach()?;
    let topology = Topology::create()?;
    screen.line(&format!(
        "link {} holds {NAME}; traffic over {RATE} Mbit/s and {} ms for {} s",
        algorithms.link_id()?,
        2 * DELAY,
        args.seconds
    ));

    let schedule = Schedule::new(args);
    let ledger = Ledger::new(interrupted);
    carry_out(schedule, &algorithms, &topology, &ledger, screen)?;

    let records = ledger.records();
    chart::draw(&mut file, &records, schedule)?;
    let counted =
        [algorithms.connections(Algorithm::Cubic)?, algorithms.connections(Algorithm::Reno)?];
    let seconds = ledger.now().min(schedule.end).as_secs_f64();
    let run =
        Run { seconds, interrupted: ledger.interrupted(), guarantee: args.guarantee, picture };
    let summary = Summary::new(&records, counted, run);
    if args.json {
        output::say(serde_json::to_string_pretty(&summary)?, "")?;
    } else {
        screen.line("");
        output::say(summary.to_string().trim_end(), "")?;
    }
    Ok(if !summary.is_clean() {
        ExitCode::FAILURE
    } else if summary.run.interrupted {
        INTERRUPTED.into()
    } else {
        ExitCode::SUCCESS
    })
}

/// Makes the file of the picture.
fn create_picture(dir: &Path) -> Result<(PathBuf, File)> {
    let path = dir.join("ccswap.svg");
    let file = fs::create_dir_all(dir).and_then(|()| File::create(&path));
    let file = file.with_context(|| {
        format!("cannot write {}; name another directory with --out", path.display())
    })?;
    Ok((path, file))
}

/// Runs traffic and swaps until the time is over, and the traffic to its end.
fn carry_out(
    schedule: Schedule,
    algorithms: &Algorithms,
    topology: &Topology,
    ledger: &Ledger,
    screen: Screen,
) -> Result<()> {
    let (client, server) = (topology.client(), topology.server());
    let clients = Clients { namespace: &client, server: SERVER_ADDRESS, algorithms, ledger };
    let listener = Server::listen(&server, SERVER_ADDRESS)?;
    thread::scope(|servers| {
        listener.serve(servers, ledger)?;
        thread::scope(|scope| {
            for _ in 0..SHORT_CLIENTS {
                scope.spawn(|| clients.keep_opening(Choice::Now));
            }
            scope.spawn(|| clients.keep_opening(Choice::BeforeSwap));
            scope.spawn(|| clients.keep_running(scope));
            scope.spawn(|| live::follow(&client, ledger, screen));
            swap(schedule, algorithms, ledger, screen);
            ledger.end();
        });
        // The clients are done, so that no one is left to be served.
        drop(listener);
        Ok(())
    })
}

/// Swaps as scheduled.
fn swap(schedule: Schedule, algorithms: &Algorithms, ledger: &Ledger, screen: Screen) {
    let mut due = schedule.period;
    while due < schedule.end && ledger.wait_until(due) {
        let latency = ledger.swap(|to| algorithms.swap_to(to));
        if let Some(latency) = latency.filter(|_| due >= schedule.slow) {
            screen.line(&format!(
                "{:5.1} s  swapped to {} in {}",
                ledger.now().as_secs_f64(),
                ledger.current(),
                live::micros(latency.as_secs_f64() * 1e6)
            ));
        }
        due = schedule.next(due, ledger.now());
    }
    ledger.wait_until(schedule.end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_cannot_be_written_is_noticed_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _) = create_picture(&dir.path().join("new")).unwrap();
        assert!(path.exists());
        let error = create_picture(&path).unwrap_err().to_string();
        assert!(error.contains("--out"), "{error}");
    }

    /// The moments of all swaps, in milliseconds, each taking so long.
    fn moments(seconds: u64, swaps_per_second: u32, took: u64) -> Vec<u128> {
        let args =
            Demo { seconds, out: ".".into(), swaps_per_second, guarantee: false, json: false };
        let schedule = Schedule::new(&args);
        let mut moments = Vec::new();
        let mut due = schedule.period;
        while due < schedule.end {
            moments.push(due.as_millis());
            due = schedule.next(due, due + Duration::from_millis(took));
        }
        moments
    }

    #[test]
    fn swaps_are_many_and_at_last_one_a_second() {
        let moments = moments(20, 50, 1);
        assert_eq!(moments[..3], [20, 40, 60]);
        assert_eq!(moments.iter().filter(|at| **at < 12_000).count(), 599);
        assert_eq!(
            moments[599..],
            [12_000, 13_000, 14_000, 15_000, 16_000, 17_000, 18_000, 19_000]
        );
    }

    #[test]
    fn a_slow_kernel_swaps_less_often_but_slows_down_in_time() {
        let moments = moments(5, 50, 35);
        assert_eq!(moments[..3], [20, 55, 90]);
        assert_eq!(moments[moments.len() - 2..], [3_000, 4_000]);
    }
}
