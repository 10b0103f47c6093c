// SPDX-License-Identifier: GPL-2.0-only

//! Many links, updated from several threads.

use std::io;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use crate::Pair;
use struct_ops::link::Link;

/// Updates a link of each pair in turn, the pairs being divided among threads.
pub fn updates_per_second(pairs: &[Pair], threads: usize, time: Duration) -> io::Result<f64> {
    let links: Vec<(Link, &Pair)> =
        pairs.iter().map(|pair| Ok((Link::create(&pair.a)?, pair))).collect::<io::Result<_>>()?;

    let start = Instant::now();
    let updates = thread::scope(|scope| {
        let workers: Vec<_> = links
            .chunks(links.len().div_ceil(threads))
            .map(|share| scope.spawn(move || update_all(share, start + time)))
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).sum::<io::Result<u64>>()
    })?;
    // To the end of the last update: in C they may queue for long.
    Ok(updates as f64 / start.elapsed().as_secs_f64())
}

/// Updates links until time is up, and counts.
fn update_all(links: &[(Link, &Pair)], end: Instant) -> io::Result<u64> {
    let mut updates = 0;
    loop {
        for second in [true, false] {
            for (link, pair) in links {
                if Instant::now() >= end {
                    return Ok(updates);
                }
                link.update(if second { pair.b.as_fd() } else { pair.a.as_fd() }, None)?;
                updates += 1;
            }
        }
    }
}
