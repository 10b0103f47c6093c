// SPDX-License-Identifier: GPL-2.0-only

//! BPF struct_ops links: the tables behind them, who holds a name, and the TCP sockets that use it.

pub mod attach;
pub mod before;
pub mod bpffs;
pub mod capability;
pub mod error;
pub mod events;
pub mod holder;
pub mod iterators;
mod libbpf_log;
pub mod link;
mod mounts;
pub mod netns;
pub mod object;
pub mod output;
pub mod percentile;
mod pinned_maps;
mod processes;
pub mod table;
pub mod tcp_diag;
mod text;
pub mod trial;
pub mod versions;

pub use error::{Error, Result};
