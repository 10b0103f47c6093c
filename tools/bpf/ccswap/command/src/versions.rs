// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap status LINK`: which version its sockets run.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use struct_ops::iterators::{Iterators, State};
use struct_ops::link::{Link, LinkRef};
use struct_ops::table::{TCP, Table, Tables};
use struct_ops::versions::{Snapshot, Version};
use struct_ops::{before, output};

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

/// Lays the versions out as a table, each with its sockets below it.
fn format(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<8} {:<8} {:>8} {:>10} {:>12} {:>6}\n",
        "MAP", "VERSION", "AGE", "LISTENING", "ESTABLISHED", "OTHER"
    );
    for row in rows {
        let age = row.age.map_or("-".into(), |seconds| format!("{seconds} s"));
        let place = match row {
            Row { current: true, .. } => "current",
            Row { kept: true, .. } => "kept",
            _ => "other",
        };
        text += &format!(
            "{:<8} {place:<8} {age:>8} {:>10} {:>12} {:>6}\n",
            row.map_id, row.listening, row.established, row.other
        );
        for socket in &row.sockets {
            text += &format!(
                "  {:<11} {} {} in {}\n",
                socket.state,
                socket.local,
                socket.remote,
                socket.namespace.display()
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_version_to_a_line_and_its_sockets_below() {
        let socket = SocketRow {
            state: "established".into(),
            local: "10.0.0.1:80".into(),
            remote: "10.0.0.2:4711".into(),
            namespace: "/run/netns/a".into(),
        };
        let version = |map_id, current, sockets| Row {
            map_id,
            current,
            kept: false,
            age: current.then_some(12),
            listening: 1,
            established: 2,
            other: 0,
            sockets,
        };
        assert_eq!(
            format(&[version(9, true, vec![]), version(7, false, vec![socket])]),
            "MAP      VERSION       AGE  LISTENING  ESTABLISHED  OTHER\n\
             9        current      12 s          1            2      0\n\
             7        other           -          1            2      0\n\
             \x20 established 10.0.0.1:80 10.0.0.2:4711 in /run/netns/a\n"
        );
    }
}
