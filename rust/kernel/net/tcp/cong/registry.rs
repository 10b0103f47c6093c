// SPDX-License-Identifier: GPL-2.0-only

//! The registry of TCP congestion controls.
//!
//! `tcp_cong_list_lock` guards it. A registered table is on two lists:
//!
//! * `tcp_cong_list`, in the order of registration, which is read under the lock. The sysctls show
//!   it. A table that replaces another one takes its position.
//! * The chain or a bucket of `bucket.rs`, which lookups read under RCU.
//!
//! An update puts the link's reference on the old table without waiting for lookups. So a lookup
//! may find a table whose last reference was put. If it was replaced, its flag `TCP_CONG_REPLACED`
//! is set, and [`CongestionOps::current`] finds the table that follows.

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

/// The last lineage that was used. Accessed under the lock of the registry.
static LINEAGES: Atomic<u64> = Atomic::new(0);

/// A table that may be registered.
///
/// # Invariants
///
/// The table stays valid until it is unregistered or replaced, and for a grace period after that.
#[derive(Clone, Copy)]
pub struct Registrable<'a>(&'a CongestionOps);

impl<'a> Registrable<'a> {
    /// Makes `ca` registrable.
    ///
    /// # Safety
    ///
    /// `ca` must stay valid until it is unregistered or replaced, and for a grace period after
    /// that.
    #[inline]
    pub unsafe fn new(ca: &'a CongestionOps) -> Self {
        // INVARIANT: The caller keeps the table valid until it is unregistered or replaced, and for
        // a grace period after that.
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

/// The registered tables, locked.
///
/// # Examples
///
/// ```
/// use kernel::net::tcp::cong::{
///     CongestionOps,
///     Name,
///     RegistryGuard, //
/// };
///
/// let name = Name::new(b"reno").ok_or(EINVAL)?;
/// let registry = RegistryGuard::lock();
///
/// assert!(registry.is_registered(CongestionOps::reno()));
/// assert!(registry
///     .find(&name)
///     .is_some_and(|ca| core::ptr::eq(ca, CongestionOps::reno())));
/// assert!(registry.iter().any(|ca| ca.name() == c"reno"));
/// # Ok::<(), Error>(())
/// ```
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
    /// Process context, not in a softirq. Takes a spinlock: neither this nor the holder of the
    /// guard may sleep.
    #[inline]
    pub fn lock() -> Self {
        // SAFETY: `tcp_cong_list_lock` is a static that is initialized at build time.
        let lock = unsafe { Lock::from_raw(&raw mut bindings::tcp_cong_list_lock) };

        // INVARIANT: The lock was just taken.
        Self(lock.lock())
    }

    /// Tells whether `ca` is registered.
    #[inline]
    pub fn is_registered(&self, ca: &CongestionOps) -> bool {
        let node = node(ca);
        // SAFETY: `ca` is a reference to a valid table. Its node is written under the lock only,
        // which `self` holds.
        let next = unsafe { (*node).next };

        !next.is_null() && !core::ptr::eq(next, node)
    }

    /// Finds the table that is registered under `name`.
    #[inline]
    pub fn find(&self, name: &Name) -> Option<&CongestionOps> {
        // SAFETY: The lock of the registry is held as long as `self` is borrowed.
        unsafe {
            bucket::find_module(|ca| ca.has_name(name))
                .or_else(|| bucket::find_bpf(name.key(), |ca| ca.has_name(name)))
        }
    }

    /// Returns the registered tables in the order of their registration.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &CongestionOps> {
        let head = &raw mut bindings::tcp_cong_list;

        // SAFETY: The head is a static that is initialized at build time. The lock is held as long
        // as `self` is borrowed, so the list does not change. It contains tables by their field
        // `list`, and `CongestionOps` is transparent over `tcp_congestion_ops`.
        unsafe { clist_create!(head, CongestionOps, bindings::tcp_congestion_ops, list) }.iter()
    }

    /// Registers `ca`.
    ///
    /// # Errors
    ///
    /// [`EEXIST`]: a table with the same name, or with a name of the same hash, is registered, or
    /// the hash is 0. Nothing is changed.
    // Inline, as what it calls: that takes 43 instructions off the creation of a link on x86-64.
    #[inline]
    pub fn add(&mut self, ca: Registrable<'_>) -> Result {
        let key = match ca.key() {
            // SAFETY: The name is NUL-terminated in an array of `TCP_CA_NAME_MAX` bytes.
            bindings::TCP_CA_UNSPEC => unsafe { bindings::tcp_ca_hash(ca.name_ptr()) },
            key => key,
        };

        // SAFETY: `self` holds the lock of the registry.
        let taken = unsafe { bucket::find_key(key) }.is_some();
        if key == bindings::TCP_CA_UNSPEC || taken {
            return Err(EEXIST);
        }

        let mut flags = declared_permission(&ca);
        let before = ca.registry_flags();
        // A table keeps its permission, unless it was replaced and passed it on.
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

        // SAFETY: Both nodes are valid. `ca` is not registered, since its key was not found, so its
        // node is on no list. `self` holds the lock.
        unsafe { bindings::list_add_tail(node(&ca), &raw mut bindings::tcp_cong_list) };
        bucket::add(self, &ca);
        Ok(())
    }

