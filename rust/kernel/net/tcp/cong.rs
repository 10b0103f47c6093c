// SPDX-License-Identifier: GPL-2.0-only

//! TCP congestion controls.
//!
//! * [`CongestionOps`]: the table of a congestion control, its operations under a name.
//! * [`CongestionRef`]: a reference on a table.
//! * [`RegistryGuard`]: the registered tables, locked.
//! * [`DefaultOf`]: the default of a network namespace.
//! * [`ConnectionSock`]: a socket, with the table that it uses.
//!
//! # What a replacement promises
//!
//! After [`RegistryGuard::replace`] has returned, no connection starts on the old table. It
//! publishes the new table first, and sets the flag `TCP_CONG_REPLACED` of the old one second. Code
//! that starts a connection tests this flag ([`CongestionOps::is_replaced`]), in a word that it
//! reads anyway. If the flag is set, the code uses [`CongestionOps::current`] instead. The flag is
//! set by a store with release and tested by a load with acquire, so code that sees the flag finds
//! the new table.
//!
//! What this means for users is in
//! [`tcp_cong_update.rst`](srctree/Documentation/networking/tcp_cong_update.rst).
//!
//! # Lineages
//!
//! A table that is registered for the first time gets a new *lineage*, a number that is not used
//! again. A table that replaces another one gets the lineage of that one. So
//! [`CongestionOps::current`] looks for the registered table of the same lineage: that table was
//! reached by updates. A table that is registered later with the same name or key has another
//! lineage. A table that is unregistered and registered again keeps its lineage.
//!
//! # Lookups
//!
//! A lookup runs under RCU and takes no lock. It walks one chain of all tables that are built in or
//! belong to a module, in the order of registration, and then one of 256 buckets of BPF tables,
//! chosen by the hash of the name. A bucket is a chain, too. Each change of a chain is one store
//! with release to a pointer that lookups follow. So a lookup of a name that is registered all the
//! time finds a table of that name:
//!
//! * Replace: the new table takes the position of the old one. A lookup reads the pointer to that
//!   position before the store or after it.
//! * Remove: the removed table keeps its pointer to the next table. A lookup that has reached the
//!   removed table continues there. If the next table was removed since, that happened after the
//!   lookup began, so the grace period before its memory is freed waits for the lookup.
//! * Add a BPF table that was removed while a lookup had reached it: all tables of its name are in
//!   one bucket, and it is added at its old position (A to B to A), or before all tables that were
//!   in the bucket when it was removed. The lookup continues with all of these, some of them a
//!   second time. It only starts again if the table that it has reached is added at that moment.
//!   The pointer of the added table is stored with release, too, so the tables that the lookup
//!   reaches through it are seen as they were then.
//! * Add a table of a module that was removed: no lookup has reached it, since unregistering it
//!   waits for a grace period. It is added at the end of the chain.
//!
//! # Freeing
//!
//! A registered table is on lists that hold no reference, and unregistering it frees nothing. The
//! memory of a BPF table is that of its map: `bpf_struct_ops_map_free` waits for a grace period
//! that begins after the last reference was put. Code that keeps a table after its RCU read-side
//! critical section takes a reference ([`CongestionOps::get`]), which fails if the count has
//! reached zero. The memory is still valid then. If the flag `TCP_CONG_REPLACED` is set,
//! [`CongestionOps::current`] finds the table that follows.
//!
//! The memory of a module's table is freed with the module, and
//! `tcp_unregister_congestion_control` waits for a grace period before it returns.
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
    bucket::BUCKET_COUNT,
    default::DefaultOf,
    flags::{
        Flag,
        Flags, //
    },
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

/// The table of a TCP congestion control: its operations, under a name.
///
/// Two references are to the same table if and only if they point to the same `CongestionOps`.
///
/// C counterpart: [`struct tcp_congestion_ops`](srctree/include/net/tcp.h).
///
/// # Examples
///
/// ```
/// use kernel::net::tcp::cong::CongestionOps;
///
/// let reno = CongestionOps::reno();
///
/// assert_eq!(reno.name(), c"reno");
/// assert!(reno.is_allowed());
/// // It was not replaced, so it is the one to use itself.
/// assert!(!reno.is_replaced());
/// assert!(reno.current().is_some_and(|ca| core::ptr::eq(&*ca, reno)));
/// ```
///
/// # Invariants
///
/// The name is NUL-terminated and does not change. The key is 0 or the hash of the name. It is the
/// hash when the table is registered, and does not change after that.
///
/// The following fields are written under `tcp_cong_list_lock` only:
///
/// * `flags`: read without the lock, too, by single accesses.
/// * `lineage`: 0 before the first registration. Read without the lock, too, by single accesses.
/// * `bucket_next`: the next table of the chain or bucket, or the one that was next when this table
///   was removed. Read under RCU, too.
/// * `list`: zeroed before the first registration, and an empty list while not registered later.
/// * `defaults`: the first of the shared defaults that point to this table.
#[repr(transparent)]
pub struct CongestionOps(Opaque<bindings::tcp_congestion_ops>);

