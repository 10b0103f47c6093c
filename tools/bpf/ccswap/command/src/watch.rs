// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap watch`: wait until a link is detached.

use anyhow::Result;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use struct_ops::link::Link;
use struct_ops::{Error, output};

use crate::cli::OneLink;

/// Runs the command.
pub fn run(args: &OneLink) -> Result<()> {
    let link = Link::open(&args.link)?;
    let id = link.info()?.id;
    wait_for_hangup(&link).map_err(|error| Error::Watch { link: args.link.clone(), error })?;
    Ok(output::say(format_args!("link {id} is detached"), "")?)
}

/// Blocks until the kernel reports a hang-up, as it does of its own accord.
/// epoll, unlike poll, refuses a link that does not report.
fn wait_for_hangup(link: &Link) -> Result<(), Errno> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(link, EpollEvent::new(EpollFlags::empty(), 0))?;
    loop {
        let mut events = [EpollEvent::empty()];
        match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(_) if events[0].events().contains(EpollFlags::EPOLLHUP) => return Ok(()),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}
