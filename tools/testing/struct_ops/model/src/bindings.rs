// SPDX-License-Identifier: GPL-2.0-only

//! The types, statics and functions of C that the registry uses.

#![allow(dead_code, non_camel_case_types, non_upper_case_globals)]

use crate::{
    alloc::Zeroed,
    ffi::{c_char, c_int},
    memory::{Unused, defer},
    object::{Memory, Object},
};
use core::{
    ffi::{CStr, c_void},
    ptr::{null, null_mut},
};
use loom::sync::atomic::{AtomicUsize, Ordering};

/// The length of a name, with its NUL.
pub const TCP_CA_NAME_MAX: u32 = 16;
/// A key that no name has.
pub const TCP_CA_UNSPEC: u32 = 0;
/// Ordinary users may choose the table.
pub const TCP_CONG_NON_RESTRICTED: u32 = 1;
/// The registry's.
pub const TCP_CONG_DECLARED_NON_RESTRICTED: u32 = 0x4000_0000;
/// The registry's.
pub const TCP_CONG_REPLACED: u32 = 0x8000_0000;
/// The state of a listener.
pub const TCP_LISTEN: u32 = 10;

/// A spinlock.
pub struct spinlock_t;
/// A module.
pub struct module;

/// A node of a list of C.
pub struct list_head {
    /// The next node.
    pub next: *mut list_head,
    /// The one before.
    pub prev: *mut list_head,
}

/// The table of a congestion control.
pub struct tcp_congestion_ops {
    /// What is watched, see [`Memory`].
    pub memory: Option<Memory>,
    /// References; the last one of a BPF table is put before its memory is freed.
    pub references: Option<AtomicUsize>,
    /// As in C.
    pub flags: u32,
    /// As in C.
    pub key: u32,
    /// As in C.
    pub name: [c_char; TCP_CA_NAME_MAX as usize],
    /// As in C.
    pub owner: *mut module,
    /// As in C.
    pub list: list_head,
    /// As in C.
    pub bucket_next: *mut tcp_congestion_ops,
    /// As in C.
    pub defaults: *mut tcp_cong_default,
    /// As in C.
    pub lineage: u64,
}

impl tcp_congestion_ops {
    /// A table that is static and needs no reference.
    const fn of_module(text: &[u8]) -> Self {
        let mut name = [0; TCP_CA_NAME_MAX as usize];
        let mut at = 0;

        while at < text.len() {
            name[at] = text[at];
            at += 1;
        }
        Self {
            memory: None,
            references: None,
            flags: 0,
            key: hash(&name),
            name,
            owner: null_mut(),
            list: list_head { next: null_mut(), prev: null_mut() },
            bucket_next: null_mut(),
            defaults: null_mut(),
            lineage: 0,
        }
    }

    /// The table of a BPF map, with one reference, as a link has it.
    pub fn of_map(name: &[u8]) -> Self {
        Self {
            memory: Some(Memory::new()),
            references: Some(AtomicUsize::new(1)),
            owner: bpf_module_owner(),
            flags: TCP_CONG_NON_RESTRICTED,
            ..Self::of_module(name)
        }
    }
}

impl Object for tcp_congestion_ops {
    fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }
}

/// A default that namespaces share.
pub struct tcp_cong_default {
    /// What is watched, see [`Memory`].
    pub memory: Option<Memory>,
    /// As in C.
    pub ca: *const tcp_congestion_ops,
    /// As in C.
    pub next: *mut tcp_cong_default,
    /// As in C.
    pub users: usize,
}

impl tcp_cong_default {
    /// Zeroes.
    const fn new(memory: Option<Memory>) -> Self {
        Self { memory, ca: null(), next: null_mut(), users: 0 }
    }
}

impl Object for tcp_cong_default {
    fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }
}

impl Zeroed for tcp_cong_default {
    fn zeroed() -> Self {
        Self::new(Some(Memory::new()))
    }
}

/// What the registry has in a namespace.
pub struct tcp_cong_net {
    /// As in C.
    pub dflt: *mut tcp_cong_default,
}

/// A network namespace.
pub struct net {
    /// As in C, but not found by a number.
    pub cong: tcp_cong_net,
}

impl net {
    /// A namespace that is not set up.
    pub const fn new() -> Self {
        Self { cong: tcp_cong_net { dflt: null_mut() } }
    }
}

/// What a socket has in common with others.
pub struct sock_common {
    /// As in C.
    pub skc_state: u8,
}

/// A socket.
pub struct sock {
    /// As in C.
    pub __sk_common: sock_common,
    /// The namespace.
    pub net: *mut net,
}

/// A socket of TCP.
pub struct inet_connection_sock {
    /// As in C.
    pub icsk_inet: sock,
    /// As in C.
    pub icsk_ca_ops: *mut tcp_congestion_ops,
}

/// Where the kernel's compiler puts the member.
pub const ICSK_CA_OPS_OFFSET: usize = core::mem::offset_of!(inet_connection_sock, icsk_ca_ops);

/// The lock of the registry; `sync::lock` is what is locked.
pub static mut tcp_cong_list_lock: spinlock_t = spinlock_t;
/// The registered tables.
pub static mut tcp_cong_list: list_head = list_head { next: null_mut(), prev: null_mut() };
/// The table that is always there.
pub static mut tcp_reno: tcp_congestion_ops = tcp_congestion_ops::of_module(b"reno");
/// The default that it is.
pub static mut tcp_cong_default_reno: tcp_cong_default = tcp_cong_default::new(None);
/// The first namespace.
pub static mut init_net: net = net::new();

