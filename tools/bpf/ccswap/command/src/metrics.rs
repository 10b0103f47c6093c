// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap metrics`: the links, and the sockets of their versions, for Prometheus.

use anyhow::{Context, Result};
use struct_ops::iterators::Iterators;
use struct_ops::table::{TCP, Table, Tables};
use struct_ops::versions::Snapshot;
use struct_ops::{before, link, output};

use crate::cli::Metrics;
use crate::exposition::Gauge;
use crate::versions::{self, Row};
use crate::whole_file;

/// A link, and the versions of its table that sockets run.
#[derive(Debug)]
struct Link {
    /// Its id.
    id: u32,
    /// The id of the map behind it; none once it is detached.
    map_id: Option<u32>,
    /// What it registers, if that can be seen.
    table: Option<Table>,
    /// The versions, of a TCP congestion control.
    versions: Vec<Row>,
}

/// Runs the command.
pub fn run(args: &Metrics) -> Result<()> {
    let text = format(&collect()?);
    match &args.output {
        Some(path) => whole_file::write(path, &text)
            .with_context(|| format!("cannot write {}", path.display())),
        None => Ok(output::say(text.trim_end(), "")?),
    }
}

/// Asks the kernel for the links, and looks at the sockets once for all of them.
fn collect() -> Result<Vec<Link>> {
    let found = link::all()?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let tables = Tables::new()?;
    let mut links: Vec<_> = found
        .into_iter()
        .map(|link| Link {
            id: link.id,
            map_id: link.map_id,
            // The map may be replaced and go while it is looked at.
            table: link.map_id.and_then(|id| tables.of_map(id).ok()),
            versions: Vec::new(),
        })
        .collect();
    let is_tcp = |link: &Link| link.table.as_ref().is_some_and(|table| table.kind == TCP);
    if links.iter().any(is_tcp) {
        let snapshot = Snapshot::take(&Iterators::load()?)?;
        for link in links.iter_mut().filter(|link| is_tcp(link)) {
            if let (Some(table), Some(map)) = (&link.table, link.map_id) {
                let maps = (map, before::kept_id(link.id));
                let versions = snapshot.versions(table, maps, &tables);
                link.versions = versions.iter().map(|one| versions::row(one, false)).collect();
            }
        }
    }
    Ok(links)
}

/// Lays the links out as metrics.
fn format(links: &[Link]) -> String {
    let mut count = Gauge::new("struct_ops_links", "Number of struct_ops links.");
    let mut info = Gauge::new(
        "struct_ops_link_info",
        "A struct_ops link, with what it registers and the map behind it; no map if it is detached.",
    );
    let mut map = Gauge::new(
        "struct_ops_link_map_id",
        "Id of the map behind the link, which changes with each update.",
    );
    let mut sockets = Gauge::new(
        "struct_ops_link_sockets",
        "TCP sockets that run a version of the table: the one behind the link, or an older one.",
    );
    let mut age = Gauge::new(
        "struct_ops_link_version_age_seconds",
        "Time since a version of the table was loaded.",
    );

    count.add(&[], links.len() as u64);
    for link in links {
        let id = link.id.to_string();
        let kind = link.table.as_ref().map_or("", |table| &table.kind);
        let name = link.table.as_ref().and_then(|table| table.name.as_deref()).unwrap_or_default();
        let behind = link.map_id.map(|map| map.to_string()).unwrap_or_default();
        info.add(&[("link", &id), ("type", kind), ("name", name), ("map_id", &behind)], 1);
        if let Some(number) = link.map_id {
            map.add(&[("link", &id), ("name", name)], number.into());
        }
        for version in &link.versions {
            let (number, current) = (version.map_id.to_string(), version.current.to_string());
            let labels =
                [("link", &*id), ("name", name), ("map_id", &*number), ("current", &*current)];
            for (state, count) in [
                ("listening", version.listening),
                ("established", version.established),
                ("other", version.other),
            ] {
                sockets.add(&[labels.as_slice(), &[("state", state)]].concat(), count as u64);
            }
            if let Some(seconds) = version.age {
                age.add(&labels, seconds);
            }
        }
    }
    [count, info, map, sockets, age].map(|gauge| gauge.to_string()).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version with a few sockets.
    fn version(map_id: u32, current: bool) -> Row {
        let age = current.then_some(12);
        let (kept, sockets) = (false, vec![]);
        Row { map_id, current, kept, age, listening: 1, established: 2, other: 0, sockets }
    }

    /// The samples, without help and types.
    fn samples(links: &[Link]) -> Vec<String> {
        let text = format(links);
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn a_congestion_control_has_a_line_for_each_version_and_state() {
        let table = Table { kind: TCP.into(), name: Some("a\"b".into()) };
        let versions = vec![version(9, true), version(7, false)];
        let link = Link { id: 5, map_id: Some(9), table: Some(table), versions };
        let sockets =
            |rest: &str| format!("struct_ops_link_sockets{{link=\"5\",name=\"a\\\"b\",{rest}");
        assert_eq!(
            samples(&[link]),
            [
                "struct_ops_links 1".to_owned(),
                "struct_ops_link_info{link=\"5\",type=\"tcp_congestion_ops\",name=\"a\\\"b\",map_id=\"9\"} 1"
                    .into(),
                "struct_ops_link_map_id{link=\"5\",name=\"a\\\"b\"} 9".into(),
                sockets("map_id=\"9\",current=\"true\",state=\"listening\"} 1"),
                sockets("map_id=\"9\",current=\"true\",state=\"established\"} 2"),
                sockets("map_id=\"9\",current=\"true\",state=\"other\"} 0"),
                sockets("map_id=\"7\",current=\"false\",state=\"listening\"} 1"),
                sockets("map_id=\"7\",current=\"false\",state=\"established\"} 2"),
                sockets("map_id=\"7\",current=\"false\",state=\"other\"} 0"),
                "struct_ops_link_version_age_seconds{link=\"5\",name=\"a\\\"b\",map_id=\"9\",current=\"true\"} 12"
                    .into(),
            ]
        );
    }

    #[test]
    fn a_link_of_another_type_and_a_detached_one_have_no_sockets() {
        let table = Table { kind: "hid_bpf_ops".into(), name: None };
        let links = [
            Link { id: 5, map_id: Some(9), table: Some(table), versions: vec![] },
            Link { id: 6, map_id: None, table: None, versions: vec![] },
        ];
        assert_eq!(
            samples(&links),
            [
                "struct_ops_links 2",
                "struct_ops_link_info{link=\"5\",type=\"hid_bpf_ops\",name=\"\",map_id=\"9\"} 1",
                "struct_ops_link_info{link=\"6\",type=\"\",name=\"\",map_id=\"\"} 1",
                "struct_ops_link_map_id{link=\"5\",name=\"\"} 9",
            ]
        );
    }

    #[test]
    fn every_metric_is_explained_even_without_links() {
        let text = format(&[]);
        for what in ["# HELP struct_ops", "# TYPE struct_ops"] {
            assert_eq!(text.lines().filter(|line| line.starts_with(what)).count(), 5, "{text}");
        }
        assert_eq!(samples(&[]), ["struct_ops_links 0"]);
    }
}
