// SPDX-License-Identifier: GPL-2.0-only

//! The table that a link held before its last update, kept by a pin so that it can come back.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use libbpf_rs::libbpf_sys as sys;
use libbpf_rs::{MapCore, MapHandle};

use crate::bpffs::c_path;
use crate::error::{Error, Result};
use crate::link;

/// Where they are pinned, each by the id of its link.
const DIR: &str = "/sys/fs/bpf/ccswap-before";

/// Where the table of a link is kept.
fn path(link: u32) -> PathBuf {
    Path::new(DIR).join(link.to_string())
}

/// Keeps a table for a link, in place of the one that was kept.
///
/// # Errors
///
/// It cannot be pinned.
pub fn keep(link: u32, map: &impl AsFd) -> Result<()> {
    let path = path(link);
    let failed =
        |error| Error::system(format!("keep the version before at {}", path.display()))(error);
    fs::create_dir_all(DIR).map_err(failed)?;
    forget_ended();
    forget(link)?;
    let name = c_path(&path).map_err(failed)?;
    // SAFETY: `name` is a terminated string that outlives the call.
    link::check(unsafe { sys::bpf_obj_pin(map.as_fd().as_raw_fd(), name.as_ptr()) }).map_err(failed)
}

/// The table that is kept for a link.
pub fn kept(link: u32) -> Option<MapHandle> {
    MapHandle::from_pinned_path(path(link)).ok()
}

/// The id of the map that is kept for a link.
pub fn kept_id(link: u32) -> Option<u32> {
    Some(kept(link)?.info().ok()?.info.id)
}

/// Lets go what is kept for a link. Returns whether there was something.
///
/// # Errors
///
/// The pin cannot be removed.
pub fn forget(link: u32) -> Result<bool> {
    let path = path(link);
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::system(format!("remove {}", path.display()))(error)),
    }
}

/// Lets go what is kept for links that have ended without `detach`, as far as this user may see.
fn forget_ended() {
    for entry in fs::read_dir(DIR).into_iter().flatten().flatten() {
        let link = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if link.is_some_and(|id| link::open_id(id).is_err_and(gone)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether an error says that there is no such link.
fn gone(error: io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_has_a_place_of_its_own() {
        assert_eq!(path(7), Path::new("/sys/fs/bpf/ccswap-before/7"));
    }

    #[test]
    fn nothing_is_kept_for_a_link_that_was_never_updated() {
        assert!(kept(u32::MAX).is_none() && kept_id(u32::MAX).is_none());
    }
}
