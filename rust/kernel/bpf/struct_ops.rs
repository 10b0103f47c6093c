// SPDX-License-Identifier: GPL-2.0-only

//! struct_ops maps and their registration.
//!
//! A struct_ops map holds a table of kernel operations that BPF programs implement. The states of
//! such a table are types here:
//!
//! * [`Map`]: any map, perhaps not even of struct_ops;
//! * [`ReadyMap`]: a struct_ops map for links whose table is complete and will not change again;
//! * [`Registration`]: a ready map that its subsystem knows, on behalf of one link. Dropping it
//!   unregisters, so a table is registered exactly as long as a [`Registration`] exists.
//!
//! A link keeps its registration in a [`Slot`].
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h),
//! [`include/linux/bpf_struct_ops_link.h`](srctree/include/linux/bpf_struct_ops_link.h)

use crate::{
    bindings,
    bpf::{
        link::{
            Link,
            LinkOps, //
        },
        map::Map, //
    },
    error::to_result,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Atomic,
        lock::{
            mutex::MutexBackend,
            Guard,
            Lock, //
        },
        new_mutex,
        Mutex,
        MutexGuard, //
    }, //
};
use core::mem::MaybeUninit;

#[cfg(CONFIG_BPF_STRUCT_OPS_LINK_KUNIT_TEST)]
pub mod fake;

/// A struct_ops map that can be registered with its subsystem by a link.
///
/// # Invariants
///
/// `map` is a struct_ops map made with `BPF_F_LINK` and in state `BPF_STRUCT_OPS_STATE_READY`,
/// which such a map never leaves, and `table` describes it. Hence `table` is constant, and all it
/// points to is valid as long as `map` is: the type's description (the map pins the module that
/// has it), the kernel's table, and the map's mutex.
pub struct ReadyMap {
    map: ARef<Map>,
    table: bindings::bpf_struct_ops_table,
}

// SAFETY: The map may be used and released from any thread; what `table` points to is either
// constant, or synchronised by the subsystem, or a lock.
unsafe impl Send for ReadyMap {}

impl TryFrom<ARef<Map>> for ReadyMap {
    type Error = Error;

    /// Checks that `map` is ready to be registered.
    ///
    /// C counterpart: `bpf_struct_ops_valid_to_reg` in
    /// [`kernel/bpf/bpf_struct_ops.c`](srctree/kernel/bpf/bpf_struct_ops.c).
    ///
    /// # Errors
    ///
    /// [`EINVAL`]: not a struct_ops map, not made with `BPF_F_LINK`, or not yet filled in.
    #[inline]
    fn try_from(map: ARef<Map>) -> Result<Self> {
        #[cfg(CONFIG_BPF_STRUCT_OPS_LINK_KUNIT_TEST)]
        if let Some(ready) = fake::ready(&map) {
            return Ok(ready);
        }

        let mut table = MaybeUninit::uninit();

        // SAFETY: `map` is valid, and `table` is valid for writes.
        if !unsafe { bindings::bpf_struct_ops_map_table(map.as_raw(), table.as_mut_ptr()) } {
            return Err(EINVAL);
        }

        // INVARIANT: The C function found the map ready.
        // SAFETY: Then it has filled in `table`.
        let table = unsafe { table.assume_init() };
        Ok(Self { map, table })
    }
}

impl ReadyMap {
    /// Returns the map.
    #[inline]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Tells whether both maps hold a table of the same type.
    #[inline]
    pub fn is_same_type(&self, other: &Self) -> bool {
        core::ptr::eq(self.table.desc, other.table.desc)
    }

    /// Tells whether the subsystem can replace a registered table of this type by another.
    #[inline]
    pub fn can_update(&self) -> bool {
        self.ops().update.is_some()
    }

    #[inline]
    fn ops(&self) -> &bindings::bpf_struct_ops {
        // SAFETY: By the type invariants.
        unsafe { &*(*self.table.desc).st_ops }
    }

    /// Keeps the registrations of one and the same map apart, where the subsystem leaves that to
    /// its callers.
    ///
    /// HID-BPF does: it looks at `hid_bpf_ops::hdev` before it takes a lock of its own. One that
    /// has an `update` guards itself: links that are updated have no lock in common.
    #[inline]
    fn lock(&self) -> Option<Guard<'_, (), MutexBackend>> {
        // SAFETY: By the type invariants.
        let mutex = unsafe { Lock::from_raw(self.table.lock) };

        (!self.can_update()).then(|| mutex.lock())
    }
}

/// A table that is registered with its subsystem.
///
/// # Invariants
///
/// The subsystem's `reg`, or its `update`, has accepted the table of `map` on behalf of `link`,
/// and `unreg` has not been called since. `link` is valid as long as this exists.
pub struct Registration {
    map: ReadyMap,
    link: *mut bindings::bpf_link,
}

// SAFETY: A table may be unregistered from any thread.
unsafe impl Send for Registration {}

impl Registration {
    /// Registers the table of `map` on behalf of `link`.
    ///
    /// # Safety
    ///
    /// `link` must outlive the registration.
    ///
    /// # Errors
    ///
    /// What the subsystem's `reg` returns; nothing is registered then.
    #[inline]
    unsafe fn new(map: ReadyMap, link: *mut bindings::bpf_link) -> Result<Self> {
        let reg = map.ops().reg.ok_or(EOPNOTSUPP)?;
        let guard = map.lock();

        // SAFETY: The table is complete and of the type that `reg` expects; `link` is valid.
        to_result(unsafe { reg(map.table.kdata, link) })?;
        drop(guard);

        // INVARIANT: `reg` has accepted the table, and the caller vouches for `link`.
        Ok(Self { map, link })
    }

