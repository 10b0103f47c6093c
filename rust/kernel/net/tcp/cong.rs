// SPDX-License-Identifier: GPL-2.0-only

//! TCP congestion controls.
//!
//! * [`CongestionOps`]: a table of operations under a name.
//! * [`CongestionRef`]: a reference on one.
//! * [`RegistryGuard`]: the list of those that are on offer, locked.
//! * [`DefaultOf`]: the one that a network namespace starts out with.
//! * [`ConnectionSock`]: the one that a socket uses.
//!
//! # What a replacement promises
//!
//! Once [`RegistryGuard::replace`] has returned, no connection starts on the old table, whichever
//! way it came by the name. The old table is marked ([`CongestionOps::is_replaced`]) after the new
//! one was published, and whoever is about to start a connection on a table looks at the mark,
//! which lies in the `flags` that he reads anyway. With the mark set, he goes by the name:
//! [`CongestionOps::current`].
//!
//! C header: [`include/net/tcp.h`](srctree/include/net/tcp.h),
//! [`include/net/tcp_cong_list.h`](srctree/include/net/tcp_cong_list.h)

use crate::{
    bindings,
    error::{
        to_result,
        Result, //
    },
    ffi::c_char,
    str::{
        CStr,
        CStrExt as _, //
    },
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        barrier::{
            smp_mb,
            Read, //
        },
        rcu, //
    },
    types::Opaque, //
};
use core::{
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};

mod default;
mod registry;
mod sock;

pub use self::{
    default::DefaultOf,
    registry::RegistryGuard,
    sock::ConnectionSock, //
};

/// A TCP congestion control: a table of operations under a name.
///
/// Two references are to the same table if and only if they point to the same `CongestionOps`.
///
/// C counterpart: [`struct tcp_congestion_ops`](srctree/include/net/tcp.h).
///
/// # Invariants
///
/// The name is terminated by NUL and does not change. The key is 0 or the hash of the name, and the
/// latter once the table was registered. The list node is zero before the table is registered for
/// the first time; its `prev` leads to itself once the table is off the list again. `flags` is
/// written under `tcp_cong_list_lock` only.
#[repr(transparent)]
pub struct CongestionOps(Opaque<bindings::tcp_congestion_ops>);

// SAFETY: What changes in a registered table is guarded by `tcp_cong_list_lock`.
unsafe impl Sync for CongestionOps {}

impl CongestionOps {
    /// Borrows a table of C code.
    ///
    /// # Safety
    ///
    /// `ca` must point to a table that is valid for `'a` and keeps the invariants of the type.
    #[inline]
    pub unsafe fn from_raw<'a>(ca: *const bindings::tcp_congestion_ops) -> &'a Self {
        // SAFETY: By the requirements of this function. The type is transparent.
        unsafe { &*ca.cast() }
    }

    /// Returns the C representation.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::tcp_congestion_ops {
        self.0.get()
    }

    /// Reno, which is always there and to fall back upon.
    #[inline]
    pub fn reno() -> &'static Self {
        // SAFETY: A static of `tcp_cong.c`.
        unsafe { Self::from_raw(&raw const bindings::tcp_reno) }
    }

    /// Returns the name.
    #[inline]
    pub fn name(&self) -> &CStr {
        // SAFETY: By the type invariants.
        unsafe { CStr::from_char_ptr((&raw const (*self.as_raw()).name).cast::<c_char>()) }
    }

    /// Checks that the operations which every algorithm needs are there.
    ///
    /// C counterpart: [`tcp_validate_congestion_control`](srctree/net/ipv4/tcp_cong.c).
    ///
    /// # Errors
    ///
    /// [`EINVAL`](crate::error::code::EINVAL): one is missing; the log says so.
    #[inline]
    pub fn validate(&self) -> Result {
        // SAFETY: The table is valid.
        to_result(unsafe { bindings::tcp_validate_congestion_control(self.as_raw()) })
    }

    /// Tells whether another table was put in the place of this one, and this one has not come
    /// back since. Any context.
    #[inline]
    pub fn is_replaced(&self) -> bool {
        self.flags() & bindings::TCP_CONG_REPLACED != 0
    }

    /// Tells whether the memory of the table is only freed a grace period after the last reference
    /// has gone, as that of a BPF map is. Any context.
    #[inline]
    pub fn outlasts_readers(&self) -> bool {
        // SAFETY: The table is valid, and its owner constant.
        unsafe { (*self.as_raw()).owner == bindings::bpf_module_owner() }
    }

    /// Takes a reference on this table, unless nobody has one any more. Any context.
    #[inline]
    pub fn get(&self) -> Option<CongestionRef> {
        // SAFETY: The table is valid.
        unsafe { bindings::bpf_try_module_get(self.as_raw().cast(), (*self.as_raw()).owner) }
            // INVARIANT: The reference was just taken.
            .then(|| CongestionRef(NonNull::from(self)))
    }

    /// Takes a reference on this table or, if it was replaced, on the one that is registered under
    /// its name by now. Any context.
    ///
    /// `None` when the name is gone, or the table is on its way out.
    pub fn current(&self) -> Option<CongestionRef> {
        let reader = rcu::read_lock();
        let mut ca = self;

        loop {
            if !ca.is_replaced() {
                if let Some(found) = ca.get() {
                    return Some(found);
                }
                // Replaced only now, and let go by all who had it? Whoever was the last had seen the
                // mark, and so does who sees that there is no reference any more.
                smp_mb(Read);
                if !ca.is_replaced() {
                    return None;
                }
            }
            ca = Self::find(ca.key(), &reader)?;
        }
    }

    /// Finds the table that is registered with `key`.
    ///
    /// C counterpart: [`tcp_ca_find_key`](srctree/net/ipv4/tcp_cong.c).
    #[inline]
    fn find(key: u32, _reader: &rcu::Guard) -> Option<&Self> {
        // SAFETY: The list is read under RCU, and a table that is found stays valid that long.
        unsafe { bindings::tcp_ca_find_key(key).cast::<Self>().as_ref() }
    }

    /// The hash of the name, once the table was registered.
    #[inline]
    fn key(&self) -> u32 {
        // SAFETY: The field is valid; it is not written any more once the table was registered.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).key) }.load(Relaxed)
    }

    /// Returns the flags, some of `TCP_CONG_*`. Any context.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.flags_word().load(Relaxed)
    }

    #[inline]
    fn flags_word(&self) -> &Atomic<u32> {
        // SAFETY: The field is valid and aligned.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).flags) }
    }
}

/// A reference on a [`CongestionOps`].
///
/// # Invariants
///
/// One reference, as `bpf_try_module_get` takes it, belongs to this value.
pub struct CongestionRef(NonNull<CongestionOps>);

// SAFETY: References may be put by any thread.
unsafe impl Send for CongestionRef {}

impl CongestionRef {
    /// Takes over a reference of C code.
    ///
    /// # Safety
    ///
    /// The caller must own a reference on `ca` and give it up.
    #[inline]
    unsafe fn from_raw(ca: NonNull<CongestionOps>) -> Self {
        // INVARIANT: By the requirements of this function.
        Self(ca)
    }

    /// Leaves the reference to C code, which has to put it.
    #[inline]
    pub fn into_raw(self) -> *mut bindings::tcp_congestion_ops {
        ManuallyDrop::new(self).as_raw()
    }
}

impl Deref for CongestionRef {
    type Target = CongestionOps;

    #[inline]
    fn deref(&self) -> &CongestionOps {
        // SAFETY: By the type invariants.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for CongestionRef {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::bpf_module_put(self.as_raw().cast(), (*self.as_raw()).owner) };
    }
}
