// SPDX-License-Identifier: GPL-2.0-only

//! Compiles the BPF programs, which are embedded in the binary.

fn main() -> anyhow::Result<()> {
    compile::embedded("../bpf")
}
