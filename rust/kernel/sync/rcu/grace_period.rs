// SPDX-License-Identifier: GPL-2.0-only

//! Grace periods that may have passed already.

use crate::bindings;

/// A grace period that starts now, or started some time ago.
///
/// Asking whether it has passed costs little, and waiting for it costs nothing when it has. That
/// suits a rare case that needs the wait, prepared by a frequent one that must not wait.
///
/// # Examples
///
/// ```
/// use kernel::sync::rcu;
///
/// // A reader that runs now may still see what was just unlinked.
/// let reader = rcu::read_lock();
/// let unlinked = rcu::GracePeriod::start();
/// assert!(!unlinked.has_passed());
/// drop(reader);
///
/// // Later, where it must not be seen any more:
/// unlinked.wait();
/// ```
#[derive(Clone, Copy)]
pub struct GracePeriod(usize);

impl GracePeriod {
    /// Notes the present moment. Orders earlier writes before the grace period. Any context.
    ///
    /// C counterpart: [`get_state_synchronize_rcu`](srctree/kernel/rcu/tree.c).
    #[inline]
    pub fn start() -> Self {
        // SAFETY: May be called from any context.
        Self(unsafe { bindings::get_state_synchronize_rcu() })
    }

    /// Returns a number to be kept, from which [`GracePeriod::from_cookie`] restores the value.
    #[inline]
    pub fn cookie(self) -> usize {
        self.0
    }

    /// Restores a grace period. Of 0, which is no cookie, it cannot be told whether it has passed,
    /// so a wait for it may be one for nothing.
    #[inline]
    pub fn from_cookie(cookie: usize) -> Self {
        Self(cookie)
    }

    /// Tells whether a full grace period has passed since the start. Any context.
    ///
    /// An expedited grace period, as there are during boot, is not noticed, so a wait may follow
    /// that was not needed.
    ///
    /// C counterpart: [`poll_state_synchronize_rcu`](srctree/kernel/rcu/tree.c).
    #[inline]
    pub fn has_passed(self) -> bool {
        // SAFETY: May be called from any context, with any number.
        unsafe { bindings::poll_state_synchronize_rcu(self.0) }
    }

    /// Waits until a full grace period has passed since the start, if it has not already.
    ///
    /// Process context, may sleep.
    ///
    /// C counterpart: [`cond_synchronize_rcu`](srctree/kernel/rcu/tree.c).
    #[inline]
    pub fn wait(self) {
        // SAFETY: Any number may be passed; the rest is for the caller to keep to.
        unsafe { bindings::cond_synchronize_rcu(self.0) };
    }
}
