// SPDX-License-Identifier: GPL-2.0-only

//! The registry of TCP congestion controls.
//!
//! The registry is a list of tables, each found by its name or by a hash of the name, the key.
//! C code reads it under RCU (`tcp_ca_find` and its kin in `net/ipv4/tcp_cong.c`), and its writers
//! hold `tcp_cong_list_lock`.
//!
//! # What a reader can see
//!
//! A reader that walks the list sees, under any one name, the table that is registered or one that
//! was when the walk began, and never none:
//!
//! * [`RegistryGuard::replace`] puts the new table in the old one's *position* with one store to
//!   the pointer before it. A reader comes by that pointer either before or after the store.
//! * A reader that stands on the old table goes on to what followed it when it was replaced. That
//!   may have been replaced or unregistered in the meantime; it then leads on itself. What is
//!   unregistered is not freed before a grace period has passed, and this reader, which found its
//!   way here before, holds it off.
//! * The old table may come back (A to B to A) while that reader still stands on it. Its pointer to
//!   the next table is then written once more, with a single store, and leads to what follows it
//!   now, at the same position: the reader misses nothing.
//! * A table that was taken off the list, replaced or unregistered, may come back while that reader
//!   still stands on it, under a *registration* that is newer than the one under which the reader
//!   came to it: it is registered anew itself, or takes the place of another table of its name that
//!   was registered meanwhile. A table for whose readers nobody waits is therefore put in front of
//!   all others when it is registered. So the reader goes on to them once more: it may see a table
//!   twice, but misses none. At the end of the list it would be led past every table in between.
//!
//! A reader that found the old table may find that nobody has a reference on it any more when it
//! comes to take one, since no grace period keeps the link from putting its own. The table is
//! marked then, and [`CongestionOps::current`] leads on by the name.
//!
//! # Who frees a table
//!
//! Nobody here. The memory of a BPF map is freed in `bpf_struct_ops_map_free`, which waits for a
//! grace period that begins when the last reference has gone. So none of the above has to wait for
//! the readers of such a table: see [`CongestionOps::outlasts_readers`]. The memory of a module
//! goes with the module, and `tcp_unregister_congestion_control` waits before that.

use super::{
    default,
    CongestionOps,
    CongestionRef, //
};
use crate::{
    bindings,
    error::{
        code::*,
        Result, //
    },
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
use core::marker::PhantomData;

/// The list node of a table, or the head of the list.
///
/// Both pointers are guarded by `tcp_cong_list_lock`. RCU readers follow `next` at any time, so it
/// is written with single stores, of what is complete.
///
/// # Invariants
///
/// The node is valid, and `tcp_cong_list_lock` is held, as long as this exists.
#[derive(Clone, Copy)]
struct ListNode<'a>(*mut bindings::list_head, PhantomData<&'a RegistryGuard>);

impl<'a> ListNode<'a> {
    #[inline]
    fn of(_registry: &'a RegistryGuard, ca: &'a CongestionOps) -> Self {
        // INVARIANT: The table is valid, and the lock is held.
        // SAFETY: The table is valid.
        Self(unsafe { &raw mut (*ca.as_raw()).list }, PhantomData)
    }

    /// The head of the list, before the first table and after the last.
    #[inline]
    fn head(_registry: &'a RegistryGuard) -> Self {
        // INVARIANT: The head is a static of `tcp_cong.c`, and the lock is held.
        Self(&raw mut bindings::tcp_cong_list, PhantomData)
    }

    /// What follows in the list, of which this has to be a part.
    #[inline]
    fn next(self) -> Self {
        // INVARIANT: What is in the list stays there, hence valid, while the lock is held.
        // SAFETY: By the type invariants; nobody writes without the lock.
        Self(unsafe { (*self.0).next }, PhantomData)
    }

    /// What comes before in the list, of which this has to be a part.
    #[inline]
    fn prev(self) -> Self {
        // INVARIANT: As for `next`.
        Self(self.prev_raw(), PhantomData)
    }

