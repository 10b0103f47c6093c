// SPDX-License-Identifier: GPL-2.0-only

//! BPF maps.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

use crate::{
    bindings,
    error::{
        from_err_ptr,
        Result, //
    },
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};
use core::ptr::NonNull;

/// A BPF map.
///
/// Two references are to the same map if and only if they point to the same `Map`, see
/// [`core::ptr::eq`].
///
/// C counterpart: [`struct bpf_map`](srctree/include/linux/bpf.h).
///
/// # Invariants
///
/// Instances are always reference-counted: a call to `bpf_map_inc` keeps the allocation alive at
/// least until the matching call to `bpf_map_put`.
#[repr(transparent)]
pub struct Map(Opaque<bindings::bpf_map>);

// SAFETY: A map may be released from any thread; its freeing is deferred to a work queue.
unsafe impl Send for Map {}

// SAFETY: The methods of `Map` that take `&self` only read what is constant while a reference is
// held.
unsafe impl Sync for Map {}

// SAFETY: By the type invariants, `bpf_map_inc` and `bpf_map_put` count references to the map.
unsafe impl AlwaysRefCounted for Map {
    fn inc_ref(&self) {
        // SAFETY: The existence of a shared reference means that the count is not zero.
        unsafe { bindings::bpf_map_inc(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the requirements of this function, the caller gives up one reference.
        unsafe { bindings::bpf_map_put(obj.as_ref().as_raw()) };
    }
}

impl Map {
    /// Takes a reference on the map behind a file descriptor of the current task.
    ///
    /// C counterpart: [`bpf_map_get`](srctree/kernel/bpf/syscall.c).
    ///
    /// # Context
    ///
    /// Process context.
    ///
    /// # Errors
    ///
    /// * [`EBADF`](crate::error::code::EBADF): `fd` is not open.
    /// * [`EINVAL`](crate::error::code::EINVAL): `fd` is not a map.
    #[inline]
    pub fn from_fd(fd: u32) -> Result<ARef<Self>> {
        // SAFETY: Any number may be passed; what is not a map's descriptor is refused.
        let map = from_err_ptr(unsafe { bindings::bpf_map_get(fd) })?;
        // SAFETY: What is not an error pointer points to a map, and the reference that
        // `bpf_map_get` took passes to the `ARef`. `Map` is transparent over `bpf_map`.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(map.cast())) })
    }

    /// Borrows a map that C code holds a reference on.
    ///
    /// # Safety
    ///
    /// `map` must point to a valid map, on which a reference is held for the duration of `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(map: *mut bindings::bpf_map) -> &'a Self {
        // SAFETY: By the requirements of this function. `Map` is transparent over `bpf_map`.
        unsafe { &*map.cast() }
    }

    /// Returns the C representation.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::bpf_map {
        self.0.get()
    }

    /// Returns the id by which user space finds the map, never 0 for a map that user space made.
    #[inline]
    pub fn id(&self) -> u32 {
        // SAFETY: The id is set before the map is published and stays until the last reference is
        // dropped; `self` is a reference.
        unsafe { (*self.as_raw()).id }
    }
}
