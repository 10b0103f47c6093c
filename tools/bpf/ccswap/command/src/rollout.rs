// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap rollout`: a new version for a growing share of new connections, while a guard holds.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use struct_ops::iterators::Iterators;
use struct_ops::link::Link;
use struct_ops::object::StructOps;
use struct_ops::table::{TCP, Table, Tables};
use struct_ops::trial::{self, Accounts, Trial};
use struct_ops::{attach, output};

use crate::cli::Rollout;
use crate::guard::{self, Guard};
use crate::live::Live;
use crate::migrate;
use crate::progress;
use crate::steps::Share;
use crate::update;

/// How often the accounts are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How many times as long as it should a step is held when there are too few connections.
const PATIENCE: u32 = 10;

/// What a step has come to.
#[derive(Debug, Serialize)]
struct Step {
    /// The share of new connections that got the new version, in percent.
    percent: f64,
    /// How long it was held.
    seconds: f64,
    /// What was seen since the roll-out began.
    accounts: Accounts,
}

/// Why a roll-out ended before its time.
#[derive(Debug)]
enum Stop {
    /// Conditions of the guard are broken.
    Guard(Vec<String>),
    /// There are too few connections to judge by.
    TooFew(u64),
    /// A signal came.
    Signal(usize),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Guard(broken) => f.write_str(&broken.join("; ")),
            Self::TooFew(seen) => {
                write!(f, "only {seen} connections got the new version, too few to judge by")
            }
            Self::Signal(number) => write!(f, "interrupted by signal {number}"),
        }
    }
}

/// The report of a roll-out.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// The id of the link.
    link: u32,
    /// The name that it registers.
    name: &'a str,
    /// The id of the map that it held.
    old_map: u32,
    /// The id of the map that it holds now.
    map: u32,
    /// Each step that was held.
    steps: &'a [Step],
    /// Why it went back; none if it did not.
    went_back: Option<String>,
}

/// What is rolled out.
struct Plan {
    /// The link.
    link: Link,
    /// Its id.
    id: u32,
    /// The map that it holds.
    old_map: u32,
    /// What it registers.
    table: Table,
    /// The kernel's types.
    tables: Tables,
    /// The new version under its own name, for the end.
    new: StructOps,
    /// What moves connections.
    iterators: Iterators,
}

/// Runs the command.
pub fn run(args: &Rollout) -> Result<ExitCode> {
    let (mut plan, second) = plan(args)?;
    let name = plan.table.name.clone().unwrap_or_default();
    let cgroup = args.cgroup.clone().map_or_else(trial::root_cgroup, Ok)?;
    if args.dry_run {
        output::say(describe(args, &name, &cgroup), "")?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = args
        .report
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("cannot write {}", path.display())))
        .transpose()?;
    let signal = Arc::new(AtomicUsize::new(0));
    for number in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_usize(number, Arc::clone(&signal), number as usize)?;
    }

    let trial = Trial::begin(second, &plan.table, &plan.tables, &cgroup)?;
    let mut steps = Vec::new();
    let finished = hold_all(&trial, args, &signal, &mut steps).and_then(|stop| match stop {
        Some(stop) => Ok(Err(stop)),
        None => finish(args, &plan).map(Ok),
    });
    // Whatever it was, nothing of the trial stays.
    let moved = trial.end(&plan.iterators);
    let finished = finished?;
    if finished.is_ok() {
        plan.new.keep();
    }
    let map = plan.link.info()?.map_id.unwrap_or_default();
    if let Some(file) = report {
        let went_back = finished.as_ref().err().map(Stop::to_string);
        let (link, old_map) = (plan.id, plan.old_map);
        let report = Report { link, name: &name, old_map, map, steps: &steps, went_back };
        serde_json::to_writer_pretty(file, &report).context("cannot write the report")?;
    }
    let moved = moved.map(|moved| migrate::said(&moved)).unwrap_or_else(|error| error.to_string());
    let stop = match finished {
        Ok(kept) => {
            let done = format!(
                "rolled out {}: link {}, map {map} in place of {}{kept}; of the trial, {moved}",
                plan.table, plan.id, plan.old_map
            );
            output::say(&done, &done)?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(stop) => stop,
    };
    output::complain(format_args!(
        "ccswap: went back: {stop}; link {} holds map {map} as before; of the trial, {moved}\n",
        plan.id
    ));
    Ok(match stop {
        Stop::Signal(number) => ExitCode::from(128 + number as u8),
        Stop::Guard(_) | Stop::TooFew(_) => ExitCode::FAILURE,
    })
}

/// Loads all that is needed, and changes nothing. Also returns the new version under the second
/// name, which the trial takes.
fn plan(args: &Rollout) -> Result<(Plan, StructOps)> {
    let link = Link::open(&args.link)?;
    let info = link.info()?;
    let old_map = info.map_id.with_context(|| format!("{} is detached", args.link))?;
    let tables = Tables::new()?;
    let table = tables.of_map(old_map)?;
    let name = match &table {
        Table { kind, name: Some(name) } if kind == TCP => trial::name(name),
        _ => bail!("{} holds a {table}; only connections can be tried in shares", args.link),
    };
    let new = StructOps::load_file(&args.source.object, args.source.map.as_deref())?;
    let found = tables.of(new.map())?;
    if found != table {
        bail!("{} holds {table}, the object {found}; a roll-out keeps the name", args.link);
    }
    let second = StructOps::load_file_as(&args.source.object, args.source.map.as_deref(), &name)?;
    let iterators = Iterators::load()?;
    Ok((Plan { link, id: info.id, old_map, table, tables, new, iterators }, second))
}

