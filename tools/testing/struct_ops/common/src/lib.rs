// SPDX-License-Identifier: GPL-2.0-only

//! What the torture and the fuzzer of struct_ops links share: tables of several
//! types, under names of choice, and the system calls on links.
//!
//! Everything here is for a virtual machine: it changes the running kernel.

pub mod ids;
pub mod link;
pub mod namespace;
pub mod settle;
pub mod socket;
pub mod sysctl;
pub mod tables;

/// The raw bindings, for what has no wrapper here.
pub use libbpf_rs::libbpf_sys as sys;

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Turns libbpf's negative error numbers into errors.
pub fn check(ret: i32) -> io::Result<i32> {
    if ret < 0 { Err(io::Error::from_raw_os_error(-ret)) } else { Ok(ret) }
}

/// Takes over a descriptor that libbpf has just opened, or its error.
pub fn owned(ret: i32) -> io::Result<OwnedFd> {
    // SAFETY: it is not negative, so a descriptor, and nobody else knows it.
    check(ret).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}
