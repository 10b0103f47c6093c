// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap`: attach BPF struct_ops links, and swap what is behind them.

mod advice;
mod attach;
mod bpffs;
mod cli;
mod demo;
mod detach;
mod libbpf_log;
mod link;
mod mounts;
mod netns;
mod output;
mod status;
mod struct_ops;
mod table;
mod tcp_diag;
mod update;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let result = match Cli::parse().command {
        Command::Attach(args) => attach::run(&args).map(done),
        Command::Update(args) => update::run(&args).map(done),
        Command::Status(args) => status::run(&args).map(done),
        Command::Detach(args) => detach::run(&args).map(done),
        Command::Watch(args) => watch::run(&args).map(done),
        Command::Demo(args) => demo::run(&args),
    };
    result.unwrap_or_else(|error| {
        if !output::reader_has_gone(&error) {
            output::complain(format_args!("ccswap: {error:#}\n"));
        }
        ExitCode::FAILURE
    })
}
