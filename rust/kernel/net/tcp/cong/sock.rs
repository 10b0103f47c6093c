// SPDX-License-Identifier: GPL-2.0-only

//! The congestion control of a socket.

use super::{
    CongestionOps,
    CongestionRef,
    DefaultOf, //
};
use crate::{
    bindings,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu, //
    }, //
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// A TCP socket.
///
/// C counterpart: [`struct inet_connection_sock`](srctree/include/net/inet_connection_sock.h).
///
/// # Invariants
///
/// The socket is valid, and its congestion control is set.
pub struct ConnectionSock(NonNull<bindings::sock>);

impl ConnectionSock {
    /// # Safety
    ///
    /// `sk` must point to a TCP socket that stays valid as long as the value exists.
    #[inline]
    pub unsafe fn new(sk: NonNull<bindings::sock>) -> Self {
        // INVARIANT: By the requirements of this function.
        Self(sk)
    }

    /// Returns the congestion control. Any context.
    #[inline]
    pub fn congestion_ops<'a>(&self, _reader: &'a rcu::Guard) -> &'a CongestionOps {
        // Relaxed, as `rcu_dereference()`: what is read of the table depends on the pointer.
        //
        // SAFETY: The socket is valid, and the pointer in it aligned; it is accessed with single
        // accesses. The table is not freed before a grace period has passed since the socket let
        // go of it.
        unsafe {
            &*Atomic::<*mut CongestionOps>::from_ptr((&raw mut (*self.icsk()).icsk_ca_ops).cast())
                .load(Relaxed)
        }
    }

    /// Tells whether this is a listener.
    #[inline]
    pub fn is_listener(&self) -> bool {
        // SAFETY: The socket is valid; the state is a byte, read with a single access.
        let state =
            unsafe { (&raw const (*self.0.as_ptr()).__sk_common.skc_state).read_volatile() };

        u32::from(state) == bindings::TCP_LISTEN
    }

    /// Returns the default of the socket's network namespace.
    #[inline]
    pub fn default(&self) -> Option<DefaultOf> {
        // SAFETY: The socket is valid.
        let net = NonNull::new(unsafe { bindings::sock_net(self.0.as_ptr()) })?;

        // SAFETY: A socket is gone before its namespace is.
        Some(unsafe { DefaultOf::new(net) })
    }

    #[inline]
    fn icsk(&self) -> *mut bindings::inet_connection_sock {
        // A TCP socket begins with an `inet_connection_sock`, which begins with a `sock`.
        self.0.as_ptr().cast()
    }
}

/// A TCP socket, in the hands of its owner.
///
/// # Invariants
///
/// The socket is locked by, or known only to, whoever has this value.
pub struct OwnedSock(ConnectionSock);

impl OwnedSock {
    /// # Safety
    ///
    /// `sk` must point to a TCP socket that the caller has locked, or is the only one to know, as
    /// long as the value exists, of which there must be no other for this socket.
    #[inline]
    pub unsafe fn new(sk: NonNull<bindings::sock>) -> Self {
        // INVARIANT: By the requirements of this function.
        // SAFETY: An owner's socket is valid.
        Self(unsafe { ConnectionSock::new(sk) })
    }

    /// Exchanges the congestion control for `ca`, with its private memory zeroed and ECN as it asks
    /// for. The last one is released if it was initialised; `ca` is not initialised.
    pub fn set_congestion_ops(&mut self, ca: CongestionRef) {
        let sk = self.0 .0.as_ptr();

        // SAFETY: By the type invariants, nobody else exchanges it. The reference passes to the
        // socket.
        unsafe {
            bindings::tcp_exchange_congestion_control(sk, ca.into_raw());
            bindings::tcp_ca_negotiate_ecn(sk);
        }
    }
}

impl Deref for OwnedSock {
    type Target = ConnectionSock;

    #[inline]
    fn deref(&self) -> &ConnectionSock {
        &self.0
    }
}
