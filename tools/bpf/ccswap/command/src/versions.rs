// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap status LINK`: which version its sockets run.

use std::iter;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use struct_ops::iterators::{Iterators, State};
use struct_ops::link::{Link, LinkRef};
use struct_ops::table::{TCP, Table, Tables};
use struct_ops::versions::{Snapshot, Version};
use struct_ops::{before, output};

use crate::{live, table};

/// What is shown of a version.
const HEADING: [&str; 6] = ["MAP", "VERSION", "AGE", "LISTENING", "ESTABLISHED", "OTHER"];

/// How long the bar of a version is that all sockets run, in characters: 80 columns hold the line.
const BAR: usize = 12;

/// Looks at the versions of one link, again and again if need be.
pub struct Observer {
    /// The link.
    link: Link,
    /// The kernel's types.
    tables: Tables,
    /// What sees the sockets.
    iterators: Iterators,
    /// What the link registers.
    table: Table,
}

impl Observer {
    /// Begins with a link of a congestion control.
    pub fn new(name: &LinkRef) -> Result<Self> {
        let link = Link::open(name)?;
        let map = link.info()?.map_id.with_context(|| format!("{name} is detached"))?;
        let tables = Tables::new()?;
        let table = tables.of_map(map)?;
        if table.kind != TCP {
            bail!("{name} holds a {}, which no TCP socket runs", table.kind);
        }
        Ok(Self { link, tables, iterators: Iterators::load()?, table })
    }

    /// The versions now; none once the link is detached.
    pub fn versions(&self) -> Result<Vec<Version>> {
        let info = self.link.info()?;
        let Some(current) = info.map_id else {
            return Ok(Vec::new());
        };
        let maps = (current, before::kept_id(info.id));
        Ok(Snapshot::take(&self.iterators)?.versions(&self.table, maps, &self.tables))
    }

    /// What moves sockets.
    pub fn iterators(&self) -> &Iterators {
        &self.iterators
    }

    /// The name that the link registers.
    pub fn name(&self) -> &str {
        self.table.name.as_deref().unwrap_or_default()
    }
}

/// A version as JSON has it.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The id of its map.
    pub map_id: u32,
    /// Whether it is the one behind the link.
    pub current: bool,
    /// Whether it is kept for a rollback.
    pub kept: bool,
    /// Since when it is loaded, in seconds; none if the kernel does not tell.
    pub age: Option<u64>,
    /// How many sockets listen.
    pub listening: usize,
    /// How many are connected.
    pub established: usize,
    /// How many connect or close.
    pub other: usize,
    /// Each of them, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sockets: Vec<SocketRow>,
}

/// A socket as JSON has it.
#[derive(Debug, Serialize)]
pub struct SocketRow {
    /// What it does.
    state: String,
    /// Its own address.
    local: String,
    /// The other end's.
    remote: String,
    /// A file of its network namespace.
    namespace: PathBuf,
}

/// Runs `status LINK`.
pub fn show(link: &LinkRef, json: bool, list: bool) -> Result<()> {
    let rows: Vec<_> =
        Observer::new(link)?.versions()?.iter().map(|version| row(version, list)).collect();
    if json {
        output::say(serde_json::to_string_pretty(&rows)?, "")?;
    } else {
        output::say(format(&rows).trim_end(), "")?;
    }
    Ok(())
}

/// Takes from a version what is shown.
pub fn row(version: &Version, list: bool) -> Row {
    let sockets = version.sockets.iter().filter(|_| list).map(|socket| SocketRow {
        state: socket.state.to_string(),
        local: socket.local.to_string(),
        remote: socket.remote.to_string(),
        namespace: socket.namespace.clone(),
    });
    Row {
        map_id: version.map_id,
        current: version.current,
        kept: version.kept,
        age: version.place.age.as_ref().map(Duration::as_secs),
        listening: version.count(State::Listening),
        established: version.count(State::Established),
        other: version.count(State::Other),
        sockets: sockets.collect(),
    }
}

/// The cells of a version.
fn cells(row: &Row) -> Vec<String> {
    let place = match row {
        Row { current: true, .. } => "current",
        Row { kept: true, .. } => "kept",
        _ => "other",
    };
    vec![
        row.map_id.to_string(),
        place.into(),
        row.age.map_or("-".into(), |seconds| format!("{seconds} s")),
        row.listening.to_string(),
        row.established.to_string(),
        row.other.to_string(),
    ]
}

/// Lays the versions out as a table, each with its sockets below it.
fn format(rows: &[Row]) -> String {
    let table = table::text(&HEADING, 2..6, rows.iter().map(cells));
    let mut text = String::new();
    // The heading has no sockets below it.
    let sockets = iter::once(&[][..]).chain(rows.iter().map(|row| &row.sockets[..]));
    for (line, sockets) in table.lines().zip(sockets) {
        text += &format!("{line}\n");
        for SocketRow { state, local, remote, namespace } in sockets {
            text += &format!("  {state:<11} {local} {remote} in {}\n", namespace.display());
        }
    }
    text
}

/// Lays the versions out as a table that also shows which share of the sockets runs each.
pub fn shares(versions: &[Version]) -> String {
    let rows: Vec<_> = versions.iter().map(|version| row(version, false)).collect();
    format_shares(&rows)
}

/// See [`shares`].
fn format_shares(rows: &[Row]) -> String {
    let count = |row: &Row| row.listening + row.established + row.other;
    let all: usize = rows.iter().map(count).sum();
    let rows = rows.iter().map(|row| {
        // Without a socket no version has a share.
        let share = count(row) as f64 / all.max(1) as f64;
        let more = [format!("{:.1} %", share * 100.0), live::bar(share, BAR)];
        [cells(row), more.into()].concat()
    });
    table::text(&[&HEADING[..], &["SHARE", ""]].concat(), 2..7, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version of which one socket listens and so many are connected.
    fn version(map_id: u32, current: bool, established: usize) -> Row {
        Row {
            map_id,
            current,
            kept: false,
            age: current.then_some(12),
            listening: 1,
            established,
            other: 0,
            sockets: Vec::new(),
        }
    }

    #[test]
    fn shows_a_version_to_a_line_and_its_sockets_below() {
        let mut old = version(7, false, 2);
        old.sockets.push(SocketRow {
            state: "established".into(),
            local: "10.0.0.1:80".into(),
            remote: "10.0.0.2:4711".into(),
            namespace: "/run/netns/a".into(),
        });
        assert_eq!(
            format(&[version(9, true, 2), old]),
            "MAP  VERSION   AGE  LISTENING  ESTABLISHED  OTHER\n\
             9    current  12 s          1            2      0\n\
             7    other       -          1            2      0\n\
             \x20 established 10.0.0.1:80 10.0.0.2:4711 in /run/netns/a\n"
        );
    }

    #[test]
    fn shows_which_share_of_the_sockets_runs_a_version() {
        assert_eq!(
            format_shares(&[version(9, true, 2), version(7, false, 0)]),
            "MAP  VERSION   AGE  LISTENING  ESTABLISHED  OTHER   SHARE\n\
             9    current  12 s          1            2      0  75.0 %  █████████\n\
             7    other       -          1            0      0  25.0 %  ███"
        );
        let long = Row { age: Some(99_999), ..version(1_234_567, true, 1_000_000) };
        assert!(format_shares(&[long]).lines().all(|line| line.chars().count() <= 80));
        let idle = Row { listening: 0, ..version(9, true, 0) };
        assert!(format_shares(&[idle]).contains(" 0.0 %"));
    }
}
