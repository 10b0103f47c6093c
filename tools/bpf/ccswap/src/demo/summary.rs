// SPDX-License-Identifier: GPL-2.0-only

//! What came out of a run.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::demo::algorithms::Algorithm;
use crate::demo::ledger::{Loss, Records};
use crate::demo::live::micros;

/// The summary.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// How long traffic ran.
    pub seconds: f64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// The updates that succeeded.
    pub swaps: usize,
    /// The updates that failed.
    pub swap_failures: usize,
    /// How long an update took, if there was one.
    pub update_latency_us: Option<Latency>,
    /// The connections that were established.
    pub connections: usize,
    /// How many of them CUBIC started, by its own count.
    pub cubic: u64,
    /// How many of them Reno started, by its own count.
    pub reno: u64,
    /// Of how many it is known whether they got the current implementation.
    pub freshness_known: usize,
    /// How many of those got one that was older than the last update.
    pub older_than_last_update: usize,
    /// The connections that were reset or refused.
    pub connections_reset: usize,
    /// The sockets that could not choose the name.
    pub name_absent: usize,
    /// What else was lost.
    pub other_losses: usize,
    /// The bytes that were sent and confirmed.
    pub bytes: u64,
    /// The picture.
    pub picture: PathBuf,
    /// Everything that was lost, in words.
    pub losses: Vec<String>,
}

/// Some of the latencies of all updates, in microseconds.
#[derive(Debug, PartialEq, Serialize)]
pub struct Latency {
    /// The shortest.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// Only one in a hundred is longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    /// Sorts the latencies out.
    fn of(mut latencies: Vec<Duration>) -> Option<Self> {
        latencies.sort_unstable();
        let percentile = |percent: usize| {
            // The nearest rank: at least so many per cent are no longer.
            let rank = (latencies.len() * percent).div_ceil(100).max(1);
            Some(latencies.get(rank - 1)?.as_nanos() as f64 / 1000.0)
        };
        Some(Self {
            min: percentile(0)?,
            p50: percentile(50)?,
            p99: percentile(99)?,
            max: percentile(100)?,
        })
    }
}

impl Summary {
    /// Sums up. `counted` is what the implementations have counted themselves.
    pub fn new(
        records: &Records,
        counted: [u64; 2],
        seconds: f64,
        interrupted: bool,
        picture: PathBuf,
    ) -> Self {
        let [cubic, reno] = counted;
        let mut losses = records.losses.clone();
        let connections = records.connections.len();
        for (algorithm, count) in Algorithm::ALL.into_iter().zip(counted) {
            let seen =
                records.connections.iter().filter(|c| c.algorithm == Some(algorithm)).count();
            if count != seen as u64 {
                losses.push(Loss::Other(format!(
                    "{algorithm} counted {count} connections, the clients {seen}"
                )));
            }
            if seen == 0 && !interrupted {
                losses.push(Loss::Other(format!("no connection got {algorithm}")));
            }
        }
        if records.swaps.is_empty() && !interrupted {
            losses.push(Loss::Other("nothing was swapped".into()));
        }
        let lost = |kind: fn(&Loss) -> bool| losses.iter().filter(|loss| kind(loss)).count();
        let known = records.connections.iter().filter_map(|c| c.stale);
        Self {
            seconds,
            interrupted,
            swaps: records.swaps.len(),
            swap_failures: lost(|loss| matches!(loss, Loss::Swap(_))),
            update_latency_us: Latency::of(records.swaps.iter().map(|s| s.latency).collect()),
            connections,
            cubic,
            reno,
            freshness_known: known.clone().count(),
            older_than_last_update: known.filter(|stale| *stale).count(),
            connections_reset: lost(|loss| matches!(loss, Loss::Reset(_))),
            name_absent: lost(|loss| matches!(loss, Loss::Name(_))),
            other_losses: lost(|loss| matches!(loss, Loss::Other(_))),
            bytes: records.confirmed,
            picture,
            losses: losses
                .into_iter()
                .map(|loss| match loss {
                    Loss::Swap(text) | Loss::Name(text) | Loss::Reset(text) | Loss::Other(text) => {
                        text
                    }
                })
                .collect(),
        }
    }

    /// Whether nothing was lost.
    pub fn is_clean(&self) -> bool {
        self.losses.is_empty()
    }
}

