// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap watch --events`: what happens to links, a line for each event.

use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use serde::Serialize;
use struct_ops::events::{Event, Events, What};
use struct_ops::link::{Link, LinkRef};
use struct_ops::output;

/// An event as JSON has it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    /// When it happened.
    time: String,
    /// What happened.
    #[serde(flatten)]
    what: &'a What,
}

/// Shows what happens to one link until it is released, or to all of them, until the deadline.
pub fn show(link: Option<&LinkRef>, deadline: Option<Instant>, json: bool) -> Result<()> {
    let link = link.map(Link::open).transpose()?;
    let only = link.as_ref().map(Link::info).transpose()?.map(|info| info.id);
    let events = Events::begin()?;
    // To keep it open would put its release off, which is not to be missed either.
    drop(link);
    let mut lost = 0;
    loop {
        let left =
            deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        for event in events.wait(left)? {
            if event.lost > lost {
                output::complain(format_args!(
                    "ccswap: {} events came faster than they were read, and are lost\n",
                    event.lost - lost
                ));
                lost = event.lost;
            }
            if only.is_some() && event.what.link_id() != only {
                continue;
            }
            let line = if json { json_line(&event)? } else { line(&event) };
            output::say(line, "")?;
            if only.is_some() && matches!(event.what, What::Release { .. }) {
                return Ok(());
            }
        }
        if left.is_zero() {
            return Ok(());
        }
    }
}

/// The time of day, and the day, in UTC.
fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// An event as a line of JSON.
fn json_line(event: &Event) -> serde_json::Result<String> {
    serde_json::to_string(&Row { time: time(event.time), what: &event.what })
}

/// An event as a line.
fn line(event: &Event) -> String {
    let (verb, rest) = match &event.what {
        What::Create { map_id, kind, .. } => ("create", format!("map {map_id}, a {kind}")),
        What::Update { old_map_id, map_id, ns, .. } => {
            ("update", format!("map {old_map_id} -> map {map_id} in {} µs", ns / 1000))
        }
        What::Detach { map_id, .. } => ("detach", format!("map {map_id}")),
        What::Release { map_id: Some(map_id), .. } => ("release", format!("map {map_id}")),
        What::Release { map_id: None, .. } => ("release", "detached before".into()),
        What::Refused { command, map_id, error, .. } => {
            ("refused", format!("{command} with map {map_id}: {error:?}"))
        }
    };
    let link = event.what.link_id().map_or("-".into(), |id| id.to_string());
    format!("{}  link {link:<5} {verb:<8} {rest}", time(event.time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;
    use struct_ops::events::Command;

    /// An event at noon.
    fn event(what: What) -> Event {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(43_200_250);
        Event { time, lost: 0, what }
    }

    /// One of each kind.
    fn all() -> Vec<Event> {
        let (link_id, map_id) = (1, 6);
        let refused = |command, link_id, error| What::Refused { command, link_id, map_id, error };
        [
            What::Create { link_id, map_id, kind: "tcp_congestion_ops".into() },
            What::Update { link_id, old_map_id: 5, map_id, ns: 2_345_678 },
            What::Detach { link_id, map_id },
            What::Release { link_id, map_id: Some(map_id) },
            What::Release { link_id, map_id: None },
            refused(Command::Create, None, Errno::EEXIST),
            refused(Command::Update, Some(12), Errno::EINVAL),
        ]
        .map(event)
        .into()
    }

    #[test]
    fn shows_each_kind_of_event() {
        let lines: Vec<_> = all().iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "1970-01-01T12:00:00.250Z  link 1     create   map 6, a tcp_congestion_ops",
                "1970-01-01T12:00:00.250Z  link 1     update   map 5 -> map 6 in 2345 µs",
                "1970-01-01T12:00:00.250Z  link 1     detach   map 6",
                "1970-01-01T12:00:00.250Z  link 1     release  map 6",
                "1970-01-01T12:00:00.250Z  link 1     release  detached before",
                "1970-01-01T12:00:00.250Z  link -     refused  create with map 6: EEXIST",
                "1970-01-01T12:00:00.250Z  link 12    refused  update with map 6: EINVAL",
            ]
        );
    }

    #[test]
    fn an_event_is_a_line_of_json() {
        let lines: Vec<serde_json::Value> = all()
            .iter()
            .map(|event| serde_json::from_str(&json_line(event).unwrap()).unwrap())
            .collect();
        let time = "1970-01-01T12:00:00.250Z";
        assert_eq!(
            lines[1],
            serde_json::json!({"time": time, "event": "update", "link_id": 1, "old_map_id": 5,
                               "map_id": 6, "ns": 2_345_678})
        );
        assert_eq!(
            lines[5],
            serde_json::json!({"time": time, "event": "refused", "command": "create",
                               "link_id": null, "map_id": 6, "error": "EEXIST"})
        );
        assert_eq!(lines[0]["type"], "tcp_congestion_ops");
        assert!(lines[4]["map_id"].is_null());
    }
}
