// SPDX-License-Identifier: GPL-2.0-only

//! The sysctls of congestion controls, of the caller's network namespace.

use std::fs::File;
use std::io::{self, Read};

/// The default.
pub const DEFAULT: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
/// The names that are registered.
pub const AVAILABLE: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";
/// The names that ordinary users may choose.
pub const ALLOWED: &str = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";

/// More bytes than any of them has.
const SIZE: usize = 4096;

/// Reads one of them in a single call. The kernel lists the names anew for each call, so what two
/// calls read need not fit together.
pub fn read(path: &str) -> io::Result<String> {
    let mut text = vec![0; SIZE];
    let length = File::open(path)?.read(&mut text)?;
    text.truncate(length);
    String::from_utf8(text).map_err(io::Error::other)
}
