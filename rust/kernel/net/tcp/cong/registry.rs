// SPDX-License-Identifier: GPL-2.0-only

//! The registry of TCP congestion controls.
//!
//! `tcp_cong_list_lock` guards it. The registered tables are on two lists:
//!
//! * `tcp_cong_list`, in the order of registration, for those who hold the lock: what the sysctls
//!   show. A table that replaces another takes its position.
//! * a chain, or a bucket for a hash of the name, for RCU readers: see `bucket.rs`.
//!
//! A reader that has found a table may find that it has lost its last reference because it was
//! replaced, since no grace period keeps the link from putting its own. The table is marked then,
//! and [`CongestionOps::current`] finds what replaced it.

use super::{
    bucket,
    default,
    flags::{
        Flag,
        Flags, //
    },
    CongestionOps,
    Name, //
};
use crate::{
    bindings,
    error::{
        code::*,
        Result, //
    },
    interop::list::clist_create,
    sync::{
        atomic::{
            Atomic,
            Relaxed,
            Release, //
        },
        lock::{
            spinlock::SpinLockBackend,
            Guard,
            Lock, //
        }, //
    },
};

/// The last lineage that was given out, under the lock.
static LINEAGES: Atomic<u64> = Atomic::new(0);

/// A table that may be registered.
///
/// # Invariants
///
/// The table stays valid until it is unregistered or replaced, and until the RCU readers of that
/// time are done.
#[derive(Clone, Copy)]
pub struct Registrable<'a>(&'a CongestionOps);

impl<'a> Registrable<'a> {
    /// # Safety
    ///
    /// `ca` must stay valid until it is unregistered or replaced, and a grace period longer.
    #[inline]
    pub unsafe fn new(ca: &'a CongestionOps) -> Self {
        // INVARIANT: By the requirements of this function.
        Self(ca)
    }
}

impl core::ops::Deref for Registrable<'_> {
    type Target = CongestionOps;

    #[inline]
    fn deref(&self) -> &CongestionOps {
        self.0
    }
}

