// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap status`: every struct_ops link.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use struct_ops::holder::{self, Holder};
use struct_ops::table::{TCP, Table, Tables};
use struct_ops::{bpffs, link, netns, output, tcp_diag};

use crate::cli::Status;
use crate::{table, versions};

/// A registration as the user sees it. What a detached link held is not known.
#[derive(Debug, Serialize)]
struct Row {
    /// What holds it: a link, a map, a module, or the kernel.
    holder: String,
    /// The link's id.
    id: Option<u32>,
    /// The table's type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The name that it registers.
    name: Option<String>,
    /// The id of the map that holds the table.
    map_id: Option<u32>,
    /// The open TCP sockets that use the name.
    sockets: Option<usize>,
    /// Where the link is pinned.
    pins: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Status) -> Result<()> {
    if let Some(link) = &args.link {
        return versions::show(link, args.json, args.sockets);
    }
    let rows = collect(args.all)?;
    if args.json {
        output::say(serde_json::to_string_pretty(&rows)?, "")?;
    } else {
        output::say(format(&rows), "")?;
    }
    Ok(())
}

/// Asks the kernel for the links, and for what is registered without one if it shall be all.
fn collect(all: bool) -> Result<Vec<Row>> {
    let links = link::all()?;
    if links.is_empty() && !all {
        return Ok(Vec::new());
    }
    let tables = Tables::new()?;
    let mut pins = bpffs::link_pins()?;
    let users = count_users()?;
    let row = |holder: &str, table: Option<Table>| {
        let (kind, name) = table.map_or((None, None), |table| (Some(table.kind), table.name));
        let tcp_name = name.as_ref().filter(|_| kind.as_deref() == Some(TCP));
        let sockets = tcp_name.map(|name| users.get(name).copied().unwrap_or_default());
        Row { holder: holder.into(), id: None, kind, name, map_id: None, sockets, pins: vec![] }
    };

    let mut rows: Vec<_> = links
        .into_iter()
        .map(|link| Row {
            id: Some(link.id),
            map_id: link.map_id,
            pins: pins.remove(&link.id).unwrap_or_default(),
            // The map may be replaced and go while it is looked at.
            ..row("link", link.map_id.and_then(|id| tables.of_map(id).ok()))
        })
        .collect();
    if all {
        for (id, table) in holder::without_link(&tables) {
            rows.push(Row { map_id: Some(id), ..row("map", Some(table)) });
        }
        let known: Vec<_> = rows.iter().filter_map(|row| row.name.clone()).collect();
        for (name, holder) in holder::of_the_kernel(&known) {
            let holder = match holder {
                Holder::Module(module) => module,
                _ => "built-in".into(),
            };
            rows.push(row(&holder, Some(Table { kind: TCP.into(), name: Some(name) })));
        }
    }
    Ok(rows)
}

/// Counts, by the name of their congestion control, the sockets of every
/// namespace that can be entered.
fn count_users() -> Result<HashMap<String, usize>> {
    let mut users = HashMap::new();
    for namespace in netns::all()? {
        match netns::within(&namespace, tcp_diag::sockets) {
            Ok(sockets) => {
                for name in sockets.into_iter().filter_map(|socket| socket.congestion) {
                    *users.entry(name).or_default() += 1;
                }
            }
            // A process may end, and its namespace with it.
            Err(_) if !namespace.exists() => {}
            Err(error) => {
                output::complain(format_args!("ccswap: sockets not counted: {error:#}\n"));
            }
        }
    }
    Ok(users)
}

/// Lays the rows out as a table.
fn format(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no struct_ops links".into();
    }
    let cells = rows.iter().map(|row| {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        let pins: Vec<_> = row.pins.iter().map(|pin| pin.display().to_string()).collect();
        let map = match (row.map_id, row.id) {
            (Some(id), _) => id.to_string(),
            (None, Some(_)) => "detached".into(),
            (None, None) => "-".into(),
        };
        let place = if row.id.is_none() { row.holder.clone() } else { pins.join(" ") };
        [
            or_dash(row.id.map(|id| id.to_string())),
            or_dash(row.kind.clone()),
            or_dash(row.name.clone()),
            map,
            or_dash(row.sockets.map(|count| count.to_string())),
            or_dash((!place.is_empty()).then_some(place)),
        ]
    });
    table::text(&["ID", "TYPE", "NAME", "MAP", "SOCKETS", "PINS"], 4..5, cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attached link, a detached one, and a module.
    fn rows() -> [Row; 3] {
        [
            Row {
                holder: "link".into(),
                id: Some(5),
                kind: Some(TCP.into()),
                name: Some("ccswap".into()),
                map_id: Some(12),
                sockets: Some(0),
                pins: vec!["/sys/fs/bpf/a".into(), "/sys/fs/bpf/b".into()],
            },
            Row {
                holder: "link".into(),
                id: Some(16),
                kind: None,
                name: None,
                map_id: None,
                sockets: None,
                pins: vec![],
            },
            Row {
                holder: "tcp_bbr".into(),
                id: None,
                kind: Some(TCP.into()),
                name: Some("bbr".into()),
                map_id: None,
                sockets: Some(3),
                pins: vec![],
            },
        ]
    }

    #[test]
    fn shows_one_link_to_a_line() {
        assert_eq!(
            format(&rows()),
            "ID  TYPE                NAME    MAP       SOCKETS  PINS\n\
             5   tcp_congestion_ops  ccswap  12              0  /sys/fs/bpf/a /sys/fs/bpf/b\n\
             16  -                   -       detached        -  -\n\
             -   tcp_congestion_ops  bbr     -               3  tcp_bbr"
        );
        assert_eq!(format(&[]), "no struct_ops links");
    }

    #[test]
    fn json_has_every_field_of_every_link() {
        let json = serde_json::to_value(rows()).unwrap();
        assert_eq!(
            json,
            serde_json::json!([
                {"holder": "link", "id": 5, "type": TCP, "name": "ccswap", "map_id": 12, "sockets": 0,
                 "pins": ["/sys/fs/bpf/a", "/sys/fs/bpf/b"]},
                {"holder": "link", "id": 16, "type": null, "name": null, "map_id": null,
                 "sockets": null, "pins": []},
                {"holder": "tcp_bbr", "id": null, "type": TCP, "name": "bbr", "map_id": null,
                 "sockets": 3, "pins": []},
            ])
        );
    }

    #[test]
    fn counts_the_sockets_of_this_namespace_by_name() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sockets = tcp_diag::sockets().unwrap();
        let own = sockets.iter().find(|socket| socket.port == port).unwrap();
        let users = count_users().unwrap();
        assert!(users[own.congestion.as_ref().unwrap()] >= 1);
    }
}
