// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap`: attach BPF struct_ops links, and swap what is behind them.

mod attach;
mod cli;
mod detach;
mod migrate;
mod status;
mod update;
mod versions;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use struct_ops::output;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Attach(args) => attach::run(&args),
        Command::Update(args) => update::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Detach(args) => detach::run(&args),
        Command::Watch(args) => watch::run(&args),
    };
    output::finish("ccswap", result.map(|()| ExitCode::SUCCESS))
}
