// SPDX-License-Identifier: GPL-2.0-only

//! Compiles BPF programs, for the build scripts of the workspace.

mod objects;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Compiles the programs of the calling crate, in `src/bpf`, to objects in its `OUT_DIR`.
/// `headers` is the folder of those that they share, seen from that crate.
///
/// # Errors
///
/// There is no clang, or it refuses a program.
pub fn embedded(headers: &str) -> Result<()> {
    all(Path::new("src/bpf"), &PathBuf::from(env::var("OUT_DIR")?), Path::new(headers))
}

/// Compiles every `NAME.bpf.c` of `sources` to `NAME.bpf.o` in `objects`.
///
/// # Errors
///
/// There is no clang, it refuses a program, or a folder cannot be read or written.
pub fn all(sources: &Path, objects: &Path, headers: &Path) -> Result<()> {
    let clang = objects::find_clang()?;
    fs::create_dir_all(objects).with_context(|| format!("cannot create {}", objects.display()))?;
    objects::compile_all(&clang, sources, objects, headers)
}
