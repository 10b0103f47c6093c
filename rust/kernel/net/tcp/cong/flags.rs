// SPDX-License-Identifier: GPL-2.0-only

//! The flags of a congestion control that belong to the registry.
//!
//! They share a word with the flags that a congestion control declares, which say what it needs:
//! see `TCP_CONG_MASK` in [`include/net/tcp.h`](srctree/include/net/tcp.h).

use super::{
    CongestionOps,
    RegistryGuard, //
};
use crate::{
    bindings,
    impl_flags,
    sync::atomic::{
        ordering::ReleaseOrRelaxed,
        Acquire,
        Atomic,
        Relaxed, //
    }, //
};

impl_flags!(
    /// The flags of the registry.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub struct Flags(u32);

    /// A flag of the registry.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub enum Flag {
        /// Ordinary users may choose the congestion control.
        Allowed = bindings::TCP_CONG_NON_RESTRICTED,

        /// It declared `TCP_CONG_NON_RESTRICTED` when it was first registered.
        DeclaredAllowed = bindings::TCP_CONG_DECLARED_NON_RESTRICTED,

        /// It was replaced, and was not registered again since, on its own or as a replacement.
        Replaced = bindings::TCP_CONG_REPLACED,
    }
);

impl CongestionOps {
    /// Returns all flags, which are bits `TCP_CONG_*`. Any context.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.word().load(Relaxed)
    }

    /// Tells whether this table was replaced. Registering it again, on its own or as a replacement,
    /// clears the flag. Any context.
    #[inline]
    pub fn is_replaced(&self) -> bool {
        // Acquire: code that sees the flag finds the table that was published before it was set.
        Flags(self.word().load(Acquire)).contains(Flag::Replaced)
    }

    /// Tells whether ordinary users may choose this table. Any context.
    #[inline]
    pub fn is_allowed(&self) -> bool {
        Flags(self.flags()).contains(Flag::Allowed)
    }

    /// Returns the flags of the registry. They may change at any time if its lock is not held.
    #[inline]
    pub fn registry_flags(&self) -> Flags {
        Flags(self.flags() & Flags::all_bits())
    }

    /// Sets the flags of the registry, and keeps those that the congestion control declares.
    pub(super) fn set_registry_flags<Order: ReleaseOrRelaxed>(
        &self,
        _registry: &RegistryGuard,
        flags: Flags,
        order: Order,
    ) {
        let word = self.flags() & !Flags::all_bits() | u32::from(flags);

        self.word().store(word, order);
    }

    #[inline]
    fn word(&self) -> &Atomic<u32> {
        // SAFETY: The field is valid and aligned, and is accessed by single accesses only.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).flags) }
    }
}