/// How many losses are shown in words.
const SHOWN: usize = 10;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |title: &str, text: String| writeln!(f, "{title:22}{text}");
        row("swaps", format!("{} in {:.1} s", self.swaps, self.seconds))?;
        row("failures", self.swap_failures.to_string())?;
        if let Some(Latency { min, p50, p99, max }) = &self.update_latency_us {
            row(
                "update latency",
                format!(
                    "min {}, p50 {}, p99 {}, max {}",
                    micros(*min),
                    micros(*p50),
                    micros(*p99),
                    micros(*max)
                ),
            )?;
        }
        row(
            "new connections",
            format!("{}: {} got cubic, {} got reno", self.connections, self.cubic, self.reno),
        )?;
        row(
            "  got an older one",
            format!(
                "{} of the {} during which nothing was swapped",
                self.older_than_last_update, self.freshness_known
            ),
        )?;
        row("connections reset", self.connections_reset.to_string())?;
        row("name absent", self.name_absent.to_string())?;
        row("other losses", self.other_losses.to_string())?;
        row("bytes moved", format!("{:.1} MB, all confirmed", self.bytes as f64 / 1e6))?;
        row("picture", self.picture.display().to_string())?;
        for loss in self.losses.iter().take(SHOWN) {
            writeln!(f, "LOST: {loss}")?;
        }
        if self.losses.len() > SHOWN {
            writeln!(f, "LOST: and {} more", self.losses.len() - SHOWN)?;
        }
        if self.interrupted {
            writeln!(f, "interrupted")
        } else if self.is_clean() {
            writeln!(f, "nothing was lost")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::ledger::{Connection, Swap};

    /// A run of one swap and a connection for each implementation.
    fn records() -> Records {
        let at = Duration::ZERO;
        let connection = |algorithm, stale| Connection { at, algorithm: Some(algorithm), stale };
        Records {
            swaps: vec![Swap { at, to: Algorithm::Reno, latency: Duration::from_micros(8) }],
            connections: vec![
                connection(Algorithm::Cubic, Some(false)),
                connection(Algorithm::Reno, Some(true)),
                connection(Algorithm::Reno, Some(false)),
                connection(Algorithm::Reno, None),
            ],
            ..Records::default()
        }
    }

    /// The summary of a run of two seconds.
    fn summary(records: &Records, counted: [u64; 2]) -> Summary {
        Summary::new(records, counted, 2.0, false, "x.svg".into())
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let micros =
            |range: std::ops::RangeInclusive<u64>| range.rev().map(Duration::from_micros).collect();
        assert_eq!(
            Latency::of(micros(1..=150)),
            Some(Latency { min: 1.0, p50: 75.0, p99: 149.0, max: 150.0 })
        );
        assert_eq!(
            Latency::of(micros(7..=7)),
            Some(Latency { min: 7.0, p50: 7.0, p99: 7.0, max: 7.0 })
        );
        assert_eq!(Latency::of(Vec::new()), None);
    }

    #[test]
    fn a_clean_run_says_so() {
        let summary = summary(&records(), [1, 3]);
        assert!(summary.is_clean(), "{:?}", summary.losses);
        assert_eq!((summary.freshness_known, summary.older_than_last_update), (3, 1));
        let text = summary.to_string();
        assert!(text.contains("4: 1 got cubic, 3 got reno"), "{text}");
        assert!(text.contains("min 8.0 µs") && text.ends_with("nothing was lost\n"), "{text}");
    }

    #[test]
    fn every_loss_makes_a_run_unclean() {
        for (loss, count) in [
            (Loss::Swap("a".into()), [1, 0, 0, 0]),
            (Loss::Reset("a".into()), [0, 1, 0, 0]),
            (Loss::Name("a".into()), [0, 0, 1, 0]),
            (Loss::Other("a".into()), [0, 0, 0, 1]),
        ] {
            let mut records = records();
            records.losses.push(loss);
            let s = summary(&records, [1, 3]);
            assert_eq!(
                [s.swap_failures, s.connections_reset, s.name_absent, s.other_losses],
                count
            );
            assert!(!s.is_clean() && s.to_string().contains("LOST: a"), "{s}");
        }
    }

    #[test]
    fn an_implementation_that_got_nothing_or_miscounts_is_a_loss() {
        let s = summary(&records(), [1, 4]);
        assert_eq!(s.losses, ["reno counted 4 connections, the clients 3"]);
        let s = summary(&Records::default(), [0, 0]);
        assert_eq!(
            s.losses,
            ["no connection got cubic", "no connection got reno", "nothing was swapped"]
        );
    }

    #[test]
    fn json_has_the_figures() {
        let json = serde_json::to_value(summary(&records(), [1, 3])).unwrap();
        assert_eq!(json["swaps"], 1);
        assert_eq!(json["update_latency_us"]["p50"], 8.0);
        assert_eq!(json["connections_reset"], 0);
        assert_eq!(json["losses"], serde_json::json!([]));
    }
}
