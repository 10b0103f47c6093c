// SPDX-License-Identifier: GPL-2.0-only

//! What came out of a run.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use struct_ops::percentile::nearest_rank;

use crate::algorithms::{Algorithm, Counted};
use crate::ledger::{Connection, Loss, Records};
use crate::live::micros;

/// What there is to say of a run as a whole.
#[derive(Debug, Serialize)]
pub struct Run {
    /// How long traffic ran.
    pub seconds: f64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Whether no connection may get an implementation that was replaced.
    pub guarantee: bool,
    /// The picture.
    pub picture: PathBuf,
}

/// The summary.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
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
    /// The transfers of which not every byte was confirmed.
    pub unconfirmed: usize,
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
        let percentile =
            |percent| Some(nearest_rank(&latencies, percent)?.as_nanos() as f64 / 1000.0);
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
    pub fn new(records: &Records, counted: [Counted; 2], run: Run) -> Self {
        let [cubic, reno] = counted.map(|counted| counted.connections);
        let mut losses = records.losses.clone();
        let connections = records.connections.len();
        let got = |what| records.connections.iter().filter(|c| c.algorithm == what).count();
        for (algorithm, counted) in Algorithm::ALL.into_iter().zip(counted) {
            let (count, seen) = (counted.connections, got(Some(algorithm)));
            if count != seen as u64 + counted.unmarked {
                losses.push(Loss::Other(format!(
                    "{algorithm} counted {count} connections, the clients {seen}"
                )));
            }
            if seen == 0 && !run.interrupted {
                losses.push(Loss::Other(format!("no connection got {algorithm}")));
            }
        }
        let (none, unmarked) =
            (got(None), counted.map(|counted| counted.unmarked).iter().sum::<u64>());
        if none as u64 != unmarked {
            losses.push(Loss::Other(format!(
                "{none} connections were started by no implementation, {unmarked} not marked"
            )));
        }
        if records.swaps.is_empty() && !run.interrupted {
            losses.push(Loss::Other("nothing was swapped".into()));
        }
        let known = records.connections.iter().filter(|c| c.stale.is_some());
        let older = known.clone().filter(|c| c.stale == Some(true));
        if run.guarantee {
            losses.extend(older.clone().map(|connection| Loss::Older(older_one(connection))));
            if known.clone().count() == 0 && !run.interrupted {
                losses.push(Loss::Other("no connection was made between two swaps".into()));
            }
        }
        let lost = |kind: fn(&Loss) -> bool| losses.iter().filter(|loss| kind(loss)).count();
        Self {
            swaps: records.swaps.len(),
            swap_failures: lost(|loss| matches!(loss, Loss::Swap(_))),
            update_latency_us: Latency::of(records.swaps.iter().map(|s| s.latency).collect()),
            connections,
            cubic,
            reno,
            freshness_known: known.count(),
            older_than_last_update: older.count(),
            connections_reset: lost(|loss| matches!(loss, Loss::Reset(_))),
            name_absent: lost(|loss| matches!(loss, Loss::Name(_))),
            other_losses: lost(|loss| matches!(loss, Loss::Other(_))),
            bytes: records.confirmed,
            unconfirmed: records.unconfirmed,
            losses: losses
                .into_iter()
                .map(|loss| match loss {
                    Loss::Swap(text)
                    | Loss::Name(text)
                    | Loss::Reset(text)
                    | Loss::Older(text)
                    | Loss::Other(text) => text,
                })
                .collect(),
            run,
        }
    }

    /// Whether nothing was lost.
    pub fn is_clean(&self) -> bool {
        self.losses.is_empty()
    }
}

/// What is wrong with a connection that got an older implementation.
fn older_one(connection: &Connection) -> String {
    let got = connection.algorithm.map_or("none".into(), |algorithm| algorithm.to_string());
    format!(
        "a connection got {got} at {:.2} s, after the update that replaced it had returned",
        connection.at.as_secs_f64()
    )
}

