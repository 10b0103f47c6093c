// SPDX-License-Identifier: GPL-2.0-only

//! The default congestion control of network namespaces.
//!
//! A namespace's `tcp_cong_net` points to a [`SharedDefault`], which points to the table.
//! Namespaces that have the same table share it: a new namespace that inherits the default, and one
//! whose sysctl is written with a name that is a default already. A table knows the shared defaults
//! that point to it. So replacing a table, and making and ending a namespace, takes the same time
//! however many namespaces there are.
//!
//! A table has more than one shared default only after it was unregistered, was still the default
//! of some namespaces, and then took the place of another table that was a default, too. Each time
//! adds one, so replacing such a table takes longer by that.
//!
//! Both pointers are read under RCU and written under `tcp_cong_list_lock`, the registry's. A
//! shared default holds a reference on its table, and a namespace counts as a user of its shared
//! default, which is freed a grace period after the last user has gone.

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
        rcu, //
    },
    types::Opaque, //
};
use core::ptr::NonNull;

/// What some namespaces have as their default.
///
/// # Invariants
///
/// `ca` points to a table on which this has a reference. Everything is written under the lock of
/// the registry only; `next` and `users` are read under it, too.
#[repr(transparent)]
struct SharedDefault(Opaque<bindings::tcp_cong_default>);

impl SharedDefault {
    /// The one of Reno that is always there, and never freed.
    fn reno() -> &'static Self {
        // SAFETY: A static of `tcp_cong.c`, which keeps the invariants. The type is transparent.
        unsafe { &*(&raw mut bindings::tcp_cong_default_reno).cast() }
    }

    fn as_raw(&self) -> *mut bindings::tcp_cong_default {
        self.0.get()
    }

    /// The table that this points to.
    fn ca(&self) -> &Atomic<*mut CongestionOps> {
        // SAFETY: The field is valid and aligned, and accessed with single accesses only.
        unsafe { Atomic::from_ptr((&raw mut (*self.as_raw()).ca).cast()) }
    }

    /// Adds a user.
    fn get(&self, _registry: &RegistryGuard) {
        // SAFETY: The lock is held.
        unsafe { (*self.as_raw()).users += 1 };
    }

    /// Takes a user away. What nobody uses any more is to be dropped after the lock was released.
    ///
    /// # Safety
    ///
    /// The user must have been added by [`get`](Self::get), and does not use this any more.
    unsafe fn put(&self, registry: &RegistryGuard) -> Option<Unused> {
        // SAFETY: The lock is held.
        let users = unsafe { &mut (*self.as_raw()).users };

        *users -= 1;
        if *users != 0 {
            return None;
        }
        self.unlink(registry);
        // INVARIANT: The last user has gone, and the table does not know this any more.
        Some(Unused(NonNull::from(self)))
    }

    /// Takes this off the chain of its table.
    fn unlink(&self, registry: &RegistryGuard) {
        // SAFETY: By the type invariants, the table is valid.
        let mut link = first(registry, unsafe { &*self.ca().load(Relaxed) });

        // SAFETY: The lock is held, so the chain is stable, and all on it are valid.
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
/// Only RCU readers can still have it.
struct Unused(NonNull<SharedDefault>);

impl Drop for Unused {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; nobody writes to it any more, and it owns a reference on
        // its table, which is put here. Readers that find the table take one of their own, which
        // fails if this was the last. The memory is that of a box.
        unsafe {
            let ca = NonNull::new_unchecked(self.0.as_ref().ca().load(Relaxed));

            drop(CongestionRef::from_raw(ca));
            bindings::tcp_cong_default_free(self.0.as_ref().as_raw());
        }
    }
}

/// The first of the shared defaults that point to `ca`.
fn first(_registry: &RegistryGuard, ca: &CongestionOps) -> *mut *mut bindings::tcp_cong_default {
    // SAFETY: The table is valid.
    unsafe { &raw mut (*ca.as_raw()).defaults }
}

/// Makes `new` the default of all namespaces whose default is `old`.
///
/// The caller holds references on both, so those that are put here are not the last.
pub(super) fn move_all(registry: &RegistryGuard, old: &CongestionOps, new: &CongestionOps) {
    let (from, to) = (first(registry, old), first(registry, new));

    // SAFETY: The lock is held, so the chains are stable, and what they lead to is valid.
    unsafe {
        while let Some(shared) = (*from).cast::<SharedDefault>().as_ref() {
            let Some(ca) = new.get() else { return };

            *from = (*shared.as_raw()).next;
            (*shared.as_raw()).next = *to;
            *to = shared.as_raw();
            shared.ca().store(ca.into_raw().cast(), Release);
            // `shared` owned a reference on what it pointed to.
            drop(CongestionRef::from_raw(NonNull::from(old)));
        }
    }
}

