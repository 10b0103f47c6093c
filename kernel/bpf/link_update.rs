// SPDX-License-Identifier: GPL-2.0-only

//! The map half of `BPF_LINK_UPDATE`, for links of any type.

use kernel::{
    bindings,
    bpf::{
        link::AnyLink,
        map::Map, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// Replaces the map behind `link` by `new_fd`; with `BPF_F_REPLACE` only if it is `old_fd`.
fn update(link: &AnyLink, new_fd: u32, flags: u32, old_fd: u32) -> Result {
    let new = Map::from_fd(new_fd)?;

    if flags & bindings::BPF_F_REPLACE != 0 {
        let old = Map::from_fd(old_fd)?;
        link.update_map(&new, Some(&old))
    } else if old_fd != 0 {
        Err(EINVAL)
    } else {
        link.update_map(&new, None)
    }
}

/// Carries out a `BPF_LINK_UPDATE` that gives a map, its flags being checked already.
///
/// # Safety
///
/// `link` must point to a link on which the caller holds a reference, and `attr` to the attributes
/// of a `BPF_LINK_UPDATE` command.
#[export]
pub(crate) unsafe extern "C" fn bpf_link_update_map(
    link: *mut bindings::bpf_link,
    attr: *const bindings::bpf_attr,
) -> c_int {
    // SAFETY: By the requirements of this function.
    let link = unsafe { AnyLink::from_raw(link) };
    // SAFETY: By the requirements of this function. Any bits are a valid value of these fields.
    let (new_fd, flags, old_fd) = unsafe {
        let update = &(*attr).link_update;
        (
            update.__bindgen_anon_1.new_map_fd,
            update.flags,
            update.__bindgen_anon_2.old_map_fd,
        )
    };

    from_result(|| update(link, new_fd, flags, old_fd).map(|()| 0))
}
