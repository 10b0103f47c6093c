// SPDX-License-Identifier: GPL-2.0-only

//! Makes sequences out of a seed.

use anyhow::{Result, anyhow};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::op::{Fd, Op, Sysctl, WRONG, Word};
use crate::plan::Plan;
use crate::world::{LINKS, NAMESPACES, PATHS, SOCKETS, TABLES};

/// The names that sockets and sysctls are given.
const NAMES: [&str; 6] = ["fz_a", "fz_b", "reno", "cubic", "nosuch", ""];

/// What is written to the list of allowed names.
const LISTS: [&str; 6] = ["reno", "fz_a reno", "cubic fz_b reno", "nosuch", "fz_a nosuch", ""];

/// The commands of malformed calls: those on maps, links and pins, and one that
/// does not exist. Those that load programs or BTF are not the subject.
const COMMANDS: [u32; 14] = [0, 1, 2, 3, 4, 6, 7, 15, 22, 28, 29, 30, 34, 9999];

/// How many of so many steps are such that they can succeed, if any can.
const LIKELY: usize = 3;
/// So many steps.
const LIKELY_OF: usize = 4;

/// The number that makes `sequence` of `seed`, the same everywhere.
pub fn sequence(seed: u64, number: u64, steps: usize) -> Result<Vec<Op>> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &key);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tree = vec(op(), steps.div_ceil(2)..=steps)
        .new_tree(&mut runner)
        .map_err(|reason| anyhow!("no sequence can be made: {reason}"))?;
    let mut plan = Plan::new();
    let mut steps = Vec::new();
    for op in tree.current() {
        let mut pick = |count: usize| runner.rng().next_u32() as usize % count;
        let likely = if pick(LIKELY_OF) < LIKELY { plan.likely(&op, &mut pick) } else { None };
        let op = likely.unwrap_or(op);
        plan.add(&op);
        steps.push(op);
    }
    Ok(steps)
}

/// Mostly a table that can be linked, and any other descriptor.
fn map() -> impl Strategy<Value = Fd> {
    prop_oneof![10 => (0..TABLES.len()).prop_map(Fd::Table), 2 => any_fd()]
}

/// Mostly a link.
fn link() -> impl Strategy<Value = Fd> {
    prop_oneof![8 => (0..LINKS).prop_map(Fd::Link), 2 => any_fd()]
}

/// A descriptor of any kind.
fn any_fd() -> impl Strategy<Value = Fd> {
    prop_oneof![
        3 => select(&WRONG[..]),
        1 => (0..TABLES.len()).prop_map(Fd::Table),
        1 => (0..LINKS).prop_map(Fd::Link),
        1 => (0..SOCKETS).prop_map(Fd::Socket),
    ]
}

/// The name of a congestion control, existing or not.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(&NAMES[..2]), 1 => select(&NAMES[..])].prop_map(str::to_owned)
}

/// A number of flags, none most of the time.
fn flags(known: u32) -> impl Strategy<Value = u32> {
    prop_oneof![8 => Just(0), 3 => Just(known), 1 => select(vec![1, 2, 8, 1 << 31, u32::MAX])]
}

/// A step on links and what they are made of.
fn on_links() -> impl Strategy<Value = Op> {
    // BPF_F_REPLACE
    const REPLACE: u32 = 4;
    prop_oneof![
        8 => (0..LINKS, map(), flags(REPLACE)).prop_map(|(link, map, flags)| {
            Op::Create { link, map, flags }
        }),
        8 => (link(), map(), flags(REPLACE), map()).prop_map(|(link, map, flags, old)| {
            // Without BPF_F_REPLACE any old map is an error, so there is seldom one.
            let old = if flags == 0 && old != Fd::Table(0) { Fd::Zero } else { old };
            Op::Update { link, map, flags, old }
        }),
        2 => link().prop_map(|link| Op::Detach { link }),
        3 => link().prop_map(|fd| Op::Info { fd }),
        2 => link().prop_map(|fd| Op::FdInfo { fd }),
        2 => link().prop_map(|fd| Op::Poll { fd }),
        1 => (0..LINKS, 0..LINKS).prop_map(|(link, of)| Op::ById { link, of }),
        2 => (link(), 0..PATHS).prop_map(|(fd, path)| Op::Pin { fd, path }),
        1 => (0..LINKS, 0..PATHS).prop_map(|(link, path)| Op::OpenPin { link, path }),
        1 => (0..PATHS).prop_map(|path| Op::Unlink { path }),
        1 => prop_oneof![4 => link(), 1 => (0..TABLES.len()).prop_map(Fd::Table)]
            .prop_map(|fd| Op::Close { fd }),
        2 => map().prop_map(|map| Op::Lookup { map }),
        1 => map().prop_map(|map| Op::Delete { map }),
        1 => (map(), select(vec![0, 1, 2, u64::MAX])).prop_map(|(map, flags)| {
            Op::Write { map, flags }
        }),
    ]
}

