// SPDX-License-Identifier: GPL-2.0-only

//! BPF objects, for kernel code that manages them.
//!
//! * [`map::Map`]: a reference-counted BPF map.
//! * [`link::Link`]: a `bpf_link` around data of the caller's, its C operations table made from the
//!   [`link::LinkOps`] trait; [`link::LinkPrimer`] takes it to user space or takes it back.
//! * [`struct_ops`]: a struct_ops map that is known to be ready, and its registration with the
//!   subsystem on behalf of a link.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

pub mod link;
pub mod map;
#[cfg(CONFIG_BPF_STRUCT_OPS_LINK_RUST)]
pub mod struct_ops;
