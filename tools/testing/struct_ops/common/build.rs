// SPDX-License-Identifier: GPL-2.0-only

//! Compiles the BPF programs, which are embedded in the library.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;

#[path = "../../../bpf/ccswap/compile/src/objects.rs"]
mod objects;

fn main() -> Result<()> {
    objects::compile_all(
        &objects::find_clang()?,
        Path::new("src/bpf"),
        &PathBuf::from(env::var("OUT_DIR")?),
        Path::new("../../../bpf/ccswap/bpf"),
    )
}
