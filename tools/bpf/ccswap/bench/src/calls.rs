// SPDX-License-Identifier: GPL-2.0-only

//! What each call on a link takes.

use std::io;
use std::mem::swap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::Pair;
use crate::clock::{Clock, Samples};
use struct_ops::link::Link;

/// When a measurement ends.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// After so many samples,
    pub samples: usize,
    /// or this long, whichever comes first.
    pub time: Duration,
}

impl Budget {
    /// Numbers the rounds until it is used up.
    pub fn rounds(self) -> impl Iterator<Item = usize> {
        let start = Instant::now();
        (0..self.samples).take_while(move |_| start.elapsed() < self.time)
    }
}

/// The clock itself.
pub fn nothing(clock: Clock, budget: Budget) -> Samples {
    let mut samples = Samples::default();
    for _ in budget.rounds() {
        samples.push(clock.time(|| ()).0);
    }
    samples
}

/// A system call that does next to nothing.
pub fn system_call(clock: Clock, budget: Budget) -> Samples {
    let mut samples = Samples::default();
    for _ in budget.rounds() {
        samples.push(clock.time(nix::unistd::getppid).0);
    }
    samples
}

/// Updates a link, which has the pair's first table, to the other and back in
/// turn. Never to the one that it has: upstream's C corrupts its list by that.
pub fn update(clock: Clock, link: &Link, pair: &Pair, budget: Budget) -> io::Result<Samples> {
    let mut samples = Samples::default();
    let (mut next, mut current) = (pair.b.as_fd(), pair.a.as_fd());
    for _ in budget.rounds() {
        let (took, result) = clock.time(|| link.update(next, None));
        result?;
        samples.push(took);
        swap(&mut next, &mut current);
    }
    if samples.len() % 2 == 1 {
        link.update(next, None)?;
    }
    Ok(samples)
}

/// What is asked of a link that stays as it is.
pub fn info(clock: Clock, link: &Link, budget: Budget) -> io::Result<Samples> {
    let mut samples = Samples::default();
    for _ in budget.rounds() {
        let (took, result) = clock.time(|| link.map_id());
        result?;
        samples.push(took);
    }
    Ok(samples)
}

/// Whether an attached link is detached, asked again and again.
pub fn poll(clock: Clock, link: &Link, budget: Budget) -> io::Result<Samples> {
    let mut samples = Samples::default();
    for _ in budget.rounds() {
        let (took, result) = clock.time(|| link.hung_up());
        if result? {
            return Err(io::Error::other("the link hung up"));
        }
        samples.push(took);
    }
    Ok(samples)
}

/// Makes a link of each pair's second table, which was never registered before.
pub fn first_create(clock: Clock, pairs: &[Pair]) -> io::Result<Samples> {
    let mut samples = Samples::default();
    for pair in pairs {
        let (took, link) = clock.time(|| Link::create(&pair.b));
        link?;
        samples.push(took);
    }
    Ok(samples)
}

/// Makes links of a table that was registered before and ends them, by detaching and by closing.
pub fn life(clock: Clock, pair: &Pair, budget: Budget) -> io::Result<[(&'static str, Samples); 3]> {
    let [mut create, mut detach, mut close] = std::array::from_fn(|_| Samples::default());
    for _ in budget.rounds() {
        let (took, link) = clock.time(|| Link::create(&pair.a));
        let link = link?;
        create.push(took);
        let (took, result) = clock.time(|| link.detach());
        result?;
        detach.push(took);
        if !link.hung_up()? {
            return Err(io::Error::other("the detached link did not hang up"));
        }
        drop(link);

        let link = Link::create(&pair.a)?;
        close.push(clock.time(|| drop(link)).0);
    }
    Ok([("create", create), ("detach", detach), ("close", close)])
}
