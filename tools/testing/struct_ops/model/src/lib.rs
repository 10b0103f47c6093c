// SPDX-License-Identifier: GPL-2.0-only

//! Explores the registry of TCP congestion controls with `loom`.
//!
//! The files of the registry in `rust/kernel/net/tcp/cong` are compiled here as they are. The
//! modules of this crate stand in for the parts of the kernel crate that those files use, with
//! `loom` inside: every order of the threads' steps is tried, and every value that a load may
//! return on a weakly ordered machine.
//!
//! `scenarios.rs` has the tests, and `mutations.rs` what is broken on purpose to see them fail.
//! README.md says what this shows, and what it cannot.

#![cfg(test)]
// The scenarios are compiled for the kernel's files and for each mutation of them.
#![allow(clippy::duplicate_mod)]

extern crate self as pin_init;

mod alloc;
mod bindings;
mod error;
mod interop;
mod memory;
pub(crate) use interop::impl_flags;
mod object;
mod sync;

/// The types of C.
mod ffi {
    pub use core::ffi::c_int;
    /// As in the kernel, where it is unsigned.
    #[allow(non_camel_case_types)]
    pub type c_char = u8;
}

/// Strings of C.
mod str {
    pub use core::ffi::CStr;

    /// What the kernel adds to [`CStr`].
    pub trait CStrExt {
        /// Borrows a string of C.
        ///
        /// # Safety
        ///
        /// `text` must be NUL-terminated and valid for `'a`.
        unsafe fn from_char_ptr<'a>(text: *const crate::ffi::c_char) -> &'a CStr {
            // SAFETY: The caller passes a NUL-terminated string that is valid for `'a`.
            unsafe { CStr::from_ptr(text.cast()) }
        }
    }

    impl CStrExt for CStr {}
}

/// Types that C shares with Rust.
mod types {
    pub use crate::object::Opaque;
}

/// In-place initialization.
mod init {
    pub use crate::alloc::InPlaceInit;
}

pub use crate::alloc::init_zeroed;

include!(concat!(env!("OUT_DIR"), "/modules.rs"));

#[test]
#[should_panic(expected = "after it was freed")]
fn freed_without_a_grace_period() {
    kernel_files::scenarios::last_reference_is_put_and(memory::reclaim_at_once);
}
