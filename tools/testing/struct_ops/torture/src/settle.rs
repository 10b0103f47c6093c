// SPDX-License-Identifier: GPL-2.0-only

//! Time for the kernel to free what was let go.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How long it may take. A socket may wait for its peer's last packet for 60 seconds.
const PATIENCE: Duration = Duration::from_secs(75);

/// Waits until nothing is complained of; what still is, else.
pub fn settle(complaints: impl Fn() -> Result<Vec<String>>) -> Result<Vec<String>> {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = complaints()?;
        if found.is_empty() || Instant::now() > end {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(200));
    }
}
