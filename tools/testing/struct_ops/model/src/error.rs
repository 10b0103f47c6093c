// SPDX-License-Identifier: GPL-2.0-only

//! Errors of the kernel.

use crate::ffi::c_int;

/// An error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(c_int);

/// What a function of the kernel returns.
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

/// Makes an error of a negative number.
pub fn to_result(number: c_int) -> Result {
    if number < 0 { Err(Error(-number)) } else { Ok(()) }
}

/// The numbers by name.
pub mod code {
    use super::Error;

    /// Operation not permitted.
    pub const EPERM: Error = Error(1);
    /// No such entry.
    pub const ENOENT: Error = Error(2);
    /// Busy.
    pub const EBUSY: Error = Error(16);
    /// Exists.
    pub const EEXIST: Error = Error(17);
    /// Invalid argument.
    pub const EINVAL: Error = Error(22);
}
