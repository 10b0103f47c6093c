// SPDX-License-Identifier: GPL-2.0-only

//! Files that a reader finds whole: the old one or the new one, never a part.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::Builder;

/// Replaces a file by one that everybody may read, as far as the umask lets them.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // A name that no collector takes for metrics, in the same file system.
    let mut new = Builder::new()
        .prefix(".ccswap-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    new.write_all(text.as_bytes())?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn replaces_the_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.prom");
        for text in ["first and longer\n", "second\n"] {
            write(&file, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // 0o044 is what a collector of another user needs; the umask may take it.
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o600, 0o600);
    }

    #[test]
    fn a_reader_that_has_the_old_file_open_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.prom");
        write(&file, "old").unwrap();
        let mut reader = fs::File::open(&file).unwrap();
        write(&file, "new").unwrap();
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "old");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(write(&taken, "text").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(&folder.path().join("absent/a.prom"), "text").is_err());
    }
}
