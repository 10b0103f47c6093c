// SPDX-License-Identifier: GPL-2.0-only

//! Compiles the demo's BPF programs, which are embedded in the binary, and on
//! request the objects that the guest test feeds to it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

mod objects;

/// Where the objects for `tests/guest.py` go; unset, they are not built.
const OBJ_DIR: &str = "CCSWAP_OBJ_DIR";

fn main() -> Result<()> {
    let clang = objects::find_clang()?;
    let headers = Path::new("src/bpf");
    objects::compile_all(&clang, headers, &PathBuf::from(env::var("OUT_DIR")?), headers)?;

    println!("cargo:rerun-if-env-changed={OBJ_DIR}");
    if let Some(dir) = env::var_os(OBJ_DIR).map(PathBuf::from) {
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        objects::compile_all(&clang, Path::new("tests/bpf"), &dir, headers)?;
    }
    Ok(())
}
