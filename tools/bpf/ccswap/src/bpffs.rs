// SPDX-License-Identifier: GPL-2.0-only

//! The BPF file system, where links are pinned.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use crate::link;
use crate::mounts;

/// Where `attach` pins a link when it is not told.
pub const DEFAULT_DIR: &str = "/sys/fs/bpf/ccswap";

/// A path as the system calls want it.
pub fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Checks that a link can be pinned at `path`, before anything is registered.
pub fn check_free(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        bail!(
            "{0} exists; choose another place with --pin, or change what stands there: \
             `ccswap update {0} …`, `ccswap detach {0}`",
            path.display()
        );
    }
    let present = path.ancestors().skip(1).find(|dir| dir.exists());
    let present = present.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if statfs(present)?.filesystem_type() != BPF_FS_MAGIC {
        bail!(
            "{} is not on a BPF file system, where links are pinned; \
             mount one (mount -t bpf bpf /sys/fs/bpf) or name a path on one with --pin",
            path.display()
        );
    }
    Ok(())
}

/// The pin paths of every struct_ops link, by link id.
pub fn link_pins() -> Result<HashMap<u32, Vec<PathBuf>>> {
    let mut pins = HashMap::<u32, Vec<PathBuf>>::new();
    for mount in mounts::of_type("bpf")? {
        walk(&mount.point, &mut pins);
    }
    for paths in pins.values_mut() {
        paths.sort();
        paths.dedup();
    }
    Ok(pins)
}

/// Looks for links below `dir`. What cannot be read holds none for this user.
fn walk(dir: &Path, pins: &mut HashMap<u32, Vec<PathBuf>>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, pins),
            Ok(kind) if kind.is_file() => {
                if let Some(info) = link::pinned_info(&path) {
                    pins.entry(info.id).or_default().push(path);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_needs_a_free_place_on_a_bpf_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let taken = check_free(dir.path()).unwrap_err().to_string();
        assert!(taken.contains("exists"), "{taken}");
        let elsewhere = check_free(&dir.path().join("a/b")).unwrap_err().to_string();
        assert!(elsewhere.contains("mount -t bpf"), "{elsewhere}");
    }

    #[test]
    fn a_path_with_a_nul_is_refused() {
        assert!(c_path(Path::new("a\0b")).is_err());
    }
}
