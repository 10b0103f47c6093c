// SPDX-License-Identifier: GPL-2.0-only

//! Keeping new connections off congestion controls that were replaced.

use core::ptr::NonNull;
use kernel::{
    bindings,
    error::from_result,
    ffi::c_int,
    net::tcp::cong::{
        CongestionOps,
        CongestionRef,
        ConnectionSock,
        DefaultOf, //
    },
    prelude::*, //
};

/// Takes a reference on `ca` or, if it was replaced, on what is registered under its name now.
/// Returns null if there is nothing to be had. Any context.
///
/// # Safety
///
/// `ca` must point to a valid table that was registered, and is read under RCU or held by a
/// reference.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_get_current(
    ca: *const bindings::tcp_congestion_ops,
) -> *const bindings::tcp_congestion_ops {
    // SAFETY: By the requirements of this function.
    let ca = unsafe { CongestionOps::from_raw(ca) };

    ca.current()
        .map_or(core::ptr::null(), |ca| ca.into_raw().cast_const())
}

/// Returns the flags of what is registered under the name of `ca`, which was replaced; those of
/// Reno when the name is gone. Any context.
///
/// # Safety
///
/// `ca` must point to a valid table that was registered, and is read under RCU or held by a
/// reference.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_current_flags(
    ca: *const bindings::tcp_congestion_ops,
) -> u32 {
    // SAFETY: By the requirements of this function.
    current_or_reno(unsafe { CongestionOps::from_raw(ca) }).map_or(0, |ca| ca.flags())
}

/// Lets a socket, which is about to start a connection, or hands its choice on to those that come
/// in, leave a congestion control that was replaced for the one that is registered under the name
/// now; for Reno when the name is gone. Any context.
///
/// A BPF program may have initialised the old one when the SYN was about to be sent; it is released
/// then, and the new one initialised when the connection is established.
///
/// # Safety
///
/// `sk` must point to a TCP socket that the caller owns.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_switch_to_current(sk: *mut bindings::sock) {
    let Some(sk) = NonNull::new(sk) else { return };
    // SAFETY: By the requirements of this function.
    let mut sk = unsafe { ConnectionSock::new(sk) };

    if let Some(current) = current_or_reno(sk.congestion_ops()) {
        sk.set_congestion_ops(current);
    }
}

fn current_or_reno(ca: &CongestionOps) -> Option<CongestionRef> {
    ca.current().or_else(|| CongestionOps::reno().get())
}

/// Gives a new network namespace its default congestion control. Process context.
///
/// # Safety
///
/// `net` must point to a namespace that is being set up.
#[export]
pub(crate) unsafe extern "C" fn tcp_cong_net_init(net: *mut bindings::net) -> c_int {
    if let Some(net) = NonNull::new(net) {
        // SAFETY: By the requirements of this function.
        unsafe { DefaultOf::new(net) }.init();
    }
    0
}

/// Takes the default congestion control from a network namespace. Process context.
///
/// # Safety
///
/// `net` must point to a namespace that is being torn down, and has no sockets any more.
#[export]
pub(crate) unsafe extern "C" fn tcp_cong_net_exit(net: *mut bindings::net) {
    if let Some(net) = NonNull::new(net) {
        // SAFETY: By the requirements of this function.
        unsafe { DefaultOf::new(net) }.exit();
    }
}

/// Makes `ca`, or what has replaced it, the default of a network namespace. Process context.
///
/// # Safety
///
/// `net` must point to a valid namespace, and `ca` to a table that was registered and is read under
/// RCU.
#[export]
pub(crate) unsafe extern "C" fn tcp_cong_net_set(
    net: *mut bindings::net,
    ca: *const bindings::tcp_congestion_ops,
) -> c_int {
    // SAFETY: By the requirements of this function.
    let ca = unsafe { CongestionOps::from_raw(ca) };

    from_result(|| {
        let net = NonNull::new(net).ok_or(EINVAL)?;
        // SAFETY: By the requirements of this function.
        unsafe { DefaultOf::new(net) }.set(ca).map(|()| 0)
    })
}
