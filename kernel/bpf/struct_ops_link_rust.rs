// SPDX-License-Identifier: GPL-2.0-only

//! struct_ops links: a `bpf_link` that registers the table of a BPF struct_ops map.
//!
//! Creating the link registers the table with its subsystem, updating the link replaces the table,
//! and detaching or freeing the link unregisters it.
//!
//! This file has only policy. The states of a registration and its lock are in
//! [`kernel::bpf::struct_ops`], and the C operations of a link in [`kernel::bpf::link`].

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
            trace,
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

/// The module type that `#[vtable]` needs, for a crate that is always built in.
struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"struct_ops_link";

    // SAFETY: A null pointer is the `THIS_MODULE` of code that is built in.
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

    /// Creates a link and registers the table of `map`. On an error, nothing is left behind.
    fn attach(map: ReadyMap, attach_type: AttachType) -> Result<LinkPrimer<Self>> {
        let link = LinkPrimer::new(Self::new(), attach_type)?;

        link.register(map)?;
        Ok(link)
    }

    /// Creates a link as [`attach`](Self::attach) does, and returns its file descriptor.
    fn create(map: ARef<Map>, attach_type: AttachType) -> Result<c_int> {
        let map = ReadyMap::try_from(map)?;
        let traced = trace::create_is_on().then(|| map.clone());
        let link = Self::attach(map, attach_type)?;

        // The create is complete, and nothing else can happen to the link before it is settled. So
        // this is the first event of the link.
        if let Some(map) = traced {
            trace::create(link.id(), &map);
        }
        Ok(link.settle())
    }

    /// Replaces the registered table by that of `new`. If `expected` is given, does so only if its
    /// table is the registered one.
    ///
    /// If `new` is the map that is registered, the subsystem decides what happens.
    fn update(link: &Link<Self>, new: ReadyMap, expected: Option<&Map>) -> Result {
        let new = new.into_replacement().ok_or(EOPNOTSUPP)?;
        let mut slot = link.registration.lock();
        let mut registered = slot.registered().ok_or(ENOLINK)?;

        if expected.is_some_and(|expected| !core::ptr::eq(expected, registered.map())) {
            return Err(EPERM);
        }

        let traced = trace::Update::start(registered.map(), new.map());
        registered.update(new)?;
        drop(slot);

        if let Some(update) = traced {
            update.done(link.id());
        }
        Ok(())
    }
}

#[vtable]
impl LinkOps for StructOpsLink {
    const TYPE: LinkType = LinkType::STRUCT_OPS;

    /// Unregisters the table. Does nothing if the link is detached already.
    fn detach(link: &Link<Self>) -> Result {
        let unregistered = link.registration.lock().unregister();

        if let Some(map) = unregistered {
            link.hang_up();
            trace::detach(link.id(), map.map());
        }
        Ok(())
    }

    fn update_map(link: &Link<Self>, new: &Map, expected: Option<&Map>) -> Result {
        ReadyMap::try_from(ARef::from(new))
            .and_then(|new| Self::update(link, new, expected))
            .inspect_err(|err| trace::update_refused(link.id(), new, *err))
    }

    /// Unregisters the table, unless the link is detached.
    fn free(link: Pin<KBox<Link<Self>>>) {
        let traced = trace::release_is_on().then(|| (link.id(), link.registration.map_id()));

        drop(link);
        match traced {
            // It was not settled: no link was created.
            None | Some((0, _)) => (),
            Some((id, map_id)) => trace::release(id, map_id),
        }
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

/// Creates a link for `BPF_LINK_CREATE`, and returns its file descriptor or an error. Process
/// context, may sleep.
///
/// # Safety
///
/// `attr` must point to the attributes of a `BPF_LINK_CREATE` command, valid during the call.
#[export]
pub unsafe extern "C" fn bpf_struct_ops_link_create(attr: *mut bindings::bpf_attr) -> c_int {
    // SAFETY: The caller passes the attributes of this command, which are initialized. All bit
    // patterns are valid values of these fields.
    let (map_fd, attach_type) = unsafe {
        let create = &(*attr).link_create;
        (
            create.__bindgen_anon_1.map_fd,
            AttachType::from_raw(create.attach_type),
        )
    };

    from_result(|| {
        let map = Map::from_fd(map_fd)?;
        let map_id = map.id();

        StructOpsLink::create(map, attach_type)
            .inspect_err(|err| trace::create_refused(map_id, *err))
    })
}
