// SPDX-License-Identifier: GPL-2.0-only

//! struct_ops maps and their registration.
//!
//! A struct_ops map holds a table of kernel operations that BPF programs implement. The states of
//! such a table are types here:
//!
//! * [`Map`]: any map, of struct_ops or not.
//! * [`ReadyMap`]: a struct_ops map for links. Its table is complete and does not change again.
//! * [`Registration`]: a ready map whose table is registered with its subsystem, on behalf of one
//!   link.
//!
//! A link stores its registration in a [`Slot`], a field of its data that [`impl_has_slot!`] names.
//!
//! Each state is only made from the one before it, so only a complete table is registered. If
//! creating a link fails, what exists by then is dropped: a [`Registration`] unregisters the table,
//! and a [`LinkPrimer`](crate::bpf::link::LinkPrimer) frees the link. So a create that fails leaves
//! nothing behind.
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
    ffi::{
        c_char,
        c_int, //
    },
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
        Mutex,
        MutexGuard, //
    }, //
};

pub mod trace;

#[cfg(CONFIG_BPF_STRUCT_OPS_LINK_KUNIT_TEST)]
pub mod fake;

/// A struct_ops map whose table a link can register with its subsystem.
///
/// # Invariants
///
/// `map` is the first field of a `bpf_struct_ops_map` that was created with `BPF_F_LINK` and is in
/// state `BPF_STRUCT_OPS_STATE_READY`, which such a map never leaves. Hence the description of its
/// type and its table are constant. They are valid as long as the map, which holds a reference on
/// the module of the type. `register_bpf_struct_ops` has initialized the description.
#[derive(Clone)]
pub struct ReadyMap {
    map: ARef<Map>,
}

impl TryFrom<ARef<Map>> for ReadyMap {
    type Error = Error;

    /// Checks that the table of `map` can be registered. Any context.
    ///
    /// C counterpart:
    /// [`bpf_struct_ops_valid_to_reg`](srctree/kernel/bpf/bpf_struct_ops.h).
    ///
    /// # Errors
    ///
    /// [`EINVAL`]: `map` is not a struct_ops map, was not created with `BPF_F_LINK`, or is not yet
    /// filled in.
    #[inline]
    fn try_from(map: ARef<Map>) -> Result<Self> {
        // SAFETY: `map` owns a reference, so this points to a valid map.
        if !unsafe { bindings::bpf_struct_ops_valid_to_reg(map.as_raw()) } {
            return Err(EINVAL);
        }

        // INVARIANT: The C function has checked the type of the map, its flags and its state.
        Ok(Self { map })
    }
}

impl ReadyMap {
    /// Returns the map.
    #[inline]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Returns this map as a replacement for another one of its type, or `None` if the type has no
    /// `update`.
    #[inline]
    pub fn into_replacement(self) -> Option<Replacement> {
        // SAFETY: By the type invariants, the description is valid, and the field constant.
        let update = unsafe { (*self.ops()).update }?;

        // INVARIANT: `update` was read from the description of the map's type.
        Some(Replacement { map: self, update })
    }

    #[inline]
    fn st_map(&self) -> *mut bindings::bpf_struct_ops_map {
        self.map.as_raw().cast()
    }

    /// Returns the description of the type, which is the same for all maps of a type.
    #[inline]
    fn desc(&self) -> *const bindings::bpf_struct_ops_desc {
        // SAFETY: By the type invariants, this points to a valid `bpf_struct_ops_map`, and the
        // field is constant.
        unsafe { (*self.st_map()).st_ops_desc }
    }

    /// Returns the operations of the type. All but the lock is constant.
    #[inline]
    fn ops(&self) -> *mut bindings::bpf_struct_ops {
        // SAFETY: By the type invariants, the description is valid and constant.
        unsafe { (*self.desc()).st_ops }
    }

    /// Returns the name of the type, like `tcp_congestion_ops`: a C string that is valid as long as
    /// `self` is.
    #[inline]
    fn type_name(&self) -> *const c_char {
        // SAFETY: By the type invariants, the description is valid, and the field constant.
        unsafe { (*self.ops()).name }
    }

    /// Returns the table, as the subsystem gets it.
    #[inline]
    fn kdata(&self) -> *mut c_void {
        // SAFETY: By the type invariants, this points to a valid `bpf_struct_ops_map`.
        unsafe { (&raw mut (*self.st_map()).kvalue.data).cast() }
    }

    /// Excludes the other links of this type, and of the types that it shares
    /// `bpf_struct_ops::link_lock` with, unless the type sets `bpf_struct_ops::parallel_links`.
    /// May sleep.
    ///
    /// C counterpart: `update_mutex` in
    /// [`kernel/bpf/struct_ops_link.c`](srctree/kernel/bpf/struct_ops_link.c), which excludes the
    /// links of all types.
    #[inline]
    fn exclude_links(&self) -> Option<Guard<'_, (), MutexBackend>> {
        // SAFETY: By the type invariants, the description is valid, and the field constant.
        if unsafe { (*self.ops()).parallel_links } {
            return None;
        }
        // SAFETY: By the type invariants, the description is valid as long as `self` is.
        // `register_bpf_struct_ops` has made the constant field point to a mutex that is
        // initialized, and valid as long as the description.
        let lock = unsafe { Lock::from_raw((*self.ops()).link_lock) };

