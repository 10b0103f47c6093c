// SPDX-License-Identifier: GPL-2.0-only

//! What happens to struct_ops links, as the kernel's tracepoints tell it.
//!
//! The programs that listen to them are held by descriptors, so nothing stays of them when this
//! process ends.

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, SystemTime};

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Typedef;
use libbpf_rs::libbpf_sys as sys;
use libbpf_rs::{ErrorKind, Link, MapHandle, Object, RingBuffer, RingBufferBuilder};
use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};
use serde::{Serialize, Serializer};

use crate::error::{Error, Result};
use crate::object;

/// What `src/bpf/events.bpf.c` was compiled to.
const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/events.bpf.o"));
/// What the kernel's types have for the first tracepoint. The others come with it.
const TRACEPOINT: &str = "btf_trace_struct_ops_link_create";
/// The size of a `struct event` there.
const EVENT: usize = 112;
/// Where the type of a table is in it.
const TYPE: usize = 48;

/// A command that may be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// To create a link.
    Create,
    /// To update one.
    Update,
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
        })
    }
}

/// What happened to a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum What {
    /// It has registered the table of a map.
    Create {
        /// The id of the link.
        link_id: u32,
        /// The id of the map.
        map_id: u32,
        /// The type of the table, e.g. `tcp_congestion_ops`.
        #[serde(rename = "type")]
        kind: String,
    },
    /// Its table was replaced.
    Update {
        /// The id of the link.
        link_id: u32,
        /// The id of the map before.
        old_map_id: u32,
        /// The id of the map now.
        map_id: u32,
        /// How long that took, in nanoseconds.
        ns: u64,
    },
    /// Its table was unregistered.
    Detach {
        /// The id of the link.
        link_id: u32,
        /// The id of the table's map.
        map_id: u32,
    },
    /// It is gone.
    Release {
        /// The id of the link.
        link_id: u32,
        /// The id of the map whose table this has unregistered; none if it was detached before.
        map_id: Option<u32>,
    },
    /// A command has failed, and has changed nothing.
    Refused {
        /// Which.
        command: Command,
        /// The id of the link; none if there was to be one.
        link_id: Option<u32>,
        /// The id of the map whose table was to be registered.
        map_id: u32,
        /// What the command failed with.
        #[serde(serialize_with = "by_name")]
        error: Errno,
    },
}

/// Writes the name of an error number, such as EINVAL.
fn by_name<S: Serializer>(error: &Errno, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{error:?}"))
}

impl What {
    /// The id of the link; none if there is no link.
    pub fn link_id(&self) -> Option<u32> {
        match self {
            Self::Create { link_id, .. }
            | Self::Update { link_id, .. }
            | Self::Detach { link_id, .. }
            | Self::Release { link_id, .. } => Some(*link_id),
            Self::Refused { link_id, .. } => *link_id,
        }
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened.
    pub time: SystemTime,
    /// How many events before it were lost, since [`Events::begin`], as they came faster than they
    /// were read.
    pub lost: u64,
    /// What happened.
    pub what: What,
}

/// The events from one time on.
#[derive(Debug)]
pub struct Events {
    /// What attaches the programs.
    _links: Vec<Link>,
    /// The programs and their maps.
    _object: Object,
    /// Where the programs write the events; the ring waits for its descriptor.
    _map: MapHandle,
    /// What reads them.
    ring: RingBuffer<'static>,
    /// What was read.
    read: Receiver<Vec<u8>>,
}

impl Events {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// The kernel has no such tracepoints, or the user may not.
    pub fn begin() -> Result<Self> {
        let kernel = Btf::from_vmlinux().map_err(io::Error::other).map_err(Error::NoTypes)?;
        if kernel.type_by_name::<Typedef<'_>>(TRACEPOINT).is_none() {
            return Err(Error::NoTracepoints);
        }
        let origin = "ccswap's programs for tracepoints";
        let object = object::load_own(origin, OBJECT)?;
        let map = object::map_ending(&object, "events")?;
        let (sender, read) = mpsc::channel();
        let ring = (|| {
            let mut ring = RingBufferBuilder::new();
            ring.add(&map, move |event| {
                // The receiver lives as long as the ring.
                let _ = sender.send(event.to_vec());
                0
            })?;
            ring.build()
        })()
        .map_err(object::refused(origin))?;
        let links = object.progs_mut().map(|program| program.attach()).collect::<Result<_, _>>();
        let links = links.map_err(object::refused(origin))?;
        Ok(Self { _links: links, _object: object, _map: map, ring, read })
    }

