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
        Relaxed,
        Release, //
    }, //
};
use core::ptr::NonNull;

/// A TCP socket, in the hands of its owner.
///
/// C counterpart: [`struct inet_connection_sock`](srctree/include/net/inet_connection_sock.h).
///
/// # Invariants
///
/// The socket is valid, and locked by, or known only to, whoever has this value. Its congestion
/// control is set, and the socket owns a reference on it.
pub struct ConnectionSock(NonNull<bindings::sock>);

impl ConnectionSock {
    /// # Safety
    ///
    /// `sk` must point to a TCP socket that keeps the invariants of the type as long as the value
    /// exists, of which there must be no other for this socket.
    #[inline]
    pub unsafe fn new(sk: NonNull<bindings::sock>) -> Self {
        // INVARIANT: By the requirements of this function.
        Self(sk)
    }

    /// Returns the congestion control.
    #[inline]
    pub fn congestion_ops(&self) -> &CongestionOps {
        // SAFETY: By the type invariants, what the slot holds is valid.
        unsafe { &*self.slot().load(Relaxed) }
    }

    /// Exchanges the congestion control for `ca`, with its private memory zeroed and ECN as it asks
    /// for. The last one is released if it was initialised; `ca` is not initialised.
    ///
    /// Connections that come in look at a listener's under RCU.
    pub fn set_congestion_ops(&mut self, ca: CongestionRef) {
        // They may find the last one until the new one is stored, so it must not go before.
        let last = self.congestion_ops().get();

        // SAFETY: By the type invariants. This puts the socket's reference.
        unsafe { bindings::tcp_cleanup_congestion_control(self.0.as_ptr()) };
        // INVARIANT: The reference passes to the socket.
        self.slot().store(ca.into_raw().cast(), Release);
        drop(last);
        // SAFETY: By the type invariants.
        unsafe {
            (*self.icsk()).icsk_ca_priv = Default::default();
            bindings::tcp_ca_mark_ecn(self.0.as_ptr());
        }
    }

    #[inline]
    fn icsk(&self) -> *mut bindings::inet_connection_sock {
        // A TCP socket begins with an `inet_connection_sock`, which begins with a `sock`.
        self.0.as_ptr().cast()
    }

    #[inline]
    fn slot(&self) -> &Atomic<*mut CongestionOps> {
        // SAFETY: The socket is valid, and the pointer in it aligned. Others only read it, with
        // single accesses.
        unsafe { Atomic::from_ptr((&raw mut (*self.icsk()).icsk_ca_ops).cast()) }
    }
}
