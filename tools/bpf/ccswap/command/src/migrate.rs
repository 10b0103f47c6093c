// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap update --migrate`: move sockets to what is behind the link now.

use anyhow::{Result, bail};
use struct_ops::iterators::{Move, Moved};
use struct_ops::link::LinkRef;

use crate::cli::Migrate;
use crate::versions::Observer;

/// Moves the sockets that run an older version, and says what became of them.
pub fn run(link: &LinkRef, args: &Migrate) -> Result<String> {
    let observer = Observer::new(link)?;
    let old: Vec<_> = observer
        .versions()?
        .into_iter()
        .filter(|version| !version.current)
        .filter(|version| args.older_than.is_none_or(|limit| version.map_id < limit))
        .map(|version| version.place)
        .collect();
    if old.is_empty() {
        return Ok("no socket runs an older version".into());
    }
    let moved = observer.iterators().move_sockets(&Move {
        name: observer.name(),
        from: &old,
        port: args.port,
        namespace: args.netns.as_deref(),
    })?;
    if !moved.refused.is_empty() && moved.moved == 0 {
        bail!("the link is updated, but {}", said(&moved));
    }
    Ok(said(&moved))
}

/// What became of the sockets.
fn said(moved: &Moved) -> String {
    let mut text = format!("{} moved", sockets(moved.moved));
    for (errno, count) in &moved.refused {
        text += &format!(", {} not: {}", sockets(*count), errno.desc());
    }
    text
}

/// So many sockets.
fn sockets(count: u64) -> String {
    format!("{count} socket{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    #[test]
    fn says_how_many_and_why_others_did_not() {
        let moved = Moved { moved: 1, refused: vec![(Errno::ENOMEM, 2)] };
        assert_eq!(said(&moved), "1 socket moved, 2 sockets not: Out of memory");
    }
}
