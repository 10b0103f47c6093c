// SPDX-License-Identifier: GPL-2.0-only

//! What exists in the kernel, counted before the run and after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use common::ids;
use nix::sched::{CloneFlags, unshare};

/// The caches of what connections, namespaces and links are made of.
const CACHES: [&str; 5] = ["TCP", "TCPv6", "MPTCP", "MPTCPv6", "net_namespace"];
/// How long the kernel may take to free what was let go.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the kernel takes to take a network namespace down, most of the time.
const TAKING_DOWN: Duration = Duration::from_secs(2);

/// The objects of the kernel, each with how many there are.
#[derive(Debug, PartialEq, Eq)]
pub struct Census {
    /// The ids of programs, maps and links.
    ids: BTreeMap<ids::Kind, BTreeSet<u32>>,
    /// TCP sockets, by /proc/net/sockstat.
    sockets: u64,
    /// The references on each module.
    modules: BTreeMap<String, u64>,
    /// Objects in each of [`CACHES`], as far as the kernel tells.
    slabs: BTreeMap<String, u64>,
}

impl Census {
    /// Counts what there is now.
    pub fn take() -> Result<Self> {
        let ids = ids::KINDS
            .into_iter()
            .map(|kind| Ok((kind, ids::all(kind)?.into_iter().collect())))
            .collect::<Result<_>>()?;
        Ok(Self { ids, sockets: sockets()?, modules: modules()?, slabs: slabs()? })
    }

    /// What there is more than before; empty when there is nothing.
    pub fn complaints(&self, before: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, now) in &self.ids {
            let new: Vec<_> = now.difference(&before.ids[kind]).collect();
            if !new.is_empty() {
                found.push(format!("{kind:?}s that are left: {new:?}"));
            }
        }
        if self.sockets > before.sockets {
            found.push(format!("TCP sockets: {} before, {} now", before.sockets, self.sockets));
        }
        for (what, now, before) in
            [("module", &self.modules, &before.modules), ("cache", &self.slabs, &before.slabs)]
        {
            for (name, now) in now {
                let before = before.get(name).copied().unwrap_or(0);
                if *now > before {
                    found.push(format!("{what} {name}: {before} before, {now} now"));
                }
            }
        }
        found
    }
}

/// Waits until there is nothing more than before; what there still is, else.
pub fn settle(complaints: impl Fn() -> Result<Vec<String>>) -> Result<Vec<String>> {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = complaints()?;
        if found.is_empty() || Instant::now() > end {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// How many TCP sockets of this namespace are allocated.
fn sockets() -> Result<u64> {
    let text = fs::read_to_string("/proc/net/sockstat")?;
    let line = text.lines().find(|line| line.starts_with("TCP:")).context("no TCP in sockstat")?;
    let words: Vec<_> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "alloc").context("no alloc in sockstat")?;
    Ok(words.get(at + 1).context("sockstat is cut")?.parse()?)
}

/// The references on each module.
fn modules() -> Result<BTreeMap<String, u64>> {
    fs::read_to_string("/proc/modules")?
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().context("a module without a name")?;
            let references = words.nth(1).context("a module without references")?.parse()?;
            Ok((name.to_owned(), references))
        })
        .collect()
}

/// Takes a network namespace down. The kernel frees those from before only then, and this one
/// with the next.
fn take_namespace_down() -> Result<()> {
    let unshared = thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET)).join();
    unshared.map_err(|_| anyhow!("a thread has ended early"))??;
    thread::sleep(TAKING_DOWN);
    Ok(())
}

/// The objects in use of each cache that this kernel tells of.
fn slabs() -> Result<BTreeMap<String, u64>> {
    let caches = Path::new("/sys/kernel/slab");
    let told: Vec<_> =
        CACHES.into_iter().filter(|name| caches.join(name).join("objects").exists()).collect();
    if told.is_empty() {
        return Ok(BTreeMap::new());
    }
    take_namespace_down()?;
    let mut found = BTreeMap::new();
    for name in told {
        let cache = caches.join(name);
        // Objects that a processor keeps for itself count as used until then.
        fs::write(cache.join("shrink"), "1")?;
        let text = fs::read_to_string(cache.join("objects"))?;
        let count = text.split_whitespace().next().context("an empty count")?;
        found.insert(name.to_owned(), count.parse()?);
    }
    Ok(found)
}

/// Where kmemleak is asked.
const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";
/// The age at which kmemleak reports an object.
const AGE: Duration = Duration::from_secs(6);

/// What kmemleak has found; nothing where it is not built in.
pub fn leaks() -> Result<Option<Vec<String>>> {
    if !Path::new(KMEMLEAK).exists() {
        return Ok(None);
    }
    thread::sleep(AGE);
    // The first scan may see an object just before it is stored somewhere.
    for _ in 0..2 {
        fs::write(KMEMLEAK, "scan")?;
    }
    Ok(Some(fs::read_to_string(KMEMLEAK)?.lines().map(str::to_owned).collect()))
}

/// Has kmemleak forget what it found before the run.
pub fn forget_leaks() -> Result<()> {
    if Path::new(KMEMLEAK).exists() {
        fs::write(KMEMLEAK, "clear")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small kernel.
    fn census() -> Census {
        Census {
            ids: [(ids::Kind::Link, [3, 4].into())].into(),
            sockets: 5,
            modules: [("bpf_testmod".into(), 1)].into(),
            slabs: [("TCP".into(), 7)].into(),
        }
    }

    #[test]
    fn what_is_left_is_named() {
        assert!(census().complaints(&census()).is_empty());
        let mut after = census();
        after.ids.insert(ids::Kind::Link, [3, 4, 9].into());
        after.sockets += 1;
        after.modules.insert("bpf_testmod".into(), 2);
        after.slabs.insert("TCP".into(), 8);
        let found = after.complaints(&census()).join("\n");
        for text in ["Links that are left: [9]", "5 before, 6", "bpf_testmod: 1", "TCP: 7"] {
            assert!(found.contains(text), "{found}");
        }
    }

    #[test]
    fn what_is_gone_is_no_complaint() {
        let mut after = census();
        after.ids.insert(ids::Kind::Link, [3].into());
        after.sockets -= 1;
        assert!(after.complaints(&census()).is_empty());
    }
}
