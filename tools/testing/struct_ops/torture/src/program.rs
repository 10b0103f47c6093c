// SPDX-License-Identifier: GPL-2.0-only

//! Programs of the system's.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Runs a program to its end; its output, and it must succeed.
pub fn run(program: &str, argv: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(argv)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {complaint}", argv.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
