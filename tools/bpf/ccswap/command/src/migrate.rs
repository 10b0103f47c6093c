// SPDX-License-Identifier: GPL-2.0-only

//! `--migrate`: move sockets to what is behind the link now.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use struct_ops::iterators::{Move, Moved};
use struct_ops::link::LinkRef;
use struct_ops::output;

use crate::cli::Migrate;
use crate::versions::Observer;

/// Moves the sockets that run another version, if that is wanted, and says what became of them.
/// `done` is what stands whatever that comes to.
pub fn run(link: &LinkRef, args: &Migrate, done: &str) -> Result<()> {
    if args.wanted {
        output::say(move_to_current(link, args)?, done)?;
    }
    Ok(())
}

/// Moves them; returns what there is to say.
fn move_to_current(link: &LinkRef, args: &Migrate) -> Result<String> {
    let observer = Observer::new(link)?;
    let old: Vec<_> = observer
        .versions()?
        .into_iter()
        .filter(|version| !version.current && !version.sockets.is_empty())
        .filter(|version| args.older_than.is_none_or(|limit| version.map_id < limit))
        .map(|version| version.place)
        .collect();
    if old.is_empty() {
        return Ok("no socket runs another version".into());
    }
    let moved = observer.iterators().move_sockets(&Move {
        name: observer.name(),
        from: &old,
        cgroup: args.cgroup.as_deref().map(cgroup).transpose()?,
        port: args.port,
        namespace: args.netns.as_deref(),
    })?;
    if !moved.refused.is_empty() && moved.moved == 0 {
        bail!("the link is updated, but {}", said(&moved));
    }
    Ok(said(&moved))
}

/// The id of a control group, which is its folder's number.
fn cgroup(path: &Path) -> Result<u64> {
    let folder =
        fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    Ok(folder.ino())
}

/// What became of the sockets.
pub fn said(moved: &Moved) -> String {
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
