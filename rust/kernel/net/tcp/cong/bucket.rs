// SPDX-License-Identifier: GPL-2.0-only

//! The registered congestion controls, as lookups find them.
//!
//! Tables that are built in or belong to a module are on one chain in the order of registration:
//! they are few, and the built-in ones are first. BPF tables are in buckets by their keys, since
//! there may be many. So with n BPF tables, a lookup that does not end on the chain compares n /
//! 256 tables more on average.
//!
//! Why a lookup without a lock finds each registered name, and when the memory of a table is freed,
//! is in the documentation of [`super`], under "Lookups" and "Freeing".

use super::{
    CongestionOps,
    RegistryGuard, //
};
use crate::sync::atomic::{
    Atomic,
    Relaxed,
    Release, //
};

/// A pointer to the first or next table of a bucket or of the chain.
type Link = Atomic<*mut CongestionOps>;

/// The number of buckets.
pub const BUCKET_COUNT: usize = 256;

/// The first table of each bucket.
static BUCKETS: [Link; BUCKET_COUNT] = [const { Atomic::new(core::ptr::null_mut()) }; BUCKET_COUNT];

/// The first table of the chain of those that are built in or belong to a module.
static MODULES: Link = Atomic::new(core::ptr::null_mut());

/// A bit for each bucket, set if the key of a table on the chain belongs to the bucket. So a lookup
/// of a key seldom walks the chain. A bit is set when such a table is registered, and stays set.
static MODULE_KEYS: [Atomic<u64>; BUCKET_COUNT / 64] =
    [const { Atomic::new(0) }; BUCKET_COUNT / 64];

/// Returns the word of [`MODULE_KEYS`] for `key`, and the bit in it.
#[inline]
fn module_key(key: u32) -> (&'static Atomic<u64>, u64) {
    let bucket = key as usize % BUCKET_COUNT;

    (&MODULE_KEYS[bucket / 64], 1 << (bucket % 64))
}

/// Returns the pointer to the first table of the bucket for `key`.
#[inline]
fn bucket(key: u32) -> &'static Link {
    &BUCKETS[key as usize % BUCKET_COUNT]
}

/// Returns the pointer to the first table of the bucket or chain to which `ca` belongs.
#[inline]
fn first(ca: &CongestionOps) -> &'static Link {
    if ca.is_bpf() {
        bucket(ca.key())
    } else {
        &MODULES
    }
}

/// Returns the pointer to the table after `ca`.
#[inline]
fn next(ca: &CongestionOps) -> &Link {
    // SAFETY: The field is valid and aligned, and is accessed by single accesses only.
    // `CongestionOps` is transparent over `tcp_congestion_ops`.
    unsafe { Atomic::from_ptr((&raw mut (*ca.as_raw()).bucket_next).cast()) }
}

/// Finds a table that is built in or belongs to a module.
///
/// # Safety
///
/// The caller must hold the RCU read lock or the lock of the registry for `'a`.
#[inline]
pub(super) unsafe fn find_module<'a>(
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    // SAFETY: The caller holds the RCU read lock or the lock of the registry for `'a`.
    unsafe { find_from(&MODULES, matches) }
}

/// Finds a BPF table in the bucket for `key`.
///
/// # Safety
///
/// The caller must hold the RCU read lock or the lock of the registry for `'a`.
#[inline]
pub(super) unsafe fn find_bpf<'a>(
    key: u32,
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    // SAFETY: The caller holds the RCU read lock or the lock of the registry for `'a`.
    unsafe { find_from(bucket(key), matches) }
}

/// Finds a table in the bucket or chain to which `ca` belongs.
///
/// # Safety
///
/// The caller must hold the RCU read lock or the lock of the registry for `'a`.
#[inline]
pub(super) unsafe fn find_beside<'a>(
    ca: &CongestionOps,
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    // SAFETY: The caller holds the RCU read lock or the lock of the registry for `'a`.
    unsafe { find_from(first(ca), matches) }
}

/// Finds the table with `key`.
///
/// # Safety
///
/// The caller must hold the RCU read lock or the lock of the registry for `'a`.
#[inline]
pub(super) unsafe fn find_key<'a>(key: u32) -> Option<&'a CongestionOps> {
    let has_key = |ca: &CongestionOps| ca.key() == key;
    let (word, bit) = module_key(key);

    if word.load(Relaxed) & bit != 0 {
        // SAFETY: The caller holds the RCU read lock or the lock of the registry for `'a`.
        if let Some(found) = unsafe { find_module(has_key) } {
            return Some(found);
        }
    }
    // SAFETY: The caller holds the RCU read lock or the lock of the registry for `'a`.
    unsafe { find_bpf(key, has_key) }
}

/// Finds a table, starting with the one to which `link` points.
///
/// # Safety
///
/// The caller must hold the RCU read lock or the lock of the registry for `'a`.
#[inline]
unsafe fn find_from<'a>(
    mut link: &'a Link,
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    loop {
        // Relaxed, as in `rcu_dereference()`: reads of the table depend on the pointer, which was
        // stored with release.
        //
        // SAFETY: The caller holds the RCU read lock or the lock of the registry for `'a`, so the
        // tables that it reaches are valid for `'a`: see "Lookups" and "Freeing" in `super`.
        let ca: &'a CongestionOps = unsafe { link.load(Relaxed).as_ref() }?;

        if matches(ca) {
            return Some(ca);
        }
        link = next(ca);
    }
}

/// Adds `ca`, which is not registered.
#[inline]
pub(super) fn add(_registry: &mut RegistryGuard, ca: &CongestionOps) {
    let mut link = first(ca);

    if !ca.is_bpf() {
        let (word, bit) = module_key(ca.key());

        word.store(word.load(Relaxed) | bit, Relaxed);
        // SAFETY: The guard holds the lock of the registry, so the tables on the chain stay there
        // and are valid.
        while let Some(found) = unsafe { link.load(Relaxed).as_ref() } {
            link = next(found);
        }
    }
    // Release, too: a lookup may be at `ca`, if it was removed.
    next(ca).store(link.load(Relaxed), Release);
    link.store(core::ptr::from_ref(ca).cast_mut(), Release);
}

/// Replaces `old` by `new` in the same position. Both have the same key, and both or neither are
/// BPF tables: the caller has checked it.
pub(super) fn replace(registry: &mut RegistryGuard, old: &CongestionOps, new: &CongestionOps) {
    // Release, too: a lookup may be at `new`, if it was removed.
    next(new).store(next(old).load(Relaxed), Release);
    redirect(registry, old, core::ptr::from_ref(new).cast_mut());
}

/// Removes `ca` from its bucket or chain.
pub(super) fn remove(registry: &mut RegistryGuard, ca: &CongestionOps) {
    redirect(registry, ca, next(ca).load(Relaxed));
}

/// Changes the pointer to `ca` so that it points to `to`. Does nothing if there is no such pointer.
fn redirect(_registry: &mut RegistryGuard, ca: &CongestionOps, to: *mut CongestionOps) {
    let mut link = first(ca);

    // SAFETY: The guard holds the lock of the registry, so the tables in the bucket stay there and
    // are valid.
    while let Some(found) = unsafe { link.load(Relaxed).as_ref() } {
        if core::ptr::eq(found, ca) {
            link.store(to, Release);
            return;
        }
        link = next(found);
    }
}
