// SPDX-License-Identifier: GPL-2.0-only

//! What the socket crates have no call for.

use std::io;
use std::os::fd::AsRawFd;

use nix::libc;

/// Connects to AF_UNSPEC, which takes a connection back.
pub fn disconnect(socket: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: every field is a number, for which zero is valid.
    let mut address: libc::sockaddr = unsafe { std::mem::zeroed() };
    address.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    let size = size_of_val(&address) as libc::socklen_t;
    // SAFETY: `address` outlives the call and has this size.
    if unsafe { libc::connect(socket.as_raw_fd(), &address, size) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
