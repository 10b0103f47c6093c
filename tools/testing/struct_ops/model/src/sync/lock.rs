// SPDX-License-Identifier: GPL-2.0-only

//! The lock of the registry.

use core::marker::PhantomData;
use loom::sync::{Mutex, MutexGuard};

loom::lazy_static! {
    /// What `tcp_cong_list_lock` is here.
    static ref REGISTRY: Mutex<()> = Mutex::new(());
}

/// Spinlocks.
pub mod spinlock {
    /// The kind of the lock.
    pub struct SpinLockBackend;
}

/// A lock of C.
pub struct Lock;

impl Lock {
    /// Borrows the lock.
    ///
    /// # Safety
    ///
    /// None here: there is one lock.
    pub unsafe fn from_raw(_: *mut crate::bindings::spinlock_t) -> &'static Self {
        &Self
    }

    /// Takes the lock.
    pub fn lock(&self) -> Guard<'static, (), spinlock::SpinLockBackend> {
        Guard { _guard: REGISTRY.lock().unwrap(), _kind: PhantomData }
    }
}

/// The lock, held.
pub struct Guard<'a, T, B> {
    /// Loom's.
    _guard: MutexGuard<'a, ()>,
    /// What is locked, and how.
    _kind: PhantomData<(T, B)>,
}
