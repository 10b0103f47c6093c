// SPDX-License-Identifier: GPL-2.0-only

//! A number that another process adds to, and that outlives it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
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

    /// Waits until something was added, but no longer than this.
    pub fn wait(&self, time: Duration) -> Result<()> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::try_from(time).context("timeout")?)?;
        Ok(())
    }

    /// What was added since it was last taken.
    pub fn take(&self) -> nix::Result<u64> {
        match self.0.read() {
            Err(Errno::EAGAIN) => Ok(0),
            taken => taken,
        }
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
        tally.wait(Duration::from_millis(1)).unwrap();
        assert_eq!(tally.take(), Ok(0));
        let adder = Adder::new(&tally.0).unwrap();
        adder.add().unwrap();
        adder.add().unwrap();
        drop(adder);
        tally.wait(Duration::from_secs(60)).unwrap();
        assert_eq!(tally.take(), Ok(2));
        assert_eq!(tally.take(), Ok(0));
    }
}