/// The registry, locked.
///
/// # Invariants
///
/// `tcp_cong_list_lock` is held.
pub struct RegistryGuard(#[expect(dead_code)] Guard<'static, (), SpinLockBackend>);

impl RegistryGuard {
    /// Locks the registry.
    ///
    /// # Context
    ///
    /// Process context, not from softirq. Does not sleep, nor may the holder.
    #[inline]
    pub fn lock() -> Self {
        // SAFETY: The lock is a static of `tcp_cong.c`, initialised at build time.
        let lock = unsafe { Lock::from_raw(&raw mut bindings::tcp_cong_list_lock) };

        // INVARIANT: The lock was just taken.
        Self(lock.lock())
    }

    /// Tells whether `ca` is in the registry.
    #[inline]
    pub fn is_registered(&self, ca: &CongestionOps) -> bool {
        let node = node(ca);
        // SAFETY: The table is valid, and its node is written under the lock only.
        let next = unsafe { (*node).next };

        !next.is_null() && !core::ptr::eq(next, node)
    }

    /// Finds the table that is registered under `name`.
    #[inline]
    pub fn find(&self, name: &Name) -> Option<&CongestionOps> {
        // SAFETY: The lock is held as long as `self` is borrowed.
        unsafe {
            bucket::find_module(|ca| ca.has_name(name))
                .or_else(|| bucket::find_bpf(name.key(), |ca| ca.has_name(name)))
        }
    }

    /// Returns the registered tables in the order of their registration.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &CongestionOps> {
        let head = &raw mut bindings::tcp_cong_list;

        // SAFETY: The head is a static, initialized at build time. The lock is held as long as
        // `self` is borrowed, so the list does not change. It contains tables by their field
        // `list`, and `CongestionOps` is transparent.
        unsafe { clist_create!(head, CongestionOps, bindings::tcp_congestion_ops, list) }.iter()
    }

    /// Adds `ca`.
    ///
    /// # Errors
    ///
    /// [`EEXIST`] when its name, or one with the same hash, is taken. Nothing has changed then.
    #[inline]
    pub fn add(&mut self, ca: Registrable<'_>) -> Result {
        let key = match ca.key() {
            // SAFETY: The table is valid, and its name terminated.
            bindings::TCP_CA_UNSPEC => unsafe { bindings::tcp_ca_hash(ca.name_ptr()) },
            key => key,
        };

        // SAFETY: The lock is held.
        let taken = unsafe { bucket::find_key(key) }.is_some();
        if key == bindings::TCP_CA_UNSPEC || taken {
            return Err(EEXIST);
        }

        let mut flags = by_author(&ca);
        let before = ca.registry_flags();
        // Permission is the table's as long as it is not replaced.
        if !before.contains(Flag::Replaced) {
            flags |= before & Flag::Allowed;
        }
        let lineage = match ca.lineage() {
            0 => {
                let lineage = LINEAGES.load(Relaxed) + 1;
                LINEAGES.store(lineage, Relaxed);
                lineage
            }
            lineage => lineage,
        };
        self.publish(&ca, key, flags, lineage);

        // SAFETY: The table is valid, and on no list; the lock is held.
        unsafe { bindings::list_add_tail(node(&ca), &raw mut bindings::tcp_cong_list) };
        bucket::add(self, &ca);
        Ok(())
    }

    /// Takes `ca` off the registry; nothing is done when it is not there. Readers may still find it
    /// until a grace period has passed.
    pub fn remove(&mut self, ca: &CongestionOps) {
        if self.is_registered(ca) {
            bucket::remove(self, ca);
            // SAFETY: The table is on the list, and the lock is held.
            unsafe { bindings::list_del_init(node(ca)) };
        }
    }

    /// Puts `new` in the place of `old`, and into every default of a namespace that `old` is. A
    /// reader finds one of the two at any time. Whether ordinary users may choose the name stays.
    ///
    /// `new` being `old`, nothing needs to be done, and nothing is.
    ///
    /// Of `new`, the caller holds a reference.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when `old` is not in the registry, or when the names differ. Nothing has changed
    /// then.
    pub fn replace(&mut self, old: &CongestionOps, new: Registrable<'_>) -> Result {
        if !self.is_registered(old) || old.name().to_bytes() != new.name().to_bytes() {
            return Err(EINVAL);
        }
        if core::ptr::eq(old, &*new) {
            return Ok(());
        }

        // No two tables in the registry have the same name, so `new` is not in it. Equal names
        // have equal keys.
        let flags = old.registry_flags();
        self.publish(
            &new,
            old.key(),
            by_author(&new) | flags & Flag::Allowed,
            old.lineage(),
        );

        // SAFETY: `old` is on the list, `new` is not, and the lock is held.
        unsafe { bindings::list_replace_init(node(old), node(&new)) };
        bucket::replace(self, old, &new);

        // Release: a reader that sees the mark finds the new table.
        old.set_registry_flags(self, flags | Flag::Replaced, Release);
        default::move_all(self, old, &new);
        Ok(())
    }

    /// Lets ordinary users choose `ca`.
    pub fn allow(&self, ca: &CongestionOps) {
        ca.set_registry_flags(self, ca.registry_flags() | Flag::Allowed, Relaxed);
    }

    /// Forbids ordinary users to choose `ca`.
    pub fn restrict(&self, ca: &CongestionOps) {
        ca.set_registry_flags(self, ca.registry_flags() & !Flag::Allowed, Relaxed);
    }

    /// Prepares `ca`, which is not registered, for its readers.
    #[inline]
    fn publish(&mut self, ca: &CongestionOps, key: u32, flags: Flags, lineage: u64) {
        if ca.key() != key {
            // SAFETY: The table is valid, and has had no reader yet, or its key were there.
            unsafe { (*ca.as_raw()).key = key };
        }
        ca.set_registry_flags(self, flags, Relaxed);
        // Release: the mark goes before the table joins another lineage, see
        // `CongestionOps::current`.
        ca.lineage_word().store(lineage, Release);
    }
}

/// What the author of `ca`, which is about to be registered, says of who may choose it.
///
/// A table that was never registered has `TCP_CONG_NON_RESTRICTED` if its author gave it. Later the
/// flag is what the administrator says.
#[inline]
fn by_author(ca: &CongestionOps) -> Flags {
    let flag = if ca.lineage() == 0 {
        Flag::Allowed
    } else {
        Flag::AllowedByAuthor
    };

    if ca.registry_flags().contains(flag) {
        Flag::Allowed | Flag::AllowedByAuthor
    } else {
        Flags::empty()
    }
}

/// Returns the node of `ca` in `tcp_cong_list`.
#[inline]
fn node(ca: &CongestionOps) -> *mut bindings::list_head {
    // SAFETY: The table is valid.
    unsafe { &raw mut (*ca.as_raw()).list }
}