    /// Unregisters `ca`. Does nothing if it is not registered. RCU readers may still use it until a
    /// grace period has passed.
    pub fn remove(&mut self, ca: &CongestionOps) {
        if self.is_registered(ca) {
            bucket::remove(self, ca);
            // SAFETY: `ca` is registered, so its node is on the list. `self` holds the lock.
            unsafe { bindings::list_del_init(node(ca)) };
        }
    }

    /// Replaces `old` by `new`, also as the default of namespaces.
    ///
    /// A lookup of the name finds one of the two at any time. After this has returned, no
    /// connection starts on `old`, see
    /// [What a replacement promises](crate::net::tcp::cong#what-a-replacement-promises). The
    /// permission of ordinary users is kept. If `new` is `old`, nothing is done.
    ///
    /// The caller must hold references on both tables. Without one on `new`, the namespaces whose
    /// default is `old` may keep it.
    ///
    /// # Errors
    ///
    /// [`EINVAL`]: `old` is not registered, the names differ, or one of the two is a BPF table and
    /// the other is not. Nothing is changed.
    pub fn replace(&mut self, old: &CongestionOps, new: Registrable<'_>) -> Result {
        if !self.is_registered(old)
            || old.name().to_bytes() != new.name().to_bytes()
            || old.is_bpf() != new.is_bpf()
        {
            return Err(EINVAL);
        }
        if core::ptr::eq(old, &*new) {
            return Ok(());
        }

        // No two registered tables have the same name, so `new` is not registered. Equal names have
        // equal keys.
        let flags = old.registry_flags();
        self.publish(
            &new,
            old.key(),
            declared_permission(&new) | flags & Flag::Allowed,
            old.lineage(),
        );

        // SAFETY: Both nodes are valid. `old` is registered, so its node is on the list, and that
        // of `new` is not. `self` holds the lock.
        unsafe { bindings::list_replace_init(node(old), node(&new)) };
        bucket::replace(self, old, &new);

        // Release: code that sees the flag finds the new table.
        old.set_registry_flags(self, flags | Flag::Replaced, Release);
        default::move_all(self, old, &new);
        Ok(())
    }

    /// Allows ordinary users to choose `ca`.
    pub fn allow(&self, ca: &CongestionOps) {
        ca.set_registry_flags(self, ca.registry_flags() | Flag::Allowed, Relaxed);
    }

    /// Forbids ordinary users to choose `ca`.
    pub fn restrict(&self, ca: &CongestionOps) {
        ca.set_registry_flags(self, ca.registry_flags() & !Flag::Allowed, Relaxed);
    }

    /// Sets the fields of `ca` that lookups read. `ca` is not registered yet.
    #[inline]
    fn publish(&mut self, ca: &CongestionOps, key: u32, flags: Flags, lineage: u64) {
        if ca.key() != key {
            // SAFETY: `ca` is a reference to a valid table. Its key is not set yet, so it was never
            // registered, and no lookup reads the key.
            unsafe { (*ca.as_raw()).key = key };
        }
        ca.set_registry_flags(self, flags, Relaxed);
        // Release: the flag `TCP_CONG_REPLACED` is cleared before the lineage changes, see
        // `CongestionOps::current`.
        ca.lineage_word().store(lineage, Release);
    }
}

/// Returns the permission that `ca` declares itself, before it is registered.
///
/// A table that was never registered has `TCP_CONG_NON_RESTRICTED` if it declares it. After that,
/// `TCP_CONG_NON_RESTRICTED` is what the administrator has set, and another flag keeps what was
/// declared.
#[inline]
fn declared_permission(ca: &CongestionOps) -> Flags {
    let flag = if ca.lineage() == 0 {
        Flag::Allowed
    } else {
        Flag::DeclaredAllowed
    };

    if ca.registry_flags().contains(flag) {
        Flag::Allowed | Flag::DeclaredAllowed
    } else {
        Flags::empty()
    }
}

/// Returns the node of `ca` in `tcp_cong_list`.
#[inline]
fn node(ca: &CongestionOps) -> *mut bindings::list_head {
    // SAFETY: `ca` is a reference to a valid table.
    unsafe { &raw mut (*ca.as_raw()).list }
}
