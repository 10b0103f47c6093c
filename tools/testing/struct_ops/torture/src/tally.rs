// SPDX-License-Identifier: GPL-2.0-only

//! A number that another process adds to, and that outlives it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// The number. Adding to it never waits, as writing to a full pipe would.
#[derive(Debug)]
pub struct Tally(EventFd);

impl Tally {
    /// Begins at 0.
    pub fn new() -> Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self(EventFd::from_flags(flags).context("cannot make an eventfd")?))
    }

    /// What a process that is to be started has for its standard output.
    pub fn output(&self) -> io::Result<Stdio> {
        Ok(self.0.as_fd().try_clone_to_owned()?.into())
    }

    /// Waits until it is not 0; false if that takes longer.
    pub fn wait(&self, time: Duration) -> Result<bool> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut fds, PollTimeout::try_from(time).context("timeout")?)? != 0)
    }

    /// What it is; only once it is not 0.
    pub fn read(&self) -> Result<u64> {
        self.0.read().context("cannot read an eventfd")
    }
}

/// The end of the process that adds.
#[derive(Debug)]
pub struct Adder(File);

impl Adder {
    /// Of the standard output.
    pub fn new(output: &impl AsFd) -> io::Result<Self> {
        Ok(Self(output.as_fd().try_clone_to_owned()?.into()))
    }

    /// Adds 1.
    pub fn add(&self) -> io::Result<()> {
        (&self.0).write_all(&1u64.to_ne_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_read() {
        let tally = Tally::new().unwrap();
        assert!(!tally.wait(Duration::ZERO).unwrap());
        let adder = Adder::new(&tally.0).unwrap();
        adder.add().unwrap();
        adder.add().unwrap();
        drop(adder);
        assert!(tally.wait(Duration::ZERO).unwrap());
        assert_eq!(tally.read().unwrap(), 2);
    }
}
