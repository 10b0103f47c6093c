// SPDX-License-Identifier: GPL-2.0-only

//! The numbers of errors.

use std::io;

use nix::errno::Errno;

/// Whether a call failed with this error number.
pub fn failed_with<T>(result: &io::Result<T>, number: Errno) -> bool {
    matches!(result, Err(error) if error.raw_os_error() == Some(number as i32))
}
