// SPDX-License-Identifier: GPL-2.0-only

//! The default congestion control of network namespaces.

use super::{
    CongestionOps,
    CongestionRef,
    Name,
    RegistryGuard, //
};
use crate::{
    alloc::{
        flags::GFP_KERNEL,
        KBox, //
    },
    bindings,
    error::{
        code::*,
        Result, //
    },
    init::InPlaceInit,
    sync::{
        atomic::{
            Atomic,
            Relaxed,
            Release, //
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
    marker::PhantomData,
    ptr::NonNull, //
};

/// A default that namespaces share, see [`DefaultOf`].
///
/// C counterpart:
/// [`struct tcp_cong_default`](srctree/include/net/tcp_cong_registry.h).
///
/// # Invariants
///
/// `ca` points to a table, and the value owns a reference on it. All fields are written under the
/// lock of the registry only. `next` and `users` are also read under it only.
#[repr(transparent)]
struct SharedDefault(Opaque<bindings::tcp_cong_default>);

impl SharedDefault {
    /// Returns a shared default for Reno that is static and never freed. It is not on the list of
    /// Reno, which is never replaced.
    fn reno() -> &'static Self {
        // SAFETY: `tcp_cong_default_reno` is a static of `tcp_cong_rust_data.c`. It points to Reno,
        // which is built in and needs no reference. `SharedDefault` is transparent over
        // `tcp_cong_default`.
        unsafe { &*(&raw mut bindings::tcp_cong_default_reno).cast() }
    }

    /// Returns the C representation.
    fn as_raw(&self) -> *mut bindings::tcp_cong_default {
        self.0.get()
    }

    /// Returns the pointer to the table.
    fn ca(&self) -> &Atomic<*mut CongestionOps> {
        // SAFETY: The field is valid and aligned, and is accessed by single accesses only.
        unsafe { Atomic::from_ptr((&raw mut (*self.as_raw()).ca).cast()) }
    }

    /// Adds a user.
    fn get(&self, _registry: &RegistryGuard) {
        // SAFETY: The guard holds the lock of the registry, so nothing else accesses the count.
        unsafe { (*self.as_raw()).users += 1 };
    }

    /// Removes a user. If it was the last one, the returned value must be dropped after the lock is
    /// released.
    ///
    /// # Safety
    ///
    /// The user must have been added by [`get`](Self::get), and must not use this any more.
    unsafe fn put(&self, registry: &RegistryGuard) -> Option<Unused> {
        // SAFETY: The guard holds the lock of the registry, so nothing else accesses the count.
        let users = unsafe { &mut (*self.as_raw()).users };

        *users -= 1;
        if *users != 0 {
            return None;
        }
        self.unlink(registry);
        // INVARIANT: There is no user left, and the table does not point here any more. This is not
        // the static one, which has a user of its own.
        Some(Unused(NonNull::from(self)))
    }

    /// Removes this from the list of its table.
    fn unlink(&self, registry: &RegistryGuard) {
        // SAFETY: By the type invariants, this owns a reference on the table, which keeps it valid.
        let mut link = first(registry, unsafe { &*self.ca().load(Relaxed) });

        // SAFETY: The guard holds the lock of the registry, so the list does not change, and what
        // is on it is valid. This is on the list of the table to which it points.
        unsafe {
            while *link != self.as_raw() {
                link = &raw mut (**link).next;
            }
            *link = (**link).next;
        }
    }
}

/// A shared default without users.
///
/// # Invariants
///
/// Only RCU readers still use it. It is memory that [`DefaultOf::set`] has allocated.
struct Unused(NonNull<SharedDefault>);

impl Drop for Unused {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, only RCU readers still use it, so nothing writes to it.
        // It owns a reference on its table, which is put here. A reader that finds the table takes
        // its own reference, which fails if this was the last. The memory was allocated by
        // `kmalloc`, and is freed after a grace period.
        unsafe {
            let ca = NonNull::new_unchecked(self.0.as_ref().ca().load(Relaxed));

            drop(CongestionRef::from_raw(ca));
            bindings::tcp_cong_default_free(self.0.as_ref().as_raw());
        }
    }
}

/// Returns the head of the list of shared defaults that point to `ca`.
fn first(_registry: &RegistryGuard, ca: &CongestionOps) -> *mut *mut bindings::tcp_cong_default {
    // SAFETY: `ca` is a reference to a valid table.
    unsafe { &raw mut (*ca.as_raw()).defaults }
}

