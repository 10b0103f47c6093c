// SPDX-License-Identifier: GPL-2.0-only

//! Telling those who poll a link that it is detached.

use super::{
    Link,
    LinkOps, //
};
use crate::{
    bindings,
    prelude::*,
    types::Opaque, //
};
use core::marker::PhantomData;

/// The queue of those who wait for a link to be detached, a field of the link's data.
///
/// A [`PollCondVar`] would serve too, but waits for a grace period when it is dropped, since its
/// pollers may outlive it. The pollers of a link cannot: they are on the queue by way of a file,
/// which holds a reference on the link, and are taken off it before the file lets go.
///
/// [`PollCondVar`]: crate::sync::poll::PollCondVar
#[pin_data]
pub struct Hangup {
    #[pin]
    queue: Opaque<bindings::wait_queue_head_t>,
}

// SAFETY: A wait queue may be used from any thread; it has a lock of its own.
unsafe impl Send for Hangup {}

// SAFETY: A wait queue may be used from any thread; it has a lock of its own.
unsafe impl Sync for Hangup {}

impl Hangup {
    /// Makes an empty queue.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            queue <- Opaque::ffi_init(|queue| {
                // SAFETY: `queue` is valid for writes and pinned, name and key are static.
                unsafe {
                    bindings::__init_waitqueue_head(
                        queue,
                        c"bpf_link_hangup".as_char_ptr(),
                        crate::static_lock_class!().as_ptr(),
                    )
                }
            }),
        })
    }

    /// Wakes all who wait, with `EPOLLHUP`.
    ///
    /// C counterpart: [`wake_up_interruptible_poll`](srctree/include/linux/wait.h).
    #[inline]
    pub fn wake(&self) {
        let events = bindings::POLLHUP as usize as *mut c_void;

        // SAFETY: `self.queue` is initialised and pinned.
        unsafe { bindings::__wake_up(self.queue.get(), bindings::TASK_INTERRUPTIBLE, 1, events) };
    }
}

/// Somebody who polls a file of a link.
///
/// # Invariants
///
/// `file` is a valid file of `link`, and `table` is null or a valid poll table, both for `'a`.
pub struct Poller<'a, T: LinkOps> {
    link: &'a Link<T>,
    file: *mut bindings::file,
    table: *mut bindings::poll_table,
    _lifetime: PhantomData<&'a bindings::poll_table>,
}

impl<'a, T: LinkOps> Poller<'a, T> {
    /// # Safety
    ///
    /// `file` must be a valid file of `link`, and `table` null or a valid poll table, both for
    /// `'a`.
    pub(super) unsafe fn new(
        link: &'a Link<T>,
        file: *mut bindings::file,
        table: *mut bindings::poll_table,
    ) -> Self {
        // INVARIANT: By the requirements of this function.
        Self {
            link,
            file,
            table,
            _lifetime: PhantomData,
        }
    }

    /// Puts the poller on `queue`, which is ignored unless it is a field of the link.
    ///
    /// What [`Hangup::wake`] announces has to be looked at after this, not before.
    ///
    /// C counterpart: [`poll_wait`](srctree/include/linux/poll.h).
    #[inline]
    pub fn wait(&self, queue: &Hangup) {
        // SAFETY: By the type invariants.
        let waits = unsafe { self.table.as_ref() }.is_some_and(|table| table._qproc.is_some());

        if waits && self.link.contains(queue) {
            // SAFETY: By the type invariants. The queue lives as long as the link, and the poller
            // is taken off it before the file drops its reference on the link.
            unsafe { bindings::poll_wait(self.file, queue.queue.get(), self.table) };
        }
    }
}