    /// Replaces the registered table by that of `new`, which must be of the same type.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when it is of another type, [`EOPNOTSUPP`] when the subsystem has no `update`, or
    /// what `update` returns; the old table is registered still.
    fn update(&mut self, new: ReadyMap) -> Result {
        if !self.map.is_same_type(&new) {
            return Err(EINVAL);
        }
        let update = new.ops().update.ok_or(EOPNOTSUPP)?;

        // No lock of either map is taken: two links that exchange their maps would take them in
        // opposite order. The subsystem guards its own list.
        //
        // SAFETY: Both tables are complete and of the type that `update` expects, the old one is
        // registered by the type invariants, and `link` is valid.
        to_result(unsafe { update(new.table.kdata, self.map.table.kdata, self.link) })?;

        // INVARIANT: `update` has put the new table in the place of the old. The old map must not
        // be unregistered, so it is not a `Registration` that is dropped here but its map alone.
        self.map = new;
        Ok(())
    }

    /// Returns the map whose table is registered.
    #[inline]
    pub fn map(&self) -> &ReadyMap {
        &self.map
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Some(unreg) = self.map.ops().unreg else {
            return;
        };
        let _guard = self.map.lock();

        // SAFETY: By the type invariants, the table is registered and `link` is valid.
        unsafe { unreg(self.map.table.kdata, self.link) };
    }
}

/// The place in a link's data that holds the link's registration.
///
/// Empty at first and after [`SlotGuard::unregister`]. What is in it when the link is freed is
/// unregistered then.
///
/// # Concurrency
///
/// The registration is guarded by the slot's mutex, one for each link, so links do not wait for
/// each other. It is held while the subsystem's `reg`, `update` and `unreg` run, hence outside all
/// of a subsystem's locks; a subsystem must not come back to the same link from there.
///
/// The map's id is written under the mutex and read without any lock: it is all that observers
/// (info, fdinfo, poll) want to know, and a number cannot dangle.
///
/// # Invariants
///
/// `map_id` is the id of the registered map while the mutex is not held, 0 when there is none.
#[pin_data]
pub struct Slot {
    #[pin]
    registration: Mutex<Option<Registration>>,
    map_id: Atomic<u32>,
}

impl Slot {
    /// Makes an empty slot.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            registration <- new_mutex!(None, "bpf_struct_ops_slot"),
            // INVARIANT: There is no registration.
            map_id: Atomic::new(0),
        })
    }

    /// Locks the slot. May sleep.
    #[inline]
    pub fn lock(&self) -> SlotGuard<'_> {
        SlotGuard {
            registration: self.registration.lock(),
            map_id: &self.map_id,
        }
    }

    /// Returns the id of the registered map. Any context.
    #[inline]
    pub fn map_id(&self) -> Option<u32> {
        // Nothing else is read on the strength of the id. This is READ_ONCE(), in line, where
        // `load(Relaxed)` calls a C helper, and every poll comes by here.
        //
        // SAFETY: The pointer is valid and aligned, and a volatile read is a single one.
        match unsafe { self.map_id.as_ptr().read_volatile() } {
            0 => None,
            id => Some(id),
        }
    }
}

/// A locked [`Slot`].
pub struct SlotGuard<'a> {
    registration: MutexGuard<'a, Option<Registration>>,
    map_id: &'a Atomic<u32>,
}

impl SlotGuard<'_> {
    /// Returns the registration, or `None` when the link is detached.
    #[inline]
    pub fn registration(&self) -> Option<&Registration> {
        self.registration.as_ref()
    }

    /// Registers the table of `map` on behalf of `link`, whose slot this has to be. May sleep.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when this is not a slot of `link`, [`EBUSY`] when it is not empty, or what the
    /// subsystem returns. The slot is as it was then.
    #[inline]
    pub fn register<T: LinkOps>(&mut self, link: &Link<T>, map: ReadyMap) -> Result {
        if !link.contains(self.map_id) {
            return Err(EINVAL);
        }
        if self.registration.is_some() {
            return Err(EBUSY);
        }

        let id = map.map().id();
        // SAFETY: The slot is a part of the link, and the registration stays in the slot, so it
        // is dropped before the link's memory is freed.
        *self.registration = Some(unsafe { Registration::new(map, link.as_raw()) }?);
        // INVARIANT: This is the map that was registered.
        self.set_map_id(id);
        Ok(())
    }

    /// Replaces the registered table by that of `map`. May sleep.
    ///
    /// # Errors
    ///
    /// [`ENOLINK`] when nothing is registered, or those of the registration. The slot is as it was
    /// then.
    pub fn update(&mut self, map: ReadyMap) -> Result {
        let Some(registration) = &mut *self.registration else {
            return Err(ENOLINK);
        };
        let id = map.map().id();

        registration.update(map)?;
        // INVARIANT: This is the map that is registered now.
        self.set_map_id(id);
        Ok(())
    }

    /// Unregisters, and tells whether there was anything to unregister. May sleep.
    pub fn unregister(&mut self) -> bool {
        let Some(registration) = self.registration.take() else {
            return false;
        };

        drop(registration);
        // INVARIANT: Nothing is registered any more.
        self.set_map_id(0);
        true
    }

    #[inline]
    fn set_map_id(&self, id: u32) {
        // SAFETY: The pointer is valid and aligned, the mutex keeps other writers off, and a
        // volatile write is a single one, as WRITE_ONCE() is.
        unsafe { self.map_id.as_ptr().write_volatile(id) };
    }
}
