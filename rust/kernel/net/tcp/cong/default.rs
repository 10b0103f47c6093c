// SPDX-License-Identifier: GPL-2.0-only

//! The congestion control that the sockets of a network namespace start out with.
//!
//! `net->ipv4.tcp_congestion_control` is read under RCU and written under `tcp_cong_list_lock`,
//! the registry's. It holds a reference. All namespaces are on a list, guarded by the same lock, on
//! which a namespace is put at the very moment that it gets its default. So a replacement, which
//! goes through the list, misses none, whatever is created, torn down or set meanwhile, and a
//! default is never left on a table that was replaced. The nodes of the list are per-namespace
//! memory of their own, so that no common header has to know of them.

use super::{
    CongestionOps,
    CongestionRef,
    RegistryGuard, //
};
use crate::{
    bindings,
    error::Result,
    sync::atomic::{
        Atomic,
        Relaxed,
        Release, //
    },
};
use core::ptr::NonNull;

/// The default of one namespace.
pub struct DefaultOf {
    net: NonNull<bindings::net>,
}

impl DefaultOf {
    /// # Safety
    ///
    /// `net` must point to a network namespace that outlives the value.
    #[inline]
    pub unsafe fn new(net: NonNull<bindings::net>) -> Self {
        Self { net }
    }

    /// Gives a new namespace the default of the initial one.
    pub fn init(&self) {
        let _registry = RegistryGuard::lock();
        // SAFETY: A static is not at address null.
        let init_net = unsafe { NonNull::new_unchecked(&raw mut bindings::init_net) };
        let init = Self { net: init_net };
        let inherited = if self.net == init.net {
            None
        } else {
            // SAFETY: The initial namespace has had its default since boot, which keeps a
            // reference, and does not change while the lock is held.
            unsafe { init.slot().load(Relaxed).as_ref() }.and_then(CongestionOps::get)
        };
        let ca = inherited.map_or(CongestionOps::reno().as_raw(), CongestionRef::into_raw);

        self.slot().store(ca.cast(), Release);
        let node = self.node();
        // SAFETY: The node of a new namespace is on no list, and the lock is held.
        unsafe {
            (*node).net = self.net.as_ptr();
            bindings::list_add_tail(&raw mut (*node).list, &raw mut bindings::tcp_cong_net_list);
        }
    }

    /// Takes the default away from a namespace that is torn down.
    pub fn exit(&self) {
        let registry = RegistryGuard::lock();

        // SAFETY: `init` has put the node on the list, and the lock is held.
        unsafe { bindings::list_del(&raw mut (*self.node()).list) };
        let last = self.replace(CongestionOps::reno().as_raw().cast());
        drop(registry);
        drop(last);
    }

    /// Makes what is registered under the name of `ca` the default, and lets ordinary users choose
    /// it.
    ///
    /// # Errors
    ///
    /// Those of [`RegistryGuard::get_current`]; nothing has changed then.
    pub fn set(&self, ca: &CongestionOps) -> Result {
        let mut registry = RegistryGuard::lock();
        let ca = registry.get_current(ca)?;

        registry.allow(&ca);
        let last = self.replace(ca.into_raw().cast());
        drop(registry);
        drop(last);
        Ok(())
    }

    /// Stores `ca`, a reference on which passes to the slot, and returns what was there.
    fn replace(&self, ca: *mut CongestionOps) -> Option<CongestionRef> {
        let last = self.slot().load(Relaxed);

        self.slot().store(ca, Release);
        // SAFETY: The slot owned a reference on what it held.
        NonNull::new(last).map(|last| unsafe { CongestionRef::from_raw(last) })
    }

    #[inline]
    fn slot(&self) -> &Atomic<*mut CongestionOps> {
        // SAFETY: The namespace is valid, and the pointer in it aligned. Its readers are under RCU,
        // its writers under the lock.
        unsafe {
            Atomic::from_ptr((&raw mut (*self.net.as_ptr()).ipv4.tcp_congestion_control).cast())
        }
    }

    #[inline]
    fn node(&self) -> *mut bindings::tcp_cong_net {
        // SAFETY: The namespace is valid, and has its node from before `init` until after `exit`.
        unsafe { bindings::tcp_cong_net(self.net.as_ptr()) }
    }
}

/// Makes `new` the default of all namespaces whose default is `old`.
///
/// Whoever replaces `old` holds references on both, so those that the namespaces put are not the
/// last.
pub(super) fn move_all(_registry: &mut RegistryGuard, old: &CongestionOps, new: &CongestionOps) {
    let head = &raw mut bindings::tcp_cong_net_list;
    // SAFETY: The lock is held, so the list is stable and its namespaces are valid.
    let mut node = unsafe { (*head).next };

    while !core::ptr::eq(node, head) {
        // SAFETY: What is on the list is the node of a namespace.
        let net = unsafe { (*crate::container_of!(node, bindings::tcp_cong_net, list)).net };
        // SAFETY: `init` has entered the namespace before it put the node on the list.
        let net = unsafe { NonNull::new_unchecked(net) };
        let default = DefaultOf { net };

        if core::ptr::eq(default.slot().load(Relaxed), old) {
            if let Some(new) = new.get() {
                drop(default.replace(new.into_raw().cast()));
            }
        }
        // SAFETY: As above.
        node = unsafe { (*node).next };
    }
}
