// SPDX-License-Identifier: GPL-2.0-only

//! The sysctls of congestion controls, of the caller's network namespace.

/// The default.
pub const DEFAULT: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
/// The names that are registered.
pub const AVAILABLE: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";
/// The names that ordinary users may choose.
pub const ALLOWED: &str = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
