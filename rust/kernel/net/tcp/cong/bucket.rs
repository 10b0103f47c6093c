// SPDX-License-Identifier: GPL-2.0-only

//! The registered congestion controls, for RCU readers.
//!
//! Those that are built in or come with a module are on one chain in the order of registration,
//! since there are few, and the usual names are in front. Those of BPF are in buckets by their
//! keys, since there may be many. So with n of BPF, a lookup that does not end on the chain
//! compares n / 256 more on average.
//!
//! Every change of a chain or bucket is one store to a pointer that leads to a table, so that a
//! reader sees, of any one name, the table that is registered or one that was when the reader came
//! to the bucket, and never none:
//!
//! * [`replace`] puts the new table in the *position* of the old one. A reader follows the pointer
//!   to that position before or after the store.
//! * A reader that has reached a table which is taken off goes on to the table that followed it
//!   then. That may have been taken off since; its own pointer leads on. It is not freed before a
//!   grace period has passed since it was taken off, which this reader, having found the first
//!   table in the bucket before, holds off.
//! * A table of BPF that is taken off may come back while a reader is at it. All tables of its name
//!   are in one bucket, and it comes back at its position (A to B to A), or in front of all that
//!   were there when it was taken off ([`add`], or by taking the place of a table that was added
//!   since). So the reader goes on to all of these, some of them for the second time. It starts
//!   over only if the very table that it is at comes back at that moment.
//! * A table of a module that is taken off comes back when no reader is at it any more, since
//!   unregistering it waits. So it can be put at the end of the chain.
//!
//! Nothing here waits for readers or frees a table. The memory of a BPF map is freed in
//! `bpf_struct_ops_map_free`, which waits for a grace period that begins when the last reference
//! has gone; the memory of a module goes with the module, and `tcp_unregister_congestion_control`
//! waits before that.

use super::{
    CongestionOps,
    RegistryGuard, //
};
use crate::sync::atomic::{
    Atomic,
    Relaxed,
    Release, //
};

/// A pointer that leads to a table of a bucket.
type Link = Atomic<*mut CongestionOps>;

const BUCKET_COUNT: usize = 256;

/// The first table of each bucket.
static BUCKETS: [Link; BUCKET_COUNT] = [const { Atomic::new(core::ptr::null_mut()) }; BUCKET_COUNT];

/// The first table that is built in or comes with a module.
static MODULES: Link = Atomic::new(core::ptr::null_mut());

/// A bit for each bucket into which the key of a module's table would fall, so that hardly any look
/// for a key has to walk the chain. It is set when such a table is registered, and stays.
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

/// Returns the pointer to the first table of where `ca` belongs.
#[inline]
fn first(ca: &CongestionOps) -> &'static Link {
    if ca.outlasts_readers() {
        bucket(ca.key())
    } else {
        &MODULES
    }
}

/// Returns the pointer to what follows `ca`.
#[inline]
fn next(ca: &CongestionOps) -> &Link {
    // SAFETY: The field is valid and aligned, and accessed with single accesses only.
    // `CongestionOps` is transparent.
    unsafe { Atomic::from_ptr((&raw mut (*ca.as_raw()).bucket_next).cast()) }
}

/// Finds a table that is built in or comes with a module.
///
/// # Safety
///
/// RCU or the lock of the registry must be held for `'a`.
#[inline]
pub(super) unsafe fn find_module<'a>(
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    // SAFETY: RCU or the lock is held.
    unsafe { find_from(&MODULES, matches) }
}

/// Finds a table of BPF in the bucket for `key`.
///
/// # Safety
///
/// RCU or the lock of the registry must be held for `'a`.
#[inline]
pub(super) unsafe fn find_bpf<'a>(
    key: u32,
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    // SAFETY: RCU or the lock is held.
    unsafe { find_from(bucket(key), matches) }
}

/// Finds a table on the chain or in the bucket where `ca` belongs.
///
/// # Safety
///
/// RCU or the lock of the registry must be held for `'a`.
#[inline]
pub(super) unsafe fn find_beside<'a>(
    ca: &CongestionOps,
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    // SAFETY: RCU or the lock is held.
    unsafe { find_from(first(ca), matches) }
}

/// Finds the table with `key`.
///
/// # Safety
///
/// RCU or the lock of the registry must be held for `'a`.
#[inline]
pub(super) unsafe fn find_key<'a>(key: u32) -> Option<&'a CongestionOps> {
    let has_key = |ca: &CongestionOps| ca.key() == key;
    let (word, bit) = module_key(key);

    if word.load(Relaxed) & bit != 0 {
        // SAFETY: RCU or the lock is held.
        if let Some(found) = unsafe { find_module(has_key) } {
            return Some(found);
        }
    }
    // SAFETY: RCU or the lock is held.
    unsafe { find_bpf(key, has_key) }
}

/// # Safety
///
/// RCU or the lock of the registry must be held for `'a`.
#[inline]
unsafe fn find_from<'a>(
    mut link: &'a Link,
    matches: impl Fn(&CongestionOps) -> bool,
) -> Option<&'a CongestionOps> {
    loop {
        // Relaxed, as `rcu_dereference()`: what is read of the table depends on the pointer, and was
        // written before the link led to it.
        //
        // SAFETY: What a link leads to is valid for a reader, see the top of this file.
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

    if !ca.outlasts_readers() {
        let (word, bit) = module_key(ca.key());

        word.store(word.load(Relaxed) | bit, Relaxed);
        // SAFETY: The lock is held, so the tables on the chain stay there and are valid.
        while let Some(found) = unsafe { link.load(Relaxed).as_ref() } {
            link = next(found);
        }
    }
    next(ca).store(link.load(Relaxed), Relaxed);
    link.store(core::ptr::from_ref(ca).cast_mut(), Release);
}

/// Puts `new` in the position of `old`, which has the same key, and is of BPF if `new` is.
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
    let mut link = first(ca);

    // SAFETY: The lock is held, so the tables in the bucket stay there and are valid.
    while let Some(found) = unsafe { link.load(Relaxed).as_ref() } {
        if core::ptr::eq(found, ca) {
            link.store(to, Release);
            return;
        }
        link = next(found);
    }
}