    #[inline]
    fn prev_raw(self) -> *mut bindings::list_head {
        // SAFETY: By the type invariants; nobody writes without the lock.
        unsafe { (*self.0).prev }
    }

    /// Lets readers go on from here to `next`. They see what was written to that before.
    #[inline]
    fn set_next(self, next: Self) {
        // SAFETY: By the type invariants. Readers look at the pointer with single accesses.
        unsafe { Atomic::from_ptr(&raw mut (*self.0).next) }.store(next.0, Release);
    }

    #[inline]
    fn set_prev(self, prev: *mut bindings::list_head) {
        // SAFETY: By the type invariants; nobody else reads or writes it without the lock.
        unsafe { (*self.0).prev = prev };
    }

    /// Puts this node between two neighbours, or in the place of what is between them.
    #[inline]
    fn insert(self, prev: Self, next: Self) {
        // First where it leads, for whoever stands on it still, then what leads to it.
        self.set_next(next);
        self.set_prev(prev.0);
        prev.set_next(self);
        next.set_prev(self.0);
    }

    /// Notes that nothing leads to this node any more. Readers that stand on it go on to what
    /// followed it.
    #[inline]
    fn set_off(self) {
        self.set_prev(self.0);
    }

    /// Tells whether the node was in the list, and is not any more.
    #[inline]
    fn is_off(self) -> bool {
        self.prev_raw() == self.0
    }

    #[inline]
    fn is_linked(self) -> bool {
        !self.prev_raw().is_null() && !self.is_off()
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
        ListNode::of(self, ca).is_linked()
    }

    /// Takes a reference on the table that is registered under the name of `ca`.
    ///
    /// # Errors
    ///
    /// * [`ENOENT`]: there is none.
    /// * [`EBUSY`]: it is on its way out.
    pub fn get_current(&self, ca: &CongestionOps) -> Result<CongestionRef> {
        if self.is_registered(ca) {
            return ca.get().ok_or(EBUSY);
        }
        self.find(ca.key()).ok_or(ENOENT)?.get().ok_or(EBUSY)
    }

    /// Finds the table that is registered with `key`.
    ///
    /// C counterpart: [`tcp_ca_find_key`](srctree/net/ipv4/tcp_cong.c).
    #[inline]
    fn find(&self, key: u32) -> Option<&CongestionOps> {
        let head = ListNode::head(self);
        let mut node = head.next();

        while node.0 != head.0 {
            // SAFETY: What is in the list besides the head is in a table, which stays valid while
            // the lock is held.
            let ca = unsafe {
                CongestionOps::from_raw(crate::container_of!(
                    node.0,
                    bindings::tcp_congestion_ops,
                    list
                ))
            };

            if self.key_in(ca) == key {
                return Some(ca);
            }
            node = node.next();
        }
        None
    }

    /// Adds `ca`: in front if a reader may still stand on it, or on one of its name; at the end if
    /// it is a module's, for whose readers [`remove`](Self::remove) was followed by a wait.
    ///
    /// # Errors
    ///
    /// [`EEXIST`] when its name, or one with the same hash, is taken. Nothing has changed then.
    #[inline]
    pub fn add(&mut self, ca: &'static CongestionOps) -> Result {
        let key = self.key_of(ca);

        if key == bindings::TCP_CA_UNSPEC || self.find(key).is_some() {
            return Err(EEXIST);
        }

        self.publish(ca, key, 0);
        let (node, head) = (ListNode::of(self, ca), ListNode::head(self));
        if ca.outlasts_readers() {
            node.insert(head, head.next());
        } else {
            node.insert(head.prev(), head);
        }
        Ok(())
    }

