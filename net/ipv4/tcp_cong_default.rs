// SPDX-License-Identifier: GPL-2.0-only

//! The default congestion control of network namespaces.

use core::ptr::NonNull;
use kernel::{
    bindings,
    error::from_result,
    ffi::{
        c_char,
        c_int, //
    },
    net::tcp::cong::{
        DefaultOf,
        Name, //
    },
    prelude::*, //
};

/// Gives a new network namespace its default congestion control. Process context.
///
/// # Safety
///
/// `net` must point to a namespace that is being set up.
#[export]
pub(crate) unsafe extern "C" fn tcp_init_default_congestion_control(net: *mut bindings::net) {
    if let Some(net) = NonNull::new(net) {
        // SAFETY: The caller passes a namespace that stays valid during the call.
        unsafe { DefaultOf::new(net) }.init();
    }
}

/// Takes the default congestion control from a network namespace. Process context.
///
/// # Safety
///
/// `net` must point to a namespace that is being torn down, and has no sockets any more.
#[export]
pub(crate) unsafe extern "C" fn tcp_exit_default_congestion_control(net: *mut bindings::net) {
    if let Some(net) = NonNull::new(net) {
        // SAFETY: The caller passes a namespace that stays valid during the call.
        unsafe { DefaultOf::new(net) }.exit();
    }
}

/// Sets the default of a network namespace, what is registered under `name`. Process context, may
/// sleep to load a module.
///
/// # Safety
///
/// `net` must point to a valid namespace, and `name` to a terminated string.
#[export]
pub(crate) unsafe extern "C" fn tcp_set_default_congestion_control(
    net: *mut bindings::net,
    name: *const c_char,
) -> c_int {
    from_result(|| {
        let net = NonNull::new(net).ok_or(EINVAL)?;
        // SAFETY: The caller passes a terminated string.
        let name = Name::from_c_str(unsafe { CStr::from_char_ptr(name) }).ok_or(ENOENT)?;

        name.load_module();
        // SAFETY: The caller passes a namespace that stays valid during the call.
        unsafe { DefaultOf::new(net) }.set(&name).map(|()| 0)
    })
}

/// Takes a reference on the default of a network namespace, after a first attempt has found it
/// replaced. Returns null if there is nothing to be had. Any context.
///
/// # Safety
///
/// `net` must point to a valid namespace.
#[export]
pub(crate) unsafe extern "C" fn tcp_default_ca_get_slow(
    net: *const bindings::net,
) -> *const bindings::tcp_congestion_ops {
    NonNull::new(net.cast_mut())
        // SAFETY: The caller passes a namespace that stays valid during the call.
        .and_then(|net| unsafe { DefaultOf::new(net) }.get())
        .map_or(core::ptr::null(), |ca| ca.into_raw().cast_const())
}
