// SPDX-License-Identifier: GPL-2.0-only

//! A struct_ops link and the system calls on it, with as little around them as
//! can be.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libbpf_rs::libbpf_sys as sys;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// An open link; dropping it closes it.
#[derive(Debug)]
pub struct Link(OwnedFd);

impl Link {
    /// BPF_LINK_CREATE.
    pub fn create(map: &impl AsFd) -> io::Result<Self> {
        let map = map.as_fd().as_raw_fd();
        // SAFETY: integers, and a null pointer for "no options".
        let fd = unsafe { sys::bpf_link_create(map, 0, sys::BPF_STRUCT_OPS, ptr::null()) };
        check(fd)?;
        // SAFETY: the call has just opened it, for us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// BPF_LINK_UPDATE.
    pub fn update(&self, map: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: integers, and a null pointer for "no options".
        check(unsafe { sys::bpf_link_update(self.0.as_raw_fd(), map.as_raw_fd(), ptr::null()) })
    }

    /// BPF_LINK_DETACH.
    pub fn detach(&self) -> io::Result<()> {
        // SAFETY: an integer.
        check(unsafe { sys::bpf_link_detach(self.0.as_raw_fd()) })
    }

    /// BPF_OBJ_GET_INFO_BY_FD: the id of the map.
    pub fn info(&self) -> io::Result<u32> {
        let mut info = sys::bpf_link_info::default();
        let mut size = size_of_val(&info) as u32;
        // SAFETY: `info` is alive and `size` is its size.
        check(unsafe { sys::bpf_link_get_info_by_fd(self.0.as_raw_fd(), &mut info, &mut size) })?;
        // SAFETY: the kernel filled in the part for the link's type.
        Ok(unsafe { info.__bindgen_anon_1.struct_ops.map_id })
    }

    /// poll(), without waiting: whether the link is detached.
    pub fn hung_up(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut fds, PollTimeout::ZERO)? != 0)
    }
}

/// Turns libbpf's negative error numbers into errors.
fn check(ret: i32) -> io::Result<()> {
    if ret < 0 { Err(io::Error::from_raw_os_error(-ret)) } else { Ok(()) }
}
