// SPDX-License-Identifier: GPL-2.0-only

//! What can fail. The wording is in [`text`](crate::text).

use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

use crate::holder::Holder;
use crate::link::LinkRef;
use crate::table::Table;
use crate::text;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An update that did not happen.
#[derive(Debug)]
pub struct Update {
    /// The link as the user named it.
    pub link: LinkRef,
    /// The id of the map that it holds now; none once it is detached.
    pub current_map: Option<u32>,
    /// The table in that map, if that can be looked into.
    pub current: Option<Table>,
    /// The table that was to replace it.
    pub new: Table,
    /// The map that the user expected to be current.
    pub expected_map: Option<u32>,
    /// What the kernel said.
    pub error: io::Error,
}

/// Everything that this library fails with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system did not do something that has no advice of its own.
    #[error("cannot {what}: {error}")]
    System {
        /// What was to be done.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// A file is no BPF object.
    #[error("{}", text::open_object(origin, error))]
    OpenObject {
        /// The file.
        origin: String,
        /// What libbpf said.
        error: libbpf_rs::Error,
        /// What else it said.
        log: String,
    },
    /// The kernel did not take an object's programs and maps.
    #[error("{}", text::load_object(origin, error, log))]
    LoadObject {
        /// The object.
        origin: String,
        /// What the kernel said.
        error: libbpf_rs::Error,
        /// The warnings of libbpf, with the verifier's log.
        log: String,
    },
    /// An object holds no table.
    #[error("{}", text::no_table(origin))]
    NoTable {
        /// The object.
        origin: String,
    },
    /// An object holds several tables, and not one that was asked for.
    #[error("{}", text::choose_table(origin, tables, wanted.as_deref()))]
    ChooseTable {
        /// The object.
        origin: String,
        /// Its tables.
        tables: Vec<String>,
        /// The one that was asked for.
        wanted: Option<String>,
    },
    /// A table has no place for a name.
    #[error("the table in {origin} has no name that could be changed")]
    NoName {
        /// The object.
        origin: String,
    },
    /// A map that is pinned by name does not fit what the object declares.
    #[error("{}", text::pinned_map(map, path, difference))]
    PinnedMap {
        /// The map's name.
        map: String,
        /// Where it is pinned.
        path: PathBuf,
        /// How they differ.
        difference: String,
    },
    /// The kernel did not take a table.
    #[error("{}", text::make_ready(map, error))]
    MakeReady {
        /// The table's map.
        map: String,
        /// What the kernel said.
        error: io::Error,
    },
    /// The kernel's types cannot be read.
    #[error("{}", text::no_types(_0))]
    NoTypes(io::Error),
    /// The kernel does not tell what happens to links.
    #[error("{}", text::no_tracepoints())]
    NoTracepoints,
    /// A map holds no table.
    #[error("map {0} holds no struct_ops table")]
    NotATable(u32),
    /// A table could not be registered.
    #[error("{}", text::attach(table, error, holder.as_ref()))]
    Attach {
        /// The table.
        table: Table,
        /// What the kernel said.
        error: io::Error,
        /// Who has the name.
        holder: Option<Holder>,
    },
    /// A link was not updated, and is as it was.
    #[error("{}", text::update(_0))]
    Update(Box<Update>),
    /// A link could not be opened.
    #[error("{}", text::open_link(link, error))]
    OpenLink {
        /// The link as the user named it.
        link: LinkRef,
        /// What the kernel said.
        error: io::Error,
    },
    /// What the user named is no struct_ops link.
    #[error("{}", text::not_a_link(link, kind.as_deref()))]
    NotALink {
        /// What the user named.
        link: LinkRef,
        /// The type of link that it is; none if it is no link.
        kind: Option<String>,
    },
    /// The links could not be listed.
    #[error("{}", text::list_links(_0))]
    ListLinks(io::Error),
    /// A link could not be detached.
    #[error("{}", text::detach(link, error))]
    Detach {
        /// The link as the user named it.
        link: LinkRef,
        /// What the kernel said.
        error: io::Error,
    },
    /// The end of a link cannot be waited for.
    #[error("{}", text::watch(link, *error))]
    Watch {
        /// The link as the user named it.
        link: LinkRef,
        /// What the kernel said.
        error: Errno,
    },
    /// Something is where a link was to be pinned.
    #[error("{}", text::pin_taken(_0))]
    PinTaken(PathBuf),
    /// A link cannot be pinned under that name, or outside a BPF file system.
    #[error("{}", text::pin_place(_0))]
    PinPlace(PathBuf),
    /// A name on a BPF file system holds no dot.
    #[error("{}", text::pin_dot(_0))]
    PinDot(PathBuf),
    /// A link could not be pinned.
    #[error("cannot pin the link at {}: {error}; nothing stays attached", path.display())]
    Pin {
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// The sockets could not be listed.
    #[error("cannot list TCP sockets (CONFIG_INET_TCP_DIAG): {0}")]
    Sockets(io::Error),
}

impl Error {
    /// Says what was to be done when the system refused.
    pub fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |error| Self::System { what: what.into(), error }
    }

    /// What libbpf had to say, the verifier's log above all; empty for most errors.
    pub fn log(&self) -> &str {
        match self {
            Self::OpenObject { log, .. } | Self::LoadObject { log, .. } => log,
            _ => "",
        }
    }
}
