// SPDX-License-Identifier: GPL-2.0-only

//! Standard output and standard error, which may be full, or read by no one any more.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::error::Error;

/// Standard output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{done}standard output could not be written: {error}")]
pub struct Unprinted {
    /// What stands nevertheless.
    done: String,
    /// Why.
    error: io::Error,
}

impl Unprinted {
    /// Whether only the reader has gone, which is no news.
    pub fn reader_has_gone(&self) -> bool {
        self.error.kind() == ErrorKind::BrokenPipe
    }
}

/// Prints a line of what a command has to say. `done` tells what stands although the line could
/// not be printed; it is empty for a command that changes nothing.
///
/// # Errors
///
/// Standard output is full, or closed.
pub fn say(line: impl Display, done: &str) -> Result<(), Unprinted> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| Unprinted {
        done: if done.is_empty() { String::new() } else { format!("{done}, but ") },
        error,
    })
}

/// Prints text on standard error, where nothing can be done if that fails.
pub fn complain(text: impl Display) {
    let _ = write!(io::stderr(), "{text}");
}

/// The exit status of a program, which says why it failed.
pub fn finish<E>(program: &str, result: Result<ExitCode, E>) -> ExitCode
where
    E: AsRef<dyn std::error::Error + Send + Sync> + Display,
{
    let error = match result {
        Ok(status) => return status,
        Err(error) => error,
    };
    let cause = error.as_ref() as &(dyn std::error::Error + 'static);
    if let Some(error) = cause.downcast_ref::<Error>() {
        complain(error.log());
    }
    if !cause.downcast_ref::<Unprinted>().is_some_and(Unprinted::reader_has_gone) {
        complain(format_args!("{program}: {error:#}\n"));
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error of that kind, after something was done.
    fn unprinted(kind: ErrorKind) -> Unprinted {
        Unprinted { done: "attached, but ".into(), error: kind.into() }
    }

    #[test]
    fn a_closed_pipe_is_told_from_a_full_disk() {
        assert!(unprinted(ErrorKind::BrokenPipe).reader_has_gone());
        let full = unprinted(ErrorKind::StorageFull);
        assert!(!full.reader_has_gone());
        assert!(full.to_string().starts_with("attached, but standard output"), "{full}");
    }
}
