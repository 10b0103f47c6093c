// SPDX-License-Identifier: GPL-2.0-only

//! The kernel's atomics.
//!
//! A static of the kernel is made at build time, and its address is what C knows it by. Loom makes
//! an atomic when a run of the model begins. So an atomic here is a plain value, and loom's is found
//! by its address.

use loom::sync::atomic::{AtomicU64, Ordering};
use std::{
    cell::UnsafeCell,
    collections::HashMap,
    sync::{Arc, Mutex},
};

loom::lazy_static! {
    /// Loom's atomics, by the address of the kernel's. The mutex is not loom's: it orders nothing.
    static ref ATOMICS: Mutex<HashMap<usize, Arc<AtomicU64>>> = Mutex::new(HashMap::new());
}

/// Begins a run of the model.
pub fn reset() {
    // So that it is made here, and orders no two threads later.
    let _ = &*ATOMICS;
}

/// Makes loom's atomic for a value that threads will access, before they do.
pub fn declare<T: Word>(value: *mut T) {
    // SAFETY: Objects of the kernel stay in a run of the model.
    unsafe { Atomic::from_ptr(value) }.of_loom();
}

/// What an atomic can hold.
pub trait Word: Copy {
    /// Whether it is a pointer. What is read through one depends on the load of it, as with
    /// `rcu_dereference()`. Loom knows no such dependency, so the load acquires.
    const IS_POINTER: bool = false;

    /// Makes 64 bits of it.
    fn to_bits(self) -> u64;

    /// The other way round.
    fn from_bits(bits: u64) -> Self;
}

impl<T> Word for *mut T {
    const IS_POINTER: bool = true;

    fn to_bits(self) -> u64 {
        self.expose_provenance() as u64
    }

    fn from_bits(bits: u64) -> Self {
        core::ptr::with_exposed_provenance_mut(bits as usize)
    }
}

impl Word for u32 {
    fn to_bits(self) -> u64 {
        self.into()
    }

    fn from_bits(bits: u64) -> Self {
        bits as u32
    }
}

impl Word for u64 {
    fn to_bits(self) -> u64 {
        self
    }

    fn from_bits(bits: u64) -> Self {
        bits
    }
}

/// No order.
pub struct Relaxed;
/// Later accesses stay later.
pub struct Acquire;
/// Earlier accesses stay earlier.
pub struct Release;

/// The orders that an access can have.
pub mod ordering {
    use super::{Acquire, Ordering, Relaxed, Release};

    /// Of a load.
    pub trait AcquireOrRelaxed {
        /// Loom's name for it.
        const LOAD: Ordering;
    }

    /// Of a store.
    pub trait ReleaseOrRelaxed {
        /// Loom's name for it.
        const STORE: Ordering;
    }

    impl AcquireOrRelaxed for Relaxed {
        const LOAD: Ordering = Ordering::Relaxed;
    }

    impl AcquireOrRelaxed for Acquire {
        const LOAD: Ordering = Ordering::Acquire;
    }

    impl ReleaseOrRelaxed for Relaxed {
        const STORE: Ordering = Ordering::Relaxed;
    }

    impl ReleaseOrRelaxed for Release {
        const STORE: Ordering = Ordering::Release;
    }
}

/// An atomic of the kernel.
#[repr(transparent)]
pub struct Atomic<T>(UnsafeCell<T>);

// SAFETY: The value is not written after the atomic was made, see `of_loom`.
unsafe impl<T> Sync for Atomic<T> {}

impl<T> Atomic<T> {
    /// Makes an atomic.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Borrows an atomic.
    ///
    /// # Safety
    ///
    /// `value` must be valid for `'a`, and accessed in no other way.
    pub unsafe fn from_ptr<'a>(value: *mut T) -> &'a Self {
        // SAFETY: The caller passes a value that is valid for `'a`. The type is transparent.
        unsafe { &*value.cast() }
    }
}

impl<T: Word> Atomic<T> {
    /// Loom's atomic, which holds the value from here on.
    fn of_loom(&self) -> Arc<AtomicU64> {
        let mut atomics = ATOMICS.lock().unwrap();

        atomics
            .entry(self.0.get().addr())
            // SAFETY: Nothing writes to the value.
            .or_insert_with(|| Arc::new(AtomicU64::new(unsafe { *self.0.get() }.to_bits())))
            .clone()
    }

    /// Loads the value.
    pub fn load<O: ordering::AcquireOrRelaxed>(&self, _: O) -> T {
        let order = if T::IS_POINTER { Ordering::Acquire } else { O::LOAD };

        T::from_bits(self.of_loom().load(order))
    }

    /// Stores a value.
    pub fn store<O: ordering::ReleaseOrRelaxed>(&self, value: T, _: O) {
        self.of_loom().store(value.to_bits(), O::STORE);
    }
}
