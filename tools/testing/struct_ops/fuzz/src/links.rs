// SPDX-License-Identifier: GPL-2.0-only

//! The steps by bpf(2), and those on what it opens.

use std::fs;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::ptr;

use anyhow::Result;
use common::{check, link, owned, sys};
use nix::libc;

use crate::op::{Fd, Op, Word};
use crate::run::Done;
use crate::trace::Ids;
use crate::world::{World, pin};

/// More than the value of any map here.
const VALUE: usize = 4096;
/// Where a page for malformed attributes is: below what the linker uses.
const PAGE: u32 = 0x1000_0000;
/// Room for the largest attribute that the kernel reads: a page.
const ATTRIBUTE: usize = 4096;

/// Runs a step; the outer error is the fuzzer's own.
pub fn step(world: &mut World<'_>, ids: &mut Ids, op: &Op) -> Result<Done> {
    Ok(match op {
        Op::Create { link, map, flags } => {
            let map = world.fd(*map)?;
            let options = sys::bpf_link_create_opts {
                sz: size_of::<sys::bpf_link_create_opts>() as sys::size_t,
                flags: *flags,
                ..Default::default()
            };
            // SAFETY: `options` is alive, initialised, and says its own size.
            let ret = unsafe { sys::bpf_link_create(map, 0, sys::BPF_STRUCT_OPS, &options) };
            open(world, *link, owned(ret))
        }
        Op::Update { link, map, flags, old } => {
            let (link, map, old) = (world.fd(*link)?, world.fd(*map)?, world.fd(*old)?);
            link::update(link, map, *flags, old).map(silent)
        }
        Op::Detach { link } => link::detach(world.fd(*link)?).map(silent),
        Op::Info { fd } => info(world.fd(*fd)?, ids),
        Op::FdInfo { fd } => {
            let path = format!("/proc/thread-self/fdinfo/{}", world.fd(*fd)?);
            fs::read_to_string(path).map(|text| ids.fdinfo(&text))
        }
        Op::Poll { fd } => poll(world.fd(*fd)?),
        Op::ById { link, of } => {
            let of = world.fd(Fd::Link(*of))?;
            let opened = link::info(of).and_then(|info| link::open_id(info.id));
            open(world, *link, opened)
        }
        Op::Pin { fd, path } => link::pin(world.fd(*fd)?, &pin(*path)).map(silent),
        Op::OpenPin { link, path } => open(world, *link, link::open_pin(&pin(*path))),
        Op::Unlink { path } => {
            world.keep(&pin(*path));
            fs::remove_file(pin(*path)).map(silent)
        }
        Op::Close { fd } => match world.close(*fd) {
            true => Ok(String::new()),
            false => Err(io::Error::from_raw_os_error(libc::EBADF)),
        },
        Op::Lookup { map } => lookup(world.fd(*map)?),
        Op::Delete { map } => {
            let map = world.fd(*map)?;
            // SAFETY: the key outlives the call.
            done(unsafe { sys::bpf_map_delete_elem(map, ptr::from_ref(&0u32).cast()) })
        }
        Op::Write { map, flags } => {
            let (map, value) = (world.fd(*map)?, [0u8; VALUE]);
            let key = ptr::from_ref(&0u32).cast();
            // SAFETY: key and value outlive the call, and no value here is larger.
            done(unsafe { sys::bpf_map_update_elem(map, key, value.as_ptr().cast(), *flags) })
        }
        Op::Raw { command, words, size } => raw(world, *command, words, *size)?,
        _ => unreachable!("{op:?} is no step of this module"),
    })
}

/// What a call without a result gives.
fn done(ret: i32) -> Done {
    check(ret).map(|_| String::new())
}

/// What a step that reads nothing has read.
fn silent((): ()) -> String {
    String::new()
}

/// Puts what a call has opened in a slot.
fn open(world: &mut World<'_>, slot: usize, opened: io::Result<OwnedFd>) -> Done {
    world.links[slot] = Some(opened?);
    Ok(String::new())
}

/// Whether a descriptor is a link.
fn is_link(fd: RawFd) -> bool {
    fs::read_link(format!("/proc/thread-self/fd/{fd}"))
        .is_ok_and(|target| target.to_string_lossy().contains("bpf_link"))
}

/// BPF_OBJ_GET_INFO_BY_FD; of what is not a link, only whether it succeeds.
fn info(fd: RawFd, ids: &mut Ids) -> Done {
    let info = link::info(fd)?;
    if !is_link(fd) {
        return Ok(String::new());
    }
    let id = ids.name("link_id", info.id);
    if info.type_ != sys::BPF_LINK_TYPE_STRUCT_OPS {
        return Ok(format!("type {} {id}", info.type_));
    }
    Ok(format!("struct_ops {id} {}", ids.name("map_id", link::map_id(&info))))
}

/// poll() without waiting.
fn poll(fd: RawFd) -> Done {
    let mut event = libc::pollfd { fd, events: libc::POLLIN | libc::POLLOUT, revents: 0 };
    // SAFETY: `event` outlives the call.
    if unsafe { libc::poll(&mut event, 1, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(format!("{:#x}", event.revents))
}

/// BPF_MAP_LOOKUP_ELEM: the state of a table. Its count of references is of those
/// that C and Rust hold in different places.
fn lookup(fd: RawFd) -> Done {
    let mut value = [0u32; VALUE / 4];
    let key = ptr::from_ref(&0u32).cast();
    // SAFETY: key and value outlive the call, and no value here is larger.
    check(unsafe { sys::bpf_map_lookup_elem(fd, key, value.as_mut_ptr().cast()) })?;
    Ok(format!("state {}", value[1]))
}

/// A page at the address that malformed attributes may have, of zeros.
fn page() -> io::Result<()> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: nothing else is mapped there: the program is loaded far above 4 GiB.
    match unsafe { libc::mmap(PAGE as usize as *mut _, ATTRIBUTE, protection, flags, -1, 0) } {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// bpf() with these words; the rest of the attribute is zeros.
fn raw(world: &mut World<'_>, command: u32, words: &[Word], size: u32) -> Result<Done> {
    /// Commands that return a descriptor: BPF_MAP_CREATE, BPF_OBJ_GET,
    /// BPF_LINK_CREATE, BPF_LINK_GET_FD_BY_ID.
    const OPEN: [u32; 4] = [0, 7, 28, 30];
    page()?;
    let mut attribute = vec![0u32; ATTRIBUTE / 4];
    for (to, word) in attribute.iter_mut().zip(words) {
        *to = match word {
            Word::Value(value) => *value,
            Word::Fd(fd) => world.fd(*fd)? as u32,
            Word::Page => PAGE,
        };
    }
    // SAFETY: the kernel reads and writes no more than the attribute's page (it
    // refuses larger sizes), and the addresses in it are of `page()`, of the kernel
    // or not mapped.
    let ret = unsafe { libc::syscall(libc::SYS_bpf, command, attribute.as_mut_ptr(), size) };
    if ret < 0 {
        return Ok(Err(io::Error::last_os_error()));
    }
    if OPEN.contains(&command) {
        drop(owned(ret as i32)?);
    }
    Ok(Ok(String::new()))
}
