// SPDX-License-Identifier: GPL-2.0-only

//! struct_ops links: the registration of a BPF struct_ops map, bound to the life of a `bpf_link`.
//!
//! Creating the link registers the map's table with its subsystem, detaching or freeing the link
//! unregisters it, and updating the link replaces the table behind a name that stays.
//!
//! This is policy alone. The lock and the states are in [`kernel::bpf::struct_ops`], the link's C
//! operations table in [`kernel::bpf::link`].

use kernel::{
    bindings,
    bpf::{
        link::{
            Hangup,
            Link,
            LinkInfo,
            LinkOps,
            LinkPrimer,
            Poller, //
        },
        map::Map,
        struct_ops::{
            ReadyMap,
            Slot, //
        }, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::aref::ARef,
    ModuleMetadata,
    ThisModule, //
};

mod link_update;
#[cfg(CONFIG_BPF_STRUCT_OPS_LINK_KUNIT_TEST)]
mod struct_ops_link_kunit;

/// What `#[vtable]` asks of a crate that is always built in.
struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"struct_ops_link";

    // SAFETY: A null pointer stands for the kernel itself.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

/// The data of a struct_ops link.
#[pin_data]
struct StructOpsLink {
    #[pin]
    registration: Slot,
    #[pin]
    hangup: Hangup,
}

impl StructOpsLink {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            registration <- Slot::new(),
            hangup <- Hangup::new(),
        })
    }

    /// Registers `map` and makes a link of it that is ready to be settled.
    ///
    /// Whatever step fails, the ones before it are undone.
    fn attach(map: ReadyMap, attach_type: bindings::bpf_attach_type) -> Result<LinkPrimer<Self>> {
        let link = LinkPrimer::new(Self::new(), attach_type)?;

        link.registration.lock().register(&link, map)?;
        Ok(link)
    }
}

#[vtable]
impl LinkOps for StructOpsLink {
    const TYPE: bindings::bpf_link_type = bindings::bpf_link_type_BPF_LINK_TYPE_STRUCT_OPS;

    /// Unregisters; a link that is detached already stays so.
    fn detach(link: &Link<Self>) -> Result {
        let was_attached = link.registration.lock().unregister();

        if was_attached {
            link.hangup.wake();
        }
        Ok(())
    }

    fn update_map(link: &Link<Self>, new: &Map, expected: Option<&Map>) -> Result {
        let new = ReadyMap::try_from(ARef::from(new))?;
        if !new.can_update() {
            return Err(EOPNOTSUPP);
        }

        let mut slot = link.registration.lock();
        let current = slot.registration().ok_or(ENOLINK)?.map();

        if expected.is_some_and(|expected| !core::ptr::eq(expected, current.map())) {
            return Err(EPERM);
        }
        if !new.is_same_type(current) {
            return Err(EINVAL);
        }
        if core::ptr::eq(new.map(), current.map()) {
            // No subsystem can put a table in its own place, and there is nothing to do.
            return Ok(());
        }
        slot.update(new)
    }

    fn show_fdinfo(link: &Link<Self>, m: &SeqFile) {
        if let Some(id) = link.registration.map_id() {
            seq_print!(m, "map_id:\t{id}\n");
        }
    }

    fn fill_link_info(link: &Link<Self>, info: &mut LinkInfo) -> Result {
        if let Some(id) = link.registration.map_id() {
            info.set_struct_ops_map_id(id);
        }
        Ok(())
    }

    fn poll(link: &Link<Self>, poller: Poller<'_, Self>) -> u32 {
        poller.wait(&link.hangup);

        match link.registration.map_id() {
            Some(_) => 0,
            None => bindings::POLLHUP,
        }
    }
}

/// The struct_ops half of `BPF_LINK_CREATE`: returns the new link's file descriptor, or an error.
///
/// # Safety
///
/// `attr` must point to the attributes of a `BPF_LINK_CREATE` command.
#[export]
pub unsafe extern "C" fn bpf_struct_ops_link_create(attr: *mut bindings::bpf_attr) -> c_int {
    // SAFETY: By the requirements of this function. Any bits are a valid value of these fields.
    let (map_fd, attach_type) = unsafe {
        let create = &(*attr).link_create;
        (create.__bindgen_anon_1.map_fd, create.attach_type)
    };

    from_result(|| {
        let map = ReadyMap::try_from(Map::from_fd(map_fd)?)?;

        Ok(StructOpsLink::attach(map, attach_type)?.settle())
    })
}
