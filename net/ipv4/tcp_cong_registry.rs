// SPDX-License-Identifier: GPL-2.0-only

//! Registering, replacing, unregistering and finding TCP congestion controls.
//!
//! Why none of it waits for readers, but where a module goes, is argued in
//! `rust/kernel/net/tcp/cong/bucket.rs`.

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

/// Adds `ca` to the algorithms on offer.
fn register(ca: Registrable<'_>) -> Result {
    ca.validate()?;

    let added = RegistryGuard::lock().add(ca);

    added.inspect_err(|_| pr_notice!("{} already registered or non-unique key\n", ca.name()))
}

/// Lets `ca` take the place and the name of `old`.
fn update(ca: Registrable<'_>, old: &CongestionOps) -> Result {
    let replaced = RegistryGuard::lock().replace(old, ca);

    replaced.inspect_err(|_| pr_notice!("{} cannot take the place of {}\n", ca.name(), old.name()))
}

/// Takes `ca` off the algorithms on offer.
fn unregister(ca: &CongestionOps) {
    RegistryGuard::lock().remove(ca);

    if !ca.outlasts_readers() {
        rcu::synchronize_rcu();
    }
}

/// Returns a table to C code, or null.
fn raw(ca: Option<&CongestionOps>) -> *mut bindings::tcp_congestion_ops {
    ca.map_or(core::ptr::null_mut(), CongestionOps::as_raw)
}

/// Registers a congestion control. Process context, does not sleep.
///
/// # Safety
///
/// `ca` must point to a valid table that stays so until it is unregistered or replaced, and a
/// grace period longer.
#[export]
pub(crate) unsafe extern "C" fn tcp_register_congestion_control(
    ca: *mut bindings::tcp_congestion_ops,
) -> c_int {
    // SAFETY: The caller keeps the table valid for as long as both ask for.
    let ca = unsafe { Registrable::new(CongestionOps::from_raw(ca)) };

    from_result(|| register(ca).map(|()| 0))
}

/// Replaces a registered congestion control by another of the same name. Process context, does not
/// sleep.
///
/// # Safety
///
/// Both must point to valid tables, on which the caller holds references; `ca` must stay valid
/// until it is unregistered or replaced, and both a grace period longer.
#[export]
pub(crate) unsafe extern "C" fn tcp_update_congestion_control(
    ca: *mut bindings::tcp_congestion_ops,
    old_ca: *mut bindings::tcp_congestion_ops,
) -> c_int {
    // SAFETY: The caller keeps both tables valid for as long as this asks for.
    let (ca, old) = unsafe {
        (
            Registrable::new(CongestionOps::from_raw(ca)),
            CongestionOps::from_raw(old_ca),
        )
    };

    from_result(|| update(ca, old).map(|()| 0))
}

/// Unregisters a congestion control. Process context; sleeps if it is that of a module.
///
/// # Safety
///
/// `ca` must point to a valid table.
#[export]
pub(crate) unsafe extern "C" fn tcp_unregister_congestion_control(ca: *mut bindings::tcp_congestion_ops) {
    // SAFETY: The caller passes a valid table.
    unregister(unsafe { CongestionOps::from_raw(ca) });
}

/// Finds a congestion control by its name. Any context.
///
/// # Safety
///
/// `name` must be a terminated string, and the caller be an RCU reader.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_find(name: *const c_char) -> *mut bindings::tcp_congestion_ops {
    // SAFETY: The caller passes a terminated string, and is a reader while it uses what is found.
    raw(unsafe { CongestionOps::find(name) })
}

/// Finds a congestion control by its key. Any context.
///
/// # Safety
///
/// The caller must be an RCU reader.
#[export]
pub(crate) unsafe extern "C" fn tcp_ca_find_key(key: u32) -> *mut bindings::tcp_congestion_ops {
    // SAFETY: The caller is a reader while it uses what is found.
    raw(unsafe { CongestionOps::find_key(key) })
}
