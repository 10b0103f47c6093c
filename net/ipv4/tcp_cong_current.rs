// SPDX-License-Identifier: GPL-2.0-only

//! Start connections on the table that follows a replaced one.
//!
//! A socket whose table was replaced uses the table that follows it. If that one is not registered
//! any more, a connection uses the default of its network namespace, and a listener keeps its
//! table.

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

/// Takes a reference on `ca` or, if it was replaced, on the table that follows it. Returns null if
/// that is not registered, or if its last reference was put. Any context.
///
/// # Safety
///
/// `ca` must point to a table that was registered. The RCU read lock or a reference must keep it
/// valid during the call.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_get_current(
    ca: *const bindings::tcp_congestion_ops,
) -> *const bindings::tcp_congestion_ops {
    // SAFETY: The caller passes a registered table, and keeps it valid during the call.
    let ca = unsafe { CongestionOps::from_raw(ca) };

    ca.current()
        .map_or(core::ptr::null(), |ca| ca.into_raw().cast_const())
}

/// Returns the flags of the table that a connection to `sk` will use, after the table of `sk` was
/// replaced. Any context.
///
/// # Safety
///
/// `sk` must point to a TCP socket that is valid during the call.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_current_flags(sk: *const bindings::sock) -> u32 {
    let Some(sk) = NonNull::new(sk.cast_mut()) else {
        return 0;
    };
    // SAFETY: The caller passes a TCP socket that is valid during the call. It has a congestion
    // control, which was replaced.
    let sk = unsafe { ConnectionSock::new(sk) };

    match sk.congestion_ops(&rcu::read_lock()).current() {
        Some(current) => current.flags(),
        None => sk.default().map_or(0, |default| default.flags()),
    }
}

/// Makes a socket whose congestion control was replaced use the one that follows. Any context.
///
/// The socket starts a connection, or is a listener that accepts one. If a BPF program has
/// initialized the old congestion control already, it is released. The new one is initialized when
/// the connection is established.
///
/// # Safety
///
/// `sk` must point to a TCP socket that is valid during the call. The caller must have locked it,
/// or no other code must be able to use it.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_switch_to_current(sk: *mut bindings::sock) {
    let Some(sk) = NonNull::new(sk) else { return };
    // SAFETY: The caller passes a TCP socket with a congestion control, which it has locked or
    // which no other code can use. This is the only value for the socket.
    let mut sk = unsafe { OwnedSock::new(sk) };

    if let Some(next) = following(&sk) {
        sk.set_congestion_ops(next);
    }
}

/// Returns the congestion control that a socket uses after its own was replaced, or `None` if it
/// keeps its own.
fn following(sk: &ConnectionSock) -> Option<CongestionRef> {
    let current = sk.congestion_ops(&rcu::read_lock()).current();

    if current.is_some() || sk.is_listener() {
        return current;
    }
    sk.default()
        .and_then(|default| default.get())
        .or_else(|| CongestionOps::reno().get())
}
