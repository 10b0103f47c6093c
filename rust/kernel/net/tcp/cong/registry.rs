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
//! * The old table may also be *registered* anew, at the end of the list, once the name is free.
//!   There its next pointer leads to the list's head, and a reader that still stood on it would
//!   miss every table in between. That is the one case which has to wait, and only if the grace
//!   period since the last replacement has not passed yet: see [`RegistryGuard::readers_of`].
//!
//! A reader that found the old table may find that nobody has a reference on it any more when it
//! comes to take one, since no grace period keeps the link from putting its own. The table is
//! marked then, and [`CongestionOps::current`] leads on by the name.
//!
//! # Who frees a table
//!
//! Nobody here: the memory of a table outlasts its readers by other means. That of a module is
//! freed after `tcp_unregister_congestion_control`, which waits for a grace period; that of a BPF
//! map in `bpf_struct_ops_map_free`, which waits for one too. So a replacement need not wait.

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
        },
        rcu::GracePeriod, //
    }, //
};

/// The list node of a table, its pointers read and written with single accesses, since RCU readers
/// may look at them at any time.
struct ListNode<'a> {
    node: *mut bindings::list_head,
    next: &'a Atomic<*mut bindings::list_head>,
    prev: &'a Atomic<*mut bindings::list_head>,
}

impl<'a> ListNode<'a> {
    /// # Safety
    ///
    /// `node` must be valid for `'a`, and written by nobody for whom it is not guarded by
    /// `tcp_cong_list_lock`.
    #[inline]
    unsafe fn new(node: *mut bindings::list_head) -> Self {
        // SAFETY: `node` is valid, and the pointers in it are aligned. C code writes them under
        // the lock, and reads `next` with single accesses.
        let (next, prev) = unsafe {
            (
                Atomic::from_ptr(&raw mut (*node).next),
                Atomic::from_ptr(&raw mut (*node).prev),
            )
        };
        Self { node, next, prev }
    }

    #[inline]
    fn of(ca: &'a CongestionOps) -> Self {
        // SAFETY: The table is valid, and its node guarded by the lock.
        unsafe { Self::new(&raw mut (*ca.as_raw()).list) }
    }

    /// Tells whether the table was in the registry and is not any more.
    #[inline]
    fn is_poisoned(&self) -> bool {
        self.prev.load(Relaxed) == poison()
    }
}

/// What `list_del_rcu` leaves in `prev`.
#[inline]
fn poison() -> *mut bindings::list_head {
    // SAFETY: Returns a constant.
    unsafe { bindings::list_poison2() }
}

