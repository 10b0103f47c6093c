// SPDX-License-Identifier: GPL-2.0-only

//! A struct_ops link by its file descriptor, and how a user names one.
//!
//! libbpf's own `bpf_link__update_map()` is of no use here: it takes every
//! link for one that this process has attached, and reads past the end of one
//! that was opened from a pin. The system calls are as simple.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use libbpf_rs::libbpf_sys as sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::bpffs::c_path;
use crate::error::{Error, Result};

/// How the user names a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkRef {
    /// `id:N`.
    Id(u32),
    /// A path at which the link is pinned.
    Pin(PathBuf),
}

impl FromStr for LinkRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("id:") {
            Some(id) => id.parse().map(Self::Id).map_err(|_| {
                format!("`{id}` is not a link id; write id:N, N as `ccswap status` shows it")
            }),
            None if text.is_empty() => Err("a link is named by its pin path or by id:N".into()),
            None => Ok(Self::Pin(text.into())),
        }
    }
}

impl std::fmt::Display for LinkRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id:{id}"),
            Self::Pin(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What the kernel says about a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the map behind it; none once the link is detached.
    pub map_id: Option<u32>,
}

/// An open struct_ops link. It holds the registration as long as it is open.
#[derive(Debug)]
pub struct Link {
    /// The link's descriptor.
    fd: OwnedFd,
}

impl Link {
    /// Registers the table in `map`, which must be ready.
    ///
    /// # Errors
    ///
    /// Those of BPF_LINK_CREATE.
    pub fn create(map: &impl AsFd) -> io::Result<Self> {
        let map = map.as_fd().as_raw_fd();
        // SAFETY: plain integers, and a null pointer for "no options".
        let fd = unsafe { sys::bpf_link_create(map, 0, sys::BPF_STRUCT_OPS, std::ptr::null()) };
        owned(fd).map(|fd| Self { fd })
    }

    /// Opens the link that the user named.
    ///
    /// # Errors
    ///
    /// There is none, it is of another type, or the user may not.
    pub fn open(link: &LinkRef) -> Result<Self> {
        let fd = match link {
            LinkRef::Id(id) => open_id(*id),
            LinkRef::Pin(path) => open_pin(path),
        };
        let fd = fd.map_err(|error| Error::OpenLink { link: link.clone(), error })?;
        let link_type = fdinfo_field(&fdinfo(fd.as_fd())?, "link_type").map(str::to_owned);
        match link_type.as_deref() {
            Some("struct_ops") => Ok(Self { fd }),
            other => Err(Error::NotALink { link: link.clone(), kind: other.map(str::to_owned) }),
        }
    }

    /// Reads the link's id and its map from its fdinfo.
    ///
    /// # Errors
    ///
    /// /proc is not mounted.
    pub fn info(&self) -> Result<LinkInfo> {
        parse_info(&fdinfo(self.fd.as_fd())?)
    }

    /// BPF_OBJ_GET_INFO_BY_FD: the id of the link's map, 0 once it is detached.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub fn map_id(&self) -> io::Result<u32> {
        let mut info = sys::bpf_link_info::default();
        let mut size = size_of_val(&info) as u32;
        // SAFETY: `info` is alive and `size` is its size.
        check(unsafe { sys::bpf_link_get_info_by_fd(self.fd.as_raw_fd(), &mut info, &mut size) })?;
        // SAFETY: the kernel filled in the part for the link's type.
        Ok(unsafe { info.__bindgen_anon_1.struct_ops.map_id })
    }

    /// poll(), without waiting: whether the link is detached.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub fn hung_up(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut fds, PollTimeout::ZERO)? != 0)
    }

    /// Replaces the map behind the link; only if it is `expected`, when given.
    ///
    /// # Errors
    ///
    /// Those of BPF_LINK_UPDATE. The link is then as it was.
    pub fn update(&self, map: BorrowedFd<'_>, expected: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let options = sys::bpf_link_update_opts {
            sz: size_of::<sys::bpf_link_update_opts>() as _,
            flags: if expected.is_some() { sys::BPF_F_REPLACE } else { 0 },
            old_map_fd: expected.map_or(0, |map| map.as_raw_fd() as u32),
            ..Default::default()
        };
        // SAFETY: `options` is alive, initialised, and says its own size.
        let ret = unsafe { sys::bpf_link_update(self.fd.as_raw_fd(), map.as_raw_fd(), &options) };
        check(ret)
    }

    /// Unregisters the table now, whoever else holds the link.
    ///
    /// # Errors
    ///
    /// Those of BPF_LINK_DETACH.
    pub fn detach(&self) -> io::Result<()> {
        // SAFETY: a plain integer.
        check(unsafe { sys::bpf_link_detach(self.fd.as_raw_fd()) })
    }

    /// Pins the link, so that it outlives the process.
    ///
    /// # Errors
    ///
    /// Those of BPF_OBJ_PIN.
    pub fn pin(&self, path: &Path) -> io::Result<()> {
        let path = c_path(path)?;
        // SAFETY: `path` is a terminated string that outlives the call.
        check(unsafe { sys::bpf_obj_pin(self.fd.as_raw_fd(), path.as_ptr()) })
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Every struct_ops link of the system, by rising id.
///
/// # Errors
///
/// The kernel is too old, or the user lacks CAP_SYS_ADMIN.
pub fn all() -> Result<Vec<LinkInfo>> {
    let mut links = Vec::new();
    let mut id = 0;
    loop {
        // SAFETY: `id` is alive and written by the call.
        match check(unsafe { sys::bpf_link_get_next_id(id, &mut id) }) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => return Ok(links),
            Err(error) => return Err(Error::ListLinks(error)),
        }
        // A link may have gone since its id was read.
        if let Ok(fd) = open_id(id) {
            links.extend(struct_ops_info(&fd));
        }
    }
}

