// SPDX-License-Identifier: GPL-2.0-only

//! Network namespaces that cost little.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::libc;

/// Leaves the devices for tunnels out of each new network namespace: to make and to remove them
/// takes most of its time.
pub fn spare_tunnels() -> io::Result<()> {
    fs::write("/proc/sys/net/core/fb_tunnels_only_for_init_net", "2\n")
}

/// Sets the loopback device of the caller's network namespace up.
pub fn raise_loopback() -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // SAFETY: every bit pattern of it is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: `request` is what SIOCSIFFLAGS reads.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
