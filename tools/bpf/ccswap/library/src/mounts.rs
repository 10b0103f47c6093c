// SPDX-License-Identifier: GPL-2.0-only

//! The mounts that this process sees.

use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// One mount.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// What of its file system is mounted there.
    pub root: String,
}

/// Every mount of a file system type.
pub fn of_type(fstype: &str) -> Result<Vec<Mount>> {
    let path = "/proc/self/mountinfo";
    let text = fs::read_to_string(path).map_err(Error::system(format!("read {path}")))?;
    Ok(parse(&text, fstype))
}

/// Picks the mounts of one type out of a mountinfo file.
fn parse(mountinfo: &str, fstype: &str) -> Vec<Mount> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let (place, source) = line.split_once(" - ")?;
            if source.split(' ').next() != Some(fstype) {
                return None;
            }
            let mut fields = place.split(' ').skip(3);
            Some(Mount { root: fields.next()?.into(), point: unescape(fields.next()?).into() })
        })
        .collect()
}

/// Undoes the octal escapes by which mountinfo writes blanks in a path.
fn unescape(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(field.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &str = "\
22 1 0:20 / /proc rw - proc proc rw
30 1 0:27 / /sys/fs/bpf rw,nosuid shared:9 - bpf bpf rw,mode=700
31 1 0:28 / /mnt/a\\040b rw - bpf none rw
40 1 0:4 net:[4026532241] /run/netns/client rw - nsfs nsfs rw
";

    #[test]
    fn finds_the_mounts_of_a_type() {
        let points: Vec<_> = parse(MOUNTINFO, "bpf").into_iter().map(|m| m.point).collect();
        assert_eq!(points, [PathBuf::from("/sys/fs/bpf"), PathBuf::from("/mnt/a b")]);
        let nsfs = parse(MOUNTINFO, "nsfs");
        assert_eq!(nsfs[0].root, "net:[4026532241]");
        assert!(parse(MOUNTINFO, "ext4").is_empty());
    }

    #[test]
    fn this_system_has_a_proc() {
        assert!(of_type("proc").unwrap().iter().any(|m| m.point.as_os_str() == "/proc"));
    }
}
