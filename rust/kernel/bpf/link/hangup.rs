// SPDX-License-Identifier: GPL-2.0-only

//! The queue of those who poll a link.

use crate::{
    bindings,
    prelude::*,
    types::Opaque, //
};

/// The queue of those who poll a link, a part of it.
///
/// A [`PollCondVar`] would serve too, but waits for a grace period when it is dropped, since its
/// pollers may outlive it. The pollers of a link cannot: they are on the queue by way of a file,
/// which holds a reference on the link, and are taken off it before the file lets go.
///
/// [`PollCondVar`]: crate::sync::poll::PollCondVar
#[pin_data]
pub(super) struct Hangup {
    #[pin]
    queue: Opaque<bindings::wait_queue_head_t>,
}

// SAFETY: A wait queue may be used from any thread; it has a lock of its own.
unsafe impl Send for Hangup {}

// SAFETY: A wait queue may be used from any thread; it has a lock of its own.
unsafe impl Sync for Hangup {}

impl Hangup {
    /// Makes an empty queue.
    pub(super) fn new() -> impl PinInit<Self> {
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
    #[inline]
    pub(super) fn wake(&self) {
        let events = bindings::POLLHUP as usize as *mut c_void;

        // SAFETY: `self.queue` is initialised and pinned.
        unsafe { bindings::__wake_up(self.queue.get(), bindings::TASK_INTERRUPTIBLE, 1, events) };
    }

    /// Puts the poller that `table` describes on the queue, if it wants to wait.
    ///
    /// C counterpart: [`poll_wait`](srctree/include/linux/poll.h).
    ///
    /// # Safety
    ///
    /// `file` must be a valid file that holds a reference on the link of which this is a part, and
    /// `table` null or a valid poll table.
    #[inline]
    pub(super) unsafe fn poll_wait(
        &self,
        file: *mut bindings::file,
        table: *mut bindings::poll_table,
    ) {
        // SAFETY: By the requirements of this function, `table` is null or valid.
        let waits = unsafe { table.as_ref() }.is_some_and(|table| table._qproc.is_some());

        if waits {
            // SAFETY: `file` and `table` are valid by the requirements of this function. The poller
            // is taken off the queue before the file puts its reference on the link.
            unsafe { bindings::poll_wait(file, self.queue.get(), table) };
        }
    }
}
