// SPDX-License-Identifier: GPL-2.0-only

//! The objects in the kernel's caches, where it counts them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use nix::sched::{CloneFlags, unshare};

use crate::program::run;

/// The caches of what connections and namespaces are made of.
const CACHES: [&str; 11] = [
    "TCP",
    "TCPv6",
    "MPTCP",
    "MPTCPv6",
    "request_sock_TCP",
    "request_sock_TCPv6",
    "request_sock_subflow_v4",
    "request_sock_subflow_v6",
    "tw_sock_TCP",
    "tw_sock_TCPv6",
    "net_namespace",
];
/// Where the kernel tells of a cache.
const FOLDER: &str = "/sys/kernel/slab";
/// How long the kernel takes to take a network namespace down, most of the time.
const TAKING_DOWN: Duration = Duration::from_secs(2);

/// How many objects of each cache are used.
pub type Slabs = BTreeMap<&'static str, u64>;

/// Whether the kernel counts the objects that are used. Without SLUB_DEBUG it does not.
pub fn are_counted() -> bool {
    Path::new(FOLDER).join(CACHES[0]).join("objects").exists()
}

/// Counts what is used now.
pub fn count() -> Result<Slabs> {
    end_time_wait()?;
    take_namespace_down()?;
    CACHES.into_iter().map(|name| Ok((name, used(name)?))).collect()
}

/// What is used more than before, in words.
pub fn complaints(now: &Slabs, before: &Slabs) -> Vec<String> {
    let mut found = Vec::new();
    for (name, now) in now {
        let before = before.get(name).copied().unwrap_or(0);
        if *now > before {
            found.push(format!("cache {name}: {before} before, {now} now"));
        }
    }
    found
}

/// How many objects of a cache are used.
fn used(name: &str) -> Result<u64> {
    let cache = Path::new(FOLDER).join(name);
    // Objects that a processor keeps for itself count as used until then.
    fs::write(cache.join("shrink"), "1").with_context(|| format!("cannot shrink {name}"))?;
    let text = fs::read_to_string(cache.join("objects"))?;
    Ok(text.split_whitespace().next().context("an empty count")?.parse()?)
}

/// Ends the sockets that wait for 60 seconds in case a packet comes late.
fn end_time_wait() -> Result<()> {
    run("ss", &["-K", "-t", "state", "time-wait"]).map(drop)
}

/// Takes a network namespace down. The kernel frees those from before only then, and this one
/// with the next.
fn take_namespace_down() -> Result<()> {
    let unshared = thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET)).join();
    unshared.map_err(|_| anyhow!("a thread has ended early"))??;
    thread::sleep(TAKING_DOWN);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_that_grew_is_named() {
        let before = [("TCP", 7), ("MPTCP", 2)].into();
        assert!(complaints(&before, &before).is_empty());
        let now = [("TCP", 8), ("MPTCP", 1)].into();
        assert_eq!(complaints(&now, &before), ["cache TCP: 7 before, 8 now"]);
    }
}
