// SPDX-License-Identifier: GPL-2.0-only

//! Compiles BPF programs, for the build scripts of ccswap and of the tests.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use libbpf_cargo::SkeletonBuilder;

/// Compiles every `NAME.bpf.c` of `sources` to `NAME.bpf.o` in `objects`, with
/// the headers in `headers`.
pub fn compile_all(clang: &str, sources: &Path, objects: &Path, headers: &Path) -> Result<()> {
    for folder in [sources, headers] {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    let include = format!("-I{}", headers.display());
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
            .clang_args([&*include, "-Wall", "-Werror"])
            .build()?;
    }
    Ok(())
}

/// The BPF compiler: `$CLANG`, or the first clang that runs.
pub fn find_clang() -> Result<String> {
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