/// Makes `new` the default of all namespaces whose default is `old`.
///
/// The caller must hold references on both, so that those put here are not the last.
pub(super) fn move_all(registry: &RegistryGuard, old: &CongestionOps, new: &CongestionOps) {
    let (from, to) = (first(registry, old), first(registry, new));

    // SAFETY: The guard holds the lock of the registry, so no other code changes the lists, and
    // what is on them is valid. `SharedDefault` is transparent over `tcp_cong_default`.
    unsafe {
        while let Some(shared) = (*from).cast::<SharedDefault>().as_ref() {
            let Some(ca) = new.get() else { return };

            *from = (*shared.as_raw()).next;
            (*shared.as_raw()).next = *to;
            *to = shared.as_raw();
            shared.ca().store(ca.into_raw().cast(), Release);
            // `shared` owned a reference on `old`. It owns one on `new` now.
            drop(CongestionRef::from_raw(NonNull::from(old)));
        }
    }
}

/// The default congestion control of one network namespace.
///
/// Namespaces with the same default share it: a namespace points to a shared default, and that
/// points to the table and counts the namespaces. A new namespace shares the default of the initial
/// one. Writing the sysctl shares the default that the table already has. A table has a list of the
/// shared defaults that point to it. So replacing a table, and creating and destroying a namespace,
/// take the same time however many namespaces there are.
///
/// A table has more than one shared default only if it was unregistered while it was the default of
/// a namespace, and then replaced another table that was a default, too. Each time adds one, and
/// replacing the table takes longer by one. They are at most as many as the namespaces.
///
/// Both pointers are read under RCU and written under `tcp_cong_list_lock`. A shared default holds
/// a reference on its table. It is freed a grace period after its last namespace was removed.
///
/// C counterpart: [`struct tcp_cong_net`](srctree/include/net/tcp_cong_registry.h).
///
/// # Examples
///
/// ```
/// use core::ptr::NonNull;
/// use kernel::{
///     bindings,
///     net::tcp::cong::DefaultOf, //
/// };
///
/// let net = NonNull::new(&raw mut bindings::init_net).ok_or(EINVAL)?;
/// // SAFETY: The initial namespace is always there.
/// let default = unsafe { DefaultOf::new(net) };
///
/// assert!(default.get().is_some());
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// `net` points to a network namespace that is valid for `'a`, between [`init`](Self::init) and
/// [`exit`](Self::exit).
pub struct DefaultOf<'a> {
    net: NonNull<bindings::net>,
    _net: PhantomData<&'a bindings::net>,
}