// SAFETY: The fields that change are written under `tcp_cong_list_lock`. They are read under that
// lock or by single accesses.
unsafe impl Sync for CongestionOps {}

impl CongestionOps {
    /// Borrows a table from C code.
    ///
    /// # Safety
    ///
    /// `ca` must point to a table that is valid for `'a` and keeps the invariants of the type.
    #[inline]
    pub unsafe fn from_raw<'a>(ca: *const bindings::tcp_congestion_ops) -> &'a Self {
        // SAFETY: The caller passes a table that is valid for `'a` and keeps the invariants of the
        // type. `CongestionOps` is transparent over `tcp_congestion_ops`.
        unsafe { &*ca.cast() }
    }

    /// Returns the C representation.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::tcp_congestion_ops {
        self.0.get()
    }

    /// Returns Reno, which is always registered.
    #[inline]
    pub fn reno() -> &'static Self {
        // SAFETY: `tcp_reno` is a static of `tcp_cong.c`. It has a name, and only the registry
        // writes to it.
        unsafe { Self::from_raw(&raw const bindings::tcp_reno) }
    }

    /// Returns the name.
    #[inline]
    pub fn name(&self) -> &CStr {
        // SAFETY: By the type invariants, the name is NUL-terminated and does not change.
        unsafe { CStr::from_char_ptr(self.name_ptr()) }
    }

    /// Checks that the operations that every congestion control needs are set. Any context.
    ///
    /// C counterpart: [`tcp_validate_congestion_control`](srctree/net/ipv4/tcp_cong.c).
    ///
    /// # Errors
    ///
    /// [`EINVAL`](crate::error::code::EINVAL): one is missing. The kernel log names the table.
    #[inline]
    pub fn validate(&self) -> Result {
        // SAFETY: `self` is a reference to a valid table.
        to_result(unsafe { bindings::tcp_validate_congestion_control(self.as_raw()) })
    }

    /// Tells whether this is a BPF table, whose memory stays valid for a grace period after its
    /// last reference was put. Any context.
    #[inline]
    pub fn is_bpf(&self) -> bool {
        // SAFETY: `self` is a reference to a valid table, whose owner does not change.
        unsafe { (*self.as_raw()).owner == bindings::bpf_module_owner() }
    }

    /// Takes a reference on this table. Any context.
    ///
    /// Returns `None` if the count of its BPF map has reached zero, or if its module is being
    /// unloaded.
    #[inline]
    pub fn get(&self) -> Option<CongestionRef> {
        // SAFETY: `self` is a reference to a valid table, and its owner is the one of its memory.
        unsafe { bindings::bpf_try_module_get(self.as_raw().cast(), (*self.as_raw()).owner) }
            // INVARIANT: The reference that was just taken passes to the value.
            .then(|| CongestionRef(NonNull::from(self)))
    }

    /// Takes a reference on this table or, if it was replaced, on the table that follows it by
    /// [lineage](crate::net::tcp::cong#lineages). Any context.
    ///
    /// Returns `None` if the table that follows is not registered, or if the last reference on the
    /// one found was put.
    pub fn current(&self) -> Option<CongestionRef> {
        let reader = rcu::read_lock();
        let mut ca = self;

        loop {
            if !ca.is_replaced() {
                if let Some(found) = ca.get() {
                    return Some(found);
                }
                // The table may have been replaced after the test above, and its last reference
                // put. The flag was set before that reference was put.
                smp_mb(Read);
                if !ca.is_replaced() {
                    return None;
                }
            }

            let lineage = ca.lineage();
            // Registering a table again clears the flag before it sets another lineage. So if the
            // flag is still set, this is the lineage in which the table was replaced.
            if ca.is_replaced() {
                ca = ca.find_in_lineage(lineage, &reader)?;
            }
        }
    }

    /// Finds the table that is registered under `name`. Any context.
    ///
    /// C counterpart: [`tcp_ca_find`](srctree/net/ipv4/tcp_cong_registry.c).
    ///
    /// # Safety
    ///
    /// `name` must be a NUL-terminated string, and the caller must hold the RCU read lock for `'a`.
    #[inline]
    pub unsafe fn find<'a>(name: *const c_char) -> Option<&'a Self> {
        // SAFETY: The caller passes a NUL-terminated string, and the name of a table is one by the
        // type invariants.
        let has_name = |ca: &Self| unsafe { bindings::strcmp(ca.name_ptr(), name) } == 0;

        // SAFETY: The caller holds the RCU read lock for `'a`.
        if let Some(found) = unsafe { bucket::find_module(has_name) } {
            return Some(found);
        }
        // SAFETY: The caller passes a NUL-terminated string, and holds the RCU read lock for `'a`.
        unsafe { Self::find_bpf(name) }
    }

    /// Finds the BPF table that is registered under `name`. Out of line, to keep it off the path of
    /// built-in names.
    ///
    /// # Safety
    ///
    /// `name` must be a NUL-terminated string, and the caller must hold the RCU read lock for `'a`.
    #[inline(never)]
    unsafe fn find_bpf<'a>(name: *const c_char) -> Option<&'a Self> {
        // SAFETY: The caller passes a NUL-terminated string that is valid during the call.
        let name = Name::from_c_str(unsafe { CStr::from_char_ptr(name) })?;

        // SAFETY: The caller holds the RCU read lock for `'a`.
        unsafe { bucket::find_bpf(name.key(), |ca| ca.has_name(&name)) }
    }

    /// Finds the table that is registered with `key`. Any context.
    ///
    /// C counterpart: [`tcp_ca_find_key`](srctree/net/ipv4/tcp_cong_registry.c).
    ///
    /// # Safety
    ///
    /// The caller must hold the RCU read lock for `'a`.
    #[inline]
    pub unsafe fn find_key<'a>(key: u32) -> Option<&'a Self> {
        // SAFETY: The caller holds the RCU read lock for `'a`.
        unsafe { bucket::find_key(key) }
    }

    /// Finds the registered table of a lineage. `self` is or was a table of that lineage.
    #[inline]
    fn find_in_lineage<'a>(&self, lineage: u64, _reader: &'a rcu::Guard) -> Option<&'a Self> {
        // SAFETY: The guard holds the RCU read lock for `'a`.
        unsafe { bucket::find_beside(self, |ca| ca.lineage() == lineage) }
    }

    #[inline]
    fn has_name(&self, name: &Name) -> bool {
        self.name().to_bytes() == name.to_bytes()
    }

    #[inline]
    fn name_ptr(&self) -> *const c_char {
        // SAFETY: `self` is a reference to a valid table.
        unsafe { (&raw const (*self.as_raw()).name).cast() }
    }

    /// Returns the hash of the name, or 0 if it was not computed yet.
    #[inline]
    fn key(&self) -> u32 {
        // SAFETY: The field is valid and aligned. It is written before lookups find the table.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).key) }.load(Relaxed)
    }

    #[inline]
    fn lineage(&self) -> u64 {
        // Acquire: see `current`.
        self.lineage_word().load(Acquire)
    }

    #[inline]
    fn lineage_word(&self) -> &Atomic<u64> {
        // SAFETY: The field is valid and aligned, and is accessed by single accesses only.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).lineage) }
    }
}