        Some(lock.lock())
    }
}

/// A ready map of a type whose tables can be replaced.
///
/// # Invariants
///
/// `update` is the operation of the map's type.
pub struct Replacement {
    map: ReadyMap,
    update: unsafe extern "C" fn(*mut c_void, *mut c_void, *mut bindings::bpf_link) -> c_int,
}

impl Replacement {
    /// Returns the map.
    #[inline]
    pub fn map(&self) -> &Map {
        self.map.map()
    }
}

/// A table that is registered with its subsystem.
///
/// Creating the value registers the table, and dropping it calls `unreg`. An update replaces the
/// table in place, without `unreg`. So a table is registered exactly as long as there is a value
/// for it, and `unreg` is called once.
///
/// # Invariants
///
/// `reg` or `update` of the subsystem has accepted the table of `map` on behalf of `link`, and
/// `unreg` was not called since. `link` is valid as long as the value exists.
pub struct Registration {
    map: ReadyMap,
    link: *mut bindings::bpf_link,
}

// SAFETY: Any thread may unregister the table, and put the reference on the map.
unsafe impl Send for Registration {}

impl Registration {
    /// Registers the table of `map` on behalf of `link`. May sleep.
    ///
    /// # Safety
    ///
    /// `link` must be valid until the registration is dropped.
    ///
    /// # Errors
    ///
    /// * [`EOPNOTSUPP`]: the type has no `reg`.
    /// * The error of `reg`, or [`EINVAL`] if it returns a positive number.
    #[inline]
    unsafe fn new(map: ReadyMap, link: *mut bindings::bpf_link) -> Result<Self> {
        // SAFETY: By the type invariants of `map`, the description is valid. The field is constant.
        let reg = unsafe { (*map.ops()).reg }.ok_or(EOPNOTSUPP)?;
        let guard = map.exclude_links();

        // SAFETY: By the type invariants of `ReadyMap`, the table is complete. It is of the type
        // that `reg` expects, and the caller keeps `link` valid.
        accepted(unsafe { reg(map.kdata(), link) })?;
        drop(guard);

        // INVARIANT: `reg` has accepted the table. The caller keeps `link` valid until the
        // registration is dropped.
        Ok(Self { map, link })
    }
}

/// Converts the return value of `reg` or `update`. Every value but 0 is a failure.
///
/// User space would take a positive number for a file descriptor or for success. No subsystem in
/// the tree returns one. It becomes [`EINVAL`].
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
        // SAFETY: By the type invariants of `map`, the description is valid. The field is constant.
        let Some(unreg) = (unsafe { (*self.map.ops()).unreg }) else {
            return;
        };

        // SAFETY: By the type invariants, the table is registered on behalf of `link`, which is
        // valid.
        unsafe { unreg(self.map.kdata(), self.link) };
    }
}

/// The name of the lock of a slot. Lockdep compares the pointers of names. A literal would be
/// another one in each crate that creates a slot.
static LOCK_NAME: &CStr = c"bpf_struct_ops_slot";

/// The registration of a link, a field of the link's data.
///
/// A slot is empty at first and after [`SlotGuard::unregister`]. If the link is freed with a
/// registration in its slot, that is dropped, which unregisters the table.
///
/// # Concurrency
///
/// Each slot has a mutex that guards the registration. It is held while the link calls `reg` or
/// `update` of the subsystem, and while `BPF_LINK_DETACH` calls `unreg`. So it is taken before all
/// locks of the subsystem, which must not call back into the same link from there.
///
/// The mutex of the type, `bpf_struct_ops::link_lock`, is taken after that of the slot and held
/// during the same calls, unless the type sets `bpf_struct_ops::parallel_links`. What each
/// subsystem relies on is in
/// [`struct_ops_link.rst`](srctree/Documentation/bpf/struct_ops_link.rst).
///
/// Freeing a link takes neither mutex when it calls `unreg`: the last reference was put, so nothing
/// else uses the link.
///
/// The id of the map is written under the slot's mutex and read without a lock. info, fdinfo and
/// poll need only the id, and reading a number requires no reference on the map.
///
/// # Invariants
///
/// While the mutex is not held, `map_id` is the id of the registered map, or 0 if there is none.
#[pin_data]
pub struct Slot {
    #[pin]
    registration: Mutex<Option<Registration>>,
    map_id: Atomic<u32>,
}

impl Slot {
    /// Returns an initializer of an empty slot.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            registration <- Mutex::new(None, LOCK_NAME, crate::static_lock_class!()),
            // INVARIANT: There is no registration, so the id is 0.
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

    /// Returns the id of the registered map, or `None` if there is none. Any context.
    #[inline]
    pub fn map_id(&self) -> Option<u32> {
        // Relaxed: no other access depends on the id.
        match self.map_id.load(Relaxed) {
            0 => None,
            id => Some(id),
        }
    }
}

