// SPDX-License-Identifier: GPL-2.0-only

//! Makes most steps of a sequence ones that can succeed, by a rough account of what the
//! steps before them have left. Without it nearly all would fail for what does not exist.

use crate::op::{Fd, Op, Sysctl};
use crate::world::{LINKS, PATHS, SOCKETS, TABLES};

/// BPF_F_REPLACE
const REPLACE: u32 = 4;
/// Tables that can be linked: the others have the name of a built-in, or none.
const LINKABLE: usize = 5;

/// What a socket is, and in which network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Socket {
    /// There is none.
    Unused,
    /// Neither listens nor is connected.
    Open(usize),
    /// Listens, and so many connections can be accepted.
    Listening(usize, usize),
    /// Is connected.
    Connected(usize),
}

/// What there should be.
#[derive(Debug)]
pub struct Plan {
    /// The table behind each link that is attached.
    links: [Option<usize>; LINKS],
    /// Whether something is pinned.
    pins: [bool; PATHS],
    /// The sockets.
    sockets: [Socket; SOCKETS],
    /// The network namespace.
    namespace: usize,
}

/// A number below another one, at random.
type Pick<'a> = &'a mut dyn FnMut(usize) -> usize;

/// One of those for which a condition holds, at random.
fn any(count: usize, holds: impl Fn(usize) -> bool, pick: Pick<'_>) -> Option<usize> {
    let found: Vec<_> = (0..count).filter(|number| holds(*number)).collect();
    (!found.is_empty()).then(|| found[pick(found.len())])
}

impl Plan {
    /// What a sequence begins with.
    pub fn new() -> Self {
        Self {
            links: [None; LINKS],
            pins: [false; PATHS],
            sockets: [Socket::Unused; SOCKETS],
            namespace: 1,
        }
    }

    /// Whether a name is registered.
    fn is_taken(&self, name: &str) -> bool {
        self.links.iter().flatten().any(|table| TABLES[*table].1 == name)
    }

    /// The name of a link that is attached.
    fn name(&self, pick: Pick<'_>) -> Option<String> {
        let link = any(LINKS, |link| self.links[link].is_some(), pick)?;
        Some(TABLES[self.links[link]?].1.into())
    }

    /// The step with arguments that can succeed, or one that it needs before.
    pub fn likely(&self, op: &Op, pick: Pick<'_>) -> Option<Op> {
        self.possible(op, pick).or_else(|| {
            let needed = match op {
                Op::Update { .. }
                | Op::Detach { .. }
                | Op::Info { .. }
                | Op::FdInfo { .. }
                | Op::Poll { .. }
                | Op::Pin { .. }
                | Op::ById { .. }
                | Op::SetCc { .. } => Op::Create { link: 0, map: Fd::Table(0), flags: 0 },
                Op::OpenPin { path, .. } | Op::Unlink { path } => {
                    Op::Pin { fd: Fd::Link(0), path: *path }
                }
                Op::Connect { .. } => Op::Listen { socket: 0 },
                Op::Accept { .. } | Op::Disconnect { .. } => Op::Connect { socket: 0, to: 0 },
                _ => return None,
            };
            self.likely(&needed, pick)
        })
    }

    /// The step with arguments that can succeed, if there are any.
    fn possible(&self, op: &Op, pick: Pick<'_>) -> Option<Op> {
        let attached = |link: usize| self.links[link].is_some();
        let held = |pick| any(LINKS, attached, pick).map(Fd::Link);
        Some(match *op {
            Op::Create { map: Fd::Table(_), flags: 0, .. } => {
                let free = |table: usize| !self.is_taken(TABLES[table].1);
                let table = any(LINKABLE, free, pick)?;
                let link = any(LINKS, |link| !attached(link), pick)?;
                Op::Create { link, map: Fd::Table(table), flags: 0 }
            }
            Op::Update { map: Fd::Table(_), flags: flags @ (0 | REPLACE), .. } => {
                let link = any(LINKS, attached, pick)?;
                let now = self.links[link]?;
                let same = |table: usize| table != now && TABLES[table].1 == TABLES[now].1;
                let map = Fd::Table(any(LINKABLE, same, pick)?);
                let old = if flags == 0 { Fd::Zero } else { Fd::Table(now) };
                Op::Update { link: Fd::Link(link), map, flags, old }
            }
            Op::Detach { .. } => Op::Detach { link: held(pick)? },
            Op::Info { .. } => Op::Info { fd: held(pick)? },
            Op::FdInfo { .. } => Op::FdInfo { fd: held(pick)? },
            Op::Poll { .. } => Op::Poll { fd: held(pick)? },
            Op::Pin { .. } => {
                Op::Pin { fd: held(pick)?, path: any(PATHS, |path| !self.pins[path], pick)? }
            }
            Op::ById { link, .. } => Op::ById { link, of: any(LINKS, attached, pick)? },
            Op::OpenPin { link, .. } => {
                Op::OpenPin { link, path: any(PATHS, |path| self.pins[path], pick)? }
            }
            Op::Unlink { .. } => Op::Unlink { path: any(PATHS, |path| self.pins[path], pick)? },
            Op::Listen { .. } => Op::Listen {
                socket: any(
                    SOCKETS,
                    |it| matches!(self.sockets[it], Socket::Unused | Socket::Open(_)),
                    pick,
                )?,
            },
            Op::SetCc { ordinary, .. } => Op::SetCc {
                socket: any(SOCKETS, |it| !matches!(self.sockets[it], Socket::Connected(_)), pick)?,
                name: self.name(pick)?,
                ordinary,
            },
            Op::Connect { .. } => {
                let to =
                    any(SOCKETS, |it| matches!(self.sockets[it], Socket::Listening(..)), pick)?;
                let Socket::Listening(there, _) = self.sockets[to] else { return None };
                // Rather one that has chosen a congestion control.
                let open = any(SOCKETS, |it| self.sockets[it] == Socket::Open(there), pick);
                let unused = |it: usize| self.sockets[it] == Socket::Unused;
                let socket = match open {
                    None if self.namespace == there => any(SOCKETS, unused, pick)?,
                    open => open?,
                };
                Op::Connect { socket, to }
            }
            Op::Disconnect { .. } => Op::Disconnect {
                socket: any(SOCKETS, |it| matches!(self.sockets[it], Socket::Connected(_)), pick)?,
            },
            Op::Accept { .. } => {
                let waits = |it: usize| matches!(self.sockets[it], Socket::Listening(_, 1..));
                let listener = any(SOCKETS, waits, pick)?;
                Op::Accept { listener, socket: any(SOCKETS, |it| it != listener, pick)? }
            }
            Op::WriteSysctl { sysctl: Sysctl::Default, .. } => {
                Op::WriteSysctl { sysctl: Sysctl::Default, value: self.name(pick)? }
            }
            Op::WriteSysctl { sysctl: Sysctl::Allowed, .. } => {
                let value = format!("{} reno", self.name(pick)?);
                Op::WriteSysctl { sysctl: Sysctl::Allowed, value }
            }
            _ => return None,
        })
    }

