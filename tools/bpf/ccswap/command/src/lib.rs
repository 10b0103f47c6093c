// SPDX-License-Identifier: GPL-2.0-only

//! What `ccswap` does, apart from the program so that its manual pages can be made from its
//! command line.

mod apply;
mod attach;
pub mod cli;
mod config;
mod detach;
mod events;
mod exposition;
mod guard;
mod live;
mod metrics;
mod migrate;
mod progress;
mod rollback;
mod rollout;
mod status;
mod steps;
mod table;
mod update;
mod versions;
mod watch;
mod whole_file;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Command;

/// Runs a command, and returns the status to exit with.
///
/// # Errors
///
/// It fails.
pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Attach(args) => attach::run(args),
        Command::Update(args) => update::run(args),
        Command::Rollout(args) => return rollout::run(args),
        Command::Rollback(args) => rollback::run(args),
        Command::Status(args) => status::run(args),
        Command::Detach(args) => detach::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Metrics(args) => metrics::run(args),
        Command::Apply(args) => apply::run(args),
    }
    .map(|()| ExitCode::SUCCESS)
}
