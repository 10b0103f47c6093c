// SPDX-License-Identifier: GPL-2.0-only

//! Runs sequences, each in a process of its own.

use std::fs::{self, File};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::ids::Objects;
use common::settle::settle;
use common::tables::Implementation;
use common::{namespace, sysctl};
use nix::libc;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use serde_json::{json, to_string};

use crate::links;
use crate::op::{Op, Sysctl};
use crate::sockets;
use crate::trace::{Ids, Step, Trace, name};
use crate::world::{World, implementations};

/// How long what was closed may exist: maps are freed after grace periods, one of them of tasks.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a step read, or its error.
pub type Done = io::Result<String>;

/// Where a sysctl is.
fn path(which: Sysctl) -> &'static str {
    match which {
        Sysctl::Default => sysctl::DEFAULT,
        Sysctl::Available => sysctl::AVAILABLE,
        Sysctl::Allowed => sysctl::ALLOWED,
    }
}

/// Reads a sysctl of the network namespace.
fn read(which: Sysctl) -> Done {
    Ok(sysctl::read(path(which))?.trim().to_owned())
}

/// Writes a sysctl of the network namespace.
fn write(sysctl: Sysctl, value: &str) -> Done {
    fs::write(path(sysctl), format!("{value}\n"))?;
    Ok(String::new())
}

/// What the sysctls of the initial network namespace are before all sequences.
struct Baseline {
    /// The default.
    default: String,
    /// What is allowed.
    allowed: String,
}

impl Baseline {
    /// Reads it.
    fn new() -> Result<Self> {
        Ok(Self { default: read(Sysctl::Default)?, allowed: read(Sysctl::Allowed)? })
    }

    /// Writes it, and says what is found then.
    fn restore(&self) -> Result<String> {
        write(Sysctl::Default, &self.default).context("cannot write the default")?;
        write(Sysctl::Allowed, &self.allowed).context("cannot write what is allowed")?;
        let found = [Sysctl::Default, Sysctl::Available, Sysctl::Allowed].map(read);
        Ok(found.into_iter().collect::<io::Result<Vec<_>>>()?.join(", "))
    }
}

/// Switches off what takes most of the time and has no part in what is compared.
fn spare() -> Result<()> {
    // Each name that is not registered would start modprobe, which finds no module.
    fs::write("/proc/sys/kernel/modprobe", "\n").context("cannot switch modprobe off")?;
    namespace::spare_tunnels().context("cannot do without devices for tunnels")
}

/// Runs the sequences of a file, one a line, and writes their traces, one a line,
/// each behind a line that says that it has begun.
pub fn file(sequences: &str, out: &mut File) -> Result<()> {
    spare()?;
    let implementations = implementations()?;
    let baseline = Baseline::new()?;
    let objects = Objects::now()?;
    for (sequence, line) in sequences.lines().enumerate() {
        let ops: Vec<Op> =
            serde_json::from_str(line).with_context(|| format!("sequence {sequence}"))?;
        writeln!(out, "{}", json!({ "begun": sequence }))?;
        // Should the kernel die, the host is to know in which sequence.
        out.sync_data()?;
        let begin = baseline.restore()?;
        let trace = |steps| Trace { sequence, begin: begin.clone(), steps };
        // SAFETY: this process has one thread.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let status = catch_unwind(AssertUnwindSafe(|| -> Result<()> {
                    let steps = steps(&ops, &implementations)?;
                    Ok(writeln!(out, "{}", to_string(&trace(steps))?)?)
                }));
                if let Ok(Err(error)) = &status {
                    eprintln!("fuzz: sequence {sequence}: {error:#}");
                }
                // SAFETY: nothing has to run any more; the parent's state is its own.
                unsafe { libc::_exit(i32::from(!matches!(status, Ok(Ok(()))))) };
            }
            ForkResult::Parent { child } => {
                // What fails alike on both kernels would pass for equal.
                let status = waitpid(child, None)?;
                let well = status == WaitStatus::Exited(child, 0);
                ensure!(well, "sequence {sequence} was not carried out: {status:?}");
            }
        }
    }
    baseline.restore()?;
    let left = settle(PATIENCE, || Ok(Objects::now()?.complaints(&objects)))?;
    ensure!(left.is_empty(), "of all sequences: {}", left.join(", "));
    Ok(())
}

/// Runs the steps of a sequence.
fn steps(ops: &[Op], implementations: &[Implementation]) -> Result<Vec<Step>> {
    let mut world = World::new(implementations)?;
    let mut ids = Ids::default();
    let mut steps = Vec::with_capacity(ops.len());
    for op in ops {
        let before = counted(op).then(|| world.started()).transpose()?;
        let result = match step(&mut world, &mut ids, op)? {
            Ok(read) if read.is_empty() => "ok".into(),
            Ok(read) => format!("ok {read}"),
            Err(error) => name(&error),
        };
        let started = match before {
            None => Vec::new(),
            Some(before) => {
                world.started()?.iter().zip(before).map(|(now, then)| now - then).collect()
            }
        };
        steps.push(Step { result, started });
    }
    world.end();
    Ok(steps)
}

/// Whether a step can start a connection, or begin to use a congestion control.
fn counted(op: &Op) -> bool {
    matches!(op, Op::Connect { .. } | Op::Accept { .. } | Op::SetCc { .. })
}

/// Runs a step; the outer error is the fuzzer's own.
fn step(world: &mut World<'_>, ids: &mut Ids, op: &Op) -> Result<Done> {
    Ok(match op {
        Op::Listen { socket } => sockets::listen(world, *socket),
        Op::SetCc { socket, name, ordinary } => sockets::set(world, *socket, name, *ordinary),
        Op::GetCc { socket } => sockets::get(world, *socket),
        Op::Connect { socket, to } => sockets::connect(world, *socket, *to),
        Op::Disconnect { socket } => sockets::disconnect(world, *socket),
        Op::Accept { listener, socket } => sockets::accept(world, *listener, *socket),
        Op::Enter { namespace } => world.enter(*namespace).map(|()| String::new()),
        Op::Read { sysctl } => read(*sysctl),
        Op::WriteSysctl { sysctl, value } => write(*sysctl, value),
        op => return links::step(world, ids, op),
    })
}
