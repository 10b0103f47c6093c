// SPDX-License-Identifier: GPL-2.0-only

//! A struct_ops link by its descriptor, and the system calls on it.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{check, owned, sys};

/// What BPF_OBJ_GET_INFO_BY_FD says about a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// The kind of link, `BPF_LINK_TYPE_*`.
    pub kind: u32,
    /// The link's id.
    pub id: u32,
    /// The id of the map behind it; 0 once the link is detached.
    pub map_id: u32,
}

/// BPF_LINK_UPDATE with any flags and descriptors, right or wrong.
pub fn update(link: RawFd, map: RawFd, flags: u32, old_map: RawFd) -> io::Result<()> {
    let options = sys::bpf_link_update_opts {
        sz: size_of::<sys::bpf_link_update_opts>() as sys::size_t,
        flags,
        old_map_fd: old_map as u32,
        ..Default::default()
    };
    // SAFETY: `options` is alive, initialised, and says its own size.
    check(unsafe { sys::bpf_link_update(link, map, &options) })?;
    Ok(())
}

/// BPF_LINK_DETACH.
pub fn detach(link: RawFd) -> io::Result<()> {
    // SAFETY: an integer.
    check(unsafe { sys::bpf_link_detach(link) })?;
    Ok(())
}

/// BPF_OBJ_PIN.
pub fn pin(object: RawFd, path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: `path` is a terminated string that outlives the call.
    check(unsafe { sys::bpf_obj_pin(object, path.as_ptr()) })?;
    Ok(())
}

/// BPF_OBJ_GET: opens what is pinned at a path.
pub fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: `path` is a terminated string that outlives the call.
    owned(unsafe { sys::bpf_obj_get(path.as_ptr()) })
}

/// BPF_LINK_GET_FD_BY_ID.
pub fn open_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: an integer.
    owned(unsafe { sys::bpf_link_get_fd_by_id(id) })
}

/// BPF_OBJ_GET_INFO_BY_FD; what is said of an object that is no link is no link's.
pub fn info(object: RawFd) -> io::Result<sys::bpf_link_info> {
    let mut info = sys::bpf_link_info::default();
    let mut size = size_of_val(&info) as u32;
    // SAFETY: `info` is alive and `size` is its size.
    check(unsafe { sys::bpf_link_get_info_by_fd(object, &mut info, &mut size) })?;
    Ok(info)
}

/// The id of the map behind a struct_ops link, by what the kernel says of it.
pub fn map_id(info: &sys::bpf_link_info) -> u32 {
    // SAFETY: every bit pattern of this part is a number.
    unsafe { info.__bindgen_anon_1.struct_ops.map_id }
}

/// An open link; dropping it closes it.
#[derive(Debug)]
pub struct Link(OwnedFd);

impl Link {
    /// BPF_LINK_CREATE: registers the table in `map`.
    pub fn create(map: &impl AsFd) -> io::Result<Self> {
        let map = map.as_fd().as_raw_fd();
        // SAFETY: integers, and a null pointer for "no options".
        owned(unsafe { sys::bpf_link_create(map, 0, sys::BPF_STRUCT_OPS, ptr::null()) }).map(Self)
    }

    /// BPF_LINK_UPDATE: replaces the map behind the link.
    pub fn update(&self, map: &impl AsFd) -> io::Result<()> {
        update(self.0.as_raw_fd(), map.as_fd().as_raw_fd(), 0, 0)
    }

    /// BPF_LINK_UPDATE with BPF_F_REPLACE: only if the map is `expected`.
    pub fn replace(&self, map: &impl AsFd, expected: &impl AsFd) -> io::Result<()> {
        let (map, expected) = (map.as_fd().as_raw_fd(), expected.as_fd().as_raw_fd());
        update(self.0.as_raw_fd(), map, sys::BPF_F_REPLACE, expected)
    }

    /// BPF_LINK_DETACH.
    pub fn detach(&self) -> io::Result<()> {
        detach(self.0.as_raw_fd())
    }

    /// BPF_OBJ_PIN.
    pub fn pin(&self, path: &Path) -> io::Result<()> {
        pin(self.0.as_raw_fd(), path)
    }

    /// BPF_OBJ_GET: opens what is pinned at a path.
    pub fn open_pin(path: &Path) -> io::Result<Self> {
        open_pin(path).map(Self)
    }

    /// BPF_LINK_GET_FD_BY_ID.
    pub fn open_id(id: u32) -> io::Result<Self> {
        open_id(id).map(Self)
    }

    /// BPF_OBJ_GET_INFO_BY_FD.
    pub fn info(&self) -> io::Result<Info> {
        let info = info(self.0.as_raw_fd())?;
        Ok(Info { kind: info.type_, id: info.id, map_id: map_id(&info) })
    }

    /// The kernel's text about the descriptor.
    pub fn fdinfo(&self) -> io::Result<String> {
        fs::read_to_string(format!("/proc/thread-self/fdinfo/{}", self.0.as_raw_fd()))
    }

    /// poll(), without waiting: whether the link is detached.
    pub fn hung_up(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::empty())];
        Ok(poll(&mut fds, PollTimeout::ZERO)? != 0)
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
