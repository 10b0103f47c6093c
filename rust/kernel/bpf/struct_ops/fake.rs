// SPDX-License-Identifier: GPL-2.0-only

//! A struct_ops type for KUnit tests.
//!
//! It replaces a subsystem: it counts the calls of its operations, returns what a test asks for,
//! and counts calls in the wrong order. Its maps are ready when they are created, and need no BPF
//! program.

use crate::{
    bindings,
    bpf::map::Map,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::mutex::MutexBackend,
        lock::Backend,
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::Opaque, //
};
use core::{
    mem::offset_of,
    ptr::NonNull, //
};

/// A type of struct_ops tables.
///
/// # Invariants
///
/// `desc` points to `st_ops`.
#[pin_data]
pub struct FakeType {
    #[pin]
    st_ops: Opaque<bindings::bpf_struct_ops>,
    #[pin]
    desc: Opaque<bindings::bpf_struct_ops_desc>,
    /// What `reg` and `update` return.
    answer: Atomic<i32>,
    regs: Atomic<i32>,
    updates: Atomic<i32>,
    unregs: Atomic<i32>,
    violations: Atomic<i32>,
    maps: Atomic<i32>,
    /// How long `reg`, `update` and `unreg` take, in microseconds.
    takes_us: Atomic<i32>,
    running: Atomic<i32>,
    overlaps: Atomic<i32>,
}

// SAFETY: The C structures are used by any thread, and the rest is atomic.
unsafe impl Send for FakeType {}

// SAFETY: The C structures are constant after initialization, except for a mutex, which any thread
// may lock. The rest is atomic.
unsafe impl Sync for FakeType {}

/// A map of a [`FakeType`].
#[pin_data]
#[repr(C)]
struct FakeMap {
    #[pin]
    st_map: Opaque<bindings::bpf_struct_ops_map>,
    ty: Arc<FakeType>,
    registered: Atomic<bool>,
}

struct MapOps(bindings::bpf_map_ops);

// SAFETY: The operations are never written.
unsafe impl Sync for MapOps {}

static MAP_OPS: MapOps = MapOps(bindings::bpf_map_ops {
    map_free: Some(FakeMap::free),
    ..pin_init::zeroed()
});

/// The next id of a fake map. The ids of other maps do not get that high in a test.
static NEXT_ID: Atomic<u32> = Atomic::new(0x7000_0000);

impl FakeType {
    /// Creates a type whose links exclude each other. It has an `update` if `can_update`.
    pub fn new(can_update: bool) -> Result<Arc<Self>> {
        Self::with(can_update, false)
    }

    /// Creates a type with `parallel_links`.
    pub fn parallel() -> Result<Arc<Self>> {
        Self::with(true, true)
    }

    fn with(can_update: bool, parallel_links: bool) -> Result<Arc<Self>> {
        let ty = Arc::pin_init(
            pin_init!(Self {
                st_ops <- Opaque::ffi_init(|st_ops: *mut bindings::bpf_struct_ops| {
                    // SAFETY: `st_ops` is valid for writes, and its mutex is pinned. The name and
                    // the lock class are static.
                    unsafe {
                        st_ops.write_bytes(0, 1);
                        (*st_ops).name = c"fake_type".as_char_ptr();
                        (*st_ops).reg = Some(FakeMap::reg);
                        (*st_ops).unreg = Some(FakeMap::unreg);
                        (*st_ops).parallel_links = parallel_links;
                        (*st_ops).link_lock = &raw mut (*st_ops).own_link_lock;
                        MutexBackend::init(
                            (*st_ops).link_lock,
                            c"fake_type".as_char_ptr(),
                            crate::static_lock_class!().as_ptr(),
                        );
                        if can_update {
                            (*st_ops).update = Some(FakeMap::update);
                        }
                    }
                }),
                desc <- Opaque::zeroed(),
                answer: Atomic::new(0),
                regs: Atomic::new(0),
                updates: Atomic::new(0),
                unregs: Atomic::new(0),
                violations: Atomic::new(0),
                maps: Atomic::new(0),
                takes_us: Atomic::new(0),
                running: Atomic::new(0),
                overlaps: Atomic::new(0),
            }),
            GFP_KERNEL,
        )?;

        // INVARIANT: `st_ops` is a field of the same pinned value.
        // SAFETY: `desc` is valid, and no other code has the type yet.
        unsafe { (*ty.desc.get()).st_ops = ty.st_ops.get() };
        Ok(ty)
    }

    /// Creates a map of this type.
    pub fn map(self: &Arc<Self>) -> Result<ARef<Map>> {
        let ty = self.clone();
        let map = KBox::pin_init(
            pin_init!(FakeMap {
                st_map <- Opaque::ffi_init(|st_map: *mut bindings::bpf_struct_ops_map| {
                    // SAFETY: `st_map` is valid for writes, and all zeroes is a valid value.
                    unsafe {
                        st_map.write_bytes(0, 1);
                        (*st_map).st_ops_desc = self.desc.get();
                        (*st_map).kvalue.common.state =
                            bindings::bpf_struct_ops_state_BPF_STRUCT_OPS_STATE_READY;

                        let map = &mut (*st_map).map;
                        map.ops = &MAP_OPS.0;
                        map.map_type = bindings::bpf_map_type_BPF_MAP_TYPE_STRUCT_OPS;
                        map.map_flags = bindings::BPF_F_LINK;
                        map.id = NEXT_ID.fetch_add(1, Relaxed);
                        map.refcnt.counter = 1;
                    }
                }),
                ty: ty,
                registered: Atomic::new(false),
            }),
            GFP_KERNEL,
        )?;
        self.maps.fetch_add(1, Relaxed);

        // SAFETY: The map is not moved: `FakeMap::free` turns the pointer back into a pinned box.
        let map = KBox::into_raw(unsafe { Pin::into_inner_unchecked(map) });
        // SAFETY: A box is not null. Its first field is the `bpf_map`, whose count of 1 is the
        // reference that passes to the `ARef`.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(map.cast())) })
    }

