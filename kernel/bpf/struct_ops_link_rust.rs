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
            AttachType,
            Link,
            LinkInfo,
            LinkOps,
            LinkPrimer,
            LinkType, //
        },
        map::Map,
        struct_ops::{
            impl_has_slot,
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
}

impl_has_slot! {
    impl HasSlot for StructOpsLink { self.registration }
}

impl StructOpsLink {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            registration <- Slot::new(),
        })
    }

    /// Registers `map` and makes a link of it that is ready to be settled.
    ///
    /// Whatever step fails, the ones before it are undone.
    fn attach(map: ReadyMap, attach_type: AttachType) -> Result<LinkPrimer<Self>> {
        let link = LinkPrimer::new(Self::new(), attach_type)?;

        link.register(map)?;
        Ok(link)
    }

    /// Replaces the table by that of `new`; when `expected` is given, only if that is registered.
    ///
    /// `new` may be the map that is registered: what comes of that is the subsystem's to say.
    fn update(&self, new: ReadyMap, expected: Option<&Map>) -> Result {
        let new = new.into_replacement().ok_or(EOPNOTSUPP)?;
        let mut slot = self.registration.lock();
        let mut registered = slot.registered().ok_or(ENOLINK)?;

        if expected.is_some_and(|expected| !core::ptr::eq(expected, registered.map())) {
            return Err(EPERM);
        }
        registered.update(new)
    }
}

#[vtable]
impl LinkOps for StructOpsLink {
    const TYPE: LinkType = LinkType::STRUCT_OPS;

    /// Unregisters; a link that is detached already stays so.
    fn detach(link: &Link<Self>) -> Result {
        let was_attached = link.registration.lock().unregister();

        if was_attached {
            link.hang_up();
        }
        Ok(())
    }

    fn update_map(link: &Link<Self>, new: &Map, expected: Option<&Map>) -> Result {
        link.update(ReadyMap::try_from(ARef::from(new))?, expected)
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

    fn is_hung_up(link: &Link<Self>) -> bool {
        link.registration.map_id().is_none()
    }
}

/// The struct_ops half of `BPF_LINK_CREATE`: returns the new link's file descriptor, or an error.
///
/// # Safety
///
/// `attr` must point to the attributes of a `BPF_LINK_CREATE` command.
#[export]
pub unsafe extern "C" fn bpf_struct_ops_link_create(attr: *mut bindings::bpf_attr) -> c_int {
    // SAFETY: `attr` points to the attributes of this command, which are initialized. Any bits are a
    // valid value of these fields.
    let (map_fd, attach_type) = unsafe {
        let create = &(*attr).link_create;
        (
            create.__bindgen_anon_1.map_fd,
            AttachType::from_raw(create.attach_type),
        )
    };

    from_result(|| {
        let map = ReadyMap::try_from(Map::from_fd(map_fd)?)?;

        Ok(StructOpsLink::attach(map, attach_type)?.settle())
    })
}
