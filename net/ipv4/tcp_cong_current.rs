// SPDX-License-Identifier: GPL-2.0-only

//! Keeping new connections off congestion controls that were replaced.
//!
//! A socket whose table was replaced goes on with the table that came of that by updates. When that
//! is not registered any more, a connection gets the default of its network namespace, and a
//! listener keeps what it chose.

use core::ptr::NonNull;
use kernel::{
    bindings,
    net::tcp::cong::{
        CongestionOps,
        CongestionRef,
        ConnectionSock,
        OwnedSock, //
    },
    prelude::*,
    sync::rcu, //
};

/// Takes a reference on `ca` or, if it was replaced, on what came of that by updates. Returns null
/// if there is nothing to be had. Any context.
///
/// # Safety
///
/// `ca` must point to a valid table that was registered, and is read under RCU or held by a
/// reference.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_get_current(
    ca: *const bindings::tcp_congestion_ops,
) -> *const bindings::tcp_congestion_ops {
    // SAFETY: The caller passes a table that stays valid during the call.
    let ca = unsafe { CongestionOps::from_raw(ca) };

    ca.current()
        .map_or(core::ptr::null(), |ca| ca.into_raw().cast_const())
}

/// Returns the flags of what a connection to `sk` will use, whose table was replaced. Any context.
///
/// # Safety
///
/// `sk` must point to a valid TCP socket.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_current_flags(sk: *const bindings::sock) -> u32 {
    let Some(sk) = NonNull::new(sk.cast_mut()) else {
        return 0;
    };
    // SAFETY: The caller passes a valid socket.
    let sk = unsafe { ConnectionSock::new(sk) };

    match sk.congestion_ops(&rcu::read_lock()).current() {
        Some(current) => current.flags(),
        None => sk.default().map_or(0, |default| default.flags()),
    }
}

/// Lets a socket leave a congestion control that was replaced. The socket is about to start a
/// connection, or is a listener that accepts those which inherit its choice. Any context.
///
/// A BPF program may have initialised the old one already; it is released then, and the new one
/// initialised when the connection is established.
///
/// # Safety
///
/// `sk` must point to a TCP socket that the caller has locked, or is the only one to know.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_switch_to_current(sk: *mut bindings::sock) {
    let Some(sk) = NonNull::new(sk) else { return };
    // SAFETY: The caller owns the socket.
    let mut sk = unsafe { OwnedSock::new(sk) };

    if let Some(next) = successor(&sk) {
        sk.set_congestion_ops(next);
    }
}

/// What a socket goes on with whose table was replaced; `None` if it keeps that.
fn successor(sk: &ConnectionSock) -> Option<CongestionRef> {
    let current = sk.congestion_ops(&rcu::read_lock()).current();

    if current.is_some() || sk.is_listener() {
        return current;
    }
    sk.default()
        .and_then(|default| default.get())
        .or_else(|| CongestionOps::reno().get())
}
