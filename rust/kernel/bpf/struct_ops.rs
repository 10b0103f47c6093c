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
//! A link keeps its registration in a [`Slot`], a field of its data that [`impl_has_slot!`] names.
//!
//! C headers: [`include/linux/bpf.h`](srctree/include/linux/bpf.h),
//! [`kernel/bpf/bpf_struct_ops.h`](srctree/kernel/bpf/bpf_struct_ops.h)

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
    ffi::c_int,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
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
#[cfg(CONFIG_BPF_STRUCT_OPS_LINK_KUNIT_TEST)]
pub mod fake;

/// A struct_ops map that can be registered with its subsystem by a link.
///
/// # Invariants
///
/// `map` is the first field of a `bpf_struct_ops_map` made with `BPF_F_LINK` and in state
/// `BPF_STRUCT_OPS_STATE_READY`, which such a map never leaves. Hence its description of the type
/// and its table are constant, and valid as long as the map is: the map holds a reference on the
/// module that has the type. The description was initialized by `register_bpf_struct_ops`.
#[derive(Clone)]
pub struct ReadyMap {
    map: ARef<Map>,
}

impl TryFrom<ARef<Map>> for ReadyMap {
    type Error = Error;

    /// Checks that `map` is ready to be registered.
    ///
    /// C counterpart:
    /// [`bpf_struct_ops_valid_to_reg`](srctree/kernel/bpf/bpf_struct_ops.h).
    ///
    /// # Errors
    ///
    /// [`EINVAL`]: not a struct_ops map, not made with `BPF_F_LINK`, or not yet filled in.
    #[inline]
    fn try_from(map: ARef<Map>) -> Result<Self> {
        // SAFETY: `map` is a reference on a valid map.
        if !unsafe { bindings::bpf_struct_ops_valid_to_reg(map.as_raw()) } {
            return Err(EINVAL);
        }

        // INVARIANT: The C function has found the map ready.
        Ok(Self { map })
    }
}

impl ReadyMap {
    /// Returns the map.
    #[inline]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Lets this map take the place of a registered one, if its subsystem can do that.
    #[inline]
    pub fn into_replacement(self) -> Option<Replacement> {
        let update = self.ops().update?;

        // INVARIANT: This is the `update` of the map's type.
        Some(Replacement { map: self, update })
    }

    #[inline]
    fn st_map(&self) -> *mut bindings::bpf_struct_ops_map {
        self.map.as_raw().cast()
    }

    /// Returns the description of the type. Two maps are of the same type if this is the same.
    #[inline]
    fn desc(&self) -> *const bindings::bpf_struct_ops_desc {
        // SAFETY: By the type invariants, this is a `bpf_struct_ops_map`, and the field constant.
        unsafe { (*self.st_map()).st_ops_desc }
    }

    #[inline]
    fn ops_ptr(&self) -> *mut bindings::bpf_struct_ops {
        // SAFETY: By the type invariants, the description is valid.
        unsafe { (*self.desc()).st_ops }
    }

    #[inline]
    fn ops(&self) -> &bindings::bpf_struct_ops {
        // SAFETY: By the type invariants, the operations are valid as long as the map is. Of what
        // is read here, nothing changes.
        unsafe { &*self.ops_ptr() }
    }

    /// Returns the table, as the subsystem sees it.
    #[inline]
    fn kdata(&self) -> *mut c_void {
        // SAFETY: By the type invariants, this is a `bpf_struct_ops_map`.
        unsafe { (&raw mut (*self.st_map()).kvalue.data).cast() }
    }

    /// Excludes the other links of this type, unless its subsystem does the locking that it needs.
    ///
    /// C counterpart: `update_mutex` in
    /// [`kernel/bpf/bpf_struct_ops.c`](srctree/kernel/bpf/bpf_struct_ops.c), of all types.
    #[inline]
    fn exclude_links(&self) -> Option<Guard<'_, (), MutexBackend>> {
        if self.ops().parallel_links {
            return None;
        }
        // SAFETY: By the type invariants, the operations are valid and their mutex initialized.
        let lock = unsafe { Lock::from_raw(&raw mut (*self.ops_ptr()).link_lock) };

        Some(lock.lock())
    }
}

/// A ready map of a type whose tables can be replaced.
///
/// # Invariants
///
/// `update` is that of the map's type.
pub struct Replacement {
    map: ReadyMap,
    update: unsafe extern "C" fn(*mut c_void, *mut c_void, *mut bindings::bpf_link) -> c_int,
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
        let guard = map.exclude_links();

        // SAFETY: The table is complete and of the type that `reg` expects; `link` is valid.
        accepted(unsafe { reg(map.kdata(), link) })?;
        drop(guard);

        // INVARIANT: `reg` has accepted the table, and the caller vouches for `link`.
        Ok(Self { map, link })
    }

    /// Replaces the registered table by that of `new`, which may be the same.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when it is of another type, or what the subsystem's `update` returns; the old
    /// table is registered still.
    fn update(&mut self, new: Replacement) -> Result {
        let Replacement { map: new, update } = new;
        if !core::ptr::eq(new.desc(), self.map.desc()) {
            return Err(EINVAL);
        }
        let guard = new.exclude_links();

        // SAFETY: Both tables are complete and of the type that `update` expects, the old one is
        // registered by the type invariants, and `link` is valid.
        accepted(unsafe { update(new.kdata(), self.map.kdata(), self.link) })?;
        drop(guard);
        // INVARIANT: `update` has put the new table in the place of the old. The old map must not
        // be unregistered, so it is not a `Registration` that is dropped here but its map alone.
        self.map = new;
        Ok(())
    }
}

