// SPDX-License-Identifier: GPL-2.0-only

//! RCU: readers, and whether a grace period ends.
//!
//! A reader's critical section begins before a grace period, which then waits for its end, or sees
//! all that was written before the grace period began. Flags and full barriers give just that.

use core::marker::PhantomData;
use loom::sync::atomic::{AtomicBool, Ordering, fence};
use std::{cell::Cell, sync::atomic};

/// Threads that loom runs at once, at most.
const THREADS: usize = 4;

/// The threads that were numbered in this run of the model.
static NUMBERED: atomic::AtomicUsize = atomic::AtomicUsize::new(0);

loom::lazy_static! {
    /// Whether each thread is in a critical section.
    static ref READING: [AtomicBool; THREADS] = std::array::from_fn(|_| AtomicBool::new(false));
}

loom::thread_local! {
    /// The number of the thread.
    static NUMBER: usize = NUMBERED.fetch_add(1, atomic::Ordering::Relaxed);
    /// How many critical sections the thread is in.
    static DEPTH: Cell<usize> = Cell::new(0);
}

/// Begins a run of the model.
pub fn reset() {
    NUMBERED.store(0, atomic::Ordering::Relaxed);
    // So that it is made here, and orders no two threads later.
    let _ = &*READING;
}

/// The flag of the thread.
fn reading() -> &'static AtomicBool {
    &READING[NUMBER.with(|number| *number)]
}

/// A critical section.
pub struct Guard(PhantomData<*mut ()>);

/// Begins a critical section.
pub fn read_lock() -> Guard {
    DEPTH.with(|depth| {
        depth.set(depth.get() + 1);
        if depth.get() == 1 {
            reading().store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
        }
    });
    Guard(PhantomData)
}

impl Drop for Guard {
    fn drop(&mut self) {
        DEPTH.with(|depth| {
            depth.set(depth.get() - 1);
            if depth.get() == 0 {
                reading().store(false, Ordering::Release);
            }
        });
    }
}

/// Whether a grace period that begins now ends at once: no thread is in a critical section.
pub fn grace_period_ends() -> bool {
    fence(Ordering::SeqCst);
    READING.iter().all(|reading| !reading.load(Ordering::Acquire))
}
