// SPDX-License-Identifier: GPL-2.0-only

//! The capabilities that a refused call wants.

use std::fs;

/// A capability, by its number in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// For what has to do with the network.
    NetAdmin = 12,
    /// For everything else; stands for the two below, too.
    SysAdmin = 21,
    /// For programs that read the kernel's memory.
    Perfmon = 38,
    /// For BPF.
    Bpf = 39,
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::Perfmon => "CAP_PERFMON",
            Self::Bpf => "CAP_BPF",
        })
    }
}

/// Those of the needed capabilities that this process has not.
pub fn missing(needed: &[Capability]) -> Vec<Capability> {
    let effective = fs::read_to_string("/proc/self/status")
        .ok()
        .as_deref()
        .and_then(effective)
        .unwrap_or_default();
    needed.iter().copied().filter(|capability| !has(effective, *capability)).collect()
}

/// Whether a set of capabilities holds one.
fn has(set: u64, capability: Capability) -> bool {
    let bit = |capability: Capability| set >> capability as u64 & 1 == 1;
    let implied = matches!(capability, Capability::Bpf | Capability::Perfmon);
    bit(capability) || implied && bit(Capability::SysAdmin)
}

/// Reads the effective set from /proc/self/status.
fn effective(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Capability::*;

    #[test]
    fn reads_the_effective_set() {
        assert_eq!(effective("Name:\tx\nCapEff:\t00000000a80425fb\n"), Some(0xa804_25fb));
        assert_eq!(effective("Name:\tx\n"), None);
    }

    #[test]
    fn sys_admin_stands_for_bpf_and_perfmon_alone() {
        let set = 1 << SysAdmin as u64;
        assert_eq!(
            [NetAdmin, SysAdmin, Perfmon, Bpf].map(|one| has(set, one)),
            [false, true, true, true]
        );
        let set = 1 << Bpf as u64;
        assert_eq!(
            [NetAdmin, SysAdmin, Perfmon, Bpf].map(|one| has(set, one)),
            [false, false, false, true]
        );
    }
}
