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
//! # Who frees a table
//!
//! Nobody here: the memory of a table outlasts its readers by other means. That of a module is
//! freed after `tcp_unregister_congestion_control`, which waits for a grace period; that of a BPF
//! map in `bpf_struct_ops_map_free`, which waits for one too. So a replacement need not wait.
//!
//! C header: [`include/net/tcp.h`](srctree/include/net/tcp.h),
//! [`include/net/tcp_cong_list.h`](srctree/include/net/tcp_cong_list.h)

use crate::{
    bindings,
    error::{
        code::*,
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
            Relaxed,
            Release, //
        },
        lock::{
            spinlock::SpinLockBackend,
            Guard,
            Lock, //
        },
        rcu::GracePeriod, //
    },
    types::Opaque, //
};

/// A TCP congestion control: a table of operations under a name.
///
/// Two references are to the same table if and only if they point to the same `CongestionOps`.
///
/// C counterpart: [`struct tcp_congestion_ops`](srctree/include/net/tcp.h).
///
/// # Invariants
///
/// The name is terminated by NUL and does not change. The list node is zero before the table is
/// registered for the first time; `prev` is poisoned once the table is off the list again.
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
    pub unsafe fn from_raw<'a>(ca: *mut bindings::tcp_congestion_ops) -> &'a Self {
        // SAFETY: By the requirements of this function. The type is transparent.
        unsafe { &*ca.cast() }
    }

    /// Returns the C representation.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::tcp_congestion_ops {
        self.0.get()
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
    /// [`EINVAL`]: one is missing; the log says so.
    #[inline]
    pub fn validate(&self) -> Result {
        // SAFETY: The table is valid.
        to_result(unsafe { bindings::tcp_validate_congestion_control(self.as_raw()) })
    }

    /// Hashes the name.
    #[inline]
    fn hash(&self) -> u32 {
        // SAFETY: The table is valid.
        unsafe { bindings::tcp_ca_hash_name(self.as_raw()) }
    }

    #[inline]
    fn node(&self) -> ListNode<'_> {
        // SAFETY: The table is valid, and its node is only accessed as `ListNode` says.
        unsafe { ListNode::new(&raw mut (*self.as_raw()).list) }
    }
}

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
        let prev = ca.node().prev.load(Relaxed);

        !prev.is_null() && !is_poison(prev)
    }

    /// Returns the grace period after which no reader stands on `ca` any more, if one may stand
    /// there: one that came when `ca` was registered before.
    #[inline]
    pub fn readers_of(&self, ca: &CongestionOps) -> Option<GracePeriod> {
        let replaced = GracePeriod::from_cookie(LAST_REPLACED.load(Relaxed));

        (is_poison(ca.node().prev.load(Relaxed)) && !replaced.has_passed()).then_some(replaced)
    }

    /// Appends `ca`.
    ///
    /// # Errors
    ///
    /// [`EEXIST`] when its name, or one with the same hash, is taken. Nothing has changed then.
    pub fn add(&mut self, ca: &'static CongestionOps) -> Result {
        let key = ca.hash();

        // SAFETY: The lock is held, so what is found stays valid.
        if key == bindings::TCP_CA_UNSPEC || !unsafe { bindings::tcp_ca_find_key(key) }.is_null() {
            return Err(EEXIST);
        }

        // SAFETY: The table is not in the registry, as its key is not, so nobody else writes it.
        // The lock is held.
        unsafe {
            (*ca.as_raw()).key = key;
            bindings::list_add_tail_rcu(
                &raw mut (*ca.as_raw()).list,
                &raw mut bindings::tcp_cong_list,
            );
        }
        Ok(())
    }

    /// Puts `new` in the place of `old`. A reader finds one of the two at any time.
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

        // SAFETY: Both tables are valid, the lock is held, and nobody else writes `new`, which is
        // not in the registry. Equal names have equal keys.
        unsafe { (*new.as_raw()).key = (*old.as_raw()).key };

        let (old, new) = (old.node(), new.node());
        let (next, prev) = (old.next.load(Relaxed), old.prev.load(Relaxed));

        new.next.store(next, Relaxed);
        new.prev.store(prev, Relaxed);
        // SAFETY: The neighbours of a registered table are in the list, or its head, hence valid
        // while the lock is held.
        let (next, prev) = unsafe { (ListNode::new(next), ListNode::new(prev)) };

        // Release: who comes by this pointer sees the table complete, and where it leads.
        prev.next.store(new.node, Release);
        next.prev.store(new.node, Relaxed);
        // INVARIANT: `old` is off the list.
        old.prev.store(poison(), Relaxed);

        LAST_REPLACED.store(GracePeriod::start().cookie(), Relaxed);
        Ok(())
    }
}

/// What `list_del_rcu` leaves in `prev`.
#[inline]
fn poison() -> *mut bindings::list_head {
    // SAFETY: Returns a constant.
    unsafe { bindings::list_poison2() }
}

#[inline]
fn is_poison(prev: *mut bindings::list_head) -> bool {
    prev == poison()
}