    /// Takes `ca` off the registry; nothing is done when it is not there. Readers may still find it
    /// until a grace period has passed.
    pub fn remove(&mut self, ca: &CongestionOps) {
        let node = ListNode::of(self, ca);

        if node.is_linked() {
            let (prev, next) = (node.prev(), node.next());

            prev.set_next(next);
            next.set_prev(prev.0);
            node.set_off();
        }
    }

    /// Puts `new` in the place of `old`, and in that of every namespace's default that `old` is. A
    /// reader finds one of the two at any time. Whether ordinary users may choose the name stays.
    ///
    /// `new` being `old`, nothing needs to be done, and nothing is.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when `old` is not in the registry, or when the names differ. Nothing has changed
    /// then.
    pub fn replace(&mut self, old: &CongestionOps, new: &'static CongestionOps) -> Result {
        if !self.is_registered(old) || old.name().to_bytes() != new.name().to_bytes() {
            return Err(EINVAL);
        }
        if core::ptr::eq(old, new) {
            return Ok(());
        }

        // No two tables in the registry have the same name, so `new` is not in it. Equal names
        // have equal keys.
        let flags = self.flags_of(old);
        self.publish(new, old.key(), flags & bindings::TCP_CONG_NON_RESTRICTED);

        let (node, new_node) = (ListNode::of(self, old), ListNode::of(self, new));
        new_node.insert(node.prev(), node.next());
        node.set_off();

        // Release: who sees the mark finds the new table.
        old.flags_word()
            .store(flags | bindings::TCP_CONG_REPLACED, Release);
        default::move_all(self, old, new);
        Ok(())
    }

    /// Lets ordinary users choose `ca`.
    pub fn allow(&mut self, ca: &CongestionOps) {
        let flags = self.flags_of(ca);

        ca.flags_word()
            .store(flags | bindings::TCP_CONG_NON_RESTRICTED, Relaxed);
    }

    /// Prepares `ca` to be reached by readers, with `allowed` being `TCP_CONG_NON_RESTRICTED` if
    /// ordinary users could choose its name so far.
    ///
    /// A table that is published for the first time has the flag if its author gave it; that is
    /// noted, since later the administrator's word for the *name* is in the same flag.
    #[inline]
    fn publish(&self, ca: &CongestionOps, key: u32, allowed: u32) {
        const ALLOWED: u32 = bindings::TCP_CONG_NON_RESTRICTED;
        const BY_AUTHOR: u32 = bindings::TCP_CONG_NON_RESTRICTED_BY_AUTHOR;

        let before = self.flags_of(ca);
        let mut flags = before & !bindings::TCP_CONG_REPLACED;
        if !ListNode::of(self, ca).is_off() && flags & ALLOWED != 0 {
            flags |= BY_AUTHOR;
        }
        flags &= !ALLOWED;
        if flags & BY_AUTHOR != 0 {
            flags |= ALLOWED;
        }
        flags |= allowed;
        if flags != before {
            ca.flags_word().store(flags, Relaxed);
        }
        if self.key_in(ca) != key {
            // SAFETY: The table is valid, and no reader has found it yet, or its key were there.
            unsafe { (*ca.as_raw()).key = key };
        }
    }

    /// Returns the key of `ca`, whether it is in the table or not yet.
    #[inline]
    fn key_of(&self, ca: &CongestionOps) -> u32 {
        match self.key_in(ca) {
            // SAFETY: The table is valid.
            bindings::TCP_CA_UNSPEC => unsafe { bindings::tcp_ca_hash_name(ca.as_raw()) },
            key => key,
        }
    }

    #[inline]
    fn key_in(&self, ca: &CongestionOps) -> u32 {
        // SAFETY: The table is valid, and nobody else writes the key while the lock is held.
        unsafe { (*ca.as_raw()).key }
    }

    /// Returns the flags of `ca`, which nobody else writes while the lock is held.
    #[inline]
    fn flags_of(&self, ca: &CongestionOps) -> u32 {
        // SAFETY: The table is valid, and there are only readers besides us.
        unsafe { (*ca.as_raw()).flags }
    }
}
