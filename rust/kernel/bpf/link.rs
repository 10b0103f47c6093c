// SPDX-License-Identifier: GPL-2.0-only

//! BPF links.
//!
//! A link ties an attachment to a file descriptor and to pins in bpffs: it exists while a reference
//! on it is held. A link type is a type that implements [`LinkOps`].
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

/// The name of the lock of a link's queue. Lockdep compares the pointers of names. A literal would
/// be another one in each crate that has a link type.
static QUEUE_NAME: &CStr = c"bpf_link_pollers";

/// The type of a link, as user space sees it.
///
/// C counterpart: [`enum bpf_link_type`](srctree/include/uapi/linux/bpf.h).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkType(bindings::bpf_link_type);

impl LinkType {
    /// A link that attaches the table of a struct_ops map.
    pub const STRUCT_OPS: Self = Self(bindings::bpf_link_type_BPF_LINK_TYPE_STRUCT_OPS);
}

/// The type of an attachment, which user space passes with `BPF_LINK_CREATE`.
///
/// C counterpart: [`enum bpf_attach_type`](srctree/include/uapi/linux/bpf.h).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AttachType(bindings::bpf_attach_type);

impl AttachType {
    /// The attachment of the table of a struct_ops map.
    pub const STRUCT_OPS: Self = Self(bindings::bpf_attach_type_BPF_STRUCT_OPS);

    /// Wraps the number that user space passed. Every number is valid.
    #[inline]
    pub fn from_raw(attach_type: bindings::bpf_attach_type) -> Self {
        Self(attach_type)
    }
}

