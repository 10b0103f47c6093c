// SPDX-License-Identifier: GPL-2.0-only

//! BPF links.
//!
//! A link ties an attachment to a file descriptor (and to pins in bpffs): it lives as long as
//! anybody holds a reference on it. A link type is a type that implements [`LinkOps`].
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

use crate::{
    alloc::flags::GFP_USER,
    bindings,
    bpf::map::Map,
    error::{
        from_result,
        to_result,
        Result,
        VTABLE_DEFAULT_ERROR, //
    },
    ffi::{
        c_int,
        c_uint, //
    },
    fs::File,
    prelude::*,
    seq_file::SeqFile,
    sync::poll::{
        FilePollQueue,
        PollTable, //
    },
    types::Opaque, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::Deref,
    ptr::NonNull, //
};

/// What a link attaches, as user space sees it.
///
/// C counterpart: [`enum bpf_link_type`](srctree/include/uapi/linux/bpf.h).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkType(bindings::bpf_link_type);

impl LinkType {
    /// The table of a struct_ops map.
    pub const STRUCT_OPS: Self = Self(bindings::bpf_link_type_BPF_LINK_TYPE_STRUCT_OPS);
}

/// What a link attaches to, as user space names it when the link is created.
///
/// C counterpart: [`enum bpf_attach_type`](srctree/include/uapi/linux/bpf.h).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AttachType(bindings::bpf_attach_type);

impl AttachType {
    /// Attaches the table of a struct_ops map.
    pub const STRUCT_OPS: Self = Self(bindings::bpf_attach_type_BPF_STRUCT_OPS);

    /// Takes the number that user space passed. Any number is one.
    #[inline]
    pub fn from_raw(attach_type: bindings::bpf_attach_type) -> Self {
        Self(attach_type)
    }
}

/// The data of a link type, and what the type does.
///
/// The value is dropped when the last reference to the link has gone: what a link holds, it gives
/// back in its `Drop`. That runs in process context and may sleep. It runs at once, not after a
/// grace period, so what RCU readers may still look at has to be freed by other means.
///
/// Only the optional operations that an implementation provides are entered in the C table.
///
/// A link can outlive everything that its creator has borrowed, so the data borrows nothing.
///
/// C counterpart: [`struct bpf_link_ops`](srctree/include/linux/bpf.h).
#[vtable]
pub trait LinkOps: Sized + Send + Sync + 'static {
    /// The type that user space sees.
    const TYPE: LinkType;

    /// Undoes the attachment while the link lives on (`BPF_LINK_DETACH`).
    ///
    /// Process context, may sleep.
    fn detach(_link: &Link<Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Replaces the map behind the link (`BPF_LINK_UPDATE`); when `expected` is given, only if it
    /// is the present one.
    ///
    /// Process context, may sleep.
    fn update_map(_link: &Link<Self>, _new: &Map, _expected: Option<&Map>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Prints what is special to this type into `/proc/PID/fdinfo/FD`.
    ///
    /// Process context, may sleep.
    fn show_fdinfo(_link: &Link<Self>, _m: &SeqFile) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Fills what is special to this type into the answer to `BPF_OBJ_GET_INFO_BY_FD`.
    ///
    /// Process context, may sleep.
    fn fill_link_info(_link: &Link<Self>, _info: &mut LinkInfo) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Tells whether there is nothing attached any more: pollers get `EPOLLHUP`.
    ///
    /// The poller is on the queue of [`Link::hang_up`] before this is called, so it misses nothing
    /// that happens later.
    ///
    /// Process context.
    fn is_hung_up(_link: &Link<Self>) -> bool {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// The answer to `BPF_OBJ_GET_INFO_BY_FD` for a link.
///
/// C counterpart: [`struct bpf_link_info`](srctree/include/uapi/linux/bpf.h).
#[repr(transparent)]
pub struct LinkInfo(bindings::bpf_link_info);

impl LinkInfo {
    /// Sets the id of the map of a struct_ops link. What is not set stays as user space passed it.
    #[inline]
    pub fn set_struct_ops_map_id(&mut self, id: u32) {
        self.0.__bindgen_anon_1.struct_ops.map_id = id;
    }
}

/// A link of type `T`.
///
/// Dereferences to its data.
///
/// C counterpart: [`struct bpf_link`](srctree/include/linux/bpf.h).
///
/// # Invariants
///
/// `link` was initialised by `bpf_link_init` with the table of `T`.
#[pin_data]
#[repr(C)]
pub struct Link<T: LinkOps> {
    #[pin]
    link: Opaque<bindings::bpf_link>,
    #[pin]
    pollers: FilePollQueue,
    #[pin]
    data: T,
}

// SAFETY: A `bpf_link` may be used and released from any thread, and so may `T`.
unsafe impl<T: LinkOps> Send for Link<T> {}

// SAFETY: The core's accesses to the `bpf_link` are synchronised by the core, and `T` is `Sync`.
unsafe impl<T: LinkOps> Sync for Link<T> {}

impl<T: LinkOps> Link<T> {
    fn new<E>(
        data: impl PinInit<T, E>,
        attach_type: AttachType,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        try_pin_init!(Self {
            // INVARIANT: The table is that of `T`.
            link <- Opaque::ffi_init(|link: *mut bindings::bpf_link| {
                // SAFETY: `link` is valid for writes. The C code expects zeroed memory where it
                // does not initialise, the table is static, and there is no program.
                unsafe {
                    link.write_bytes(0, 1);
                    bindings::bpf_link_init(
                        link,
                        T::TYPE.0,
                        LinkVTable::<T>::build(),
                        core::ptr::null_mut(),
                        attach_type.0,
                    );
                }
            }),
            pollers <- FilePollQueue::new(c"bpf_link_pollers", crate::static_lock_class!()),
            data <- data,
        }? Error)
    }

    /// # Safety
    ///
    /// `link` must point to the `bpf_link` of a valid `Link<T>` for the duration of `'a`.
    #[inline]
    unsafe fn from_raw<'a>(link: *mut bindings::bpf_link) -> &'a Self {
        // SAFETY: `link` is the first field of `Link<T>`, which is `repr(C)`, and valid by the
        // requirements of this function.
        unsafe { &*link.cast() }
    }

    /// Returns the C representation, by a pointer that may be used for the whole link.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::bpf_link {
        // The `bpf_link` is the first field of `Link<T>`, which is `repr(C)`.
        core::ptr::from_ref(self).cast_mut().cast()
    }

    /// Wakes the pollers of the link, with `EPOLLHUP`. Any context.
    ///
    /// [`LinkOps::is_hung_up`] has to answer `true` before this is called.
    #[inline]
    pub fn hang_up(&self) {
        self.pollers.wake(bindings::POLLHUP);
    }
}

impl<T: LinkOps> Deref for Link<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.data
    }
}