/// What would be done.
fn describe(args: &Rollout, name: &str, cgroup: &Path) -> String {
    let mut lines = vec![format!(
        "{} is taken by this kernel; connections that choose `{name}` in {} would get it as `{}`:",
        args.source.object.display(),
        cgroup.display(),
        trial::name(name)
    )];
    for share in args.steps.but_last() {
        lines.push(format!(
            "  {share} for {}, and until {} connections were seen",
            args.hold, args.at_least
        ));
    }
    lines.push(format!("  100% by an update of {}", args.link));
    lines.push(format!("while {} holds", args.guard));
    lines.join("\n")
}

/// Holds each step but the last. Returns why the roll-out is to stop, if it is.
fn hold_all(
    trial: &Trial,
    args: &Rollout,
    signal: &AtomicUsize,
    steps: &mut Vec<Step>,
) -> Result<Option<Stop>> {
    let mut live = Live::new();
    live.say(heading())?;
    for share in args.steps.but_last() {
        trial.set_share(share.ten_thousandths())?;
        let begun = Instant::now();
        let stop = hold(trial, args, signal, *share, &mut live)?;
        let accounts = trial.accounts()?;
        let seconds = begun.elapsed().as_secs_f64();
        steps.push(Step { percent: share.percent(), seconds, accounts });
        live.say(lines(*share, seconds, &accounts))?;
        if stop.is_some() {
            return Ok(stop);
        }
    }
    Ok(None)
}

/// Holds a step as long as it should be.
fn hold(
    trial: &Trial,
    args: &Rollout,
    signal: &AtomicUsize,
    share: Share,
    live: &mut Live,
) -> Result<Option<Stop>> {
    let begun = Instant::now();
    loop {
        thread::sleep(LOOK);
        let number = signal.load(Ordering::Relaxed);
        if number != 0 {
            return Ok(Some(Stop::Signal(number)));
        }
        let accounts = trial.accounts()?;
        let held = begun.elapsed();
        let enough = accounts.new.connections >= args.at_least;
        let stop = judge(&args.guard, &accounts, enough, held >= *args.hold * PATIENCE);
        if stop.is_some() || (enough && held >= *args.hold) {
            return Ok(stop);
        }
        live.draw(&progress::text(args, share, held, &accounts));
    }
}

/// Whether a step has to stop.
fn judge(guard: &Guard, accounts: &Accounts, enough: bool, too_long: bool) -> Option<Stop> {
    if !enough {
        return too_long.then_some(Stop::TooFew(accounts.new.connections));
    }
    let broken = guard.broken(accounts);
    (!broken.is_empty()).then_some(Stop::Guard(broken))
}

/// The heading of what was seen of both versions. The lines below it come one after another, so
/// the widths are fixed.
pub fn heading() -> String {
    format!(
        "{:<6} {:>6} {:<8} {:>11} {:>12} {:>12} {:>16}",
        "SHARE", "HELD", "VERSION", "CONNECTIONS", "RETRANSMITS", "RTT", "RATE"
    )
}

/// A line for each version.
pub fn lines(share: Share, seconds: f64, accounts: &Accounts) -> String {
    let line = |first: String, held: String, version, account| {
        let [retransmits, rtt, rate] = guard::columns(account);
        format!(
            "{first:<6} {held:>6} {version:<8} {:>11} {retransmits:>12} {rtt:>12} {rate:>16}",
            account.connections
        )
    };
    [
        line(share.to_string(), format!("{seconds:.0} s"), "new", &accounts.new),
        line(String::new(), String::new(), "old", &accounts.old),
    ]
    .join("\n")
}

/// Puts the new version behind the link. Returns what there is to say of the version before.
fn finish(args: &Rollout, plan: &Plan) -> Result<String> {
    let new = (&plan.new, &plan.table);
    let replaced = attach::update((&plan.link, &args.link), new, Some(plan.old_map), &plan.tables)?;
    Ok(update::keep_before(plan.id, &replaced))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_judged_once_there_are_enough_connections() {
        let guard: Guard = "rtt<1ms".parse().unwrap();
        let mut accounts = Accounts::default();
        accounts.new.rtt_us = 2000;
        accounts.new.rtt_samples = 1;
        assert!(judge(&guard, &accounts, false, false).is_none());
        assert!(matches!(judge(&guard, &accounts, false, true), Some(Stop::TooFew(0))));
        assert!(matches!(judge(&guard, &accounts, true, false), Some(Stop::Guard(_))));
        accounts.new.rtt_us = 500;
        assert!(judge(&guard, &accounts, true, true).is_none());
    }

    #[test]
    fn shows_both_versions() {
        let mut accounts = Accounts::default();
        accounts.new.connections = 3;
        accounts.old.connections = 97;
        let text = lines("3%".parse().unwrap(), 30.2, &accounts);
        let words: Vec<Vec<_>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["3%", "30", "s", "new", "3", "-", "-", "-"]);
        assert_eq!(words[1], ["old", "97", "-", "-", "-"]);
    }
}
