// SPDX-License-Identifier: GPL-2.0-only

//! What a terminal shows of a step of a roll-out while the step is held.

use std::time::Duration;

use struct_ops::trial::Accounts;

use crate::cli::Rollout;
use crate::live;
use crate::rollout;
use crate::steps::Share;

/// How long the bar of a step that was held long enough is, in characters.
const BAR: usize = 30;

/// The step, with the time that is left of it, what was seen of both versions, and the guard.
pub fn text(args: &Rollout, share: Share, held: Duration, accounts: &Accounts) -> String {
    let steps = args.steps.but_last();
    let at = steps.iter().take_while(|step| **step < share).count() + 1;
    let done = held.as_secs_f64() / args.hold.as_secs_f64();
    let mut lines = vec![
        format!(
            "step {at} of {}: {share}  {:<BAR$}  {}",
            steps.len() + 1,
            live::bar(done, BAR),
            left(args, held, accounts.new.connections)
        ),
        rollout::heading(),
        rollout::lines(share, held.as_secs_f64(), accounts),
    ];
    lines.extend(args.guard.lines(accounts));
    lines.join("\n")
}

/// What a step waits for.
fn left(args: &Rollout, held: Duration, seen: u64) -> String {
    let left = args.hold.saturating_sub(held);
    if left.is_zero() {
        format!("waits for {} connections, {seen} so far", args.at_least)
    } else {
        format!("{:.0} s left", left.as_secs_f64().ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    /// A roll-out as the user asks for it.
    fn rollout(line: &str) -> Rollout {
        match Cli::parse_from(line.split(' ')).command {
            Command::Rollout(args) => args,
            other => panic!("{other:?} is no roll-out"),
        }
    }

    #[test]
    fn shows_the_step_both_versions_and_the_guard() {
        let args =
            rollout("ccswap rollout id:1 a.o --hold 10s --steps 1%,50%,100% --guard rtt<5ms");
        let mut accounts = Accounts::default();
        accounts.new.connections = 3;
        accounts.new.rtt_us = 2500;
        accounts.new.rtt_samples = 1;
        let share = args.steps.but_last()[1];
        let text = text(&args, share, Duration::from_secs(5), &accounts);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], format!("step 2 of 3: 50%  {:<30}  5 s left", "█".repeat(15)));
        assert!(lines[1].starts_with("SHARE"), "{text}");
        let words: Vec<Vec<_>> =
            lines[2..].iter().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0][..5], ["50%", "5", "s", "new", "3"]);
        assert_eq!(words[1][..2], ["old", "0"]);
        assert_eq!(words[2], ["guard", "rtt<5ms", "holds:", "2.500", "ms"]);
        assert_eq!(words.len(), 3);
    }

    #[test]
    fn a_step_may_have_to_wait_for_connections() {
        let args = rollout("ccswap rollout id:1 a.o --hold 10s --at-least 40");
        let left = |seconds| left(&args, Duration::from_secs(seconds), 7);
        assert_eq!(left(4), "6 s left");
        assert_eq!(left(10), "waits for 40 connections, 7 so far");
    }
}
