// SPDX-License-Identifier: GPL-2.0-only

//! What happens during a run, written down by all its threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::algorithms::Algorithm;

/// A swap that succeeded.
#[derive(Debug, Clone, Copy)]
pub struct Swap {
    /// When it was done.
    pub at: Duration,
    /// What is current since.
    pub to: Algorithm,
    /// How long the system call took.
    pub latency: Duration,
}

/// A connection that was established.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// When it was.
    pub at: Duration,
    /// What started it; none if it does not tell.
    pub algorithm: Option<Algorithm>,
    /// Whether that was older than the last update that had returned before.
    /// It cannot be told if an update ran while the connection was made.
    pub stale: Option<bool>,
}

/// A connection for bulk transfer.
#[derive(Debug, Clone)]
pub struct Bulk {
    /// Its port at the client's side.
    pub port: u16,
    /// What started it.
    pub algorithm: Algorithm,
    /// Whether it still runs.
    pub running: bool,
    /// Its congestion window over time.
    pub cwnd: Vec<(Duration, u32)>,
}

/// A moment of the run.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// When.
    pub at: Duration,
    /// Bytes received since the sample before, in Mbit/s.
    pub throughput: f64,
}

/// What must not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// An update failed.
    Swap(String),
    /// A socket could not choose the name.
    Name(String),
    /// A connection was reset or refused.
    Reset(String),
    /// A connection got an implementation that an update had replaced.
    Older(String),
    /// Anything else: a stalled connection, a missing byte.
    Other(String),
}

impl Loss {
    /// What a connection's error is.
    pub fn connection(doing: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset,
        };
        let text = format!("{doing}: {error}");
        match error.kind() {
            BrokenPipe | ConnectionAborted | ConnectionRefused | ConnectionReset => {
                Self::Reset(text)
            }
            _ => Self::Other(text),
        }
    }
}

/// What is written down.
#[derive(Debug, Default)]
pub struct Records {
    /// The swaps that succeeded.
    pub swaps: Vec<Swap>,
    /// The connections that were established.
    pub connections: Vec<Connection>,
    /// Those of them that transfer bulk.
    pub bulk: Vec<Bulk>,
    /// The throughput over time.
    pub samples: Vec<Sample>,
    /// What was lost.
    pub losses: Vec<Loss>,
    /// The bytes that the clients sent, as far as the server confirmed them.
    pub confirmed: u64,
    /// The transfers of which the server did not confirm every byte.
    pub unconfirmed: usize,
}

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    /// When the run began.
    began: Instant,
    /// Set when the user interrupts.
    interrupted: Arc<AtomicBool>,
    /// Set when the time is over.
    over: AtomicBool,
    /// The swaps that were begun.
    begun: AtomicU64,
    /// The swaps that have returned.
    returned: AtomicU64,
    /// The bytes that the server received.
    received: AtomicU64,
    /// The rest.
    records: Mutex<Records>,
}

impl Ledger {
    /// Begins a run.
    pub fn new(interrupted: Arc<AtomicBool>) -> Self {
        Self {
            began: Instant::now(),
            interrupted,
            over: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            received: AtomicU64::new(0),
            records: Mutex::default(),
        }
    }

    /// The time since the run began.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Ends the run.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Whether the user interrupted the run.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Whether the run has ended.
    pub fn ended(&self) -> bool {
        self.over.load(Ordering::SeqCst) || self.interrupted()
    }