/// A reference on a [`CongestionOps`].
///
/// # Invariants
///
/// The value points to a valid table and owns one reference on it, as `bpf_try_module_get` takes
/// it.
pub struct CongestionRef(NonNull<CongestionOps>);

// SAFETY: Any thread may put a reference, and `CongestionOps` is `Sync`.
unsafe impl Send for CongestionRef {}

impl CongestionRef {
    /// Takes over a reference from C code.
    ///
    /// # Safety
    ///
    /// The caller must own a reference on `ca`, which passes to the value.
    #[inline]
    unsafe fn from_raw(ca: NonNull<CongestionOps>) -> Self {
        // INVARIANT: The caller owns a reference on `ca`, which passes to the value.
        Self(ca)
    }

    /// Passes the reference to C code, which must put it.
    #[inline]
    pub fn into_raw(self) -> *mut bindings::tcp_congestion_ops {
        ManuallyDrop::new(self).as_raw()
    }
}

impl Deref for CongestionRef {
    type Target = CongestionOps;

    #[inline]
    fn deref(&self) -> &CongestionOps {
        // SAFETY: By the type invariants, `self` owns a reference, which keeps the table valid.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for CongestionRef {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants, `self` owns a reference, which is put here.
        unsafe { bindings::bpf_module_put(self.as_raw().cast(), (*self.as_raw()).owner) };
    }
}
