// SPDX-License-Identifier: GPL-2.0-only

//! A struct_ops type for KUnit tests.
//!
//! It takes the place of a subsystem: it counts the calls it gets, fails when it is told to, and
//! notes when it is called out of turn. Its maps are ready at once and need no BPF program.

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
    /// How long `reg`, `update` and `unreg` take.
    takes_us: Atomic<i32>,
    running: Atomic<i32>,
    overlaps: Atomic<i32>,
}

// SAFETY: The C structures are constant after initialisation.
unsafe impl Send for FakeType {}

// SAFETY: The C structures are constant after initialisation, the rest is atomic.
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

// SAFETY: The operations are constant.
unsafe impl Sync for MapOps {}

static MAP_OPS: MapOps = MapOps(bindings::bpf_map_ops {
    map_free: Some(FakeMap::free),
    ..pin_init::zeroed()
});

/// The ids of fake maps start where real ones do not come.
static NEXT_ID: Atomic<u32> = Atomic::new(0x7000_0000);

impl FakeType {
    /// Makes a type, with an `update` if `can_update`, whose links exclude each other.
    pub fn new(can_update: bool) -> Result<Arc<Self>> {
        Self::with(can_update, false)
    }

    /// Makes a type that needs no exclusion of its links.
    pub fn parallel() -> Result<Arc<Self>> {
        Self::with(true, true)
    }

    fn with(can_update: bool, parallel_links: bool) -> Result<Arc<Self>> {
        let ty = Arc::pin_init(
            pin_init!(Self {
                st_ops <- Opaque::ffi_init(|st_ops: *mut bindings::bpf_struct_ops| {
                    // SAFETY: `st_ops` is valid for writes.
                    unsafe {
                        st_ops.write_bytes(0, 1);
                        (*st_ops).reg = Some(FakeMap::reg);
                        (*st_ops).unreg = Some(FakeMap::unreg);
                        (*st_ops).parallel_links = parallel_links;
                        MutexBackend::init(
                            &raw mut (*st_ops).link_lock,
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

        // INVARIANT: `st_ops` lies beside it and does not move.
        // SAFETY: Nobody else has the type yet.
        unsafe { (*ty.desc.get()).st_ops = ty.st_ops.get() };
        Ok(ty)
    }

    /// Makes a map of this type.
    pub fn map(self: &Arc<Self>) -> Result<ARef<Map>> {
        let ty = self.clone();
        let map = KBox::pin_init(
            pin_init!(FakeMap {
                st_map <- Opaque::ffi_init(|st_map: *mut bindings::bpf_struct_ops_map| {
                    // SAFETY: `st_map` is valid for writes. The map has one reference at first.
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

        // SAFETY: The map stays where it is, `FakeMap::free` frees it.
        let map = KBox::into_raw(unsafe { Pin::into_inner_unchecked(map) });
        // SAFETY: A box is not null, and the `bpf_map`, its first field, has one reference.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(map.cast())) })
    }

    /// Lets `reg` and `update` return `answer`, 0 for a success.
    pub fn answer(&self, answer: c_int) {
        self.answer.store(answer, Relaxed);
    }

    /// How often `reg`, `update` and `unreg` were called, whether they failed or not.
    pub fn calls(&self) -> (i32, i32, i32) {
        (
            self.regs.load(Relaxed),
            self.updates.load(Relaxed),
            self.unregs.load(Relaxed),
        )
    }

    /// How often a table was registered twice, or replaced or unregistered without being
    /// registered.
    pub fn violations(&self) -> i32 {
        self.violations.load(Relaxed)
    }

    /// How many maps of this type have not been freed.
    pub fn maps(&self) -> i32 {
        self.maps.load(Relaxed)
    }

    /// Lets `reg`, `update` and `unreg` take so long.
    pub fn take_us(&self, takes_us: i32) {
        self.takes_us.store(takes_us, Relaxed);
    }

    /// How often one of them was called while another one ran.
    pub fn overlaps(&self) -> i32 {
        self.overlaps.load(Relaxed)
    }

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

    fn expect(&self, kept: bool) {
        if !kept {
            self.violations.fetch_add(1, Relaxed);
        }
    }
}

impl FakeMap {
    /// # Safety
    ///
    /// `kdata` must be the table of a valid `FakeMap`.
    unsafe fn from_kdata<'a>(kdata: *mut c_void) -> &'a Self {
        const TABLE: usize = offset_of!(bindings::bpf_struct_ops_map, kvalue)
            + offset_of!(bindings::bpf_struct_ops_value, data);

        // SAFETY: The table is in a `bpf_struct_ops_map`, the first field of a `FakeMap`.
        unsafe { &*kdata.byte_sub(TABLE).cast() }
    }

    /// # Safety
    ///
    /// `kdata` must be the table of a valid `FakeMap`.
    unsafe extern "C" fn reg(kdata: *mut c_void, _link: *mut bindings::bpf_link) -> c_int {
        // SAFETY: By the requirements of this function.
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
    /// `new` and `old` must be the tables of valid `FakeMap`s.
    unsafe extern "C" fn update(
        new: *mut c_void,
        old: *mut c_void,
        _link: *mut bindings::bpf_link,
    ) -> c_int {
        // SAFETY: By the requirements of this function.
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
    /// `kdata` must be the table of a valid `FakeMap`.
    unsafe extern "C" fn unreg(kdata: *mut c_void, _link: *mut bindings::bpf_link) {
        // SAFETY: By the requirements of this function.
        let map = unsafe { Self::from_kdata(kdata) };

        map.ty.unregs.fetch_add(1, Relaxed);
        map.ty.run();
        map.ty.expect(map.registered.load(Relaxed));
        map.registered.store(false, Relaxed);
    }

    /// # Safety
    ///
    /// `map` must be that of a `FakeMap` to which no reference is left.
    unsafe extern "C" fn free(map: *mut bindings::bpf_map) {
        // SAFETY: This is the box that `FakeType::map` gave away.
        let map = unsafe { Pin::new_unchecked(KBox::from_raw(map.cast::<Self>())) };
        let ty = map.ty.clone();

        ty.expect(!map.registered.load(Relaxed));
        drop(map);
        ty.maps.fetch_sub(1, Relaxed);
    }
}