    /// Makes `reg` and `update` return `answer`, which is 0 at first.
    pub fn answer(&self, answer: c_int) {
        self.answer.store(answer, Relaxed);
    }

    /// Returns how often `reg`, `update` and `unreg` were called, including calls that failed.
    pub fn calls(&self) -> (i32, i32, i32) {
        (
            self.regs.load(Relaxed),
            self.updates.load(Relaxed),
            self.unregs.load(Relaxed),
        )
    }

    /// Returns how often a table was registered twice, or was replaced, unregistered or freed in
    /// the wrong state.
    pub fn violations(&self) -> i32 {
        self.violations.load(Relaxed)
    }

    /// Returns how many maps of this type have not been freed.
    pub fn maps(&self) -> i32 {
        self.maps.load(Relaxed)
    }

    /// Makes `reg`, `update` and `unreg` take this many microseconds.
    pub fn take_us(&self, takes_us: i32) {
        self.takes_us.store(takes_us, Relaxed);
    }

    /// Returns how often one of them was called while another one ran.
    pub fn overlaps(&self) -> i32 {
        self.overlaps.load(Relaxed)
    }

    /// Runs for as long as an operation takes.
    fn run(&self) {
        let takes_us = self.takes_us.load(Relaxed);

        if self.running.fetch_add(1, Relaxed) != 0 {
            self.overlaps.fetch_add(1, Relaxed);
        }
        if takes_us != 0 {
            fsleep(Delta::from_micros(takes_us.into()));
        }
        self.running.fetch_sub(1, Relaxed);
    }

    /// Counts a violation unless the rule was `kept`.
    fn expect(&self, kept: bool) {
        if !kept {
            self.violations.fetch_add(1, Relaxed);
        }
    }
}

impl FakeMap {
    /// Borrows the map whose table this is.
    ///
    /// # Safety
    ///
    /// `kdata` must be the table of a `FakeMap` that is valid for `'a`.
    unsafe fn from_kdata<'a>(kdata: *mut c_void) -> &'a Self {
        const TABLE: usize = offset_of!(bindings::bpf_struct_ops_map, kvalue)
            + offset_of!(bindings::bpf_struct_ops_value, data);

        // SAFETY: The caller passes the table of a valid `FakeMap`. It is at offset `TABLE` of a
        // `bpf_struct_ops_map`, which is the first field of the `FakeMap`.
        unsafe { &*kdata.byte_sub(TABLE).cast() }
    }

    /// # Safety
    ///
    /// `kdata` must be the table of a `FakeMap` that is valid during the call.
    unsafe extern "C" fn reg(kdata: *mut c_void, _link: *mut bindings::bpf_link) -> c_int {
        // SAFETY: The link passes the table of a map on which it holds a reference during the call.
        let map = unsafe { Self::from_kdata(kdata) };
        let answer = map.ty.answer.load(Relaxed);

        map.ty.regs.fetch_add(1, Relaxed);
        map.ty.run();
        if answer == 0 {
            map.ty.expect(!map.registered.load(Relaxed));
            map.registered.store(true, Relaxed);
        }
        answer
    }

    /// # Safety
    ///
    /// `new` and `old` must be the tables of `FakeMap`s that are valid during the call.
    unsafe extern "C" fn update(
        new: *mut c_void,
        old: *mut c_void,
        _link: *mut bindings::bpf_link,
    ) -> c_int {
        // SAFETY: The link passes the tables of two maps. It holds references on both during the
        // call.
        let (new, old) = unsafe { (Self::from_kdata(new), Self::from_kdata(old)) };
        let answer = new.ty.answer.load(Relaxed);

        new.ty.updates.fetch_add(1, Relaxed);
        new.ty.run();
        if answer == 0 {
            new.ty.expect(old.registered.load(Relaxed));
            old.registered.store(false, Relaxed);
            new.ty.expect(!new.registered.load(Relaxed));
            new.registered.store(true, Relaxed);
        }
        answer
    }

    /// # Safety
    ///
    /// `kdata` must be the table of a `FakeMap` that is valid during the call.
    unsafe extern "C" fn unreg(kdata: *mut c_void, _link: *mut bindings::bpf_link) {
        // SAFETY: The link passes the table of a map on which it holds a reference during the call.
        let map = unsafe { Self::from_kdata(kdata) };

        map.ty.unregs.fetch_add(1, Relaxed);
        map.ty.run();
        map.ty.expect(map.registered.load(Relaxed));
        map.registered.store(false, Relaxed);
    }

    /// # Safety
    ///
    /// `map` must be the `bpf_map` of a `FakeMap` whose last reference was put.
    unsafe extern "C" fn free(map: *mut bindings::bpf_map) {
        // SAFETY: The last reference was put, so this owns the pinned box that `FakeType::map` has
        // turned into a pointer.
        let map = unsafe { Pin::new_unchecked(KBox::from_raw(map.cast::<Self>())) };
        let ty = map.ty.clone();

        ty.expect(!map.registered.load(Relaxed));
        drop(map);
        ty.maps.fetch_sub(1, Relaxed);
    }
}
