// SPDX-License-Identifier: GPL-2.0-only

//! What an error means for what was tried, and what to do about it.

use std::io;
use std::path::Path;

use libbpf_rs::ErrorKind;
use nix::errno::Errno;

use crate::capability::{Capability, missing};
use crate::error::Update;
use crate::holder::Holder;
use crate::link::LinkRef;
use crate::table::Table;

/// What loading and attaching need. Neither needs CAP_SYS_ADMIN.
const ATTACH: [Capability; 3] = [Capability::Bpf, Capability::NetAdmin, Capability::Perfmon];
/// What it takes to look for an object of the kernel by its id.
const BY_ID: [Capability; 1] = [Capability::SysAdmin];

/// What a refusal for lack of privilege comes to.
fn privilege(needed: &[Capability]) -> String {
    refused_for(&missing(needed))
}

/// Says which capabilities are missing.
fn refused_for(missing: &[Capability]) -> String {
    if missing.is_empty() {
        return "permission denied, although no capability is missing: a security module, lockdown \
                or a user namespace may forbid it"
            .into();
    }
    let names: Vec<_> = missing.iter().map(Capability::to_string).collect();
    format!("permission denied; run it as root, or with what is missing: {}", names.join(", "))
}

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

/// The kernel did not take an object's programs and maps. libbpf does not tell EPERM from EACCES,
/// which is the verifier's, but the verifier leaves a log. EOPNOTSUPP is what libbpf makes of a
/// refusal of the object's types.
pub fn load_object(origin: &str, error: &libbpf_rs::Error, log: &str) -> String {
    let denied = matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported)
        && !log.contains("PROG LOAD LOG");
    if denied && !missing(&ATTACH).is_empty() {
        format!("cannot load {origin}: {}", privilege(&ATTACH))
    } else {
        format!("the kernel did not load {origin} ({error}); the log above says why")
    }
}

/// An object holds no table.
pub fn no_table(origin: &str) -> String {
    format!("{origin} holds no struct_ops table; one is declared with SEC(\".struct_ops.link\")")
}

/// An object's table has to be chosen.
pub fn choose_table(origin: &str, tables: &[String], wanted: Option<&str>) -> String {
    let list = tables.join(", ");
    match wanted {
        Some(name) => {
            format!("{origin} holds no table `{name}`, but {list}; choose with --map")
        }
        None => format!("{origin} holds several tables: {list}; choose one with --map"),
    }
}

/// A map that is pinned by name does not fit.
pub fn pinned_map(map: &str, path: &Path, difference: &str) -> String {
    format!(
        "the map `{map}` that is pinned at {0} cannot be taken over: {difference}. To keep what it \
         holds, give the map another name or its old shape; to begin anew, rm {0}",
        path.display()
    )
}

/// The kernel's types cannot be read.
pub fn no_types(error: &io::Error) -> String {
    format!(
        "cannot read the kernel's types from /sys/kernel/btf/vmlinux ({error}); \
         the kernel has to be built with CONFIG_DEBUG_INFO_BTF"
    )
}

/// The kernel does not tell what happens to links.
pub fn no_tracepoints() -> &'static str {
    "this kernel has no tracepoints of struct_ops links, so it does not tell what happens to them; \
     they come with CONFIG_BPF_STRUCT_OPS_LINK_RUST"
}

/// What the user named is no struct_ops link.
pub fn not_a_link(link: &LinkRef, kind: Option<&str>) -> String {
    match kind {
        Some(other) => {
            format!("{link} is a {other} link, not a struct_ops link; see `ccswap status`")
        }
        None => format!("{link} is not a BPF link; see `ccswap status`"),
    }
}

/// Something is where a link was to be pinned.
pub fn pin_taken(path: &Path) -> String {
    format!(
        "{0} exists; choose another place with --pin, or change what stands there: \
         `ccswap update {0} …`, `ccswap detach {0}`",
        path.display()
    )
}

/// A place takes no link.
pub fn pin_place(path: &Path) -> String {
    format!(
        "{} is not on a BPF file system, where links are pinned; \
         mount one (mount -t bpf bpf /sys/fs/bpf) or name a path on one with --pin",
        path.display()
    )
}

/// A name with a dot.
pub fn pin_dot(path: &Path) -> String {
    format!(
        "cannot pin the link at {}: a name on a BPF file system holds no dot; \
         name another with --pin",
        path.display()
    )
}

/// The kernel did not take a table.
pub fn make_ready(map: &str, error: &io::Error) -> String {
    match errno(error) {
        Errno::EPERM => format!("cannot load `{map}`: {}", privilege(&ATTACH)),
        Errno::EINVAL => format!(
            "the kernel refused the table `{map}` ({error}): an operation that the type requires \
             is missing, or a value is out of range; dmesg may tell which"
        ),
        _ => format!("the kernel refused the table `{map}`: {error}"),
    }
}

/// A table could not be registered.
pub fn attach(table: &Table, error: &io::Error, holder: Option<&Holder>) -> String {
    match errno(error) {
        Errno::EEXIST => format!("{table} is registered already, {}", held(holder)),
        Errno::EOPNOTSUPP => format!(
            "{} takes no link in this kernel; it can only be registered without one",
            table.kind
        ),
        Errno::EPERM => format!("cannot attach {table}: {}", privilege(&ATTACH)),
        _ => format!("the kernel did not register {table}: {error}; dmesg may tell why"),
    }
}

