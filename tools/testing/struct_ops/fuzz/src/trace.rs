// SPDX-License-Identifier: GPL-2.0-only

//! What is written about a sequence, with what may differ between two boots
//! replaced: ids are numbered as they are first seen.

use std::io;

use nix::errno::Errno;
use serde::Serialize;

/// What a step did.
#[derive(Debug, Default, Serialize)]
pub struct Step {
    /// "ok", with what was read, or the name of the error.
    pub result: String,
    /// How many connections each implementation has started meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub started: Vec<u64>,
}

/// A sequence.
#[derive(Debug, Serialize)]
pub struct Trace {
    /// Its place in the file.
    pub sequence: usize,
    /// What the sysctls of the initial network namespace are when it begins.
    pub begin: String,
    /// What each step did.
    pub steps: Vec<Step>,
}

/// The name of an error.
pub fn name(error: &io::Error) -> String {
    match error.raw_os_error() {
        None => error.to_string(),
        Some(number) => match Errno::from_raw(number) {
            // ENOTSUPP and others are for the kernel alone.
            Errno::UnknownErrno => format!("error {number}"),
            errno => format!("{errno:?}"),
        },
    }
}

/// The ids that were seen.
#[derive(Debug, Default)]
pub struct Ids(Vec<(String, u32)>);

impl Ids {
    /// A name for an id of a kind, the same each time; 0 stays 0.
    pub fn name(&mut self, kind: &str, id: u32) -> String {
        if id == 0 {
            return "0".into();
        }
        let mut same = self.0.iter().filter(|(other, _)| other == kind);
        let number = same.position(|(_, known)| *known == id).unwrap_or_else(|| {
            self.0.push((kind.into(), id));
            self.0.iter().filter(|(other, _)| other == kind).count() - 1
        });
        format!("{kind}#{number}")
    }

    /// The lines of a descriptor's text that are about BPF and alike in both kernels.
    pub fn fdinfo(&mut self, text: &str) -> String {
        const IDS: [&str; 4] = ["link_id", "map_id", "prog_id", "btf_id"];
        const OTHERS: [&str; 7] = [
            "link_type",
            "map_type",
            "prog_type",
            "key_size",
            "value_size",
            "max_entries",
            "frozen",
        ];
        let fields = text.lines().filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            let (key, value) = (key.trim(), value.trim());
            match value.parse() {
                Ok(id) if IDS.contains(&key) => Some(self.name(key, id)),
                _ if OTHERS.contains(&key) => Some(format!("{key}={value}")),
                _ => None,
            }
        });
        fields.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbered_as_they_are_seen() {
        let mut ids = Ids::default();
        let names = [70, 9, 70, 0].map(|id| ids.name("map_id", id));
        assert_eq!(names, ["map_id#0", "map_id#1", "map_id#0", "0"]);
        assert_eq!(ids.name("link_id", 9), "link_id#0");
    }

    #[test]
    fn fdinfo_keeps_what_is_about_bpf() {
        let text = "pos:\t0\nmnt_id:\t15\nlink_type:\tstruct_ops\nlink_id:\t7\nmap_id:\t9\n";
        let found = Ids::default().fdinfo(text);
        assert_eq!(found, "link_type=struct_ops link_id#0 map_id#0");
    }

    #[test]
    fn errors_have_their_names() {
        assert_eq!(name(&io::Error::from_raw_os_error(22)), "EINVAL");
        assert_eq!(name(&io::Error::from_raw_os_error(524)), "error 524");
    }
}
