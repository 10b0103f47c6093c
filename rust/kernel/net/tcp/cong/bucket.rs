// SPDX-License-Identifier: GPL-2.0-only

//! The registered congestion controls by their keys, for RCU readers.
//!
//! A bucket is a chain of tables. Every change of it is one store to a pointer that leads to a
//! table, so that a reader sees, of any one name, the table that is registered or one that was when
//! the reader came to the bucket, and never none:
//!
//! * [`replace`] puts the new table in the *position* of the old one. A reader follows the pointer
//!   to that position before or after the store.
//! * A reader that has reached a table which is taken off goes on to the table that followed it
//!   then. That may have been taken off since; its own pointer leads on. It is not freed before a
//!   grace period has passed since it was taken off, which this reader, having found the first
//!   table in the bucket before, holds off.
//! * A table that is taken off may come back while a reader is at it. All tables of its name are in
//!   one bucket, and it comes back at its position (A to B to A), or in front of all that were there
//!   when it was taken off ([`add`], or by taking the place of a table that was added since). So
//!   the reader goes on to all of these, some of them for the second time. It starts over only if
//!   the very table that it is at comes back at that moment.
//!
//! Nothing here waits for readers or frees a table. The memory of a BPF map is freed in
//! `bpf_struct_ops_map_free`, which waits for a grace period that begins when the last reference has
//! gone; the memory of a module goes with the module, and `tcp_unregister_congestion_control` waits
//! before that.
//!
//! With n registered tables, a lookup compares n / 256 keys on average.

use super::{
    CongestionOps,
    RegistryGuard, //
};
use crate::{
    bindings,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// A pointer that leads to a table of a bucket.
type Link = Atomic<*mut CongestionOps>;

const BUCKETS: usize = bindings::TCP_CONG_BUCKETS as usize;

/// Returns the pointer to the first table of the bucket for `key`.
#[inline]
fn first(key: u32) -> &'static Link {
    let bucket = (&raw mut bindings::tcp_cong_buckets)
        .cast::<*mut CongestionOps>()
        .wrapping_add(key as usize % BUCKETS);

    // SAFETY: The array is a static of `tcp_cong.c`, and accessed with single accesses only.
    unsafe { Atomic::from_ptr(bucket) }
}

/// Returns the pointer to what follows `ca`.
#[inline]
fn next(ca: &CongestionOps) -> &Link {
    // SAFETY: The field is valid and aligned, and accessed with single accesses only.
    // `CongestionOps` is transparent.
    unsafe { Atomic::from_ptr((&raw mut (*ca.as_raw()).bucket_next).cast()) }
}

/// Finds a table in the bucket for `key`.
///
/// # Safety
///
/// RCU or the lock of the registry must be held for `'a`.
#[inline]
pub(super) unsafe fn find<'a>(
    key: u32,
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    let mut link: &'a Link = first(key);

    loop {
        // Acquire: the table was complete before the link led to it.
        //
        // SAFETY: What a link leads to is valid for a reader, see the top of this file.
        let ca: &'a CongestionOps = unsafe { link.load(Acquire).as_ref() }?;

        if matches(ca) {
            return Some(ca);
        }
        link = next(ca);
    }
}

/// Adds `ca`, which is not registered.
#[inline]
pub(super) fn add(_registry: &mut RegistryGuard, ca: &CongestionOps) {
    let first = first(ca.key());

    next(ca).store(first.load(Relaxed), Relaxed);
    first.store(core::ptr::from_ref(ca).cast_mut(), Release);
}

/// Puts `new` in the position of `old`, which has the same key.
#[inline]
pub(super) fn replace(registry: &mut RegistryGuard, old: &CongestionOps, new: &CongestionOps) {
    next(new).store(next(old).load(Relaxed), Relaxed);
    redirect(registry, old, core::ptr::from_ref(new).cast_mut());
}

/// Takes `ca` off its bucket.
#[inline]
pub(super) fn remove(registry: &mut RegistryGuard, ca: &CongestionOps) {
    redirect(registry, ca, next(ca).load(Relaxed));
}

/// Lets the link to `ca` lead to `to`.
#[inline]
fn redirect(_registry: &mut RegistryGuard, ca: &CongestionOps, to: *mut CongestionOps) {
    let mut link = first(ca.key());

    // SAFETY: The lock is held, so the tables in the bucket stay there and are valid.
    while let Some(found) = unsafe { link.load(Relaxed).as_ref() } {
        if core::ptr::eq(found, ca) {
            link.store(to, Release);
            return;
        }
        link = next(found);
    }
}
