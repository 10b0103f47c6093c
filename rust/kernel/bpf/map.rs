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
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Atomic,
            Relaxed, //
        }, //
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
/// Instances are always reference-counted: a call to `bpf_map_inc` keeps the memory valid at least
/// until the matching call to `bpf_map_put`.
#[repr(transparent)]
pub struct Map(Opaque<bindings::bpf_map>);

// SAFETY: A reference on a map may be put by any thread. Putting the last one queues work that
// frees the map.
unsafe impl Send for Map {}

// SAFETY: The methods that take `&self` only read fields that are constant while a reference is
// held.
unsafe impl Sync for Map {}

// SAFETY: By the type invariants, `bpf_map_inc` and `bpf_map_put` count references to the map.
unsafe impl AlwaysRefCounted for Map {
    fn inc_ref(&self) {
        // SAFETY: The existence of a shared reference means that the reference count is not zero.
        unsafe { bindings::bpf_map_inc(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller owns a reference on `obj`, which is put here.
        unsafe { bindings::bpf_map_put(obj.as_ref().as_raw()) };
    }
}

impl Map {
    /// Takes a reference on the map of a file descriptor of the current task.
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
    /// * [`EINVAL`](crate::error::code::EINVAL): `fd` is not the descriptor of a map.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::bpf::map::Map;
    ///
    /// // No task can have this descriptor.
    /// assert_eq!(Map::from_fd(u32::MAX).err(), Some(EBADF));
    /// ```
    #[inline]
    pub fn from_fd(fd: u32) -> Result<ARef<Self>> {
        // SAFETY: `bpf_map_get` accepts any number. It returns an error pointer if the number is
        // not the descriptor of a map.
        let map = from_err_ptr(unsafe { bindings::bpf_map_get(fd) })?;
        // SAFETY: `map` is not an error pointer, so it points to a map. The reference that
        // `bpf_map_get` took passes to the `ARef`. `Map` is transparent over `bpf_map`.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(map.cast())) })
    }

    /// Borrows a map on which C code holds a reference.
    ///
    /// # Safety
    ///
    /// `map` must point to a valid map on which a reference is held for the duration of `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(map: *mut bindings::bpf_map) -> &'a Self {
        // SAFETY: The caller passes a map that a reference keeps valid for `'a`. `Map` is
        // transparent over `bpf_map`.
        unsafe { &*map.cast() }
    }

    /// Returns the C representation.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::bpf_map {
        self.0.get()
    }

    /// Returns the id by which user space finds the map, or 0 if it cannot be found any more. A
    /// struct_ops map can be found as long as there is a reference on it. Any context.
    #[inline]
    pub fn id(&self) -> u32 {
        // Relaxed: no other access depends on the id.
        //
        // SAFETY: The existence of a shared reference means that the map is valid. The field is
        // aligned, and set to 0 by a single store, if ever.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).id) }.load(Relaxed)
    }
}
