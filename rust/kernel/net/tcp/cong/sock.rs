// SPDX-License-Identifier: GPL-2.0-only

//! The congestion control of a socket.

use super::{
    CongestionOps,
    CongestionRef, //
};
use crate::{
    bindings,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::Opaque, //
};
use core::ptr::NonNull;

/// A TCP socket, owned by the caller, whose congestion control is not initialised.
///
/// C counterpart: [`struct inet_connection_sock`](srctree/include/net/inet_connection_sock.h).
///
/// # Invariants
///
/// The socket is locked by, or known only to, whoever has a reference to this. Its congestion
/// control is set, the socket owns a reference on it, and no operation of it has kept anything in
/// the socket that its `release` would have to free.
#[repr(transparent)]
pub struct ConnectionSock(Opaque<bindings::inet_connection_sock>);

impl ConnectionSock {
    /// # Safety
    ///
    /// `sk` must point to a TCP socket that keeps the invariants of the type for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(sk: *mut bindings::sock) -> &'a Self {
        // SAFETY: A TCP socket begins with an `inet_connection_sock`, which begins with a `sock`.
        unsafe { &*sk.cast() }
    }

    /// Returns the congestion control.
    #[inline]
    pub fn congestion_ops(&self) -> &CongestionOps {
        // SAFETY: By the type invariants.
        unsafe { &*self.slot().load(Relaxed) }
    }

    /// Exchanges the congestion control for `ca`, with its private memory zeroed.
    pub fn set_congestion_ops(&self, ca: CongestionRef) {
        let last = self.slot().load(Relaxed);

        // INVARIANT: The reference passes to the socket.
        self.slot().store(ca.into_raw().cast(), Relaxed);
        // SAFETY: The socket is the caller's.
        unsafe { (*self.0.get()).icsk_ca_priv = Default::default() };
        // SAFETY: By the type invariants, the socket owned a reference, which is no more needed.
        drop(unsafe { CongestionRef::from_raw(NonNull::new_unchecked(last)) });
    }

    #[inline]
    fn slot(&self) -> &Atomic<*mut CongestionOps> {
        // SAFETY: The socket is valid, and the pointer in it aligned. Others only read it, with
        // single accesses.
        unsafe { Atomic::from_ptr((&raw mut (*self.0.get()).icsk_ca_ops).cast()) }
    }
}