/// Begins a run of the model: statics are what they are after a boot.
pub fn reset() {
    // SAFETY: Threads of one run of the model follow, and those before have ended.
    unsafe {
        let head = &raw mut tcp_cong_list;

        tcp_cong_list = list_head { next: head, prev: head };
        tcp_reno = tcp_congestion_ops::of_module(b"reno");
        tcp_cong_default_reno =
            tcp_cong_default { ca: &raw const tcp_reno, users: 1, ..tcp_cong_default::new(None) };
        init_net = net::new();
    }
}

/// A hash with the bucket in its low byte, so that a test chooses buckets and keys by names.
const fn hash(name: &[c_char]) -> u32 {
    name[0] as u32 | (name[1] as u32) << 8
}

/// Computes the key of a name.
///
/// # Safety
///
/// `name` must have `TCP_CA_NAME_MAX` bytes.
pub unsafe fn tcp_ca_hash(name: *const c_char) -> u32 {
    // SAFETY: The caller passes so many bytes.
    hash(unsafe { core::slice::from_raw_parts(name, TCP_CA_NAME_MAX as usize) })
}

/// Compares strings of C.
///
/// # Safety
///
/// Both must be NUL-terminated.
pub unsafe fn strcmp(a: *const c_char, b: *const c_char) -> c_int {
    // SAFETY: The caller passes NUL-terminated strings.
    unsafe { (CStr::from_ptr(a.cast()) != CStr::from_ptr(b.cast())).into() }
}

/// The owner of the tables of BPF maps.
pub fn bpf_module_owner() -> *mut module {
    core::ptr::dangling_mut()
}

/// Takes a reference, unless there is none any more. As in C, that orders nothing if it fails.
///
/// # Safety
///
/// `data` must be a table.
pub unsafe fn bpf_try_module_get(data: *const c_void, _: *mut module) -> bool {
    // SAFETY: The caller passes a table.
    let Some(references) = (unsafe { &(*data.cast::<tcp_congestion_ops>()).references }) else {
        return true;
    };
    let mut count = references.load(Ordering::Relaxed);

    while count != 0 {
        match references.compare_exchange(count, count + 1, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(now) => count = now,
        }
    }
    false
}

/// Puts a reference.
///
/// # Safety
///
/// `data` must be a table on which the caller has a reference.
pub unsafe fn bpf_module_put(data: *const c_void, _: *mut module) {
    let table: *const tcp_congestion_ops = data.cast();
    // SAFETY: The caller passes a table.
    let Some(references) = (unsafe { &(*table).references }) else {
        return;
    };
    let before = references.fetch_sub(1, Ordering::AcqRel);

    assert_ne!(before, 0, "a reference was put that nobody had");
    if before == 1 {
        defer(Unused::Table(table));
    }
}

/// Frees a shared default after a grace period.
///
/// # Safety
///
/// `shared` must be without users.
pub unsafe fn tcp_cong_default_free(shared: *mut tcp_cong_default) {
    defer(Unused::Default(shared));
}

/// Finds what the registry has in a namespace.
///
/// # Safety
///
/// `net` must be a namespace.
pub unsafe fn tcp_cong_net(net: *mut net) -> *mut tcp_cong_net {
    // SAFETY: The caller passes a namespace.
    unsafe { &raw mut (*net).cong }
}

/// Makes a node the last one of a list.
///
/// # Safety
///
/// The lock of the list must be held, and the node on no list.
pub unsafe fn list_add_tail(node: *mut list_head, head: *mut list_head) {
    // SAFETY: The caller holds the lock, and all nodes are valid.
    unsafe {
        (*node).next = head;
        (*node).prev = (*head).prev;
        (*(*head).prev).next = node;
        (*head).prev = node;
    }
}

/// Removes a node from its list.
///
/// # Safety
///
/// The lock of the list must be held, and the node on the list.
pub unsafe fn list_del_init(node: *mut list_head) {
    // SAFETY: The caller holds the lock, and all nodes are valid.
    unsafe {
        (*(*node).prev).next = (*node).next;
        (*(*node).next).prev = (*node).prev;
        (*node).next = node;
        (*node).prev = node;
    }
}

/// Puts a node in the place of another one.
///
/// # Safety
///
/// As for [`list_add_tail`] and [`list_del_init`].
pub unsafe fn list_replace_init(old: *mut list_head, new: *mut list_head) {
    // SAFETY: The caller holds the lock, and all nodes are valid.
    unsafe {
        list_add_tail(new, old);
        list_del_init(old);
    }
}

/// Whether all operations are there.
///
/// # Safety
///
/// `ca` must be a table.
pub unsafe fn tcp_validate_congestion_control(_ca: *mut tcp_congestion_ops) -> c_int {
    0
}

/// Loads a module: there is none.
///
/// # Safety
///
/// `name` must be NUL-terminated.
pub unsafe fn tcp_ca_find_autoload(_name: *const c_char) -> *mut tcp_congestion_ops {
    null_mut()
}

/// Finds the namespace of a socket.
///
/// # Safety
///
/// `sk` must be a socket.
pub unsafe fn sock_net(sk: *const sock) -> *mut net {
    // SAFETY: The caller passes a socket.
    unsafe { (*sk).net }
}

/// Sockets are not modelled.
///
/// # Safety
///
/// None.
pub unsafe fn tcp_exchange_congestion_control(_sk: *mut sock, _ca: *mut tcp_congestion_ops) {
    unimplemented!("sockets are not modelled");
}

/// Sockets are not modelled.
///
/// # Safety
///
/// None.
pub unsafe fn tcp_ca_negotiate_ecn(_sk: *mut sock) {
    unimplemented!("sockets are not modelled");
}