/// The registry, locked.
///
/// # Invariants
///
/// `tcp_cong_list_lock` is held.
pub struct RegistryGuard(#[expect(dead_code)] Guard<'static, (), SpinLockBackend>);

/// When a table was last replaced. Written under `tcp_cong_list_lock`.
static LAST_REPLACED: Atomic<usize> = Atomic::new(0);

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
        let node = ListNode::of(ca);

        !node.prev.load(Relaxed).is_null() && !node.is_poisoned()
    }

    /// Returns the grace period after which no reader stands on `ca` any more, if one may stand
    /// there: one that came when `ca` was registered before.
    #[inline]
    pub fn readers_of(&self, ca: &CongestionOps) -> Option<GracePeriod> {
        let replaced = GracePeriod::from_cookie(LAST_REPLACED.load(Relaxed));

        (ListNode::of(ca).is_poisoned() && !replaced.has_passed()).then_some(replaced)
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
        // SAFETY: The lock is held, so what is found stays valid.
        unsafe {
            bindings::tcp_ca_find_key(ca.key())
                .cast::<CongestionOps>()
                .as_ref()
        }
        .ok_or(ENOENT)?
        .get()
        .ok_or(EBUSY)
    }

    /// Appends `ca`.
    ///
    /// # Errors
    ///
    /// [`EEXIST`] when its name, or one with the same hash, is taken. Nothing has changed then.
    pub fn add(&mut self, ca: &'static CongestionOps) -> Result {
        // SAFETY: The table is valid.
        let key = unsafe { bindings::tcp_ca_hash_name(ca.as_raw()) };

        // SAFETY: The lock is held, so what is found stays valid.
        if key == bindings::TCP_CA_UNSPEC || !unsafe { bindings::tcp_ca_find_key(key) }.is_null() {
            return Err(EEXIST);
        }

        self.publish(ca, key, 0);
        // SAFETY: The table is not in the registry, as its key is not. The lock is held.
        unsafe {
            bindings::list_add_tail_rcu(
                &raw mut (*ca.as_raw()).list,
                &raw mut bindings::tcp_cong_list,
            );
        }
        Ok(())
    }

    /// Puts `new` in the place of `old`, and in that of every namespace's default that `old` is. A
    /// reader finds one of the two at any time. Whether ordinary users may choose the name stays.
    ///
    /// `new` being `old`, nothing needs to be done, and nothing is.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when `old` is not in the registry, when the names differ, or when `new` is in the
    /// registry already. Nothing has changed then.
    pub fn replace(&mut self, old: &CongestionOps, new: &'static CongestionOps) -> Result {
        if !self.is_registered(old) || old.name().to_bytes() != new.name().to_bytes() {
            return Err(EINVAL);
        }
        if core::ptr::eq(old, new) {
            return Ok(());
        }
        if self.is_registered(new) {
            return Err(EINVAL);
        }

        // Equal names have equal keys.
        let flags = old.flags().load(Relaxed);
        self.publish(new, old.key(), flags & bindings::TCP_CONG_NON_RESTRICTED);

        let (node, new_node) = (ListNode::of(old), ListNode::of(new));
        let (next, prev) = (node.next.load(Relaxed), node.prev.load(Relaxed));

        new_node.next.store(next, Relaxed);
        new_node.prev.store(prev, Relaxed);
        // SAFETY: The neighbours of a registered table are in the list, or its head, hence valid
        // while the lock is held.
        let (next, prev) = unsafe { (ListNode::new(next), ListNode::new(prev)) };

        // Release: who comes by this pointer sees the table complete, and where it leads.
        prev.next.store(new_node.node, Release);
        next.prev.store(new_node.node, Relaxed);
        // INVARIANT: `old` is off the list.
        node.prev.store(poison(), Relaxed);

        // Release: who sees the mark finds the new table.
        old.flags()
            .store(flags | bindings::TCP_CONG_REPLACED, Release);
        default::move_all(self, old, new);

        LAST_REPLACED.store(GracePeriod::start().cookie(), Relaxed);
        Ok(())
    }

    /// Lets ordinary users choose `ca`.
    pub fn allow(&mut self, ca: &CongestionOps) {
        let flags = ca.flags().load(Relaxed);

        ca.flags()
            .store(flags | bindings::TCP_CONG_NON_RESTRICTED, Relaxed);
    }

    /// Prepares `ca` to be reached by readers, with `allowed` being `TCP_CONG_NON_RESTRICTED` if
    /// ordinary users could choose its name so far.
    ///
    /// A table that is published for the first time has the flag if its author gave it; that is
    /// noted, since later the administrator's word for the *name* is in the same flag.
    fn publish(&mut self, ca: &CongestionOps, key: u32, allowed: u32) {
        const ALLOWED: u32 = bindings::TCP_CONG_NON_RESTRICTED;
        const BY_AUTHOR: u32 = bindings::TCP_CONG_NON_RESTRICTED_BY_AUTHOR;

        let mut flags = ca.flags().load(Relaxed) & !bindings::TCP_CONG_REPLACED;
        if !ListNode::of(ca).is_poisoned() && flags & ALLOWED != 0 {
            flags |= BY_AUTHOR;
        }
        flags &= !ALLOWED;
        if flags & BY_AUTHOR != 0 {
            flags |= ALLOWED;
        }
        ca.flags().store(flags | allowed, Relaxed);

        // SAFETY: The field is valid and aligned.
        unsafe { Atomic::from_ptr(&raw mut (*ca.as_raw()).key) }.store(key, Relaxed);
    }
}
