// SPDX-License-Identifier: GPL-2.0-only

//! Objects without references, until the grace period after which they are freed.

use crate::{bindings, sync::rcu};
use loom::sync::Mutex;

/// An object without references, which RCU readers may still use.
pub enum Unused {
    /// The table of a BPF map.
    Table(*const bindings::tcp_congestion_ops),
    /// A shared default.
    Default(*const bindings::tcp_cong_default),
}

// SAFETY: The pointers are to memory that is never given back in a run of the model.
unsafe impl Send for Unused {}

loom::lazy_static! {
    /// Those of which the last reference was put, as the kernel's work queue has them.
    static ref UNUSED: Mutex<Vec<Unused>> = Mutex::new(Vec::new());
}

/// The last reference on an object was put.
pub fn defer(unused: Unused) {
    UNUSED.lock().unwrap().push(unused);
}

/// Frees the objects without references after a grace period that begins here. If it does not end,
/// since a reader is at work, nothing is freed; loom also tries the orders in which it ends.
pub fn reclaim() {
    let unused = std::mem::take(&mut *UNUSED.lock().unwrap());

    if rcu::grace_period_ends() {
        unused.iter().for_each(free);
    }
}

/// Frees the objects without references, and waits for no reader.
pub fn reclaim_at_once() {
    let unused = std::mem::take(&mut *UNUSED.lock().unwrap());

    unused.iter().for_each(free);
}

/// Frees an object.
fn free(unused: &Unused) {
    // SAFETY: The memory is never given back in a run of the model.
    let memory = unsafe {
        match *unused {
            Unused::Table(table) => (*table).memory.as_ref(),
            Unused::Default(default) => (*default).memory.as_ref(),
        }
    };

    memory.expect("static objects have references").free();
}