/// The data of a link type, and its operations.
///
/// The data is dropped when the last reference to the link is put. This happens in process context,
/// and may sleep. It does not wait for a grace period, so memory that RCU readers may use must be
/// freed by other means.
///
/// The C operations table contains only the optional operations that the implementation provides.
/// If an operation fails, user space gets its error.
///
/// A link can outlive everything that its creator has borrowed, so the data borrows nothing.
///
/// # Examples
///
/// ```
/// use kernel::bpf::link::{
///     AttachType,
///     Link,
///     LinkOps,
///     LinkPrimer,
///     LinkType, //
/// };
///
/// /// A link that has nothing attached.
/// struct Detached;
///
/// #[vtable]
/// impl LinkOps for Detached {
///     const TYPE: LinkType = LinkType::STRUCT_OPS;
///
///     fn is_hung_up(_link: &Link<Self>) -> bool {
///         true
///     }
/// }
///
/// let link = LinkPrimer::new(Detached, AttachType::STRUCT_OPS)?;
///
/// assert!(Detached::is_hung_up(&link));
/// // It is not settled, so dropping it leaves nothing behind.
/// drop(link);
/// # Ok::<(), Error>(())
/// ```
///
/// C counterpart: [`struct bpf_link_ops`](srctree/include/linux/bpf.h).
#[vtable]
pub trait LinkOps: Sized + Send + Sync + 'static {
    /// The type of the link.
    const TYPE: LinkType;

    /// Undoes the attachment, while the link itself stays (`BPF_LINK_DETACH`).
    ///
    /// Process context, may sleep.
    fn detach(_link: &Link<Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Replaces the map of the link by `new` (`BPF_LINK_UPDATE`). If `expected` is given, does so
    /// only if it is the current map.
    ///
    /// Process context, may sleep.
    fn update_map(_link: &Link<Self>, _new: &Map, _expected: Option<&Map>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Prints the lines of this link type to `/proc/PID/fdinfo/FD`.
    ///
    /// Process context, may sleep.
    fn show_fdinfo(_link: &Link<Self>, _m: &SeqFile) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Fills in the fields of this link type for `BPF_OBJ_GET_INFO_BY_FD`.
    ///
    /// Process context, may sleep.
    fn fill_link_info(_link: &Link<Self>, _info: &mut LinkInfo) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Frees the link, whose last reference was put. Unless this is implemented, the link is
    /// dropped.
    ///
    /// A link that was not settled is freed in the same way.
    ///
    /// Process context, may sleep.
    fn free(link: Pin<KBox<Link<Self>>>) {
        drop(link);
    }

    /// Tells whether the attachment is gone. If so, pollers get `EPOLLHUP`.
    ///
    /// The poller is on the queue of [`Link::hang_up`] before this is called, so it does not miss a
    /// later call of that.
    ///
    /// Process context.
    fn is_hung_up(_link: &Link<Self>) -> bool {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// What `BPF_OBJ_GET_INFO_BY_FD` returns for a link.
///
/// C counterpart: [`struct bpf_link_info`](srctree/include/uapi/linux/bpf.h).
#[repr(transparent)]
pub struct LinkInfo(bindings::bpf_link_info);

impl LinkInfo {
    /// Sets the id of the map of a struct_ops link. If it is not set, user space gets back the
    /// value that it passed.
    #[inline]
    pub fn set_struct_ops_map_id(&mut self, id: u32) {
        self.0.__bindgen_anon_1.struct_ops.map_id = id;
    }
}

/// A link of type `T`. Dereferences to its data.
///
/// C counterpart: [`struct bpf_link`](srctree/include/linux/bpf.h).
///
/// # Invariants
///
/// `link` was initialized by `bpf_link_init` with the operations table of `T`.
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

// SAFETY: A `bpf_link` may be used and freed by any thread. The queue and `T` are `Send`.
unsafe impl<T: LinkOps> Send for Link<T> {}

// SAFETY: The BPF core synchronizes its accesses to the `bpf_link`. The queue and `T` are `Sync`.
unsafe impl<T: LinkOps> Sync for Link<T> {}

impl<T: LinkOps> Link<T> {
    /// Returns an initializer of a link with `data`.
    fn new<E>(data: impl PinInit<T, E>, attach_type: AttachType) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        try_pin_init!(Self {
            // INVARIANT: `bpf_link_init` gets the operations table of `T`.
            link <- Opaque::ffi_init(|link: *mut bindings::bpf_link| {
                // SAFETY: `link` is valid for writes. `bpf_link_init` expects memory that is
                // zeroed, an operations table that outlives the link, which a static one does, and
                // a program or null.
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
            pollers <- FilePollQueue::new(QUEUE_NAME, crate::static_lock_class!()),
            data <- data,
        }? Error)
    }

    /// Borrows the link whose `bpf_link` this is.
    ///
    /// # Safety
    ///
    /// `link` must point to the `bpf_link` of a valid `Link<T>` for the duration of `'a`.
    #[inline]
    unsafe fn from_raw<'a>(link: *mut bindings::bpf_link) -> &'a Self {
        // SAFETY: The caller passes the `bpf_link` of a `Link<T>` that is valid for `'a`. It is the
        // first field of `Link<T>`, which is `repr(C)`, so both have the same address.
        unsafe { &*link.cast() }
    }

    /// Returns a pointer to the C representation. It may be used to access the whole link.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::bpf_link {
        // The `bpf_link` is the first field of `Link<T>`, which is `repr(C)`.
        core::ptr::from_ref(self).cast_mut().cast()
    }

    /// Returns the id by which user space finds the link, or 0 if the link is not settled. Any
    /// context.
    #[inline]
    pub fn id(&self) -> u32 {
        // SAFETY: `self` is valid. `bpf_link_settle` writes the field while nobody has a reference:
        // it consumes the primer, and makes the link available after that.
        unsafe { (*self.as_raw()).id }
    }

    /// Wakes the pollers of the link with `EPOLLHUP`. Any context.
    ///
    /// [`LinkOps::is_hung_up`] must return `true` before this is called.
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

/// A link that user space cannot use yet. It has a file, a reserved file descriptor and an id.
///
/// [`settle`](Self::settle) makes it available to user space. Dropping it instead frees the link,
/// the file, the descriptor and the id.
///
/// C counterpart: [`struct bpf_link_primer`](srctree/include/linux/bpf.h).
///
/// # Invariants
///
/// `primer` was filled by `bpf_link_prime` for the `bpf_link` of a `Link<T>`, and was neither
/// settled nor cleaned up. Its file owns the only reference to the link.
pub struct LinkPrimer<T: LinkOps> {
    primer: bindings::bpf_link_primer,
    _link: PhantomData<Pin<KBox<Link<T>>>>,
}

impl<T: LinkOps> LinkPrimer<T> {
    /// Creates a link with `data`, a file for it, and reserves a file descriptor and an id.
    ///
    /// C counterpart: [`bpf_link_prime`](srctree/kernel/bpf/syscall.c).
    ///
    /// # Context
    ///
    /// Process context, may sleep. The descriptor is one of the current task.
    ///
    /// # Errors
    ///
    /// * [`ENOMEM`]: there is no memory for the link, its file or its id.
    /// * `EMFILE`: the task has no descriptor left.
    /// * `ENFILE`: the system has no file left.
    /// * The error of `data`.
    pub fn new<E>(data: impl PinInit<T, E>, attach_type: AttachType) -> Result<Self>
    where
        Error: From<E>,
    {
        let link = KBox::pin_init::<Error>(Link::new(data, attach_type), GFP_USER)?;
        let mut primer = MaybeUninit::uninit();

        // SAFETY: The link is not moved: the pointer is turned back into a pinned box to free it,
        // below or in `LinkVTable::dealloc`.
        let link = KBox::into_raw(unsafe { Pin::into_inner_unchecked(link) });
        // SAFETY: `link` points to an initialized `Link<T>`, whose first field is an initialized
        // `bpf_link`. `primer` is valid for writes.
        let primed = to_result(unsafe {
            bindings::bpf_link_prime(link.cast::<bindings::bpf_link>(), primer.as_mut_ptr())
        });
        if primed.is_err() {
            // SAFETY: This is the pinned box from above. If `bpf_link_prime` fails, it keeps no
            // pointer to the link.
            drop(unsafe { Pin::new_unchecked(KBox::from_raw(link)) });
        }
        primed?;

        // INVARIANT: `bpf_link_prime` has filled `primer`, and its new file owns the initial
        // reference.
        Ok(Self {
            // SAFETY: `bpf_link_prime` initializes all fields if it succeeds.
            primer: unsafe { primer.assume_init() },
            _link: PhantomData,
        })
    }

    /// Returns the id that the link gets when it is settled. Any context.
    #[inline]
    pub fn id(&self) -> u32 {
        self.primer.id
    }

    /// Makes the link available to user space, by its id and by the file descriptor that is
    /// returned. Process context.
    ///
    /// C counterpart: [`bpf_link_settle`](srctree/kernel/bpf/syscall.c).
    #[inline]
    pub fn settle(mut self) -> c_int {
        // SAFETY: By the type invariants, `primer` was neither settled nor cleaned up. `self` is
        // forgotten, so it is not cleaned up later.
        let fd = unsafe { bindings::bpf_link_settle(&mut self.primer) };

        core::mem::forget(self);
        fd
    }
}

impl<T: LinkOps> Deref for LinkPrimer<T> {
    type Target = Link<T>;

    #[inline]
    fn deref(&self) -> &Link<T> {
        // SAFETY: By the type invariants, this is the `bpf_link` of a `Link<T>`, and the file of
        // `primer` holds a reference on it as long as `self` exists.
        unsafe { Link::from_raw(self.primer.link) }
    }
}

impl<T: LinkOps> Drop for LinkPrimer<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, `primer` was neither settled nor cleaned up. It is not
        // used after this.
        unsafe { bindings::bpf_link_cleanup(&mut self.primer) };
    }
}

/// Builds the C operations table of a link type.
struct LinkVTable<T: LinkOps>(PhantomData<T>);

impl<T: LinkOps> LinkVTable<T> {
    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a `Link<T>` that `LinkPrimer::new` has created, and whose
    /// last reference was put.
    unsafe extern "C" fn dealloc(link: *mut bindings::bpf_link) {
        // SAFETY: The caller passes the first field of a `Link<T>` for which `LinkPrimer::new` has
        // made a pinned box. The last reference was put, so this owns the box.
        T::free(unsafe { Pin::new_unchecked(KBox::from_raw(link.cast::<Link<T>>())) });
    }

    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a `Link<T>` that is valid during the call.
    unsafe extern "C" fn detach(link: *mut bindings::bpf_link) -> c_int {
        // SAFETY: The caller passes the `bpf_link` of a `Link<T>` that is valid during the call.
        let link = unsafe { Link::from_raw(link) };

        from_result(|| T::detach(link).map(|()| 0))
    }

    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a `Link<T>`, `new` a map, and `expected` null or a map, all
    /// of which are valid during the call.
    unsafe extern "C" fn update_map(
        link: *mut bindings::bpf_link,
        new: *mut bindings::bpf_map,
        expected: *mut bindings::bpf_map,
    ) -> c_int {
        // SAFETY: The caller passes the `bpf_link` of a `Link<T>` and a map. It holds a reference
        // on each during the call.
        let (link, new) = unsafe { (Link::from_raw(link), Map::from_raw(new)) };
        // SAFETY: If `expected` is not null, it is a map on which the caller holds a reference
        // during the call.
        let expected = NonNull::new(expected).map(|map| unsafe { Map::from_raw(map.as_ptr()) });

        from_result(|| T::update_map(link, new, expected).map(|()| 0))
    }

    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a `Link<T>`, and `m` a `seq_file`. Both must be valid
    /// during the call, and no other thread may access `m`.
    unsafe extern "C" fn show_fdinfo(link: *const bindings::bpf_link, m: *mut bindings::seq_file) {
        // SAFETY: The caller passes the `bpf_link` of a `Link<T>` and a `seq_file`. Both are valid
        // during the call, and no other thread accesses `m`.
        let (link, m) = unsafe { (Link::from_raw(link.cast_mut()), SeqFile::from_raw(m)) };

        T::show_fdinfo(link, m);
    }

    /// # Safety
    ///
    /// `link` must be the `bpf_link` of a `Link<T>`. It and `info` must be valid during the call,
    /// and no other code may access `info`.
    unsafe extern "C" fn fill_link_info(
        link: *const bindings::bpf_link,
        info: *mut bindings::bpf_link_info,
    ) -> c_int {
        // SAFETY: The caller passes the `bpf_link` of a `Link<T>`, and an `info` that no other code
        // accesses. Both are valid during the call. `LinkInfo` is transparent over `bpf_link_info`.
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
    /// `file` must be a file of a `Link<T>`, and `table` null or a poll table. Both must be valid
    /// during the call, and no `fdget_pos` call on `file` without `f_pos_lock` may be active.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> c_uint {
        // SAFETY: The private data of a link's file is the `bpf_link`. The file holds a reference
        // on it, and is valid during the call.
        let link = unsafe { Link::<T>::from_raw((*file).private_data.cast()) };

        // SAFETY: The caller passes a valid file without an active `fdget_pos` call that did not
        // take `f_pos_lock`, and a `table` that is null or valid.
        let (file, table) = unsafe { (File::from_raw_file(file), PollTable::from_raw(table)) };

        // SAFETY: The queue is a field of the link, and `file` holds a reference on the link until
        // it is released. So the queue is not dropped before.
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

    /// Returns the operations table.
    const fn build() -> &'static bindings::bpf_link_ops {
        &Self::VTABLE
    }
}
