// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap-assets`: writes the manual pages and the shell completions of `ccswap`, both made from
//! its command line.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ccswap::cli::Cli;
use clap::{CommandFactory, Parser};
use clap_complete::Shell;

/// Write the manual pages and the shell completions of ccswap.
#[derive(Debug, Parser)]
struct Args {
    /// The folder for them, made if need be
    folder: PathBuf,
}

fn main() -> Result<()> {
    let folder = Args::parse().folder;
    write(&folder).with_context(|| format!("cannot write to {}", folder.display()))
}

/// Writes all of them.
fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "ccswap", folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let commands = Cli::command();
        let mut expected: Vec<_> = commands
            .get_subcommands()
            .map(|command| format!("ccswap-{}.1", command.get_name()))
            .chain(["_ccswap", "ccswap.1", "ccswap.bash", "ccswap.fish"].map(str::to_owned))
            .collect();
        expected.sort();
        assert_eq!(names, expected);

        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text("ccswap-update.1").contains("expect"), "{}", text("ccswap-update.1"));
        for shell in ["_ccswap", "ccswap.bash", "ccswap.fish"] {
            assert!(text(shell).contains("until-drained"), "{shell}");
        }
    }
}