    /// Sleeps until a moment of the run, or its end; true if it goes on.
    pub fn wait_until(&self, moment: Duration) -> bool {
        loop {
            let left = moment.saturating_sub(self.now());
            if self.ended() || left.is_zero() {
                return !self.ended();
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }

    /// What is written down so far.
    pub fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down a loss.
    pub fn lost(&self, loss: Loss) {
        self.records().losses.push(loss);
    }

    /// Counts bytes that arrived.
    pub fn add_received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The bytes that arrived so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// What is current, as far as is known.
    pub fn current(&self) -> Algorithm {
        Algorithm::after(self.returned.load(Ordering::SeqCst))
    }

    /// Swaps by `update`, writes down how that went, and returns the latency if
    /// it did. Only one thread may.
    pub fn swap(&self, update: impl FnOnce(Algorithm) -> std::io::Result<()>) -> Option<Duration> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let to = Algorithm::after(number);
        let start = Instant::now();
        match update(to) {
            Ok(()) => {
                let latency = start.elapsed();
                self.returned.store(number, Ordering::SeqCst);
                let at = self.now();
                self.records().swaps.push(Swap { at, to, latency });
                Some(latency)
            }
            Err(error) => {
                self.begun.fetch_sub(1, Ordering::SeqCst);
                self.lost(Loss::Swap(format!("update to {to}: {error}")));
                None
            }
        }
    }

    /// Waits until another swap has returned, or the run has ended.
    pub fn wait_for_swap(&self) {
        let before = self.returned.load(Ordering::SeqCst);
        while self.returned.load(Ordering::SeqCst) == before && !self.ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Watches the swaps from now on.
    pub fn watch_swaps(&self) -> SwapWatch<'_> {
        SwapWatch { ledger: self, returned: self.returned.load(Ordering::SeqCst) }
    }
}

/// The swaps since some moment.
#[derive(Debug)]
pub struct SwapWatch<'a> {
    /// Where they are counted.
    ledger: &'a Ledger,
    /// The swaps that had returned at that moment.
    returned: u64,
}

impl SwapWatch<'_> {
    /// Whether what a connection got since was older than what was current
    /// then. If an update ran meanwhile either may be right.
    pub fn stale(&self, got: Algorithm) -> Option<bool> {
        let begun = self.ledger.begun.load(Ordering::SeqCst);
        (begun == self.returned).then(|| got != Algorithm::after(self.returned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// A run that has just begun.
    fn ledger() -> Ledger {
        Ledger::new(Arc::default())
    }

    #[test]
    fn swaps_alternate_and_failures_do_not_count() {
        let ledger = ledger();
        assert_eq!(ledger.current(), Algorithm::Cubic);
        ledger.swap(|to| {
            assert_eq!(to, Algorithm::Reno);
            Ok(())
        });
        assert_eq!(ledger.current(), Algorithm::Reno);
        ledger.swap(|_| Err(io::ErrorKind::OutOfMemory.into()));
        assert_eq!(ledger.current(), Algorithm::Reno);
        // The next one tries what the failed one did.
        ledger.swap(|to| {
            assert_eq!(to, Algorithm::Cubic);
            Ok(())
        });
        let records = ledger.records();
        assert_eq!(records.swaps.len(), 2);
        assert!(matches!(records.losses[..], [Loss::Swap(_)]));
    }

    #[test]
    fn a_connection_is_stale_only_if_that_can_be_told() {
        let ledger = ledger();
        ledger.swap(|_| Ok(()));
        let watch = ledger.watch_swaps();
        assert_eq!(watch.stale(Algorithm::Reno), Some(false));
        assert_eq!(watch.stale(Algorithm::Cubic), Some(true));
        // While an update runs, and once one has been.
        ledger.swap(|_| {
            assert_eq!(watch.stale(Algorithm::Cubic), None);
            Ok(())
        });
        assert_eq!(watch.stale(Algorithm::Reno), None);
    }

    #[test]
    fn waiting_for_a_swap_ends_with_it_or_with_the_run() {
        let ledger = ledger();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                ledger.wait_for_swap();
                (ledger.current(), ledger.ended())
            });
            ledger.swap(|_| Err(io::ErrorKind::OutOfMemory.into()));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!waiter.is_finished());
            ledger.swap(|_| Ok(()));
            assert_eq!(waiter.join().unwrap(), (Algorithm::Reno, false));
        });
        ledger.end();
        ledger.wait_for_swap();
    }

    #[test]
    fn a_reset_is_told_from_other_errors() {
        let loss = |kind| Loss::connection("send", &io::Error::from(kind));
        assert!(matches!(loss(io::ErrorKind::ConnectionReset), Loss::Reset(_)));
        assert!(matches!(loss(io::ErrorKind::ConnectionRefused), Loss::Reset(_)));
        assert!(matches!(loss(io::ErrorKind::TimedOut), Loss::Other(_)));
    }

    #[test]
    fn waiting_ends_with_the_run() {
        let ledger = ledger();
        assert!(ledger.wait_until(Duration::ZERO));
        ledger.end();
        let moment = Duration::from_secs(2);
        assert!(!ledger.wait_until(moment));
        assert!(ledger.now() < moment);
        assert!(ledger.ended() && !ledger.interrupted());
    }
}
