// SPDX-License-Identifier: GPL-2.0-only

//! Creates links under names that may still be taken by the last link.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use common::link::Link;
use nix::errno::Errno;

use crate::errno::failed_with;

/// How long a name may be taken after its link was closed.
///
/// Each name has one actor, which closes its link before it creates the next. But a process that
/// another actor starts has all descriptors until it executes its program, so that close may not
/// be the last one. On a busy host a program was executed after 1.4 seconds at most in the Rust
/// kernel, and after 14 in the debug kernel. In C the close also waits for an RCU grace period,
/// which the guest's kernel reports as stalled after 60 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest wait for a name.
#[derive(Debug, Default)]
pub struct LongestWait(AtomicU64);

impl LongestWait {
    /// Compares one more with it.
    fn note(&self, wait: Duration) {
        self.0.fetch_max(wait.as_micros() as u64, Relaxed);
    }

    /// What it is.
    pub fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Relaxed))
    }
}

/// Creates a link, once the last one of that name is gone.
pub fn create(map: &impl AsFd, longest: &LongestWait) -> io::Result<Link> {
    let begin = Instant::now();
    loop {
        let wait = begin.elapsed();
        let result = Link::create(map);
        let taken = failed_with(&result, Errno::EEXIST) || failed_with(&result, Errno::EBUSY);
        if !taken || wait > PATIENCE {
            longest.note(wait);
            return result;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_kept() {
        let longest = LongestWait::default();
        for millis in [3, 7, 5] {
            longest.note(Duration::from_millis(millis));
        }
        assert_eq!(longest.get(), Duration::from_millis(7));
    }
}
