// SPDX-License-Identifier: GPL-2.0-only

//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Swap CUBIC and Reno behind one name, under traffic.
///
/// Makes two network namespaces with a slow link between them, and needs `ip`
/// and `tc`. It is meant for a virtual machine. Exit status 1 if anything was
/// lost: a swap, a connection, a byte; with --guarantee also if a connection
/// got an older implementation.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 100)]
pub struct Demo {
    /// How long traffic runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(5..=3600))]
    pub seconds: u64,
    /// Where the picture goes
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// How often to swap at most, until it slows down to be watched
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub swaps_per_second: u32,
    /// Fail if a connection gets an implementation that an update had replaced
    ///
    /// A kernel with TCP_CONG_REGISTRY_RUST promises that none does. Upstream's
    /// C starts a socket on what it chose before the update.
    #[arg(long)]
    pub guarantee: bool,
    /// Print the summary as JSON on stdout, and what happens on stderr
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    #[test]
    fn the_definitions_are_consistent() {
        Demo::command().debug_assert();
    }

    #[test]
    fn a_run_that_is_too_short_is_refused() {
        let error = Demo::try_parse_from(["ccswap-demo", "--seconds", "1"]).unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), (ErrorKind::ValueValidation, 2));
    }
}