/// What the struct_ops link pinned at `path` is; none for any other object.
pub fn pinned_info(path: &Path) -> Option<LinkInfo> {
    struct_ops_info(&open_pin(path).ok()?)
}

/// What the link behind a descriptor is, if it is a struct_ops link.
fn struct_ops_info(fd: &OwnedFd) -> Option<LinkInfo> {
    let text = fdinfo(fd.as_fd()).ok()?;
    (fdinfo_field(&text, "link_type") == Some("struct_ops"))
        .then(|| parse_info(&text).ok())
        .flatten()
}

/// Opens a link by its id.
pub(crate) fn open_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: a plain integer.
    owned(unsafe { sys::bpf_link_get_fd_by_id(id) })
}

/// Opens whatever is pinned at `path`.
fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    // SAFETY: `path` is a terminated string that outlives the call.
    owned(unsafe { sys::bpf_obj_get(path.as_ptr()) })
}

/// Takes over a descriptor that libbpf returned, or its error.
pub(crate) fn owned(fd: i32) -> io::Result<OwnedFd> {
    check(fd)?;
    // SAFETY: it is not negative, so a descriptor that now belongs to us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Turns libbpf's negative error numbers into errors.
pub(crate) fn check(ret: i32) -> io::Result<()> {
    if ret < 0 {
        return Err(io::Error::from_raw_os_error(-ret));
    }
    Ok(())
}

/// The kernel's text about a descriptor. It tells a link from other objects,
/// which `BPF_OBJ_GET_INFO_BY_FD` does not.
fn fdinfo(fd: BorrowedFd<'_>) -> Result<String> {
    let path = format!("/proc/self/fdinfo/{}", fd.as_raw_fd());
    fs::read_to_string(&path).map_err(Error::system(format!("read {path} (is /proc mounted?)")))
}

/// Whether a descriptor's fdinfo is of that link.
pub(crate) fn is_of(text: &str, link: u32) -> bool {
    fdinfo_field(text, "link_id").is_some_and(|id| id == link.to_string())
}

/// The value of one `name:\tvalue` line.
fn fdinfo_field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find_map(|(key, value)| (key == name).then(|| value.trim()))
}

/// Reads a struct_ops link's fdinfo.
fn parse_info(text: &str) -> Result<LinkInfo> {
    let number = |name| fdinfo_field(text, name).and_then(|value| value.parse().ok());
    Ok(LinkInfo {
        id: number("link_id")
            .ok_or(io::ErrorKind::InvalidData.into())
            .map_err(Error::system("read the link's id from its fdinfo"))?,
        map_id: number("map_id"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_link_by_id_or_path() {
        assert_eq!("id:7".parse(), Ok(LinkRef::Id(7)));
        assert_eq!("/sys/fs/bpf/x".parse(), Ok(LinkRef::Pin("/sys/fs/bpf/x".into())));
        assert_eq!("7".parse(), Ok(LinkRef::Pin("7".into())));
        for wrong in ["", "id:", "id:x", "id:-1", "id:4294967296"] {
            assert!(wrong.parse::<LinkRef>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn shows_a_link_as_the_user_wrote_it() {
        for text in ["id:7", "/sys/fs/bpf/x"] {
            assert_eq!(text.parse::<LinkRef>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn reads_the_fdinfo_of_an_attached_and_a_detached_link() {
        let attached =
            "pos:\t0\nflags:\t02000002\nlink_type:\tstruct_ops\nlink_id:\t5\nmap_id:\t12\n";
        assert_eq!(parse_info(attached).unwrap(), LinkInfo { id: 5, map_id: Some(12) });
        let detached = "link_type:\tstruct_ops\nlink_id:\t5\n";
        assert_eq!(parse_info(detached).unwrap(), LinkInfo { id: 5, map_id: None });
        assert_eq!(fdinfo_field(attached, "link_type"), Some("struct_ops"));
        assert!(parse_info("pos:\t0\n").is_err());
    }
}
