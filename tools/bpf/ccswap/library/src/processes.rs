// SPDX-License-Identifier: GPL-2.0-only

//! The processes that hold a link open.

use std::fs;
use std::path::Path;

use crate::link;

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// What it is called.
    pub name: String,
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.pid, self.name)
    }
}

/// The processes that hold a link, as far as this user may see their descriptors.
pub fn holding(link: u32) -> Vec<Process> {
    let mut found: Vec<_> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let holds = fs::read_dir(entry.path().join("fdinfo")).ok()?.flatten().any(|file| {
                fs::read_to_string(file.path()).is_ok_and(|text| link::is_of(&text, link))
            });
            holds.then(|| Process { pid, name: name(&entry.path()) })
        })
        .collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// What a process is called; nothing once it has ended.
fn name(process: &Path) -> String {
    fs::read_to_string(process.join("comm")).unwrap_or_default().trim_end().to_owned()
}
