// SPDX-License-Identifier: GPL-2.0-only

//! Standard output and standard error, which may be full, or read by no one any more.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

/// Prints a line of what a command has to say. `done` tells what stands although the line could
/// not be printed; it is empty for a command that changes nothing.
pub fn say(line: impl Display, done: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let printed = writeln!(out, "{line}").and_then(|()| out.flush());
    if done.is_empty() {
        printed.context("cannot write to standard output")
    } else {
        printed.with_context(|| format!("{done}, but standard output could not be written"))
    }
}

/// Prints text on standard error, where nothing can be done if that fails.
pub fn complain(text: impl Display) {
    let _ = write!(io::stderr(), "{text}");
}

/// Tells whether a command failed only because the reader of its output has gone.
pub fn reader_has_gone(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_told_from_a_full_disk() {
        let error = |kind| anyhow::Error::from(io::Error::from(kind)).context("said");
        assert!(reader_has_gone(&error(ErrorKind::BrokenPipe)));
        assert!(!reader_has_gone(&error(ErrorKind::StorageFull)));
        assert!(!reader_has_gone(&anyhow::anyhow!("no io")));
    }
}
