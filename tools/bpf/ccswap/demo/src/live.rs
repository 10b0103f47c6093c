// SPDX-License-Identifier: GPL-2.0-only

//! What the user sees while it runs.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::algorithms::Algorithm;
use crate::ledger::{Ledger, Loss, Records, Sample};
use struct_ops::netns;
use struct_ops::tcp_diag;

/// How often the run is looked at.
const SAMPLE: Duration = Duration::from_millis(100);
/// How often a line tells of it.
const LINE: Duration = Duration::from_secs(1);

/// Where lines go: standard output, or standard error if that is for JSON.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Whether standard output is for JSON.
    pub json: bool,
}

impl Screen {
    /// Shows a line. Nothing is to be done if no one reads it any more.
    pub fn line(self, text: &str) {
        let _ = if self.json {
            writeln!(io::stderr(), "{text}")
        } else {
            writeln!(io::stdout(), "{text}")
        };
    }
}

/// Looks at the run until it ends, in the clients' namespace. To be called in
/// a thread of its own.
pub fn follow(namespace: &Path, ledger: &Ledger, screen: Screen) {
    if let Err(error) = netns::enter(namespace) {
        return ledger.lost(Loss::Other(format!("{error:#}")));
    }
    let mut before = (Duration::ZERO, 0);
    let mut line_before = before;
    // Each time from when it was late, rather than to catch up.
    while ledger.wait_until(before.0 + SAMPLE) {
        let sockets = match tcp_diag::sockets() {
            Ok(sockets) => sockets,
            Err(error) => return ledger.lost(Loss::Other(format!("{error:#}"))),
        };
        let now = (ledger.now(), ledger.received());
        let mut records = ledger.records();
        records.samples.push(Sample { at: now.0, throughput: throughput(before, now) });
        for bulk in records.bulk.iter_mut().filter(|bulk| bulk.running) {
            let socket = sockets.iter().find(|socket| socket.port == bulk.port);
            bulk.cwnd.extend(socket.and_then(|socket| socket.cwnd).map(|cwnd| (now.0, cwnd)));
        }
        before = now;
        if now.0 >= line_before.0 + LINE {
            screen.line(&line(now.0, ledger.current(), throughput(line_before, now), &records));
            line_before = now;
        }
    }
}

/// Mbit/s between two moments at which so many bytes had arrived.
fn throughput((from, less): (Duration, u64), (to, more): (Duration, u64)) -> f64 {
    (more - less) as f64 * 8e-6 / (to - from).as_secs_f64()
}

/// Microseconds, as exact as they are of interest.
pub fn micros(micros: f64) -> String {
    let digits = usize::from(micros < 100.0);
    format!("{micros:.digits$} µs")
}

/// What there is to say about a moment.
fn line(now: Duration, current: Algorithm, throughput: f64, records: &Records) -> String {
    let new =
        |algorithm| records.connections.iter().filter(|c| c.algorithm == Some(algorithm)).count();
    let mut line = format!(
        "{:5.1} s  {current:5}  {:4} swaps  connections: {} cubic, {} reno  {throughput:4.1} Mbit/s  cwnd:",
        now.as_secs_f64(),
        records.swaps.len(),
        new(Algorithm::Cubic),
        new(Algorithm::Reno),
    );
    for bulk in records.bulk.iter().filter(|bulk| bulk.running) {
        if let Some((_, cwnd)) = bulk.cwnd.last() {
            let _ = write!(line, " {} {cwnd}", bulk.algorithm);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Bulk, Connection};

    #[test]
    fn throughput_is_in_mbit_per_second() {
        let second = Duration::from_secs(1);
        assert_eq!(throughput((second, 0), (second * 3, 250_000)), 1.0);
    }

    #[test]
    fn long_latencies_have_no_fractions() {
        assert_eq!(micros(1.66), "1.7 µs");
        assert_eq!(micros(24673.6), "24674 µs");
    }

    #[test]
    fn a_line_shows_what_is_current_and_what_runs() {
        let mut records = Records::default();
        let at = Duration::ZERO;
        for algorithm in [Algorithm::Cubic, Algorithm::Reno, Algorithm::Reno] {
            records.connections.push(Connection { at, algorithm: Some(algorithm), stale: None });
        }
        for (algorithm, running, cwnd) in [
            (Algorithm::Cubic, false, 9),
            (Algorithm::Cubic, true, 34),
            (Algorithm::Reno, true, 21),
        ] {
            records.bulk.push(Bulk {
                port: 1,
                algorithm,
                running,
                cwnd: vec![(at, 1), (at, cwnd)],
            });
        }
        assert_eq!(
            line(Duration::from_millis(1500), Algorithm::Reno, 18.04, &records),
            "  1.5 s  reno      0 swaps  connections: 1 cubic, 2 reno  18.0 Mbit/s  cwnd: cubic 34 reno 21"
        );
    }
}
