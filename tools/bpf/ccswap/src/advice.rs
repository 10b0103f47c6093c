// SPDX-License-Identifier: GPL-2.0-only

//! What an error number means for what was tried, and what to do about it.

use std::io;

use nix::errno::Errno;

use crate::link::LinkRef;
use crate::table::Table;

/// What every refusal for lack of privilege comes to.
const PRIVILEGE: &str =
    "permission denied; run it as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN";

/// The error's number.
fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

/// An object file could not be read as one.
pub fn open_object(origin: &str, error: &libbpf_rs::Error) -> String {
    format!(
        "{origin} is not a BPF object that libbpf understands ({error}); \
         compile it with clang -target bpf -g -O2"
    )
}

/// The kernel did not take an object's programs and maps.
pub fn load_object(origin: &str, error: &libbpf_rs::Error) -> String {
    if nix::unistd::geteuid().is_root() {
        format!("the kernel did not load {origin} ({error}); the log above says why")
    } else {
        format!("cannot load {origin}: {PRIVILEGE}")
    }
}

/// The kernel did not take a table.
pub fn make_ready(map: &str, error: &io::Error) -> String {
    match errno(error) {
        Errno::EPERM => format!("cannot load `{map}`: {PRIVILEGE}"),
        Errno::EINVAL => format!(
            "the kernel refused the table `{map}` ({error}): an operation that the type requires \
             is missing, or a value is out of range; dmesg may tell which"
        ),
        _ => format!("the kernel refused the table `{map}`: {error}"),
    }
}

/// A table could not be registered.
pub fn attach(table: &Table, error: &io::Error) -> String {
    match errno(error) {
        Errno::EEXIST => format!(
            "{table} is registered already; `ccswap status` shows whether a link holds it, \
             and `ccswap update` replaces what is behind a link"
        ),
        Errno::EOPNOTSUPP => format!(
            "{} takes no link in this kernel; it can only be registered without one",
            table.kind
        ),
        Errno::EPERM => format!("cannot attach {table}: {PRIVILEGE}"),
        _ => format!("the kernel did not register {table}: {error}; dmesg may tell why"),
    }
}

/// An update that did not happen.
#[derive(Debug)]
pub struct Update<'a> {
    /// The link as the user named it.
    pub link: &'a LinkRef,
    /// The id of the map that it holds now.
    pub current_map: Option<u32>,
    /// The table in that map.
    pub current: Option<&'a Table>,
    /// The table that was to replace it.
    pub new: &'a Table,
    /// The map that the user expected to be current.
    pub expected_map: Option<u32>,
}

impl Update<'_> {
    /// Says why, and what to try. The link is as it was in each case.
    pub fn explain(&self, error: &io::Error) -> String {
        let Self { link, new, .. } = self;
        let Some(current_map) = self.current_map else {
            return format!(
                "{link} is detached, which is for good; remove its pin and attach the object anew"
            );
        };
        match errno(error) {
            Errno::EPERM | Errno::ENOENT
                if self.expected_map.is_some_and(|map| map != current_map) =>
            {
                format!(
                    "{link} holds map {current_map}, not the expected {}, and was left as it is; \
                 someone else updated it: look at `ccswap status`, then --expect-old {current_map}",
                    self.expected_map.unwrap_or_default()
                )
            }
            Errno::EPERM => format!("cannot update {link}: {PRIVILEGE}"),
            Errno::EOPNOTSUPP => format!(
                "{} knows no update in this kernel; detach {link} and attach the new object",
                new.kind
            ),
            Errno::EINVAL => match self.current {
                Some(current) if current.kind != new.kind => format!(
                    "{link} holds a {} and cannot take a {}; attach the object to a link of its own",
                    current.kind, new.kind
                ),
                Some(current) if current.name != new.name => format!(
                    "{link} holds {current}, the object {new}; an update keeps the name: \
                     change it in the object, or attach that to a link of its own"
                ),
                _ => format!("the kernel refused to update {link}: {error}; dmesg may tell why"),
            },
            _ => format!("the kernel did not update {link}, which is as it was: {error}"),
        }
    }
}

/// A link could not be opened.
pub fn open_link(link: &LinkRef, error: &io::Error) -> String {
    match (link, errno(error)) {
        (LinkRef::Id(id), Errno::ENOENT) => {
            format!("there is no link {id}; `ccswap status` lists them")
        }
        (LinkRef::Pin(path), Errno::ENOENT) => format!(
            "nothing is pinned at {}; `ccswap status` lists the links, and id:N names one without a pin",
            path.display()
        ),
        (LinkRef::Pin(path), Errno::EACCES) => format!(
            "{} is not a BPF link, or not yours to use; a link is named by its pin on a BPF file system or by id:N",
            path.display()
        ),
        (_, Errno::EPERM) => format!("cannot open {link}: {PRIVILEGE}"),
        _ => format!("cannot open {link}: {error}"),
    }
}

