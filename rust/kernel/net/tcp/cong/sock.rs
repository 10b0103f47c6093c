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

/// A TCP socket, owned by the caller.
///
/// C counterpart: [`struct inet_connection_sock`](srctree/include/net/inet_connection_sock.h).
///
/// # Invariants
///
/// The socket is locked by, or known only to, whoever has a reference to this. Its congestion
/// control is set, and the socket owns a reference on it.
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

    /// Tells whether the congestion control was initialised, and so has taken up this connection.
    #[inline]
    pub fn is_initialised(&self) -> bool {
        // SAFETY: The socket is the caller's.
        unsafe { (*self.0.get()).icsk_ca_initialized() != 0 }
    }

    /// Exchanges the congestion control, which must not be initialised lest its `release` be
    /// missed, for `ca`, with its private memory zeroed and ECN as it asks for.
    pub fn set_congestion_ops(&self, ca: CongestionRef) {
        let last = self.slot().load(Relaxed);

        // INVARIANT: The reference passes to the socket.
        self.slot().store(ca.into_raw().cast(), Relaxed);
        // SAFETY: The socket is the caller's.
        unsafe { (*self.0.get()).icsk_ca_priv = Default::default() };
        // SAFETY: A TCP socket begins with a `sock`, and is the caller's.
        unsafe { bindings::tcp_ca_mark_ecn(self.0.get().cast()) };
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