    /// Takes in what a step does, if it can.
    pub fn add(&mut self, op: &Op) {
        match *op {
            Op::Create { link, map: Fd::Table(table @ ..LINKABLE), flags: 0 }
                if !self.is_taken(TABLES[table].1) =>
            {
                self.links[link] = Some(table);
            }
            Op::Update {
                link: Fd::Link(link), map: Fd::Table(table), flags: 0 | REPLACE, ..
            } => {
                if let Some(now) = &mut self.links[link]
                    && TABLES[*now].1 == TABLES[table].1
                {
                    *now = table;
                }
            }
            Op::Detach { link: Fd::Link(link) } | Op::Close { fd: Fd::Link(link) } => {
                self.links[link] = None;
            }
            Op::Pin { fd: Fd::Link(link), path } => self.pins[path] |= self.links[link].is_some(),
            Op::Unlink { path } => self.pins[path] = false,
            // Another descriptor for what the account does not follow.
            Op::ById { link, .. } | Op::OpenPin { link, .. } => self.links[link] = None,
            Op::SetCc { socket, .. } if self.sockets[socket] == Socket::Unused => {
                self.sockets[socket] = Socket::Open(self.namespace);
            }
            Op::Listen { socket } => {
                self.sockets[socket] = match self.sockets[socket] {
                    Socket::Unused => Socket::Listening(self.namespace, 0),
                    Socket::Open(namespace) => Socket::Listening(namespace, 0),
                    other => other,
                }
            }
            Op::Connect { socket, to } => {
                let here = match self.sockets[socket] {
                    Socket::Unused => self.namespace,
                    Socket::Open(namespace) => namespace,
                    _ => return,
                };
                self.sockets[socket] = Socket::Open(here);
                if let Socket::Listening(there, waiting) = &mut self.sockets[to]
                    && *there == here
                {
                    *waiting += 1;
                    self.sockets[socket] = Socket::Connected(here);
                }
            }
            Op::Disconnect { socket } => {
                if let Socket::Connected(namespace) = self.sockets[socket] {
                    self.sockets[socket] = Socket::Open(namespace);
                }
            }
            Op::Accept { listener, socket } => {
                if let Socket::Listening(namespace, waiting @ 1..) = &mut self.sockets[listener] {
                    *waiting -= 1;
                    self.sockets[socket] = Socket::Connected(*namespace);
                }
            }
            Op::Close { fd: Fd::Socket(socket) } => self.sockets[socket] = Socket::Unused,
            Op::Enter { namespace } => self.namespace = namespace,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::sequence;

    #[test]
    fn most_updates_and_accepts_can_succeed() {
        let (mut updates, mut accepts) = ((0, 0), (0, 0));
        for number in 0..200 {
            let mut plan = Plan::new();
            for op in sequence(1, number, 30).expect("a sequence") {
                match op {
                    Op::Update { link, map, .. } => {
                        updates.0 += 1;
                        if let (Fd::Link(link), Fd::Table(map)) = (link, map)
                            && let Some(now) = plan.links[link]
                        {
                            updates.1 += i32::from(TABLES[now].1 == TABLES[map].1);
                        }
                    }
                    Op::Accept { listener, .. } => {
                        accepts.0 += 1;
                        let waits = matches!(plan.sockets[listener], Socket::Listening(_, 1..));
                        accepts.1 += i32::from(waits);
                    }
                    _ => {}
                }
                plan.add(&op);
            }
        }
        for (all, can) in [updates, accepts] {
            assert!(all > 100 && can * 2 > all, "{can} of {all}");
        }
    }
}
