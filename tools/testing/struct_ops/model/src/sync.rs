// SPDX-License-Identifier: GPL-2.0-only

//! The kernel's synchronization, by loom's.

pub mod atomic;
pub mod lock;
pub mod rcu;

/// Memory barriers.
pub mod barrier {
    use loom::sync::atomic::{Ordering, fence};

    /// A barrier between loads.
    pub struct Read;

    /// The barrier between loads. Acquire is what orders the loads before it with those after it.
    pub fn smp_mb(_: Read) {
        fence(Ordering::Acquire);
    }
}