    /// Waits for events, but not longer than that, and returns them.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn wait(&self, timeout: Duration) -> Result<Vec<Event>> {
        match self.ring.poll(timeout.min(Duration::from_millis(i32::MAX as u64))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                return Err(Error::system("wait for events")(io::Error::other(error)));
            }
            _ => {}
        }
        let monotonic =
            clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
        let now = (SystemTime::now(), monotonic);
        Ok(self.read.try_iter().filter_map(|bytes| event(&bytes, now)).collect())
    }
}

/// Reads a `struct event`. `now` is the time of both clocks.
fn event(bytes: &[u8], (now, monotonic): (SystemTime, Duration)) -> Option<Event> {
    let bytes = bytes.first_chunk::<EVENT>()?;
    let long = |at: usize| bytes[at..].first_chunk().copied().map_or(0, u64::from_ne_bytes);
    let number = |at: usize| bytes[at..].first_chunk().copied().map_or(0, u32::from_ne_bytes);
    let (link_id, map_id) = (number(28), number(32));
    let what = match number(24) {
        0 => {
            let kind = bytes[TYPE..].split(|byte| *byte == 0).next().unwrap_or_default();
            What::Create { link_id, map_id, kind: String::from_utf8_lossy(kind).into_owned() }
        }
        1 => What::Update { link_id, old_map_id: number(36), map_id, ns: long(16) },
        2 => What::Detach { link_id, map_id },
        3 => What::Release { link_id, map_id: (map_id != 0).then_some(map_id) },
        4 => What::Refused {
            command: match number(40) {
                sys::BPF_LINK_CREATE => Command::Create,
                _ => Command::Update,
            },
            link_id: (link_id != 0).then_some(link_id),
            map_id,
            error: Errno::from_raw((number(44) as i32).saturating_neg()),
        },
        _ => return None,
    };
    let ago = monotonic.saturating_sub(Duration::from_nanos(long(0)));
    Some(Event { time: now.checked_sub(ago).unwrap_or(now), lost: long(8), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time of both clocks, in seconds.
    const NOW: (u64, u64) = (1000, 70);

    /// What a `struct event` of 60 seconds on the monotonic clock says, with its last six numbers.
    fn read(numbers: [i32; 6], ns: u64, kind: &str) -> What {
        let mut bytes: Vec<u8> =
            [60_000_000_000, 2, ns].into_iter().flat_map(u64::to_ne_bytes).collect();
        bytes.extend(numbers.into_iter().flat_map(i32::to_ne_bytes));
        bytes.extend(kind.as_bytes());
        bytes.resize(EVENT, 0);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.0);
        let event = event(&bytes, (now, Duration::from_secs(NOW.1))).unwrap();
        assert_eq!(event.time, now - Duration::from_secs(10));
        assert_eq!(event.lost, 2);
        event.what
    }

    #[test]
    fn reads_each_kind_of_event() {
        let link_id = 1;
        assert_eq!(
            read([0, 1, 5, 0, 0, 0], 0, "hid_bpf_ops"),
            What::Create { link_id, map_id: 5, kind: "hid_bpf_ops".into() }
        );
        assert_eq!(
            read([1, 1, 6, 5, 0, 0], 1500, ""),
            What::Update { link_id, old_map_id: 5, map_id: 6, ns: 1500 }
        );
        assert_eq!(read([2, 1, 6, 0, 0, 0], 0, ""), What::Detach { link_id, map_id: 6 });
        assert_eq!(read([3, 1, 0, 0, 0, 0], 0, ""), What::Release { link_id, map_id: None });
        assert_eq!(read([3, 1, 6, 0, 0, 0], 0, ""), What::Release { link_id, map_id: Some(6) });
    }

    #[test]
    fn reads_what_was_refused_and_why() {
        let refused =
            |command, link, error| read([4, link, 7, 0, command as i32, -(error as i32)], 0, "");
        let (command, error) = (Command::Create, Errno::EEXIST);
        assert_eq!(
            refused(sys::BPF_LINK_CREATE, 0, error),
            What::Refused { command, link_id: None, map_id: 7, error }
        );
        let (command, error) = (Command::Update, Errno::EINVAL);
        assert_eq!(
            refused(sys::BPF_LINK_UPDATE, 2, error),
            What::Refused { command, link_id: Some(2), map_id: 7, error }
        );
    }

    #[test]
    fn what_is_no_event_is_none() {
        let now = (SystemTime::now(), Duration::ZERO);
        assert_eq!(event(&[0; EVENT - 1], now), None);
        assert_eq!(event(&[9; EVENT], now), None);
    }
}
