// SPDX-License-Identifier: GPL-2.0-only

//! Makes sequences of calls on struct_ops links and what uses them, and runs them
//! in a virtual machine, for the traces of two kernels to be compared.

mod generate;
mod links;
mod op;
mod plan;
mod run;
mod sockets;
mod trace;
mod world;

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// The command line.
#[derive(Parser)]
#[command(about)]
struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// What can be done.
#[derive(Subcommand)]
enum Command {
    /// Writes sequences to a file, one a line.
    Generate {
        /// What decides the sequences.
        #[arg(long)]
        seed: u64,
        /// The number of the first one.
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// How many.
        #[arg(long)]
        count: u64,
        /// Steps that one has at most; it has half as many at least.
        #[arg(long)]
        steps: usize,
        /// The file.
        out: PathBuf,
    },
    /// Runs the sequences of a file on this kernel: in a virtual machine only.
    Run {
        /// The sequences.
        sequences: PathBuf,
        /// Where the traces go.
        out: PathBuf,
    },
}

fn main() -> Result<()> {
    match Args::parse().command {
        Command::Generate { seed, first, count, steps, out } => {
            let mut file = BufWriter::new(File::create(&out)?);
            for number in first..first + count {
                let ops = generate::sequence(seed, number, steps)?;
                writeln!(file, "{}", serde_json::to_string(&ops)?)?;
            }
            Ok(file.flush()?)
        }
        Command::Run { sequences, out } => {
            let text = fs::read_to_string(&sequences)
                .with_context(|| format!("cannot read {}", sequences.display()))?;
            // Appended to, as the processes of the sequences write to it, too.
            let mut file = OpenOptions::new().create(true).append(true).open(&out)?;
            run::file(&text, &mut file)
        }
    }
}
