// SPDX-License-Identifier: GPL-2.0-only

//! TCP congestion controls.
//!
//! * [`CongestionOps`]: a table of operations under a name.
//! * [`CongestionRef`]: a reference on one.
//! * [`RegistryGuard`]: the tables that are on offer, locked.
//! * [`DefaultOf`]: the default of a network namespace.
//! * [`ConnectionSock`]: a socket, with the table that it uses.
//!
//! # What a replacement promises
//!
//! Once [`RegistryGuard::replace`] has returned, no connection starts on the old table, whichever
//! way it was chosen. The new table is published first, then the old one is marked
//! ([`CongestionOps::is_replaced`]). Code that starts a connection tests the mark, a bit of the
//! `flags` that it reads anyway, and takes [`CongestionOps::current`] instead where it is set.
//!
//! # Lineages
//!
//! A table that is registered for the first time starts a *lineage*, a number that is not used
//! again. A table that replaces another joins the lineage of that one. So the table that a replaced
//! one leads to is the registered one of the same lineage: it was reached by updates alone. A
//! table that is linked later under the same name, or under a name with the same key, is of another
//! lineage. A table that is unregistered and registered again stays in its lineage.
//!
//! C header: [`include/net/tcp.h`](srctree/include/net/tcp.h),
//! [`include/net/tcp_cong_registry.h`](srctree/include/net/tcp_cong_registry.h)

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
            Acquire,
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

mod bucket;
mod default;
mod flags;
mod name;
mod registry;
mod sock;

pub use self::{
    default::DefaultOf,
    name::Name,
    registry::{
        Registrable,
        RegistryGuard, //
    },
    sock::{
        ConnectionSock,
        OwnedSock, //
    }, //
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
/// latter once the table was registered. These and the private fields are written under
/// `tcp_cong_list_lock` only:
///
/// * `flags`: read by anyone, with single accesses.
/// * `lineage`: 0 before the first registration; read by anyone, with single accesses.
/// * `bucket_next`: what follows in the table's bucket, or followed when the table was taken off.
///   Read under RCU.
/// * `list`: zero before the first registration; a list of its own while not registered.
/// * `defaults`: the defaults of namespaces whose table this is.
#[repr(transparent)]
pub struct CongestionOps(Opaque<bindings::tcp_congestion_ops>);

// SAFETY: What changes in a table is guarded by `tcp_cong_list_lock`, and read with single accesses
// where readers do not hold that.
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
        unsafe { CStr::from_char_ptr(self.name_ptr()) }
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

    /// Takes a reference on this table or, if it was replaced, on the table that came of that by
    /// updates. Any context.
    ///
    /// `None` when that is not registered any more, or when the table is about to be freed.
    pub fn current(&self) -> Option<CongestionRef> {
        let reader = rcu::read_lock();
        let mut ca = self;

        loop {
            if !ca.is_replaced() {
                if let Some(found) = ca.get() {
                    return Some(found);
                }
                // The last reference may have gone because the table was replaced, after the test
                // above. That reference was put after the mark was set.
                smp_mb(Read);
                if !ca.is_replaced() {
                    return None;
                }
            }

            let lineage = ca.lineage();
            // A table that returns loses the mark before it joins another lineage, so this is the
            // lineage in which the table was replaced if the mark is there still.
            if ca.is_replaced() {
                ca = ca.find_in_lineage(lineage, &reader)?;
            }
        }
    }

    /// Finds the table that is registered under `name`. Any context.
    ///
    /// C counterpart: [`tcp_ca_find`](srctree/net/ipv4/tcp_cong.c).
    ///
    /// # Safety
    ///
    /// `name` must be a terminated string, and RCU be held for `'a`.
    #[inline]
    pub unsafe fn find<'a>(name: *const c_char) -> Option<&'a Self> {
        // SAFETY: Both are terminated strings.
        let has_name = |ca: &Self| unsafe { bindings::strcmp(ca.name_ptr(), name) } == 0;

        // SAFETY: RCU is held for `'a`.
        if let Some(found) = unsafe { bucket::find_module(has_name) } {
            return Some(found);
        }
        // SAFETY: As this function requires.
        unsafe { Self::find_bpf(name) }
    }

    /// Finds the table of BPF that is registered under `name`. Out of line, so that the usual names
    /// do not pay for it.
    ///
    /// # Safety
    ///
    /// As for [`find`](Self::find).
    #[inline(never)]
    unsafe fn find_bpf<'a>(name: *const c_char) -> Option<&'a Self> {
        // SAFETY: `name` is a terminated string.
        let name = Name::from_c_str(unsafe { CStr::from_char_ptr(name) })?;

        // SAFETY: RCU is held for `'a`.
        unsafe { bucket::find_bpf(name.key(), |ca| ca.has_name(&name)) }
    }

    /// Finds the table that is registered with `key`. Any context.
    ///
    /// C counterpart: [`tcp_ca_find_key`](srctree/net/ipv4/tcp_cong.c).
    ///
    /// # Safety
    ///
    /// RCU must be held for `'a`.
    #[inline]
    pub unsafe fn find_key<'a>(key: u32) -> Option<&'a Self> {
        // SAFETY: RCU is held for `'a`.
        unsafe { bucket::find_key(key) }
    }

    /// Finds the table that is registered in a lineage that this table was in.
    #[inline]
    fn find_in_lineage<'a>(&self, lineage: u64, _reader: &'a rcu::Guard) -> Option<&'a Self> {
        // SAFETY: RCU is held for `'a`.
        unsafe { bucket::find_beside(self, |ca| ca.lineage() == lineage) }
    }

    #[inline]
    fn has_name(&self, name: &Name) -> bool {
        self.name().to_bytes() == name.to_bytes()
    }

    #[inline]
    fn name_ptr(&self) -> *const c_char {
        // SAFETY: The table is valid.
        unsafe { (&raw const (*self.as_raw()).name).cast() }
    }

    /// The hash of the name, once the table was registered.
    #[inline]
    fn key(&self) -> u32 {
        // SAFETY: The field is valid and aligned.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).key) }.load(Relaxed)
    }

    #[inline]
    fn lineage(&self) -> u64 {
        // Acquire: see `current`.
        self.lineage_word().load(Acquire)
    }

    #[inline]
    fn lineage_word(&self) -> &Atomic<u64> {
        // SAFETY: The field is valid and aligned.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).lineage) }
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
