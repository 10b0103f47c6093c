// SPDX-License-Identifier: GPL-2.0-only

//! What runs: each actor in a thread of its own, with its own random stream.

use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;

use crate::world::World;

/// Someone who does one thing at random, again and again.
pub trait Actor {
    /// Does it once. An error is a failure of the kernel's.
    fn step(&mut self, world: &World, rng: &mut Rng) -> Result<()>;

    /// A rest after each step, for what would starve the others.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }
}

/// How an actor is made, in its thread.
pub type Make = fn(&World, &mut Rng) -> Result<Box<dyn Actor>>;

/// The random stream of the actor with this number.
pub fn stream(seed: u64, number: usize) -> Rng {
    let mut seeds = Rng::with_seed(seed);
    let mut own = seeds.u64(..);
    for _ in 0..number {
        own = seeds.u64(..);
    }
    Rng::with_seed(own)
}

/// Starts an actor; its handle gives the number of its steps.
pub fn start<'scope, 'world: 'scope>(
    scope: &'scope Scope<'scope, 'world>,
    world: &'world World,
    name: &'static str,
    make: Make,
    mut rng: Rng,
) -> ScopedJoinHandle<'scope, u64> {
    scope.spawn(move || {
        let mut steps = 0;
        let mut actor = match make(world, &mut rng).context("cannot begin") {
            Ok(actor) => actor,
            Err(error) => {
                world.fail(name, &error);
                return steps;
            }
        };
        loop {
            if let Err(error) = actor.step(world, &mut rng) {
                world.fail(name, &error);
            }
            steps += 1;
            if !world.goes_on() {
                return steps;
            }
            std::thread::sleep(actor.rest());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_and_is_its_own() {
        let first = |seed, number| stream(seed, number).u64(..);
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
    }
}