/// Says who holds a name, and what to do.
fn held(holder: Option<&Holder>) -> String {
    match holder {
        Some(Holder::Link { id, pins, processes }) => {
            let mut held = format!("by link {id}");
            for pin in pins {
                held += &format!(", pinned at {}", pin.display());
            }
            for process in processes {
                held += &format!(", open in process {process}");
            }
            held + &format!("; `ccswap update id:{id} …` replaces what is behind it")
        }
        Some(Holder::Map(id)) => format!(
            "by map {id}, without a link; `bpftool struct_ops unregister id {id}` ends that"
        ),
        Some(Holder::Module(module)) => {
            format!(
                "by the kernel module {module}; `modprobe -r {module}` ends that, or give the table another name"
            )
        }
        Some(Holder::BuiltIn) => {
            "by the kernel itself, in which it is built; give the table another name".into()
        }
        None => "and by whom cannot be seen; `ccswap status --all` as root lists the holders, and \
                 `ccswap update` replaces what is behind a link"
            .into(),
    }
}

/// Says why an update did not happen, and what to try. The link is as it was in each case.
pub fn update(update: &Update) -> String {
    let Update { link, current_map, current, new, expected_map, error } = update;
    let Some(current_map) = *current_map else {
        return format!(
            "{link} is detached, which is for good; remove its pin and attach the object anew"
        );
    };
    match errno(error) {
        Errno::EPERM | Errno::ENOENT if expected_map.is_some_and(|map| map != current_map) => {
            format!(
                "{link} holds map {current_map}, not the expected {}, and was left as it is; \
                 someone else updated it: look at `ccswap status`, then --expect-old {current_map}",
                expected_map.unwrap_or_default()
            )
        }
        Errno::EPERM if expected_map.is_some() => {
            let needed = [ATTACH.as_slice(), &BY_ID].concat();
            format!("cannot update {link} with --expect-old: {}", privilege(&needed))
        }
        Errno::EPERM => format!("cannot update {link}: {}", privilege(&ATTACH)),
        Errno::EOPNOTSUPP => format!(
            "{} knows no update in this kernel; detach {link} and attach the new object",
            new.kind
        ),
        Errno::EINVAL => match current {
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
        (LinkRef::Id(_), Errno::EPERM) => {
            format!("cannot open {link}: {}; its pin needs less", privilege(&BY_ID))
        }
        (_, Errno::EPERM) => format!("cannot open {link}: {}", privilege(&[Capability::Bpf])),
        _ => format!("cannot open {link}: {error}"),
    }
}

/// The links could not be listed.
pub fn list_links(error: &io::Error) -> String {
    match errno(error) {
        Errno::EPERM => format!("cannot list the links: {}", privilege(&BY_ID)),
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
        Errno::EPERM => format!("cannot detach {link}: {}", privilege(&ATTACH)),
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
    use crate::processes::Process;

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
        super::update(&Update {
            link: LinkRef::Id(3),
            current_map,
            current: Some(table("tcp", "a")),
            new: new.clone(),
            expected_map,
            error: error(errno),
        })
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
            assert!(text.contains("permission denied"), "{text}");
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
    fn a_taken_name_has_a_holder() {
        let text =
            |holder| attach(&table("tcp", "a"), &error(Errno::EEXIST), Option::as_ref(&holder));
        let link = Holder::Link {
            id: 7,
            pins: vec!["/p".into()],
            processes: vec![Process { pid: 12, name: "daemon".into() }],
        };
        let said = text(Some(link));
        for part in ["tcp `a` is registered already", "link 7", "/p", "12 (daemon)", "update id:7"]
        {
            assert!(said.contains(part), "{said}");
        }
        assert!(text(Some(Holder::Map(9))).contains("unregister id 9"));
        assert!(text(Some(Holder::Module("tcp_a".into()))).contains("modprobe -r tcp_a"));
        assert!(text(Some(Holder::BuiltIn)).contains("built"));
        assert!(text(None).contains("status --all"));
    }

    #[test]
    fn a_type_without_links_is_named() {
        let text = attach(&table("smc", "a"), &error(Errno::EOPNOTSUPP), None);
        assert!(text.contains("smc takes no link"), "{text}");
    }

    #[test]
    fn a_missing_capability_is_named_and_nothing_else_is_blamed_on_it() {
        let text = refused_for(&[Capability::Bpf, Capability::NetAdmin]);
        assert!(text.contains("as root") && text.contains("CAP_BPF, CAP_NET_ADMIN"), "{text}");
        assert!(refused_for(&[]).contains("no capability is missing"));
        let refused = libbpf_rs::Error::from_raw_os_error(Errno::EACCES as i32);
        assert!(load_object("o", &refused, "-- BEGIN PROG LOAD LOG --").contains("log above"));
    }

    #[test]
    fn a_link_that_is_not_there_points_to_status() {
        for link in [LinkRef::Id(3), LinkRef::Pin("/x".into())] {
            let text = open_link(&link, &error(Errno::ENOENT));
            assert!(text.contains("ccswap status"), "{text}");
            let text = open_link(&link, &error(Errno::EPERM));
            assert!(text.contains("permission denied"), "{text}");
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