/// A step on sockets and namespaces.
fn on_sockets() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..SOCKETS).prop_map(|socket| Op::Listen { socket }),
        6 => (0..SOCKETS, name(), prop::bool::weighted(0.3)).prop_map(|(socket, name, ordinary)| {
            Op::SetCc { socket, name, ordinary }
        }),
        2 => (0..SOCKETS).prop_map(|socket| Op::GetCc { socket }),
        5 => (0..SOCKETS, 0..SOCKETS).prop_map(|(socket, to)| Op::Connect { socket, to }),
        1 => (0..SOCKETS).prop_map(|socket| Op::Disconnect { socket }),
        4 => (0..SOCKETS, 0..SOCKETS).prop_map(|(listener, socket)| {
            Op::Accept { listener, socket }
        }),
        1 => (0..SOCKETS).prop_map(|socket| Op::Close { fd: Fd::Socket(socket) }),
        1 => (0..NAMESPACES).prop_map(|namespace| Op::Enter { namespace }),
    ]
}

/// A step on the sysctls.
fn on_sysctls() -> impl Strategy<Value = Op> {
    let which = || select(vec![Sysctl::Default, Sysctl::Available, Sysctl::Allowed]);
    prop_oneof![
        4 => which().prop_map(|sysctl| Op::Read { sysctl }),
        3 => name().prop_map(|value| Op::WriteSysctl { sysctl: Sysctl::Default, value }),
        2 => (which(), select(&LISTS[..])).prop_map(|(sysctl, value)| {
            Op::WriteSysctl { sysctl, value: value.to_owned() }
        }),
    ]
}

/// A call with a malformed attribute.
fn raw() -> impl Strategy<Value = Op> {
    let word = prop_oneof![
        4 => Just(Word::Value(0)),
        2 => select(vec![1, 2, 4, 16, 26, u32::MAX]).prop_map(Word::Value),
        1 => any::<u32>().prop_map(Word::Value),
        2 => any_fd().prop_map(Word::Fd),
        1 => Just(Word::Page),
    ];
    let size = prop_oneof![3 => 0..200u32, 1 => Just(16), 1 => Just(4096), 1 => any::<u32>()];
    (select(&COMMANDS[..]), vec(word, 0..50), size).prop_map(|(command, words, size)| Op::Raw {
        command,
        words,
        size,
    })
}

/// Any step.
fn op() -> impl Strategy<Value = Op> {
    prop_oneof![10 => on_links(), 8 => on_sockets(), 3 => on_sysctls(), 2 => raw()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What a file says about these sequences.
    fn written(seed: u64, sequences: u64) -> Vec<String> {
        (0..sequences)
            .flat_map(|number| sequence(seed, number, 30).expect("a sequence"))
            .map(|op| serde_json::to_string(&op).expect("JSON"))
            .collect()
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(written(1, 5), written(1, 5));
        assert_ne!(written(1, 5), written(2, 5));
    }

    #[test]
    fn each_operation_and_each_wrong_kind_comes_up() {
        let text = written(7, 3000);
        let mut operations = BTreeMap::new();
        for line in &text {
            let name = line.split('"').nth(1).expect("an operation").to_owned();
            *operations.entry(name).or_insert(0) += 1;
        }
        // The number of variants of Op.
        assert_eq!(operations.len(), 24, "{operations:?}");
        assert!(operations.values().all(|count| *count > 20), "{operations:?}");
        for user in ["\"create\"", "\"update\"", "\"detach\"", "\"info\"", "\"pin\"", "\"raw\""] {
            for kind in WRONG {
                let kind = serde_json::to_string(&kind).expect("JSON");
                assert!(
                    text.iter().any(|line| line.contains(user) && line.contains(&kind)),
                    "{user} never has {kind}"
                );
            }
        }
    }
}
