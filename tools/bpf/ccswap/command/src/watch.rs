// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap watch`: wait until a link is detached, or its older versions have drained.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use struct_ops::Error;
use struct_ops::link::{Link, LinkRef};

use crate::cli::Watch;
use crate::events;
use crate::live::Live;
use crate::versions::{Observer, shares};

/// How often the sockets are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Runs the command.
pub fn run(args: &Watch) -> Result<()> {
    let deadline =
        args.timeout.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    match &args.link {
        Some(link) if args.until_drained => drain(link, deadline),
        Some(link) if !args.events => wait(link, deadline),
        link => events::show(link.as_ref(), deadline, args.json),
    }
}

/// Waits until the link is detached, and meanwhile shows its versions on a terminal, if the user
/// may see the sockets.
fn wait(name: &LinkRef, deadline: Option<Instant>) -> Result<()> {
    let link = Link::open(name)?;
    let id = link.info()?.id;
    let mut live = Live::new();
    let observer = live.is_shown().then(|| Observer::new(name).ok()).flatten();
    loop {
        let mut until = deadline;
        if let Some(observer) = &observer {
            live.draw(&shares(&observer.versions()?));
            let next = Instant::now() + LOOK;
            until = Some(deadline.map_or(next, |end| end.min(next)));
        }
        let hung_up = wait_for_hangup(&link, until)
            .map_err(|error| Error::Watch { link: name.clone(), error })?;
        if hung_up {
            return Ok(live.say(format_args!("link {id} is detached"))?);
        }
        if over(deadline) {
            bail!("{name} is still attached");
        }
    }
}

/// Waits until no socket runs an older version, and says how many do as that changes.
fn drain(link: &LinkRef, deadline: Option<Instant>) -> Result<()> {
    let observer = Observer::new(link)?;
    let mut live = Live::new();
    let mut said = String::new();
    loop {
        let versions = observer.versions()?;
        let old = versions.iter().filter(|version| !version.current && !version.sockets.is_empty());
        let left: Vec<_> =
            old.map(|one| format!("map {}: {}", one.map_id, one.sockets.len())).collect();
        if left.is_empty() {
            return Ok(live.say("no socket runs an older version")?);
        }
        let line = format!("sockets on older versions: {}", left.join(", "));
        if over(deadline) {
            bail!("not drained in time; {line}");
        }
        if line != said {
            live.say(&line)?;
            said = line;
        }
        live.draw(&shares(&versions));
        thread::sleep(LOOK);
    }
}

/// Whether a deadline has come.
fn over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|end| Instant::now() >= end)
}

/// Waits until the kernel reports a hang-up, as it does of its own accord; false if the deadline
/// is first. epoll, unlike poll, refuses a link that does not report.
fn wait_for_hangup(link: &Link, deadline: Option<Instant>) -> Result<bool, Errno> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(link, EpollEvent::new(EpollFlags::empty(), 0))?;
    loop {
        let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = left.map_or(EpollTimeout::NONE, |left| {
            EpollTimeout::try_from(left).unwrap_or(EpollTimeout::MAX)
        });
        let mut events = [EpollEvent::empty()];
        match epoll.wait(&mut events, timeout) {
            Ok(_) if events[0].events().contains(EpollFlags::EPOLLHUP) => return Ok(true),
            Ok(_) if left.is_some_and(|left| left.is_zero()) => return Ok(false),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}
