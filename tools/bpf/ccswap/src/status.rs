// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap status`: every struct_ops link.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::bpffs;
use crate::cli::Status;
use crate::link;
use crate::netns;
use crate::output;
use crate::table::{Table, Tables};
use crate::tcp_diag;

/// The struct_ops type whose users are counted.
const TCP: &str = "tcp_congestion_ops";

/// A link as the user sees it. What a detached link held is not known.
#[derive(Debug, Serialize)]
struct Row {
    /// The link's id.
    id: u32,
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
    let rows = collect()?;
    if args.json {
        output::say(serde_json::to_string_pretty(&rows)?, "")
    } else {
        output::say(format(&rows).trim_end(), "")
    }
}

/// Asks the kernel.
fn collect() -> Result<Vec<Row>> {
    let links = link::all()?;
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let tables = Tables::new()?;
    let mut pins = bpffs::link_pins()?;
    let users = count_users()?;
    Ok(links
        .into_iter()
        .map(|link| {
            // The map may be replaced and go while it is looked at.
            let table = link.map_id.and_then(|id| tables.of_map(id).ok());
            let (kind, name) =
                table.map_or((None, None), |Table { kind, name }| (Some(kind), name));
            let is_tcp = kind.as_deref() == Some(TCP);
            Row {
                id: link.id,
                sockets: name
                    .as_ref()
                    .filter(|_| is_tcp)
                    .map(|name| users.get(name).copied().unwrap_or_default()),
                kind,
                name,
                map_id: link.map_id,
                pins: pins.remove(&link.id).unwrap_or_default(),
            }
        })
        .collect())
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
        return "no struct_ops links\n".into();
    }
    let mut lines = vec![["ID", "TYPE", "NAME", "MAP", "SOCKETS", "PINS"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        let pins: Vec<_> = row.pins.iter().map(|pin| pin.display().to_string()).collect();
        [
            row.id.to_string(),
            or_dash(row.kind.clone()),
            or_dash(row.name.clone()),
            row.map_id.map_or_else(|| "detached".into(), |id| id.to_string()),
            or_dash(row.sockets.map(|count| count.to_string())),
            or_dash((!pins.is_empty()).then(|| pins.join(" "))),
        ]
    }));
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<_> = (0..5).map(width).collect();
    lines
        .iter()
        .map(|line| {
            let padded = widths.iter().zip(line).map(|(width, cell)| format!("{cell:width$}"));
            let cells: Vec<_> = padded.chain([line[5].clone()]).collect();
            cells.join("  ") + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attached link, and a detached one.
    fn rows() -> [Row; 2] {
        [
            Row {
                id: 5,
                kind: Some(TCP.into()),
                name: Some("ccswap".into()),
                map_id: Some(12),
                sockets: Some(0),
                pins: vec!["/sys/fs/bpf/a".into(), "/sys/fs/bpf/b".into()],
            },
            Row { id: 16, kind: None, name: None, map_id: None, sockets: None, pins: vec![] },
        ]
    }

    #[test]
    fn shows_one_link_to_a_line() {
        assert_eq!(
            format(&rows()),
            "ID  TYPE                NAME    MAP       SOCKETS  PINS\n\
             5   tcp_congestion_ops  ccswap  12        0        /sys/fs/bpf/a /sys/fs/bpf/b\n\
             16  -                   -       detached  -        -\n"
        );
        assert_eq!(format(&[]), "no struct_ops links\n");
    }

    #[test]
    fn json_has_every_field_of_every_link() {
        let json = serde_json::to_value(rows()).unwrap();
        assert_eq!(
            json,
            serde_json::json!([
                {"id": 5, "type": TCP, "name": "ccswap", "map_id": 12, "sockets": 0,
                 "pins": ["/sys/fs/bpf/a", "/sys/fs/bpf/b"]},
                {"id": 16, "type": null, "name": null, "map_id": null, "sockets": null, "pins": []},
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
