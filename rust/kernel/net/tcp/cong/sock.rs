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
    mem::offset_of,
    ops::Deref,
    ptr::NonNull, //
};

// bindgen does not see each member of a socket, so where it puts this one is compared with where
// it is in C.
const _: () = assert!(
    offset_of!(bindings::inet_connection_sock, icsk_ca_ops) == bindings::ICSK_CA_OPS_OFFSET
);

/// A TCP socket, locked or not.
///
/// C counterpart: [`struct inet_connection_sock`](srctree/include/net/inet_connection_sock.h).
///
/// # Invariants
///
/// The value points to a TCP socket that is valid as long as the value exists, and whose congestion
/// control is set.
pub struct ConnectionSock(NonNull<bindings::sock>);

impl ConnectionSock {
    /// Borrows a socket from C code.
    ///
    /// # Safety
    ///
    /// `sk` must point to a TCP socket that stays valid as long as the value exists, and whose
    /// congestion control is set.
    #[inline]
    pub unsafe fn new(sk: NonNull<bindings::sock>) -> Self {
        // INVARIANT: The caller passes a socket that stays valid, with a congestion control.
        Self(sk)
    }

    /// Returns the table of the socket's congestion control. Any context.
    #[inline]
    pub fn congestion_ops<'a>(&self, _reader: &'a rcu::Guard) -> &'a CongestionOps {
        // Relaxed, as in `rcu_dereference()`: reads of the table depend on the pointer.
        //
        // SAFETY: By the type invariants, the socket is valid and the pointer is set. It is
        // aligned, and is accessed by single accesses. The guard holds the RCU read lock for `'a`,
        // and the table is freed at the earliest a grace period after the socket has put its
        // reference.
        unsafe {
            &*Atomic::<*mut CongestionOps>::from_ptr((&raw mut (*self.icsk()).icsk_ca_ops).cast())
                .load(Relaxed)
        }
    }

    /// Tells whether the socket is a listener. Any context.
    #[inline]
    pub fn is_listener(&self) -> bool {
        // SAFETY: By the type invariants, the socket is valid. The state is one byte, which is read
        // by a single access.
        let state =
            unsafe { (&raw const (*self.0.as_ptr()).__sk_common.skc_state).read_volatile() };

        u32::from(state) == bindings::TCP_LISTEN
    }

    /// Returns the default of the socket's network namespace. Any context.
    #[inline]
    pub fn default(&self) -> Option<DefaultOf<'_>> {
        // SAFETY: By the type invariants, the socket is valid.
        let net = NonNull::new(unsafe { bindings::sock_net(self.0.as_ptr()) })?;

        // SAFETY: A namespace has a default before it has sockets, and is destroyed after them.
        Some(unsafe { DefaultOf::new(net) })
    }

    /// Returns the C representation.
    #[inline]
    fn icsk(&self) -> *mut bindings::inet_connection_sock {
        // A TCP socket begins with an `inet_connection_sock`, which begins with a `sock`.
        self.0.as_ptr().cast()
    }
}

/// A TCP socket that is locked, or that no other code can use yet.
///
/// # Invariants
///
/// The owner of the value has locked the socket, or no other code can use the socket.
pub struct OwnedSock(ConnectionSock);

impl OwnedSock {
    /// Borrows a socket from C code.
    ///
    /// # Safety
    ///
    /// `sk` must point to a TCP socket with a congestion control. As long as the value exists, the
    /// caller must have locked the socket, or no other code must be able to use it. There must be
    /// no other value for this socket.
    #[inline]
    pub unsafe fn new(sk: NonNull<bindings::sock>) -> Self {
        // INVARIANT: The caller has locked the socket, or no other code can use it.
        // SAFETY: The caller passes a socket with a congestion control. It stays valid while it is
        // locked or no other code can free it.
        Self(unsafe { ConnectionSock::new(sk) })
    }

    /// Sets the congestion control to `ca`, zeroes the private memory, and sets up ECN as `ca`
    /// needs it. Any context.
    ///
    /// The old congestion control is released if it was initialized, and its reference is put. `ca`
    /// is not initialized.
    ///
    /// C counterpart: [`tcp_exchange_congestion_control`](srctree/net/ipv4/tcp_cong.c).
    pub fn set_congestion_ops(&mut self, ca: CongestionRef) {
        let sk = self.0 .0.as_ptr();

        // SAFETY: By the type invariants, no other code changes the congestion control meanwhile.
        // The reference on `ca` passes to the socket.
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
