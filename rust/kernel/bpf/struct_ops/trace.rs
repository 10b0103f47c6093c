// SPDX-License-Identifier: GPL-2.0-only

//! Tracepoints of struct_ops links.
//!
//! Functions in Rust have no BTF, so no program can be attached to them with fentry. These
//! tracepoints tell what has happened to a link instead, and which call was refused.
//!
//! A call costs a static branch while its tracepoint is off. What has to be known before the event,
//! like the time, is for a caller to get only if the tracepoint is on.
//!
//! C header:
//! [`include/trace/events/struct_ops_link.h`](srctree/include/trace/events/struct_ops_link.h)

// `declare_trace!` is of this crate, too. Its `unsafe` block gets only the names of parameters.
#![allow(clippy::macro_metavars_in_unsafe)]

use super::ReadyMap;
use crate::{
    bindings,
    bpf::map::Map,
    ffi::{
        c_char,
        c_int, //
    },
    prelude::*,
    time::{
        Instant,
        Monotonic, //
    },
    tracepoint::declare_trace, //
};

declare_trace! {
    /// # Safety
    ///
    /// `type_name` must point to a C string that is valid during the call.
    unsafe fn struct_ops_link_create(link_id: u32, map_id: u32, type_name: *const c_char);

    /// # Safety
    ///
    /// Always safe to call.
    unsafe fn struct_ops_link_update(link_id: u32, old_map_id: u32, new_map_id: u32, ns: u64);

    /// # Safety
    ///
    /// Always safe to call.
    unsafe fn struct_ops_link_detach(link_id: u32, map_id: u32);

    /// # Safety
    ///
    /// Always safe to call.
    unsafe fn struct_ops_link_release(link_id: u32, map_id: u32);

    /// # Safety
    ///
    /// Always safe to call.
    unsafe fn struct_ops_link_refused(
        cmd: bindings::bpf_cmd,
        link_id: u32,
        map_id: u32,
        err: c_int,
    );
}

/// Tells whether a tracepoint is on. Without `CONFIG_TRACEPOINTS`, none is.
macro_rules! is_on {
    ($tracepoint:ident) => {{
        #[cfg(CONFIG_TRACEPOINTS)]
        {
            // SAFETY: This is the static key of a tracepoint, which C defines.
            unsafe {
                crate::jump_label::static_branch_unlikely!(
                    bindings::$tracepoint,
                    bindings::tracepoint,
                    key
                )
            }
        }

        #[cfg(not(CONFIG_TRACEPOINTS))]
        false
    }};
}

/// Tells whether [`create`] is traced. Any context.
///
/// C counterpart:
/// [`trace_struct_ops_link_create_enabled`](srctree/include/trace/events/struct_ops_link.h).
#[inline]
pub fn create_is_on() -> bool {
    is_on!(__tracepoint_struct_ops_link_create)
}

/// Traces that a link with this id has registered the table of `map`. Any context.
///
/// C counterpart:
/// [`trace_struct_ops_link_create`](srctree/include/trace/events/struct_ops_link.h).
#[inline]
pub fn create(link_id: u32, map: &ReadyMap) {
    // SAFETY: The name is valid as long as `map` is.
    unsafe { struct_ops_link_create(link_id, map.map().id(), map.type_name()) };
}

/// An update that is traced.
pub struct Update {
    old_map_id: u32,
    new_map_id: u32,
    start: Instant<Monotonic>,
}

impl Update {
    /// Starts the clock for an update from `old` to `new`, or returns `None` if updates are not
    /// traced. Process context.
    ///
    /// C counterpart:
    /// [`trace_struct_ops_link_update_enabled`](srctree/include/trace/events/struct_ops_link.h).
    #[inline]
    pub fn start(old: &Map, new: &Map) -> Option<Self> {
        is_on!(__tracepoint_struct_ops_link_update).then(|| Self {
            old_map_id: old.id(),
            new_map_id: new.id(),
            start: Instant::now(),
        })
    }

    /// Traces that the link with this id was updated, and how long that took. Process context.
    ///
    /// C counterpart:
    /// [`trace_struct_ops_link_update`](srctree/include/trace/events/struct_ops_link.h).
    #[inline]
    pub fn done(self, link_id: u32) {
        let ns = self.start.elapsed().as_nanos() as u64;

        // SAFETY: Always safe to call.
        unsafe { struct_ops_link_update(link_id, self.old_map_id, self.new_map_id, ns) };
    }
}

/// Traces that the link with this id was detached from `map`. Any context.
///
/// C counterpart:
/// [`trace_struct_ops_link_detach`](srctree/include/trace/events/struct_ops_link.h).
#[inline]
pub fn detach(link_id: u32, map: &Map) {
    if is_on!(__tracepoint_struct_ops_link_detach) {
        // SAFETY: Always safe to call.
        unsafe { struct_ops_link_detach(link_id, map.id()) };
    }
}

/// Tells whether [`release`] is traced. Any context.
///
/// C counterpart:
/// [`trace_struct_ops_link_release_enabled`](srctree/include/trace/events/struct_ops_link.h).
#[inline]
pub fn release_is_on() -> bool {
    is_on!(__tracepoint_struct_ops_link_release)
}

/// Traces that the link with this id was freed, and which map it was attached to until then, if
/// any. Any context.
///
/// C counterpart:
/// [`trace_struct_ops_link_release`](srctree/include/trace/events/struct_ops_link.h).
#[inline]
pub fn release(link_id: u32, map_id: Option<u32>) {
    // SAFETY: Always safe to call.
    unsafe { struct_ops_link_release(link_id, map_id.unwrap_or(0)) };
}

/// Traces that no link was created for a map, and the error that user space gets. Any context.
///
/// C counterpart:
/// [`trace_struct_ops_link_refused`](srctree/include/trace/events/struct_ops_link.h).
#[inline]
pub fn create_refused(map_id: u32, err: Error) {
    refused(bindings::bpf_cmd_BPF_LINK_CREATE, 0, map_id, err);
}

/// Traces that the link with this id was not updated to `new`, and the error that user space gets.
/// Any context.
///
/// C counterpart:
/// [`trace_struct_ops_link_refused`](srctree/include/trace/events/struct_ops_link.h).
#[inline]
pub fn update_refused(link_id: u32, new: &Map, err: Error) {
    refused(bindings::bpf_cmd_BPF_LINK_UPDATE, link_id, new.id(), err);
}

#[inline]
fn refused(cmd: bindings::bpf_cmd, link_id: u32, map_id: u32, err: Error) {
    // SAFETY: Always safe to call.
    unsafe { struct_ops_link_refused(cmd, link_id, map_id, err.to_errno()) };
}
