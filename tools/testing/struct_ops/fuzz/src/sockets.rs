// SPDX-License-Identifier: GPL-2.0-only

//! The steps on sockets.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::libc;
use socket2::Socket;

use crate::run::Done;
use crate::world::World;

/// Who an ordinary user is.
const ORDINARY: libc::uid_t = 1000;
/// How long a connection may take; none does.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a slot without a socket gives.
const NONE: i32 = libc::EBADF;

/// Opens a listener.
pub fn listen(world: &mut World<'_>, slot: usize) -> Done {
    let socket = world.socket(slot)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.set_nonblocking(true)?;
    socket.listen(16)?;
    Ok(String::new())
}

/// Chooses a congestion control.
pub fn set(world: &mut World<'_>, slot: usize, name: &str, ordinary: bool) -> Done {
    let socket = world.socket(slot)?;
    let user = |user| {
        // SAFETY: an integer; this process has one thread.
        if unsafe { libc::seteuid(user) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    if ordinary {
        user(ORDINARY)?;
    }
    let done = socket.set_tcp_congestion(name.as_bytes());
    if ordinary {
        user(0)?;
    }
    done.map(|()| String::new())
}

/// Which congestion control a socket has.
pub fn get(world: &mut World<'_>, slot: usize) -> Done {
    let socket = world.sockets[slot].as_ref().ok_or(io::Error::from_raw_os_error(NONE))?;
    let name = socket.tcp_congestion()?;
    Ok(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned())
}

/// How many connections wait to be accepted.
fn waiting(listener: &Socket) -> io::Result<u32> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut size = size_of_val(&info) as libc::socklen_t;
    // SAFETY: `info` has room for `size` bytes.
    let ret = unsafe {
        libc::getsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &mut size,
        )
    };
    if ret < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was zeroed, and the kernel wrote numbers to it.
    Ok(unsafe { info.assume_init() }.tcpi_unacked)
}

/// Connects a socket to another one that listens, and waits for the other end.
pub fn connect(world: &mut World<'_>, slot: usize, to: usize) -> Done {
    world.socket(slot)?;
    let [Some(socket), Some(listener)] = [&world.sockets[slot], &world.sockets[to]] else {
        return Err(io::Error::from_raw_os_error(NONE));
    };
    let address = listener.local_addr()?;
    // Of a socket that listens; of another it is something else, and not used.
    let before = waiting(listener)?;
    socket.set_nonblocking(false)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let done = socket.connect(&address);
    if listener.is_listener()? {
        listener.set_nonblocking(true)?;
    }
    done?;
    let start = Instant::now();
    while waiting(listener)? == before {
        if start.elapsed() > PATIENCE {
            return Ok("the other end is missing".into());
        }
        sleep(Duration::from_millis(1));
    }
    Ok(String::new())
}

/// Disconnects a socket, so that it can connect once more.
pub fn disconnect(world: &mut World<'_>, slot: usize) -> Done {
    let socket = world.sockets[slot].as_ref().ok_or(io::Error::from_raw_os_error(NONE))?;
    common::socket::disconnect(socket).map(|()| String::new())
}

/// Accepts a connection.
pub fn accept(world: &mut World<'_>, listener: usize, slot: usize) -> Done {
    let socket = world.sockets[listener].as_ref().ok_or(io::Error::from_raw_os_error(NONE))?;
    socket.set_nonblocking(true)?;
    let (socket, _) = socket.accept()?;
    world.sockets[slot] = Some(socket);
    get(world, slot)
}
