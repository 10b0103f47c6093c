// SPDX-License-Identifier: GPL-2.0-only

//! What kmemleak finds.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// Where kmemleak is asked.
const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";
/// The age at which kmemleak reports an object.
const AGE: Duration = Duration::from_secs(6);

/// Whether the kernel has kmemleak.
pub fn are_looked_for() -> bool {
    Path::new(KMEMLEAK).exists()
}

/// What kmemleak has found.
pub fn found() -> Result<Vec<String>> {
    thread::sleep(AGE);
    // The first scan may see an object just before it is stored somewhere.
    for _ in 0..2 {
        fs::write(KMEMLEAK, "scan")?;
    }
    Ok(fs::read_to_string(KMEMLEAK)?.lines().map(str::to_owned).collect())
}

/// Has kmemleak forget what it found before the run.
pub fn forget() -> Result<()> {
    if are_looked_for() {
        fs::write(KMEMLEAK, "clear")?;
    }
    Ok(())
}