/// A link on its way to user space: it has a file, a reserved descriptor and an id, but nobody can
/// reach it yet.
///
/// Either it is settled, or dropping it takes everything back and leaves no trace.
///
/// C counterpart: [`struct bpf_link_primer`](srctree/include/linux/bpf.h).
///
/// # Invariants
///
/// `primer` was filled by `bpf_link_prime` for the `bpf_link` of a `Link<T>`, and has been neither
/// settled nor cleaned up; its file owns the only reference to the link.
pub struct LinkPrimer<T: LinkOps> {
    primer: bindings::bpf_link_primer,
    _link: PhantomData<Pin<KBox<Link<T>>>>,
}

impl<T: LinkOps> LinkPrimer<T> {
    /// Makes a link around `data` and reserves what it needs to reach user space.
    ///
    /// C counterpart: [`bpf_link_prime`](srctree/kernel/bpf/syscall.c).
    ///
    /// # Context
    ///
    /// Process context, may sleep. The descriptor is one of the current task.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`], `EMFILE` when the task has no descriptor left, `ENFILE`, or what `data` fails
    /// with.
    pub fn new<E>(data: impl PinInit<T, E>, attach_type: AttachType) -> Result<Self>
    where
        Error: From<E>,
    {
        let link = KBox::pin_init::<Error>(Link::new(data, attach_type), GFP_USER)?;
        let mut primer = MaybeUninit::uninit();

        // SAFETY: The link stays where it is until it is freed, here or in `LinkVTable::dealloc`.
        let link = KBox::into_raw(unsafe { Pin::into_inner_unchecked(link) });
        // SAFETY: `link` is initialised and pinned, and begins with its `bpf_link`.
        let primed = to_result(unsafe {
            bindings::bpf_link_prime(link.cast::<bindings::bpf_link>(), primer.as_mut_ptr())
        });
        if primed.is_err() {
            // SAFETY: This is the box from above, to which nothing refers on an error.
            drop(unsafe { Pin::new_unchecked(KBox::from_raw(link)) });
        }
        primed?;

        // INVARIANT: The file that was just made owns the initial reference.
        Ok(Self {
            // SAFETY: `bpf_link_prime` has filled it.
            primer: unsafe { primer.assume_init() },
            _link: PhantomData,
        })
    }

    /// Makes the link known to user space, by id and by the file descriptor that is returned.
    ///
    /// C counterpart: [`bpf_link_settle`](srctree/kernel/bpf/syscall.c).
    #[inline]
    pub fn settle(mut self) -> c_int {
        // SAFETY: By the type invariants, and `self` is not dropped.
        let fd = unsafe { bindings::bpf_link_settle(&mut self.primer) };

        core::mem::forget(self);
        fd
    }
}

