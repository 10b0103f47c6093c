// SPDX-License-Identifier: GPL-2.0-only

//! Compiles the demo's BPF programs, which are embedded in the binary, and on
//! request the objects that the guest test feeds to it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use libbpf_cargo::SkeletonBuilder;

/// Where the objects for `tests/guest.py` go; unset, they are not built.
const OBJ_DIR: &str = "CCSWAP_OBJ_DIR";

fn main() -> Result<()> {
    let clang = find_clang()?;
    compile_all(&clang, Path::new("src/bpf"), &PathBuf::from(env::var("OUT_DIR")?))?;

    println!("cargo:rerun-if-env-changed={OBJ_DIR}");
    if let Some(dir) = env::var_os(OBJ_DIR).map(PathBuf::from) {
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        compile_all(&clang, Path::new("tests/bpf"), &dir)?;
    }
    Ok(())
}

/// Compiles every `NAME.bpf.c` of `sources` to `NAME.bpf.o` in `objects`.
fn compile_all(clang: &str, sources: &Path, objects: &Path) -> Result<()> {
    println!("cargo:rerun-if-changed={}", sources.display());
    for entry in fs::read_dir(sources)? {
        let source = entry?.path();
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        if !name.ends_with(".bpf.c") {
            continue;
        }
        let object = objects.join(&*name).with_extension("o");
        SkeletonBuilder::new()
            .source(&source)
            .obj(&object)
            .clang(clang)
            .clang_args(["-Isrc/bpf", "-Wall", "-Werror"])
            .build()?;
    }
    Ok(())
}

/// The BPF compiler: `$CLANG`, or the first clang that runs.
fn find_clang() -> Result<String> {
    println!("cargo:rerun-if-env-changed=CLANG");
    if let Ok(clang) = env::var("CLANG") {
        return Ok(clang);
    }
    for clang in ["clang-19", "clang"] {
        if Command::new(clang).arg("--version").output().is_ok() {
            return Ok(clang.into());
        }
    }
    bail!("no clang found to compile the BPF programs; install clang-19 or set CLANG")
}
