// SPDX-License-Identifier: GPL-2.0-only

//! The steps of a sequence, as they are written to files.

use serde::{Deserialize, Serialize};

/// A descriptor, right or wrong for what it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fd {
    /// A table of [`crate::world::TABLES`], made when it is first used.
    Table(usize),
    /// A struct_ops link that an earlier step has opened; closed if none has.
    Link(usize),
    /// A socket that an earlier step has opened; closed if none has.
    Socket(usize),
    /// A number that no descriptor has.
    Closed,
    /// A file opened with O_PATH.
    OPath,
    /// A directory.
    Directory,
    /// A BPF program.
    Program,
    /// BTF.
    Btf,
    /// A link that is not of struct_ops: one of a network namespace.
    OtherLink,
    /// A map that is not of struct_ops.
    Array,
    /// Descriptor 0, which is /dev/null.
    Zero,
    /// -1.
    MinusOne,
}

/// Every kind of descriptor that no step has opened.
pub const WRONG: [Fd; 9] = [
    Fd::Closed,
    Fd::OPath,
    Fd::Directory,
    Fd::Program,
    Fd::Btf,
    Fd::OtherLink,
    Fd::Array,
    Fd::Zero,
    Fd::MinusOne,
];

/// A sysctl of net.ipv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sysctl {
    /// `tcp_congestion_control`, the default of the namespace.
    Default,
    /// `tcp_available_congestion_control`.
    Available,
    /// `tcp_allowed_congestion_control`.
    Allowed,
}

/// 32 bits of a malformed attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// These bits.
    Value(u32),
    /// The number of a descriptor.
    Fd(Fd),
    /// The lower half of an address that can be read and written; the upper is 0.
    Page,
}

/// One step. Numbers of links, sockets and paths are slots: a step that opens
/// something closes what the slot had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, clippy::missing_docs_in_private_items)]
pub enum Op {
    /// BPF_LINK_CREATE.
    Create { link: usize, map: Fd, flags: u32 },
    /// BPF_LINK_UPDATE.
    Update { link: Fd, map: Fd, flags: u32, old: Fd },
    /// BPF_LINK_DETACH.
    Detach { link: Fd },
    /// BPF_OBJ_GET_INFO_BY_FD, read as what a link has.
    Info { fd: Fd },
    /// The lines of /proc/self/fdinfo that are about BPF.
    FdInfo { fd: Fd },
    /// poll() without waiting.
    Poll { fd: Fd },
    /// BPF_LINK_GET_FD_BY_ID, of the link in slot `of`.
    ById { link: usize, of: usize },
    /// BPF_OBJ_PIN.
    Pin { fd: Fd, path: usize },
    /// BPF_OBJ_GET.
    OpenPin { link: usize, path: usize },
    /// unlink() of a pin. What was pinned stays open until the sequence ends: the
    /// kernel would drop it some time later.
    Unlink { path: usize },
    /// close().
    Close { fd: Fd },
    /// BPF_MAP_LOOKUP_ELEM, of which the state and the name are read.
    Lookup { map: Fd },
    /// BPF_MAP_DELETE_ELEM.
    Delete { map: Fd },
    /// BPF_MAP_UPDATE_ELEM with zeros.
    Write { map: Fd, flags: u64 },
    /// A listener, on a socket of its own.
    Listen { socket: usize },
    /// setsockopt(TCP_CONGESTION), which opens a socket if there is none; as an
    /// ordinary user or with every capability.
    SetCc { socket: usize, name: String, ordinary: bool },
    /// getsockopt(TCP_CONGESTION).
    GetCc { socket: usize },
    /// connect() to a listener, up to the moment that it could accept.
    Connect { socket: usize, to: usize },
    /// connect() to AF_UNSPEC.
    Disconnect { socket: usize },
    /// accept() without waiting.
    Accept { listener: usize, socket: usize },
    /// Enters a network namespace: 0 is the initial one, the others are made.
    Enter { namespace: usize },
    /// Reads a sysctl.
    Read { sysctl: Sysctl },
    /// Writes a sysctl.
    WriteSysctl { sysctl: Sysctl, value: String },
    /// bpf() with any command, attribute and size.
    Raw { command: u32, words: Vec<Word>, size: u32 },
}
