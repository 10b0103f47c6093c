// SPDX-License-Identifier: GPL-2.0-only

//! BPF objects, for kernel code that manages them.
//!
//! * [`map::Map`]: a reference-counted BPF map.
//! * [`link::Link`]: a `bpf_link` with data of the caller. The trait [`link::LinkOps`] provides its
//!   operations, and [`link::LinkPrimer`] creates it.
//! * `struct_ops`: struct_ops maps that are ready, and their registration by a link.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

pub mod link;
pub mod map;
#[cfg(CONFIG_BPF_STRUCT_OPS_LINK_RUST)]
pub mod struct_ops;