/// The links could not be listed.
pub fn list_links(error: &io::Error) -> String {
    match errno(error) {
        Errno::EPERM => format!("cannot list the links: {PRIVILEGE}"),
        Errno::EINVAL | Errno::ENOSYS => {
            "this kernel cannot list BPF links; Linux 5.8 or later is needed".into()
        }
        _ => format!("cannot list the links: {error}"),
    }
}

/// A link could not be detached.
pub fn detach(link: &LinkRef, error: &io::Error) -> String {
    match errno(error) {
        Errno::EOPNOTSUPP => format!("this kernel cannot detach {link}; remove its pins instead"),
        Errno::EPERM => format!("cannot detach {link}: {PRIVILEGE}"),
        _ => format!("the kernel did not detach {link}: {error}"),
    }
}

/// A link's end cannot be waited for.
pub fn watch(link: &LinkRef, error: Errno) -> String {
    match error {
        Errno::EPERM => format!(
            "this kernel does not tell when {link} is detached; Linux 6.11 or later is needed"
        ),
        _ => format!("cannot watch {link}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error by its number.
    fn error(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(errno as i32)
    }

    /// A table.
    fn table(kind: &str, name: &str) -> Table {
        Table { kind: kind.into(), name: Some(name.into()) }
    }

    /// What a failed update says.
    fn update(
        errno: Errno,
        new: &Table,
        current_map: Option<u32>,
        expected_map: Option<u32>,
    ) -> String {
        let current = table("tcp", "a");
        let update = Update {
            link: &LinkRef::Id(3),
            current_map,
            current: Some(&current),
            new,
            expected_map,
        };
        update.explain(&error(errno))
    }

    #[test]
    fn an_update_that_expects_another_map_shows_the_current() {
        for errno in [Errno::EPERM, Errno::ENOENT] {
            let text = update(errno, &table("tcp", "a"), Some(7), Some(5));
            assert!(text.contains("id:3 holds map 7, not the expected 5"), "{text}");
            assert!(text.contains("--expect-old 7"), "{text}");
        }
    }

    #[test]
    fn an_update_without_privilege_says_so() {
        for expected in [None, Some(7)] {
            let text = update(Errno::EPERM, &table("tcp", "a"), Some(7), expected);
            assert!(text.contains("as root"), "{text}");
        }
    }

    #[test]
    fn an_update_to_another_type_or_name_tells_them_apart() {
        let text = update(Errno::EINVAL, &table("hid", "a"), Some(7), None);
        assert!(text.contains("holds a tcp and cannot take a hid"), "{text}");
        let text = update(Errno::EINVAL, &table("tcp", "b"), Some(7), None);
        assert!(text.contains("holds tcp `a`, the object tcp `b`"), "{text}");
        let text = update(Errno::EINVAL, &table("tcp", "a"), Some(7), None);
        assert!(text.contains("dmesg"), "{text}");
    }

    #[test]
    fn an_update_of_a_detached_link_says_that_it_is_over() {
        for errno in [Errno::ENOLINK, Errno::EPERM] {
            let text = update(errno, &table("tcp", "a"), None, Some(5));
            assert!(text.contains("is detached"), "{text}");
        }
    }

    #[test]
    fn an_update_that_the_type_does_not_know_says_what_to_do() {
        let text = update(Errno::EOPNOTSUPP, &table("smc", "a"), Some(7), None);
        assert!(text.contains("smc knows no update") && text.contains("detach"), "{text}");
    }

    #[test]
    fn a_taken_name_points_to_status_and_update() {
        let text = attach(&table("tcp", "a"), &error(Errno::EEXIST));
        assert!(text.contains("tcp `a` is registered already"), "{text}");
        assert!(text.contains("ccswap status") && text.contains("ccswap update"), "{text}");
        let text = attach(&table("smc", "a"), &error(Errno::EOPNOTSUPP));
        assert!(text.contains("smc takes no link"), "{text}");
    }

    #[test]
    fn a_link_that_is_not_there_points_to_status() {
        for link in [LinkRef::Id(3), LinkRef::Pin("/x".into())] {
            let text = open_link(&link, &error(Errno::ENOENT));
            assert!(text.contains("ccswap status"), "{text}");
            let text = open_link(&link, &error(Errno::EPERM));
            assert!(text.contains("as root"), "{text}");
        }
    }

    #[test]
    fn an_old_kernel_is_named() {
        assert!(list_links(&error(Errno::EINVAL)).contains("5.8"));
        assert!(watch(&LinkRef::Id(3), Errno::EPERM).contains("6.11"));
        assert!(detach(&LinkRef::Id(3), &error(Errno::EOPNOTSUPP)).contains("pins"));
    }

    #[test]
    fn an_unforeseen_error_is_shown_as_it_is() {
        let text = update(Errno::ENOMEM, &table("tcp", "a"), Some(7), None);
        assert!(text.contains("memory") && text.contains("as it was"), "{text}");
        assert!(make_ready("m", &error(Errno::ENOMEM)).contains("memory"));
    }
}
