// SPDX-License-Identifier: GPL-2.0-only

//! Registering, replacing and unregistering TCP congestion controls.
//!
//! Why none of it waits for readers, but where a module goes, is argued in
//! [`kernel::net::tcp::cong`].

use kernel::{
    bindings,
    error::from_result,
    ffi::c_int,
    net::tcp::cong::{
        CongestionOps,
        RegistryGuard, //
    },
    prelude::*,
    sync::rcu, //
};

mod tcp_cong_current;
#[cfg(CONFIG_BPF_STRUCT_OPS_LINK_KUNIT_TEST)]
mod tcp_cong_registry_kunit;

const __LOG_PREFIX: &[u8] = b"TCP\0";

/// Adds `ca` to the algorithms on offer.
fn register(ca: &'static CongestionOps) -> Result {
    ca.validate()?;

    let added = RegistryGuard::lock().add(ca);

    added.inspect_err(|_| pr_notice!("{} already registered or non-unique key\n", ca.name()))
}

/// Lets `ca` take the place and the name of `old`.
fn update(ca: &'static CongestionOps, old: &CongestionOps) -> Result {
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

/// Registers a congestion control. Process context, does not sleep.
///
/// # Safety
///
/// `ca` must point to a valid table that stays so until it is unregistered or replaced, and a
/// grace period longer.
#[export]
pub unsafe extern "C" fn tcp_register_congestion_control(
    ca: *mut bindings::tcp_congestion_ops,
) -> c_int {
    // SAFETY: By the requirements of this function; the registry needs no longer life than that.
    let ca = unsafe { CongestionOps::from_raw(ca) };

    from_result(|| register(ca).map(|()| 0))
}

/// Replaces a registered congestion control by another of the same name. Process context, does not
/// sleep.
///
/// # Safety
///
/// Both must point to valid tables; `ca` must stay so until it is unregistered or replaced, and
/// both a grace period longer.
#[export]
pub unsafe extern "C" fn tcp_update_congestion_control(
    ca: *mut bindings::tcp_congestion_ops,
    old_ca: *mut bindings::tcp_congestion_ops,
) -> c_int {
    // SAFETY: By the requirements of this function; the registry needs no longer life than that.
    let (ca, old) = unsafe { (CongestionOps::from_raw(ca), CongestionOps::from_raw(old_ca)) };

    from_result(|| update(ca, old).map(|()| 0))
}

/// Unregisters a congestion control. Process context; sleeps if it is that of a module.
///
/// # Safety
///
/// `ca` must point to a valid table.
#[export]
pub unsafe extern "C" fn tcp_unregister_congestion_control(ca: *mut bindings::tcp_congestion_ops) {
    // SAFETY: By the requirements of this function.
    unregister(unsafe { CongestionOps::from_raw(ca) });
}
