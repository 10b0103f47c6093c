// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap`: attach BPF struct_ops links, and swap what is behind them.

use std::process::ExitCode;

use ccswap::cli::Cli;
use clap::Parser;
use struct_ops::output;

fn main() -> ExitCode {
    let result = ccswap::run(&Cli::parse().command);
    output::finish("ccswap", result)
}