impl<T: LinkOps> Deref for LinkPrimer<T> {
    type Target = Link<T>;

    #[inline]
    fn deref(&self) -> &Link<T> {
        // SAFETY: By the type invariants, the file keeps the link alive.
        unsafe { Link::from_raw(self.primer.link) }
    }
}

impl<T: LinkOps> Drop for LinkPrimer<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants. Giving up the file gives up the link.
        unsafe { bindings::bpf_link_cleanup(&mut self.primer) };
    }
}

/// Makes the C operations table of a link type.
struct LinkVTable<T: LinkOps>(PhantomData<T>);

impl<T: LinkOps> LinkVTable<T> {
    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a `Link<T>` to which no reference is left.
    unsafe extern "C" fn dealloc(link: *mut bindings::bpf_link) {
        // SAFETY: By the requirements of this function, this is the box that `LinkPrimer::new`
        // gave to the link's file, and nobody else has it any more.
        drop(unsafe { Pin::new_unchecked(KBox::from_raw(link.cast::<Link<T>>())) });
    }

    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a valid `Link<T>`.
    unsafe extern "C" fn detach(link: *mut bindings::bpf_link) -> c_int {
        // SAFETY: By the requirements of this function.
        let link = unsafe { Link::from_raw(link) };

        from_result(|| T::detach(link).map(|()| 0))
    }

    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a valid `Link<T>`; `new` must be a valid map, and
    /// `expected` null or a valid map.
    unsafe extern "C" fn update_map(
        link: *mut bindings::bpf_link,
        new: *mut bindings::bpf_map,
        expected: *mut bindings::bpf_map,
    ) -> c_int {
        // SAFETY: By the requirements of this function.
        let (link, new) = unsafe { (Link::from_raw(link), Map::from_raw(new)) };
        // SAFETY: By the requirements of this function.
        let expected = NonNull::new(expected).map(|map| unsafe { Map::from_raw(map.as_ptr()) });

        from_result(|| T::update_map(link, new, expected).map(|()| 0))
    }

    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a valid `Link<T>`, and `m` a valid `seq_file` that nobody
    /// else uses during the call.
    unsafe extern "C" fn show_fdinfo(link: *const bindings::bpf_link, m: *mut bindings::seq_file) {
        // SAFETY: By the requirements of this function.
        let (link, m) = unsafe { (Link::from_raw(link.cast_mut()), SeqFile::from_raw(m)) };

        T::show_fdinfo(link, m);
    }

    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a valid `Link<T>`, and `info` valid and not used by
    /// anybody else during the call.
    unsafe extern "C" fn fill_link_info(
        link: *const bindings::bpf_link,
        info: *mut bindings::bpf_link_info,
    ) -> c_int {
        // SAFETY: By the requirements of this function; `LinkInfo` is transparent.
        let (link, info) = unsafe {
            (
                Link::from_raw(link.cast_mut()),
                &mut *info.cast::<LinkInfo>(),
            )
        };

        from_result(|| T::fill_link_info(link, info).map(|()| 0))
    }

    /// # Safety
    ///
    /// `file` must be a valid file of a `Link<T>`, and `table` null or a valid poll table.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> c_uint {
        // SAFETY: The private data of a link's file is the link, on which it holds a reference.
        let link = unsafe { Link::<T>::from_raw((*file).private_data.cast()) };

        // SAFETY: The caller passes a valid file, and is not in a call to `fdget_pos`; `table` is
        // null or valid.
        let (file, table) = unsafe { (File::from_raw_file(file), PollTable::from_raw(table)) };

        // SAFETY: The queue is a part of the link, on which `file` holds a reference until it is
        // released.
        unsafe { table.register_wait_in_file(file, &link.pollers) };
        if T::is_hung_up(link) {
            bindings::POLLHUP
        } else {
            0
        }
    }

    const VTABLE: bindings::bpf_link_ops = bindings::bpf_link_ops {
        dealloc: Some(Self::dealloc),
        detach: if T::HAS_DETACH {
            Some(Self::detach)
        } else {
            None
        },
        update_map: if T::HAS_UPDATE_MAP {
            Some(Self::update_map)
        } else {
            None
        },
        show_fdinfo: if T::HAS_SHOW_FDINFO {
            Some(Self::show_fdinfo)
        } else {
            None
        },
        fill_link_info: if T::HAS_FILL_LINK_INFO {
            Some(Self::fill_link_info)
        } else {
            None
        },
        poll: if T::HAS_IS_HUNG_UP {
            Some(Self::poll)
        } else {
            None
        },
        ..pin_init::zeroed()
    };

    const fn build() -> &'static bindings::bpf_link_ops {
        &Self::VTABLE
    }
}
