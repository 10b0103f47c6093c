// SPDX-License-Identifier: GPL-2.0-only

//! Network namespaces: which there are, and how to work in one.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::error::{Error, Result};
use crate::mounts;

/// One file for each namespace that a process is in or that is mounted.
///
/// # Errors
///
/// /proc cannot be read.
pub fn all() -> Result<Vec<PathBuf>> {
    let processes = fs::read_dir("/proc")
        .map_err(Error::system("read /proc"))?
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .map(|entry| entry.path().join("ns/net"));
    let mounted = mounts::of_type("nsfs")?
        .into_iter()
        .filter(|mount| mount.root.starts_with("net:"))
        .map(|mount| mount.point);

    // A process may be gone by now.
    let namespaces: BTreeMap<_, _> = processes
        .chain(mounted)
        .filter_map(|path| Some((identity(&fs::metadata(&path).ok()?), path)))
        .collect();
    Ok(namespaces.into_values().collect())
}

/// What identifies a namespace: the device and the number of any file of it.
fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Moves the calling thread into a namespace. To stay in its own it needs no privilege.
///
/// # Errors
///
/// It is none, or the user may not.
pub fn enter(path: &Path) -> Result<()> {
    let failed = |what| Error::system(format!("{what} {}", path.display()));
    let file = File::open(path).map_err(failed("open"))?;
    let own = fs::metadata("/proc/thread-self/ns/net").map_err(Error::system("read /proc"))?;
    if identity(&file.metadata().map_err(failed("open"))?) == identity(&own) {
        return Ok(());
    }
    setns(file, CloneFlags::CLONE_NEWNET)
        .map_err(|errno| failed("enter the network namespace")(errno.into()))
}

/// Runs `work` in a namespace, in a thread so that the caller stays outside.
///
/// # Errors
///
/// Those of [`enter`] and of the work.
pub fn within<T: Send, E: From<Error> + Send>(
    path: &Path,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> Result<T, E> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            enter(path)?;
            work()
        });
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_namespace_is_among_all_and_once() {
        let own = identity(&fs::metadata("/proc/self/ns/net").unwrap());
        let found = all().unwrap();
        let same =
            found.iter().filter(|path| fs::metadata(path).is_ok_and(|file| identity(&file) == own));
        assert_eq!(same.count(), 1);
    }

    #[test]
    fn a_file_that_is_no_namespace_is_refused() {
        let error = within(Path::new("Cargo.toml"), || Ok::<_, Error>(())).unwrap_err().to_string();
        assert!(error.contains("cannot enter"), "{error}");
        let error = within(Path::new("absent"), || Ok::<_, Error>(())).unwrap_err().to_string();
        assert!(error.contains("cannot open"), "{error}");
    }
}
