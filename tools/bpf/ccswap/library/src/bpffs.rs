// SPDX-License-Identifier: GPL-2.0-only

//! The BPF file system, where links are pinned.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use crate::error::{Error, Result};
use crate::link::{self, Link};
use crate::mounts;

/// Where `attach` pins a link when it is not told.
pub const DEFAULT_DIR: &str = "/sys/fs/bpf/ccswap";

/// A path as the system calls want it.
pub(crate) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Where a link of that name is pinned by default. A BPF file system takes no dot in a name, the
/// kernel does.
pub fn default_pin(name: &str) -> PathBuf {
    Path::new(DEFAULT_DIR).join(name.replace('.', "-"))
}

/// Checks that a link can be pinned at `path`, before anything is registered.
///
/// # Errors
///
/// Something is there, or the place takes no link.
pub fn check_free(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(Error::PinTaken(path.into()));
    }
    let present = path.ancestors().skip(1).find(|dir| dir.exists());
    let present = present.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = statfs(present)
        .map_err(|errno| Error::system(format!("look at {}", present.display()))(errno.into()))?;
    if found.filesystem_type() != BPF_FS_MAGIC {
        return Err(Error::PinPlace(path.into()));
    }
    let made = path.strip_prefix(present).unwrap_or(path);
    if made.as_os_str().as_bytes().contains(&b'.') {
        return Err(Error::PinDot(path.into()));
    }
    Ok(())
}

/// Pins a link, in a directory that may have to be made.
///
/// # Errors
///
/// The kernel refuses.
pub fn pin(link: &Link, path: &Path) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| link.pin(path)).map_err(|error| Error::Pin { path: path.into(), error })
}

/// Removes a pin if it is still that link's: another may have been put, or mounted, over it.
/// Returns whether it was.
///
/// So that none is removed that comes between the look and the removal, it is moved aside first,
/// where nobody looks for another link, and what turns out to be one goes back.
///
/// # Errors
///
/// It cannot be moved or removed.
pub fn unpin(path: &Path, link: u32) -> Result<bool> {
    let is_it = |path: &Path| link::pinned_info(path).is_some_and(|found| found.id == link);
    if !is_it(path) {
        return Ok(false);
    }
    let aside = path.with_file_name(format!("detached-{link}-{}", std::process::id()));
    rename(path, &aside)?;
    if is_it(&aside) {
        let failed = Error::system(format!("remove {}", aside.display()));
        return fs::remove_file(&aside).map_err(failed).map(|()| true);
    }
    rename(&aside, path).map(|()| false)
}

/// Renames a pin, to a place where nothing is.
fn rename(from: &Path, to: &Path) -> Result<()> {
    renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE).map_err(|errno| {
        Error::system(format!("move {} to {}", from.display(), to.display()))(errno.into())
    })
}

/// The pin paths of every struct_ops link, by link id.
///
/// # Errors
///
/// The mounts cannot be read.
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
    fn the_default_pin_has_no_dot() {
        assert_eq!(default_pin("bbr.v2"), Path::new("/sys/fs/bpf/ccswap/bbr-v2"));
    }

    #[test]
    fn a_path_with_a_nul_is_refused() {
        assert!(c_path(Path::new("a\0b")).is_err());
    }
}
