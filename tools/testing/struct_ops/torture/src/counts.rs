// SPDX-License-Identifier: GPL-2.0-only

//! How often each kind of work was done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Connections of traffic that were made.
    Connections,
    /// Connections whose congestion control was a module.
    Modular,
    /// Connections over a route, with its congestion control.
    Routed,
    /// Connections in a network namespace of their own.
    Apart,
    /// Reports of a HID device that the programs saw.
    Reports,
    /// Packets that the queueing discipline saw.
    Packets,
    /// Schedulers that stayed until they were detached.
    Schedulers,
    /// Processes that were killed after they had updated a link.
    Victims,
    /// Bytes that arrived and were right.
    Bytes,
}

impl Count {
    /// All of them in their order, with the name that the report gives them.
    pub const ALL: [(Self, &str); 9] = [
        (Self::Connections, "connections of traffic"),
        (Self::Modular, "connections of a module"),
        (Self::Routed, "connections over the route"),
        (Self::Apart, "connections in a new namespace"),
        (Self::Reports, "HID reports"),
        (Self::Packets, "packets in the qdisc"),
        (Self::Schedulers, "schedulers of sched_ext"),
        (Self::Victims, "victims killed after an update"),
        (Self::Bytes, "bytes that arrived"),
    ];
}

/// The account of the work.
#[derive(Debug, Default)]
pub struct Counts([AtomicU64; Count::ALL.len()]);

impl Counts {
    /// Counts some more.
    pub fn add(&self, count: Count, more: u64) {
        self.0[count as usize].fetch_add(more, Relaxed);
    }

    /// How much there was.
    pub fn get(&self, count: Count) -> u64 {
        self.0[count as usize].load(Relaxed)
    }

    /// Whether there was none yet. Who chooses by chance what to do does not leave that out, so
    /// that the shortest run has some.
    pub fn lacks(&self, count: Count) -> bool {
        self.get(count) == 0
    }

    /// All of them, by name.
    pub fn named(&self) -> BTreeMap<&'static str, u64> {
        Count::ALL.into_iter().map(|(count, name)| (name, self.get(count))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_for_itself() {
        for (place, (count, name)) in Count::ALL.into_iter().enumerate() {
            assert_eq!(place, count as usize);
            let counts = Counts::default();
            assert!(counts.lacks(count));
            counts.add(count, 2);
            assert_eq!(counts.get(count), 2);
            assert!(!counts.lacks(count));
            assert_eq!(counts.named()[name], 2);
            assert_eq!(counts.named().values().sum::<u64>(), 2);
        }
    }
}
