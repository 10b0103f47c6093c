// SPDX-License-Identifier: GPL-2.0-only

//! Register, replace, unregister and find TCP congestion controls.
//!
//! Only unregistering the table of a module waits for RCU readers: see
//! [`kernel::net::tcp::cong`].

use kernel::{
    bindings,
    error::from_result,
    ffi::{
        c_char,
        c_int, //
    },
    net::tcp::cong::{
        CongestionOps,
        Registrable,
        RegistryGuard, //
    },
    prelude::*,
    sync::rcu, //
};

/// Registers `ca`.
fn register(ca: Registrable<'_>) -> Result {
    ca.validate()?;

    let added = RegistryGuard::lock().add(ca);

    added.inspect_err(|_| pr_notice!("{} already registered or non-unique key\n", ca.name()))
}

/// Replaces `old` by `ca`.
fn replace(ca: Registrable<'_>, old: &CongestionOps) -> Result {
    let replaced = RegistryGuard::lock().replace(old, ca);

    replaced.inspect_err(|_| pr_notice!("{} cannot replace {}\n", ca.name(), old.name()))
}

/// Unregisters `ca`.
fn unregister(ca: &CongestionOps) {
    RegistryGuard::lock().remove(ca);

    if !ca.is_bpf() {
        rcu::synchronize_rcu();
    }
}

/// Converts a table for C code, `None` to null.
fn raw(ca: Option<&CongestionOps>) -> *mut bindings::tcp_congestion_ops {
    ca.map_or(core::ptr::null_mut(), CongestionOps::as_raw)
}

/// Registers a congestion control. Returns 0, `-EINVAL` if an operation is missing, or `-EEXIST` if
/// the name or its hash is taken. Process context, does not sleep.
///
/// # Safety
///
/// `ca` must point to a table that stays valid until it is unregistered or replaced, and for a
/// grace period after that.
#[export]
pub(crate) unsafe extern "C" fn tcp_register_congestion_control(
    ca: *mut bindings::tcp_congestion_ops,
) -> c_int {
    // SAFETY: The caller passes a table that stays valid until it is unregistered or replaced, and
    // for a grace period after that.
    let ca = unsafe { Registrable::new(CongestionOps::from_raw(ca)) };

    from_result(|| register(ca).map(|()| 0))
}

/// Replaces a registered congestion control by one with the same name. Returns 0, or `-EINVAL` if
/// `old_ca` is not registered or the names differ. Process context, does not sleep.
///
/// # Safety
///
/// Both must point to tables on which the caller holds references. `ca` must stay valid until it is
/// unregistered or replaced, and for a grace period after that. `old_ca` must stay valid for a
/// grace period after the call.
#[export]
pub(crate) unsafe extern "C" fn tcp_update_congestion_control(
    ca: *mut bindings::tcp_congestion_ops,
    old_ca: *mut bindings::tcp_congestion_ops,
) -> c_int {
    // SAFETY: The caller holds references on both tables during the call. It keeps `ca` valid until
    // it is unregistered or replaced, and for a grace period after that.
    let (ca, old) = unsafe {
        (
            Registrable::new(CongestionOps::from_raw(ca)),
            CongestionOps::from_raw(old_ca),
        )
    };

    from_result(|| replace(ca, old).map(|()| 0))
}

/// Unregisters a congestion control. Does nothing if it is not registered. Process context. Waits
/// for a grace period unless `ca` is a BPF table.
///
/// # Safety
///
/// `ca` must point to a table that is valid during the call.
#[export]
pub(crate) unsafe extern "C" fn tcp_unregister_congestion_control(
    ca: *mut bindings::tcp_congestion_ops,
) {
    // SAFETY: The caller passes a table that is valid during the call.
    unregister(unsafe { CongestionOps::from_raw(ca) });
}

/// Finds a congestion control by its name. Returns null if there is none. Any context.
///
/// # Safety
///
/// `name` must be a NUL-terminated string. The caller must hold the RCU read lock during the call,
/// and as long as it uses the table without a reference.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_find(
    name: *const c_char,
) -> *mut bindings::tcp_congestion_ops {
    // SAFETY: The caller passes a NUL-terminated string. It holds the RCU read lock as long as it
    // uses the table without a reference.
    raw(unsafe { CongestionOps::find(name) })
}

/// Finds a congestion control by its key. Returns null if there is none. Any context.
///
/// # Safety
///
/// The caller must hold the RCU read lock during the call, and as long as it uses the table without
/// a reference.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_find_key(key: u32) -> *mut bindings::tcp_congestion_ops {
    // SAFETY: The caller holds the RCU read lock as long as it uses the table without a reference.
    raw(unsafe { CongestionOps::find_key(key) })
}
