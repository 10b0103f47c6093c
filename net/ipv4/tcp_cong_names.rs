// SPDX-License-Identifier: GPL-2.0-only

//! The names of the registered congestion controls, as the sysctls list them.
//!
//! The registry is locked while names are listed, so each name is listed once.

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

/// Writes the names of `tables`, with a space between them and NUL at the end. Writes as many names
/// as fit.
///
/// `buf` must not be empty.
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

/// Splits a list of names, up to the first empty one.
fn split(names: &[u8]) -> impl Iterator<Item = &[u8]> {
    names
        .split(|byte| *byte == b' ')
        .take_while(|name| !name.is_empty())
}

/// Allows ordinary users to choose the congestion controls with these names, and no others.
///
/// # Errors
///
/// [`ENOENT`]: one of the names is not registered. Nothing is changed.
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

/// Borrows a buffer of C code, which need not be initialized.
///
/// # Safety
///
/// `buf` must point to `len` bytes that are valid for `'a`, and that no other code uses meanwhile.
unsafe fn zeroed<'a>(buf: *mut c_char, len: usize) -> &'a mut [u8] {
    // SAFETY: The caller passes `len` bytes that no other code uses.
    unsafe {
        buf.write_bytes(0, len);
        core::slice::from_raw_parts_mut(buf.cast(), len)
    }
}

/// Lists the names of the registered congestion controls in the order of registration, as many as
/// fit. Process context.
///
/// # Safety
///
/// `buf` must be a buffer of `len` bytes, at least one, that only the caller uses.
#[export]
pub(crate) unsafe extern "C" fn tcp_get_available_congestion_control(buf: *mut c_char, len: usize) {
    // SAFETY: The caller passes a buffer of `len` bytes that no other code uses.
    let buf = unsafe { zeroed(buf, len) };

    write(buf, RegistryGuard::lock().iter());
}

/// Lists the names of those that ordinary users may choose, as many as fit. Process context.
///
/// # Safety
///
/// `buf` must be a buffer of `len` bytes, at least one, that only the caller uses.
#[export]
pub(crate) unsafe extern "C" fn tcp_get_allowed_congestion_control(buf: *mut c_char, len: usize) {
    // SAFETY: The caller passes a buffer of `len` bytes that no other code uses.
    let buf = unsafe { zeroed(buf, len) };

    write(
        buf,
        RegistryGuard::lock().iter().filter(|ca| ca.is_allowed()),
    );
}

/// Sets which ones ordinary users may choose, by names with a space between them. Returns 0, or
/// `-ENOENT` if one is not registered. Process context.
///
/// # Safety
///
/// `names` must be a NUL-terminated string that is valid during the call.
#[export]
pub(crate) unsafe extern "C" fn tcp_set_allowed_congestion_control(names: *mut c_char) -> c_int {
    // SAFETY: The caller passes a NUL-terminated string that is valid during the call.
    let names = unsafe { CStr::from_char_ptr(names) };

    from_result(|| set_allowed(names.to_bytes()).map(|()| 0))
}
