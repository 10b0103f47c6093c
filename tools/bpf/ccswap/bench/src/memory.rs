// SPDX-License-Identifier: GPL-2.0-only

//! The memory that a link takes: what the kernel's allocator says that it
//! handed out while links were created, and did not get back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process;

use anyhow::{Context, Result, ensure};

use crate::Pair;
use struct_ops::link::Link;

/// Where tracing is controlled.
const TRACING: &str = "/sys/kernel/tracing";
/// The allocator's events.
const EVENTS: [&str; 4] = ["kmalloc", "kmem_cache_alloc", "kfree", "kmem_cache_free"];

/// Creates a link for each pair; returns the bytes that one takes.
pub fn per_link(pairs: &[Pair]) -> Result<f64> {
    write("tracing_on", "0")?;
    write("set_event_pid", &process::id().to_string())?;
    write("trace", "")?;
    for event in EVENTS {
        write(&format!("events/kmem/{event}/enable"), "1")?;
    }
    // Held open, or opening it the second time would be counted.
    let path = Path::new(TRACING).join("tracing_on");
    let mut switch = File::options()
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let mut links = Vec::with_capacity(pairs.len());
    switch.write_all(b"1")?;
    for pair in pairs {
        links.push(Link::create(&pair.a)?);
    }
    switch.write_all(b"0")?;
    for event in EVENTS {
        write(&format!("events/kmem/{event}/enable"), "0")?;
    }
    let path = Path::new(TRACING).join("trace");
    let trace = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let bytes = kept(&trace);
    ensure!(bytes > 0, "the kernel's trace shows no allocation");
    Ok(bytes as f64 / links.len() as f64)
}

/// Writes to a control file.
fn write(name: &str, text: &str) -> Result<()> {
    let path = Path::new(TRACING).join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The bytes that were allocated and not freed in a trace.
fn kept(trace: &str) -> u64 {
    let mut live = HashMap::new();
    for line in trace.lines() {
        let field = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name));
        let Some(object) = field("ptr=") else { continue };
        match field("bytes_alloc=").and_then(|bytes| bytes.parse::<u64>().ok()) {
            Some(bytes) => live.insert(object, bytes),
            None => live.remove(object),
        };
    }
    live.values().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_not_freed() {
        let trace = "\
            # tracer: nop\n\
            x-1 [0] ..... 1.0: kmalloc: call_site=f+0x1/0x2 ptr=01 bytes_req=90 bytes_alloc=96 gfp_flags=GFP\n\
            x-1 [0] ..... 1.1: kmem_cache_alloc: call_site=f ptr=02 name=filp bytes_req=184 bytes_alloc=192 gfp\n\
            x-1 [0] ..... 1.2: kmalloc: call_site=f ptr=03 bytes_req=8 bytes_alloc=8 gfp_flags=GFP\n\
            x-1 [0] ..... 1.3: kfree: call_site=f ptr=03\n\
            x-1 [0] ..... 1.4: kmem_cache_free: call_site=f ptr=09 name=filp\n";
        assert_eq!(kept(trace), 288);
        assert_eq!(kept(""), 0);
    }
}
