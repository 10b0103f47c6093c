// SPDX-License-Identifier: GPL-2.0-only

//! The registry of TCP congestion controls, in Rust.
//!
//! * `tcp_cong_registry`: registers, replaces, unregisters and finds them.
//! * `tcp_cong_current`: starts connections on the table that follows a replaced one.
//! * `tcp_cong_default`: the default of a network namespace.
//! * `tcp_cong_names`: the lists of the sysctls.
//!
//! These files have only policy. The data structures, and why they are correct, are in
//! [`kernel::net::tcp::cong`].

mod tcp_cong_current;
mod tcp_cong_default;
mod tcp_cong_names;
mod tcp_cong_registry;
#[cfg(CONFIG_TCP_CONG_REGISTRY_KUNIT_TEST)]
mod tcp_cong_registry_kunit;

const __LOG_PREFIX: &[u8] = b"TCP\0";