/// The data of a link that has a [`Slot`]. Use [`impl_has_slot!`] to implement it.
///
/// # Safety
///
/// `slot` must return a field of `self`.
pub unsafe trait HasSlot: LinkOps {
    /// Returns the slot.
    fn slot(&self) -> &Slot;
}

/// Implements [`HasSlot`](crate::bpf::struct_ops::HasSlot) for the data of a link, by the field
/// that is its [`Slot`](crate::bpf::struct_ops::Slot). A field that only refers to a slot, like an
/// `Arc<Slot>`, does not compile.
///
/// # Examples
///
/// ```
/// use kernel::bpf::{
///     link::{
///         AttachType,
///         LinkOps,
///         LinkPrimer,
///         LinkType, //
///     },
///     struct_ops::{
///         impl_has_slot,
///         Slot, //
///     }, //
/// };
///
/// #[pin_data]
/// struct Example {
///     #[pin]
///     registration: Slot,
/// }
///
/// #[vtable]
/// impl LinkOps for Example {
///     const TYPE: LinkType = LinkType::STRUCT_OPS;
/// }
///
/// impl_has_slot! {
///     impl HasSlot for Example { self.registration }
/// }
///
/// let data = pin_init!(Example { registration <- Slot::new() });
/// let link = LinkPrimer::new(data, AttachType::STRUCT_OPS)?;
///
/// // Nothing is registered yet, so there is nothing to unregister.
/// assert_eq!(link.registration.map_id(), None);
/// assert!(link.registration.lock().unregister().is_none());
/// # Ok::<(), Error>(())
/// ```
#[macro_export]
macro_rules! impl_has_slot {
    (impl HasSlot for $data:ty { self.$field:ident }) => {
        // SAFETY: The pattern binds a field of `self`, and raw pointers are not dereferenced by a
        // coercion. So the slot is the field itself, and not what the field refers to.
        unsafe impl $crate::bpf::struct_ops::HasSlot for $data {
            #[inline]
            fn slot(&self) -> &$crate::bpf::struct_ops::Slot {
                let Self { $field, .. } = self;
                let field = &raw const *$field;
                let slot: *const $crate::bpf::struct_ops::Slot = field;

                // SAFETY: `slot` points to a field of `self`.
                unsafe { &*slot }
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
    /// * [`EBUSY`]: the link has a registration.
    /// * [`EOPNOTSUPP`]: the type has no `reg`.
    /// * The error of `reg`, or [`EINVAL`] if it returns a positive number.
    ///
    /// On an error, the slot is unchanged.
    #[inline]
    pub fn register(&self, map: ReadyMap) -> Result {
        let mut slot = self.slot().lock();

        if slot.registration.is_some() {
            return Err(EBUSY);
        }

        let id = map.map().id();
        // SAFETY: By the requirements of `HasSlot`, the slot is a field of the link. The
        // registration does not leave the slot, so it is dropped before the link's memory is freed.
        *slot.registration = Some(unsafe { Registration::new(map, self.as_raw()) }?);
        // INVARIANT: This is the id of the map that was registered.
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
    /// Returns the registration, or `None` if the slot is empty.
    #[inline]
    pub fn registered(&mut self) -> Option<Registered<'_>> {
        Some(Registered {
            registration: (*self.registration).as_mut()?,
            map_id: self.map_id,
        })
    }

    /// Unregisters the table. Returns its map, or `None` if the slot was empty. May sleep.
    pub fn unregister(&mut self) -> Option<ReadyMap> {
        let registration = self.registration.take()?;
        // The map keeps the mutex of the type valid until it is unlocked.
        let map = registration.map.clone();
        let guard = map.exclude_links();

        drop(registration);
        // INVARIANT: There is no registration, so the id is 0. Another link of the type that
        // registers the table next does so after this.
        self.map_id.store(0, Relaxed);
        drop(guard);
        Some(map)
    }
}

/// The registration in a locked [`Slot`].
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
    /// * [`EINVAL`]: `new` is of another type.
    /// * The error of `update`, or [`EINVAL`] if it returns a positive number.
    ///
    /// On an error, the slot is unchanged, and the old table is still registered.
    pub fn update(&mut self, new: Replacement) -> Result {
        let Replacement { map: new, update } = new;
        let Registration { map: old, link } = &mut *self.registration;
        if !core::ptr::eq(new.desc(), old.desc()) {
            return Err(EINVAL);
        }
        let guard = new.exclude_links();

        // SAFETY: By the type invariants of `ReadyMap`, both tables are complete. They are of one
        // type, which is the one that `update` expects. By the type invariants of `Registration`,
        // the old table is registered and `link` is valid.
        accepted(unsafe { update(new.kdata(), old.kdata(), *link) })?;
        // INVARIANT: This is the id of the map that is registered now. Another link of the type
        // that registers the old table next does so after this.
        self.map_id.store(new.map().id(), Relaxed);
        drop(guard);
        // INVARIANT: `update` has replaced the old table by the new one. `unreg` must not be called
        // for the old table, so only its map is dropped here, not a `Registration`.
        *old = new;
        Ok(())
    }
}
