// SPDX-License-Identifier: GPL-2.0-only

//! Time for the kernel to free what was let go.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Waits until nothing is complained of, so long at most; what still is, else.
pub fn settle(
    patience: Duration,
    complaints: impl Fn() -> Result<Vec<String>>,
) -> Result<Vec<String>> {
    let end = Instant::now() + patience;
    loop {
        let found = complaints()?;
        if found.is_empty() || Instant::now() > end {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(100));
    }
}