/// How many losses are shown in words.
const SHOWN: usize = 10;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |title: &str, text: String| writeln!(f, "{title:22}{text}");
        row("swaps", format!("{} in {:.1} s", self.swaps, self.run.seconds))?;
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
        row(
            "bytes moved",
            format!(
                "{:.1} MB{}",
                self.bytes as f64 / 1e6,
                match self.unconfirmed {
                    0 => ", all confirmed".into(),
                    n => format!(" confirmed, and of {n} transfers not all"),
                }
            ),
        )?;
        row("picture", self.run.picture.display().to_string())?;
        for loss in self.losses.iter().take(SHOWN) {
            writeln!(f, "LOST: {loss}")?;
        }
        if self.losses.len() > SHOWN {
            writeln!(f, "LOST: and {} more", self.losses.len() - SHOWN)?;
        }
        if self.run.interrupted {
            writeln!(f, "interrupted")
        } else if !self.is_clean() {
            Ok(())
        } else if self.older_than_last_update > 0 {
            writeln!(
                f,
                "nothing was lost; connections got an older implementation, as upstream's C has it"
            )
        } else {
            writeln!(f, "nothing was lost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Swap;

    /// A run of one swap, with connections for each implementation; one of them
    /// cannot be told to be older or not.
    fn records() -> Records {
        let at = Duration::ZERO;
        let connection = |algorithm, stale| Connection { at, algorithm: Some(algorithm), stale };
        Records {
            swaps: vec![Swap { at, to: Algorithm::Reno, latency: Duration::from_micros(8) }],
            connections: vec![
                connection(Algorithm::Cubic, Some(false)),
                connection(Algorithm::Reno, Some(false)),
                connection(Algorithm::Reno, Some(false)),
                connection(Algorithm::Reno, None),
            ],
            ..Records::default()
        }
    }

    /// The same with one connection, at 1.5 s, that got an older implementation.
    fn with_an_older_one() -> Records {
        let mut records = records();
        records.connections[1].stale = Some(true);
        records.connections[1].at = Duration::from_millis(1500);
        records
    }

    /// Counts of connections that are all marked.
    fn marked(counted: [u64; 2]) -> [Counted; 2] {
        counted.map(|connections| Counted { connections, unmarked: 0 })
    }

    /// The summary of a run of two seconds under the guarantee.
    fn summary(records: &Records, counted: [u64; 2]) -> Summary {
        Summary::new(records, marked(counted), run(true))
    }

    /// A run of two seconds.
    fn run(guarantee: bool) -> Run {
        Run { seconds: 2.0, interrupted: false, guarantee, picture: "x.svg".into() }
    }

    #[test]
    fn latencies_are_sorted_out_in_microseconds() {
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
        assert_eq!((summary.freshness_known, summary.older_than_last_update), (3, 0));
        let text = summary.to_string();
        assert!(text.contains("4: 1 got cubic, 3 got reno"), "{text}");
        assert!(text.contains("0 of the 3 during"), "{text}");
        assert!(text.contains("0.0 MB, all confirmed\n"), "{text}");
        assert!(text.contains("min 8.0 µs") && text.ends_with("\nnothing was lost\n"), "{text}");
    }

    #[test]
    fn a_single_older_implementation_breaks_the_guarantee() {
        let s = summary(&with_an_older_one(), [1, 3]);
        assert_eq!((s.freshness_known, s.older_than_last_update, s.other_losses), (3, 1, 0));
        assert!(!s.is_clean());
        let text = s.to_string();
        assert!(text.contains("1 of the 3 during"), "{text}");
        assert!(text.contains("LOST: a connection got reno at 1.50 s, after"), "{text}");
        assert!(!text.contains("nothing was lost"), "{text}");
    }

    #[test]
    fn an_older_implementation_without_the_guarantee_is_said() {
        let s = Summary::new(&with_an_older_one(), marked([1, 3]), run(false));
        assert_eq!(s.older_than_last_update, 1);
        assert!(s.is_clean(), "{:?}", s.losses);
        let text = s.to_string();
        assert!(text.contains("1 of the 3 during"), "{text}");
        assert!(text.contains("connections got an older implementation"), "{text}");
        assert!(!text.ends_with("\nnothing was lost\n"), "{text}");
    }

    #[test]
    fn a_guarantee_that_no_connection_tried_is_a_loss() {
        let mut records = records();
        for connection in &mut records.connections {
            connection.stale = None;
        }
        let s = summary(&records, [1, 3]);
        assert_eq!(s.losses, ["no connection was made between two swaps"]);
        assert!(Summary::new(&records, marked([1, 3]), run(false)).is_clean());
    }

    #[test]
    fn bytes_are_all_confirmed_only_if_they_are() {
        let mut records = records();
        records.confirmed = 2_500_000;
        records.unconfirmed = 2;
        let text = summary(&records, [1, 3]).to_string();
        assert!(text.contains("2.5 MB confirmed, and of 2 transfers not all\n"), "{text}");
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
            [
                "no connection got cubic",
                "no connection got reno",
                "nothing was swapped",
                "no connection was made between two swaps"
            ]
        );
    }

    #[test]
    fn only_a_connection_that_was_begun_may_be_without_a_mark() {
        let mut records = records();
        records.connections[3].algorithm = None;
        let reno = |connections, unmarked| {
            let [cubic, _] = marked([1, 0]);
            let counted = [cubic, Counted { connections, unmarked }];
            Summary::new(&records, counted, run(true)).losses
        };
        assert_eq!(reno(3, 1), [""; 0]);
        assert_eq!(reno(2, 0), ["1 connections were started by no implementation, 0 not marked"]);
        assert_eq!(reno(2, 1), ["reno counted 2 connections, the clients 2"]);
    }

    #[test]
    fn json_has_the_figures() {
        let json = serde_json::to_value(summary(&records(), [1, 3])).unwrap();
        assert_eq!(json["swaps"], 1);
        assert_eq!(json["update_latency_us"]["p50"], 8.0);
        assert_eq!(json["connections_reset"], 0);
        assert_eq!(json["losses"], serde_json::json!([]));
        assert_eq!((&json["seconds"], &json["guarantee"]), (&2.0.into(), &true.into()));
    }
}
