// SPDX-License-Identifier: GPL-2.0-only

//! Names of congestion controls.

use crate::{
    bindings,
    ffi::c_char,
    str::CStr,
    sync::rcu, //
};

const SIZE: usize = bindings::TCP_CA_NAME_MAX as usize;

/// A name that a congestion control can have: at most 15 bytes, not empty.
///
/// # Invariants
///
/// What follows the name is 0, at least one byte.
pub struct Name {
    bytes: [u8; SIZE],
    len: usize,
}

impl Name {
    /// Makes a name of these bytes; `None` if it would be empty, too long, or contain NUL.
    #[inline]
    pub fn new(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; SIZE];

        if name.is_empty() || name.len() >= SIZE || name.contains(&0) {
            return None;
        }
        bytes[..name.len()].copy_from_slice(name);
        // INVARIANT: At least the last byte was left 0.
        Some(Self {
            bytes,
            len: name.len(),
        })
    }

    /// The same for a C string.
    #[inline]
    pub fn from_c_str(name: &CStr) -> Option<Self> {
        Self::new(name.to_bytes())
    }

    /// Returns the bytes of the name.
    #[inline]
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Asks for the module that registers this name, if it is not registered and the current task
    /// may load modules. Process context, may sleep.
    ///
    /// C counterpart: [`tcp_ca_find_autoload`](srctree/net/ipv4/tcp_cong.c).
    pub fn load_module(&self) {
        // Given up while the module is loaded.
        let _reader = rcu::read_lock();

        // SAFETY: By the type invariants, the name is terminated. What is found is not used.
        unsafe { bindings::tcp_ca_find_autoload(self.bytes.as_ptr().cast()) };
    }

    /// Returns the hash of the name.
    #[inline]
    pub(super) fn key(&self) -> u32 {
        // SAFETY: By the type invariants, the name is terminated, and zeroes follow it.
        unsafe { bindings::tcp_ca_hash(self.bytes.as_ptr().cast::<c_char>()) }
    }
}