impl DefaultOf<'_> {
    /// Returns the default of `net`.
    ///
    /// # Safety
    ///
    /// `net` must point to a network namespace that stays valid as long as the value exists,
    /// between [`init`](Self::init) and [`exit`](Self::exit).
    #[inline]
    pub unsafe fn new(net: NonNull<bindings::net>) -> Self {
        // INVARIANT: The caller passes a namespace that has a default and stays valid.
        Self {
            net,
            _net: PhantomData,
        }
    }

    /// Tells whether this is the default of the initial namespace.
    fn is_of_init_net(&self) -> bool {
        core::ptr::eq(self.net.as_ptr(), &raw const bindings::init_net)
    }

    /// Takes a reference on the default. Any context.
    ///
    /// Returns `None` if no reference on the table can be taken.
    pub fn get(&self) -> Option<CongestionRef> {
        let reader = rcu::read_lock();
        let mut ca = self.ca(&reader);

        loop {
            if let Some(found) = ca.get() {
                return Some(found);
            }
            // A shared default holds a reference on its table. So if there is no reference on the
            // table any more, the default is another table by now. It was set before the last
            // reference was put.
            smp_mb(Read);
            let now = self.ca(&reader);
            if core::ptr::eq(now, ca) {
                return None;
            }
            ca = now;
        }
    }

    /// Returns the flags of the default. Any context.
    pub fn flags(&self) -> u32 {
        self.ca(&rcu::read_lock()).flags()
    }

    /// Returns the table.
    fn ca<'a>(&self, _reader: &'a rcu::Guard) -> &'a CongestionOps {
        // Relaxed, as in `rcu_dereference()`: what is read depends on the pointers, which were
        // stored with release.
        //
        // SAFETY: The guard holds the RCU read lock for `'a`. Neither pointer is null once the
        // namespace is set up. A shared default and a BPF table are freed a grace period after they
        // are replaced, and a module waits for one when it unregisters its table.
        unsafe { &*(*self.slot().load(Relaxed)).ca().load(Relaxed) }
    }

    /// Sets the default of a new namespace to that of the initial one, or to Reno for the initial
    /// one.
    ///
    /// Process context. Takes the lock of the registry.
    ///
    /// # Safety
    ///
    /// `net` must point to a network namespace that is valid during the call, and has no default.
    pub unsafe fn init(net: NonNull<bindings::net>) {
        let registry = RegistryGuard::lock();
        // SAFETY: The initial namespace is static. The address of a static is not null.
        let initial = unsafe { slot(NonNull::new_unchecked(&raw mut bindings::init_net)) };
        // SAFETY: The pointer is null or to a shared default, which is valid while the lock is held
        // since the initial namespace is one of its users.
        let inherited = unsafe { initial.load(Relaxed).as_ref() };
        let shared = inherited.unwrap_or(SharedDefault::reno());

        shared.get(&registry);
        // SAFETY: The caller passes a namespace that is valid during the call.
        unsafe { slot(net) }.store(core::ptr::from_ref(shared).cast_mut(), Release);
    }

    /// Removes the default of a namespace that is destroyed, and has no sockets any more.
    ///
    /// Process context. Takes the lock of the registry.
    ///
    /// # Safety
    ///
    /// `net` must point to a network namespace that is valid during the call, and has a default. No
    /// other code may use the default any more.
    pub unsafe fn exit(net: NonNull<bindings::net>) {
        let registry = RegistryGuard::lock();
        // SAFETY: The caller passes a namespace that has a default, and is valid during the call.
        let default = unsafe { Self::new(net) };
        // This one is never freed, so there is no need to count the namespace as a user.
        let unused = default.exchange(&registry, SharedDefault::reno());

        drop(registry);
        drop(unused);
    }

    /// Makes the table that is registered under `name` the default.
    ///
    /// In the initial namespace, this also allows ordinary users to choose it. In another one, it
    /// fails if they may not.
    ///
    /// Process context, may sleep. Takes the lock of the registry.
    ///
    /// # Errors
    ///
    /// * [`ENOENT`]: no table is registered under `name`.
    /// * [`EPERM`]: ordinary users may not choose the table.
    /// * [`EBUSY`]: the last reference on the table was put, or its module is being unloaded.
    /// * [`ENOMEM`]: there is no memory for a shared default.
    pub fn set(&self, name: &Name) -> Result {
        let spare: Result<KBox<bindings::tcp_cong_default>> =
            KBox::init(pin_init::init_zeroed(), GFP_KERNEL);
        let registry = RegistryGuard::lock();
        let ca = registry.find(name).ok_or(ENOENT)?;

        if !self.is_of_init_net() && !ca.is_allowed() {
            return Err(EPERM);
        }

        let first = first(&registry, ca);
        // SAFETY: The lock of the registry is held, so the list does not change, and what is on it
        // is valid. `SharedDefault` is transparent over `tcp_cong_default`.
        let shared = match unsafe { (*first).cast::<SharedDefault>().as_ref() } {
            Some(shared) => shared,
            None => {
                let held = ca.get().ok_or(EBUSY)?;
                let shared = core::ptr::from_mut(KBox::leak(spare?)).cast::<SharedDefault>();
                // SAFETY: The box was leaked, so it is valid until `Unused` frees it.
                // `SharedDefault` is transparent over `tcp_cong_default`.
                let shared = unsafe { &*shared };

                // INVARIANT: The reference passes to the shared default.
                shared.ca().store(held.into_raw().cast(), Relaxed);
                // SAFETY: The lock of the registry is held, so no other code accesses the head.
                unsafe { *first = shared.as_raw() };
                shared
            }
        };
        shared.get(&registry);
        if self.is_of_init_net() {
            registry.allow(ca);
        }
        let unused = self.exchange(&registry, shared);

        drop(registry);
        drop(unused);
        Ok(())
    }

    /// Makes `shared` the default. The caller has added the namespace as a user of it.
    fn exchange(&self, registry: &RegistryGuard, shared: &SharedDefault) -> Option<Unused> {
        let last = self.slot().load(Relaxed);

        self.slot()
            .store(core::ptr::from_ref(shared).cast_mut(), Release);
        // SAFETY: By the type invariants, the pointer was to a shared default, which is valid since
        // the namespace was one of its users. The namespace does not use it any more.
        unsafe { (*last).put(registry) }
    }

    /// Returns the pointer to the shared default.
    fn slot(&self) -> &Atomic<*mut SharedDefault> {
        // SAFETY: By the type invariants, the namespace is valid.
        unsafe { slot(self.net) }
    }
}

/// Returns the pointer of a namespace to its shared default. It is null if the namespace has no
/// default yet.
///
/// # Safety
///
/// `net` must point to a network namespace that is valid for `'a`.
unsafe fn slot<'a>(net: NonNull<bindings::net>) -> &'a Atomic<*mut SharedDefault> {
    // SAFETY: The caller passes a namespace that is valid for `'a`, and so is its `tcp_cong_net`.
    // The field is aligned, and is accessed by single accesses only.
    unsafe { Atomic::from_ptr((&raw mut (*bindings::tcp_cong_net(net.as_ptr())).dflt).cast()) }
}
