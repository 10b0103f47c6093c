// SPDX-License-Identifier: GPL-2.0-only

//! Names of congestion controls.

use crate::{
    bindings,
    ffi::c_char,
    str::CStr,
    sync::rcu, //
};

const SIZE: usize = bindings::TCP_CA_NAME_MAX as usize;

/// A name that a congestion control can have: 1 to 15 bytes without NUL.
///
/// # Examples
///
/// ```
/// use kernel::net::tcp::cong::Name;
///
/// assert!(Name::new(b"cubic").is_some_and(|name| name.to_bytes() == b"cubic"));
/// assert!(Name::new(b"").is_none());
/// assert!(Name::new(b"sixteen_letters_").is_none());
/// ```
///
/// # Invariants
///
/// `len` is less than `SIZE`, and the bytes after the name are 0.
pub struct Name {
    bytes: [u8; SIZE],
    len: usize,
}

impl Name {
    /// Creates a name from bytes. Returns `None` if `name` is empty, longer than 15 bytes, or
    /// contains NUL.
    pub fn new(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; SIZE];

        if name.is_empty() || name.len() >= SIZE || name.contains(&0) {
            return None;
        }
        bytes[..name.len()].copy_from_slice(name);
        // INVARIANT: The name is shorter than `SIZE`, and the bytes after it were not written.
        Some(Self {
            bytes,
            len: name.len(),
        })
    }

    /// Creates a name from a C string. Returns `None` if it is empty or longer than 15 bytes.
    #[inline]
    pub fn from_c_str(name: &CStr) -> Option<Self> {
        Self::new(name.to_bytes())
    }

    /// Returns the bytes of the name.
    #[inline]
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Loads the module that registers this name, if the name is not registered and the current
    /// task may load modules. Process context, may sleep.
    ///
    /// C counterpart: [`tcp_ca_find_autoload`](srctree/net/ipv4/tcp_cong.c).
    pub fn load_module(&self) {
        // `tcp_ca_find_autoload` drops the RCU read lock while it loads the module.
        let _reader = rcu::read_lock();

        // SAFETY: By the type invariants, the name is NUL-terminated. The RCU read lock is held,
        // and the table that is found is not used.
        unsafe { bindings::tcp_ca_find_autoload(self.bytes.as_ptr().cast()) };
    }

    /// Returns the hash of the name.
    #[inline]
    pub(super) fn key(&self) -> u32 {
        // SAFETY: By the type invariants, `bytes` has `TCP_CA_NAME_MAX` bytes and is
        // NUL-terminated.
        unsafe { bindings::tcp_ca_hash(self.bytes.as_ptr().cast::<c_char>()) }
    }
}
