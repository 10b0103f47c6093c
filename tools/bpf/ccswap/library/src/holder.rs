// SPDX-License-Identifier: GPL-2.0-only

//! Who holds a name: a link, a map that was registered without one, or the kernel itself.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bpffs;
use crate::link;
use crate::processes::{self, Process};
use crate::table::{self, TCP, Table, Tables};

/// What keeps a table registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A link.
    Link {
        /// Its id.
        id: u32,
        /// Where it is pinned.
        pins: Vec<PathBuf>,
        /// Who holds it open.
        processes: Vec<Process>,
    },
    /// A map, without a link.
    Map(u32),
    /// A kernel module.
    Module(String),
    /// The kernel proper.
    BuiltIn,
}

/// Finds who holds the table's name; none if that cannot be seen.
pub fn of(wanted: &Table, tables: &Tables) -> Option<Holder> {
    let same = |id: u32| tables.of_map(id).is_ok_and(|table| table == *wanted);
    let link = link::all().ok().and_then(|links| {
        links.into_iter().find(|link| link.map_id.is_some_and(same)).map(|link| link.id)
    });
    if let Some(id) = link {
        let pins = bpffs::link_pins().ok()?.remove(&id).unwrap_or_default();
        return Some(Holder::Link { id, pins, processes: processes::holding(id) });
    }
    if let Some((id, _)) = without_link(tables).into_iter().find(|(_, table)| table == wanted) {
        return Some(Holder::Map(id));
    }
    let name = wanted.name.as_deref().filter(|_| wanted.kind == TCP)?;
    names().iter().any(|known| known == name).then(|| of_kernel(name, Path::new("/sys/module")))
}

/// The maps whose table is registered without a link, by rising id.
pub fn without_link(tables: &Tables) -> Vec<(u32, Table)> {
    table::struct_ops_maps()
        .into_iter()
        .filter_map(|id| Some((id, tables.registered_without_link(id)?)))
        .collect()
}

/// The congestion controls that are neither behind a link nor in a map, and what they are part of.
pub fn of_the_kernel(others: &[String]) -> Vec<(String, Holder)> {
    names()
        .into_iter()
        .filter(|name| !others.contains(name))
        .map(|name| {
            let holder = of_kernel(&name, Path::new("/sys/module"));
            (name, holder)
        })
        .collect()
}

/// The registered congestion controls.
fn names() -> Vec<String> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
    text.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// What a congestion control is part of. The modules are named after what they register.
fn of_kernel(name: &str, modules: &Path) -> Holder {
    let module = format!("tcp_{name}");
    // What is built in may have a folder, too, but no state.
    if modules.join(&module).join("initstate").exists() {
        Holder::Module(module)
    } else {
        Holder::BuiltIn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_told_from_what_is_built_in() {
        let modules = tempfile::tempdir().unwrap();
        fs::create_dir_all(modules.path().join("tcp_loaded")).unwrap();
        fs::write(modules.path().join("tcp_loaded/initstate"), "live\n").unwrap();
        fs::create_dir_all(modules.path().join("tcp_cubic")).unwrap();
        assert_eq!(of_kernel("loaded", modules.path()), Holder::Module("tcp_loaded".into()));
        assert_eq!(of_kernel("cubic", modules.path()), Holder::BuiltIn);
        assert_eq!(of_kernel("reno", modules.path()), Holder::BuiltIn);
    }
}