/// Turns the answer of a subsystem into a result: whatever is not 0 is a failure.
///
/// A positive answer would be a file descriptor or a success for user space; no subsystem gives
/// one, and there is no error number for it.
#[inline]
fn accepted(answer: c_int) -> Result {
    to_result(answer)?;
    if answer == 0 {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Some(unreg) = self.map.ops().unreg else {
            return;
        };

        // SAFETY: By the type invariants, the table is registered and `link` is valid.
        unsafe { unreg(self.map.kdata(), self.link) };
    }
}

/// The place in a link's data that holds the link's registration.
///
/// Empty at first and after [`SlotGuard::unregister`]. What is in it when the link is freed is
/// unregistered then.
///
/// # Concurrency
///
/// The registration is guarded by the slot's mutex, one for each link. It is held while the
/// subsystem's `reg` and `update` run, and its `unreg` when the link is detached, hence outside all
/// of a subsystem's locks; a subsystem must not come back to the same link from there.
///
/// Inside of it, the mutex of the type is held for as long, unless the type is known to need none:
/// see `bpf_struct_ops::parallel_links`. What a subsystem can rely on is thus what the C code gives
/// it by one mutex for all types. In either, closing a link takes no lock for the `unreg` that
/// comes with it.
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
        // Relaxed: nothing else is read on the strength of the id.
        match self.map_id.load(Relaxed) {
            0 => None,
            id => Some(id),
        }
    }
}

/// The data of a link that has a [`Slot`]; implemented by [`impl_has_slot!`].
///
/// # Safety
///
/// `slot` must return a field of the data.
pub unsafe trait HasSlot: LinkOps {
    /// Returns the slot.
    fn slot(&self) -> &Slot;
}

/// Tells which field of a link's data is its [`Slot`](crate::bpf::struct_ops::Slot).
///
/// ```ignore
/// impl_has_slot! {
///     impl HasSlot for StructOpsLink { self.registration }
/// }
/// ```
#[macro_export]
macro_rules! impl_has_slot {
    (impl HasSlot for $data:ty { self.$field:ident }) => {
        // SAFETY: The pattern matches a field of the type.
        unsafe impl $crate::bpf::struct_ops::HasSlot for $data {
            #[inline]
            fn slot(&self) -> &$crate::bpf::struct_ops::Slot {
                let Self { $field, .. } = self;

                $field
            }
        }
    };
}

pub use impl_has_slot;

impl<T: HasSlot> Link<T> {
    /// Registers the table of `map` on behalf of this link. May sleep.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] when one is registered already, or what the subsystem returns. The slot is as it
    /// was then.
    #[inline]
    pub fn register(&self, map: ReadyMap) -> Result {
        let mut slot = self.slot().lock();

        if slot.registration.is_some() {
            return Err(EBUSY);
        }

        let id = map.map().id();
        // SAFETY: The slot is a part of the link, and the registration stays in the slot, so it
        // is dropped before the link's memory is freed.
        *slot.registration = Some(unsafe { Registration::new(map, self.as_raw()) }?);
        // INVARIANT: This is the map that was registered.
        slot.map_id.store(id, Relaxed);
        Ok(())
    }
}

/// A locked [`Slot`].
pub struct SlotGuard<'a> {
    registration: MutexGuard<'a, Option<Registration>>,
    map_id: &'a Atomic<u32>,
}

impl SlotGuard<'_> {
    /// Returns what is registered, or `None` when the link is detached.
    #[inline]
    pub fn registered(&mut self) -> Option<Registered<'_>> {
        Some(Registered {
            registration: (*self.registration).as_mut()?,
            map_id: self.map_id,
        })
    }

    /// Unregisters, and tells whether there was anything to unregister. May sleep.
    pub fn unregister(&mut self) -> bool {
        let Some(registration) = self.registration.take() else {
            return false;
        };
        // The map has the type's lock, so it stays until that is given back.
        let map = registration.map.clone();
        let guard = map.exclude_links();

        drop(registration);
        drop(guard);
        // INVARIANT: Nothing is registered any more.
        self.map_id.store(0, Relaxed);
        true
    }
}

/// What a locked [`Slot`] has registered.
pub struct Registered<'a> {
    registration: &'a mut Registration,
    map_id: &'a Atomic<u32>,
}

impl Registered<'_> {
    /// Returns the map whose table is registered.
    #[inline]
    pub fn map(&self) -> &Map {
        self.registration.map.map()
    }

    /// Replaces the registered table by that of `new`, which may be the same. May sleep.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when `new` is of another type, or what the subsystem's `update` returns. The slot
    /// is as it was then.
    pub fn update(&mut self, new: Replacement) -> Result {
        let id = new.map.map().id();

        self.registration.update(new)?;
        // INVARIANT: This is the map that is registered now.
        self.map_id.store(id, Relaxed);
        Ok(())
    }
}
