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

/// Sets the default congestion control of a new network namespace. Process context.
///
/// # Safety
///
/// `net` must point to a namespace that is being set up, has no default, and is valid during the
/// call.
#[export]
pub(crate) unsafe extern "C" fn tcp_init_default_congestion_control(net: *mut bindings::net) {
    if let Some(net) = NonNull::new(net) {
        // SAFETY: The caller passes a namespace without a default that is valid during the call.
        unsafe { DefaultOf::init(net) };
    }
}

/// Removes the default congestion control of a network namespace. Process context.
///
/// # Safety
///
/// `net` must point to a namespace that is being destroyed, has a default and no sockets any more,
/// and is valid during the call. Its default must not be used any more.
#[export]
pub(crate) unsafe extern "C" fn tcp_exit_default_congestion_control(net: *mut bindings::net) {
    if let Some(net) = NonNull::new(net) {
        // SAFETY: The caller passes a namespace with a default, which only this uses, and which is
        // valid during the call.
        unsafe { DefaultOf::exit(net) };
    }
}

/// Makes the congestion control that is registered under `name` the default of a network namespace.
/// Loads its module if necessary. Returns 0 or an error, see [`DefaultOf::set`]. Process context,
/// may sleep.
///
/// # Safety
///
/// `net` must point to a namespace with a default, and `name` to a NUL-terminated string. Both must
/// be valid during the call.
#[export]
pub(crate) unsafe extern "C" fn tcp_set_default_congestion_control(
    net: *mut bindings::net,
    name: *const c_char,
) -> c_int {
    from_result(|| {
        let net = NonNull::new(net).ok_or(EINVAL)?;
        // SAFETY: The caller passes a NUL-terminated string that is valid during the call.
        let name = Name::from_c_str(unsafe { CStr::from_char_ptr(name) }).ok_or(ENOENT)?;

        name.load_module();
        // SAFETY: The caller passes a namespace with a default that is valid during the call.
        unsafe { DefaultOf::new(net) }.set(&name).map(|()| 0)
    })
}

/// Takes a reference on the default of a network namespace, after the caller has failed to take one
/// on the table that it found. Returns null if no reference can be taken. Any context.
///
/// # Safety
///
/// `net` must point to a namespace with a default that is valid during the call.
#[export]
pub(crate) unsafe extern "C" fn tcp_default_ca_get_slow(
    net: *const bindings::net,
) -> *const bindings::tcp_congestion_ops {
    NonNull::new(net.cast_mut())
        // SAFETY: The caller passes a namespace with a default that is valid during the call.
        .and_then(|net| unsafe { DefaultOf::new(net) }.get())
        .map_or(core::ptr::null(), |ca| ca.into_raw().cast_const())
}
