// SPDX-License-Identifier: GPL-2.0-only

//! The names of the registered congestion controls, as the sysctls list them.
//!
//! The registry is locked meanwhile, so each name is listed once.

use kernel::{
    error::from_result,
    ffi::{
        c_char,
        c_int, //
    },
    net::tcp::cong::{
        CongestionOps,
        Name,
        RegistryGuard, //
    },
    prelude::*, //
};

/// Writes names with spaces between them, as many as there is room for with a NUL at the end.
///
/// `buf` is not empty.
pub(crate) fn write<'a>(buf: &mut [u8], tables: impl Iterator<Item = &'a CongestionOps>) {
    let mut len = 0;

    for ca in tables {
        let name = ca.name().to_bytes();
        let start = if len == 0 { 0 } else { len + 1 };
        let end = start + name.len();

        if end >= buf.len() {
            break;
        }
        if start != 0 {
            buf[len] = b' ';
        }
        buf[start..end].copy_from_slice(name);
        len = end;
    }
    buf[len] = 0;
}

/// Splits what was written to the sysctl, up to the first empty name.
fn split(names: &[u8]) -> impl Iterator<Item = &[u8]> {
    names
        .split(|byte| *byte == b' ')
        .take_while(|name| !name.is_empty())
}

/// Lets ordinary users choose these, and no others.
pub(crate) fn set_allowed(names: &[u8]) -> Result {
    let registry = RegistryGuard::lock();
    let find = |name| Name::new(name).and_then(|name| registry.find(&name));

    if split(names).any(|name| find(name).is_none()) {
        return Err(ENOENT);
    }
    for ca in registry.iter() {
        registry.restrict(ca);
    }
    for ca in split(names).filter_map(find) {
        registry.allow(ca);
    }
    Ok(())
}

/// Lists the registered congestion controls in the order of registration; what does not fit is left
/// out at the end. Process context.
///
/// # Safety
///
/// `buf` must be valid for writes of `len` bytes, at least one.
#[export]
pub(crate) unsafe extern "C" fn tcp_get_available_congestion_control(buf: *mut c_char, len: usize) {
    // SAFETY: The caller passes a buffer of this size.
    let buf = unsafe { core::slice::from_raw_parts_mut(buf.cast(), len) };

    write(buf, RegistryGuard::lock().iter());
}

/// Lists those that ordinary users may choose, likewise. Process context.
///
/// # Safety
///
/// `buf` must be valid for writes of `len` bytes, at least one.
#[export]
pub(crate) unsafe extern "C" fn tcp_get_allowed_congestion_control(buf: *mut c_char, len: usize) {
    // SAFETY: The caller passes a buffer of this size.
    let buf = unsafe { core::slice::from_raw_parts_mut(buf.cast(), len) };

    write(
        buf,
        RegistryGuard::lock().iter().filter(|ca| ca.is_allowed()),
    );
}

/// Sets which ones ordinary users may choose. Process context.
///
/// # Safety
///
/// `names` must be a terminated string.
#[export]
pub(crate) unsafe extern "C" fn tcp_set_allowed_congestion_control(names: *mut c_char) -> c_int {
    // SAFETY: The caller passes a terminated string.
    let names = unsafe { CStr::from_char_ptr(names) };

    from_result(|| set_allowed(names.to_bytes()).map(|()| 0))
}
