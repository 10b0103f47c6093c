// SPDX-License-Identifier: GPL-2.0-only

//! What exists in the kernel, counted before the run and after it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use common::ids::Objects;

/// The objects of the kernel, each with how many there are.
#[derive(Debug, PartialEq, Eq)]
pub struct Census {
    /// The BPF objects.
    objects: Objects,
    /// TCP sockets, by /proc/net/sockstat.
    sockets: u64,
    /// The references on each module.
    modules: BTreeMap<String, u64>,
}

impl Census {
    /// Counts what there is now.
    pub fn take() -> Result<Self> {
        Ok(Self { objects: Objects::now()?, sockets: sockets()?, modules: modules()? })
    }

    /// What there is more than before; empty when there is nothing.
    pub fn complaints(&self, before: &Self) -> Vec<String> {
        let mut found = self.objects.complaints(&before.objects);
        if self.sockets > before.sockets {
            found.push(format!("TCP sockets: {} before, {} now", before.sockets, self.sockets));
        }
        for (name, now) in &self.modules {
            let before = before.modules.get(name).copied().unwrap_or(0);
            if *now > before {
                found.push(format!("module {name}: {before} before, {now} now"));
            }
        }
        found
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

#[cfg(test)]
mod tests {
    use common::ids::Kind;

    use super::*;

    /// A small kernel.
    fn census() -> Census {
        Census {
            objects: Objects([(Kind::Link, [3, 4].into())].into()),
            sockets: 5,
            modules: [("bpf_testmod".into(), 1)].into(),
        }
    }

    #[test]
    fn what_is_left_is_named() {
        assert!(census().complaints(&census()).is_empty());
        let mut after = census();
        after.objects.0.insert(Kind::Link, [3, 4, 9].into());
        after.sockets += 1;
        after.modules.insert("bpf_testmod".into(), 2);
        let found = after.complaints(&census()).join("\n");
        for text in ["Links that are left: [9]", "5 before, 6", "bpf_testmod: 1"] {
            assert!(found.contains(text), "{found}");
        }
    }

    #[test]
    fn what_is_gone_is_no_complaint() {
        let mut after = census();
        after.objects.0.insert(Kind::Link, [3].into());
        after.sockets -= 1;
        assert!(after.complaints(&census()).is_empty());
    }
}
