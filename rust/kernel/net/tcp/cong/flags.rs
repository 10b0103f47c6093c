// SPDX-License-Identifier: GPL-2.0-only

//! The flags of a congestion control that belong to the registry.
//!
//! They share a word with those of the author's, which say what an algorithm needs: see
//! `TCP_CONG_MASK` in [`include/net/tcp.h`](srctree/include/net/tcp.h).

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
    /// What the registry says of a congestion control.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) struct Flags(u32);

    /// A flag of the registry.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) enum Flag {
        /// Ordinary users may choose the congestion control.
        Allowed = bindings::TCP_CONG_NON_RESTRICTED,

        /// Ordinary users could choose it when it was first registered.
        AllowedByAuthor = bindings::TCP_CONG_NON_RESTRICTED_BY_AUTHOR,

        /// An update has replaced it by another, and none has brought it back.
        Replaced = bindings::TCP_CONG_REPLACED,
    }
);

impl CongestionOps {
    /// Returns the whole word of flags, some of `TCP_CONG_*`. Any context.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.word().load(Relaxed)
    }

    /// Tells whether an update has replaced this table by another, and none has brought it back.
    /// Any context.
    #[inline]
    pub fn is_replaced(&self) -> bool {
        // Acquire: a reader that sees the mark finds the table that was published before it.
        Flags(self.word().load(Acquire)).contains(Flag::Replaced)
    }

    /// Tells whether ordinary users may choose this table. Any context.
    #[inline]
    pub fn is_allowed(&self) -> bool {
        Flags(self.flags()).contains(Flag::Allowed)
    }

    /// Returns the flags of the registry. What is read without its lock may change at once.
    #[inline]
    pub(super) fn registry_flags(&self) -> Flags {
        Flags(self.flags() & Flags::all_bits())
    }

    /// Sets the flags of the registry. The author's stay.
    #[inline]
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
        // SAFETY: The field is valid and aligned, and accessed with single accesses only.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).flags) }
    }
}