/// The default of one namespace.
///
/// # Invariants
///
/// `net` points to a network namespace that outlives the value.
pub struct DefaultOf {
    net: NonNull<bindings::net>,
}

impl DefaultOf {
    /// # Safety
    ///
    /// `net` must point to a network namespace that outlives the value.
    #[inline]
    pub unsafe fn new(net: NonNull<bindings::net>) -> Self {
        // INVARIANT: By the requirements of this function.
        Self { net }
    }

    fn of_init_net() -> Self {
        // INVARIANT: The initial namespace is always there.
        // SAFETY: A static is not at address null.
        let net = unsafe { NonNull::new_unchecked(&raw mut bindings::init_net) };

        Self { net }
    }

    fn is_of_init_net(&self) -> bool {
        self.net == Self::of_init_net().net
    }

    /// Takes a reference on the default. Any context.
    pub fn get(&self) -> Option<CongestionRef> {
        let reader = rcu::read_lock();
        let mut ca = self.ca(&reader);

        loop {
            if let Some(found) = ca.get() {
                return Some(found);
            }
            // The shared default has a reference on its table, so it has another one by now.
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

    fn ca<'a>(&self, _reader: &'a rcu::Guard) -> &'a CongestionOps {
        // Relaxed, as `rcu_dereference()`: what is read depends on the pointers.
        //
        // SAFETY: Both pointers are set as long as there are readers, and what they lead to is not
        // freed before a grace period has passed.
        unsafe { &*(*self.slot().load(Relaxed)).ca().load(Relaxed) }
    }

    /// Gives a new namespace the default of the initial one.
    pub fn init(&self) {
        let registry = RegistryGuard::lock();
        // SAFETY: What the slot leads to is valid while the lock is held.
        let inherited = unsafe { Self::of_init_net().slot().load(Relaxed).as_ref() };
        let shared = inherited.unwrap_or(SharedDefault::reno());

        shared.get(&registry);
        self.slot()
            .store(core::ptr::from_ref(shared).cast_mut(), Release);
    }

    /// Takes the default away from a namespace that is torn down, and has no sockets any more.
    pub fn exit(&self) {
        let registry = RegistryGuard::lock();
        // Never freed, so there is no need to count this namespace as a user.
        let unused = self.exchange(&registry, SharedDefault::reno());

        drop(registry);
        drop(unused);
    }

    /// Makes what is registered under `name` the default. In the initial namespace, this lets
    /// ordinary users choose it; others take only what these may choose.
    ///
    /// Process context, may sleep.
    ///
    /// # Errors
    ///
    /// * [`ENOENT`]: nothing is registered under that name.
    /// * [`EPERM`]: ordinary users may not choose it.
    /// * [`EBUSY`]: it is about to be freed.
    /// * [`ENOMEM`].
    pub fn set(&self, name: &Name) -> Result {
        let spare: Result<KBox<bindings::tcp_cong_default>> =
            KBox::init(pin_init::init_zeroed(), GFP_KERNEL);
        let registry = RegistryGuard::lock();
        let ca = registry.find(name).ok_or(ENOENT)?;

        if !self.is_of_init_net() && !ca.is_allowed() {
            return Err(EPERM);
        }

        let first = first(&registry, ca);
        // SAFETY: The lock is held, so what the chain leads to is valid.
        let shared = match unsafe { (*first).cast::<SharedDefault>().as_ref() } {
            Some(shared) => shared,
            None => {
                let held = ca.get().ok_or(EBUSY)?;
                let shared = core::ptr::from_mut(KBox::leak(spare?)).cast::<SharedDefault>();
                // SAFETY: The type is transparent.
                let shared = unsafe { &*shared };

                // INVARIANT: The reference passes to the shared default.
                shared.ca().store(held.into_raw().cast(), Relaxed);
                // SAFETY: The lock is held.
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

    /// Stores `shared`, of which the caller has made this a user.
    fn exchange(&self, registry: &RegistryGuard, shared: &SharedDefault) -> Option<Unused> {
        let last = self.slot().load(Relaxed);

        self.slot()
            .store(core::ptr::from_ref(shared).cast_mut(), Release);
        // SAFETY: The namespace was a user of what its slot led to.
        unsafe { last.as_ref()?.put(registry) }
    }

    fn slot(&self) -> &Atomic<*mut SharedDefault> {
        // SAFETY: By the type invariants, the namespace is valid, and so is its part of the
        // registry. The pointer is aligned, and accessed with single accesses only.
        unsafe {
            Atomic::from_ptr((&raw mut (*bindings::tcp_cong_net(self.net.as_ptr())).dflt).cast())
        }
    }
}
