// SPDX-License-Identifier: GPL-2.0-only

//! A struct_ops table, loaded from a BPF object and ready to be registered.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use libbpf_rs::libbpf_sys as sys;
use libbpf_rs::{AsRawLibbpf, Map, MapCore, MapHandle, MapType, Object, ObjectBuilder, OpenObject};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::advice;
use crate::libbpf_log;
use crate::output;

/// A table in the kernel that no one uses yet. It is gone when this value and
/// the links that took it over are.
#[derive(Debug)]
pub struct StructOps {
    /// What the table was loaded from, its programs and its other maps.
    object: Object,
    /// The table's map.
    table: MapHandle,
    /// The name of that map in the object.
    name: String,
}

impl StructOps {
    /// Loads the table from an object file. `map` chooses among several.
    ///
    /// Not to be called while other threads open files, see [`make_ready`].
    pub fn load_file(path: &Path, map: Option<&str>) -> Result<Self> {
        if let Err(error) = std::fs::File::open(path) {
            bail!("cannot read {}: {error}", path.display());
        }
        Self::load(&path.display().to_string(), map, |builder| builder.open_file(path))
    }

    /// Loads the table from an object that is part of this program.
    pub fn load_embedded(name: &str, object: &[u8]) -> Result<Self> {
        Self::load(name, None, |builder| builder.open_memory(object))
    }

    /// Loads what `open` opens.
    fn load(
        origin: &str,
        map: Option<&str>,
        open: impl FnOnce(&mut ObjectBuilder) -> libbpf_rs::Result<OpenObject>,
    ) -> Result<Self> {
        libbpf_log::capture();
        let mut object = open(&mut ObjectBuilder::default())
            .map_err(|error| refused(anyhow!(advice::open_object(origin, &error))))?;

        let tables: Vec<_> = object
            .maps()
            .filter(|map| map.map_type() == MapType::StructOps)
            .map(|map| map.name().to_string_lossy().into_owned())
            .collect();
        let name = choose(origin, &tables, map)?;
        for mut map in object.maps_mut() {
            if map.map_type() != MapType::StructOps {
                continue;
            }
            if map.name() != OsStr::new(name) {
                map.set_autocreate(false)?;
            } else if map.map_flags() & sys::BPF_F_LINK == 0 {
                bail!(
                    "`{name}` in {origin} is a table that takes no link; \
                     declare it with SEC(\".struct_ops.link\") and compile the object again"
                );
            }
        }

        let object =
            object.load().map_err(|error| refused(anyhow!(advice::load_object(origin, &error))))?;
        let table = find_map(&object, name)?;
        make_ready(&table).map_err(|error| anyhow!(advice::make_ready(name, &error)))?;
        let table = MapHandle::try_from(&table)?;
        Ok(Self { object, table, name: name.to_owned() })
    }

    /// The name of the table's map in its object.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the table's map.
    pub fn map_id(&self) -> Result<u32> {
        Ok(self.table.info()?.info.id)
    }

    /// Another map of the same object, the variables' included. `suffix` is
    /// how its name ends: libbpf puts the object's name before `.bss`.
    pub fn other_map(&self, suffix: &str) -> Result<MapHandle> {
        let map = self
            .object
            .maps()
            .find(|map| map.name().to_string_lossy().ends_with(suffix))
            .with_context(|| format!("`{}` comes without a map `{suffix}`", self.name))?;
        Ok(MapHandle::try_from(&map)?)
    }
}

impl AsFd for StructOps {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.table.as_fd()
    }
}

/// Finds a map of a loaded object.
fn find_map<'a>(object: &'a Object, name: &str) -> Result<Map<'a>> {
    object
        .maps()
        .find(|map| map.name() == OsStr::new(name))
        .with_context(|| format!("`{name}` was not loaded"))
}

/// Chooses the table that the user means among those of the object.
fn choose<'a>(origin: &str, tables: &'a [String], wanted: Option<&str>) -> Result<&'a str> {
    let list = || tables.join(", ");
    match (tables, wanted) {
        ([], _) => bail!(
            "{origin} holds no struct_ops table; one is declared with SEC(\".struct_ops.link\")"
        ),
        (_, Some(name)) => match tables.iter().find(|table| *table == name) {
            Some(table) => Ok(table),
            None => bail!("{origin} holds no table `{name}`, but {}; choose with --map", list()),
        },
        ([table], None) => Ok(table),
        (_, None) => bail!("{origin} holds several tables: {}; choose one with --map", list()),
    }
}

/// Hands the table to the kernel, so that a link can be made or updated with
/// it, and makes no link yet.
///
/// libbpf offers this only as the first half of attaching. So that its second
/// half, the link, cannot happen, the process is kept for that moment from
/// opening descriptors: the kernel reserves the link's before it registers
/// anything.
fn make_ready(table: &Map<'_>) -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, 0, hard)?;
    // SAFETY: the map belongs to a loaded object, which `table` borrows.
    let link = unsafe { sys::bpf_map__attach_struct_ops(table.as_libbpf_object().as_ptr()) };
    let error = io::Error::last_os_error();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
    if !link.is_null() {
        // SAFETY: libbpf has just made it, and no one else knows it.
        unsafe { sys::bpf_link__destroy(link) };
        return Err(io::Error::other("the kernel made a link without a descriptor"));
    }
    match error.raw_os_error() {
        Some(code) if code == Errno::EMFILE as i32 => Ok(()),
        _ => Err(error),
    }
}

/// Shows what libbpf said, the verifier's log above all, ahead of the error.
fn refused(error: anyhow::Error) -> anyhow::Error {
    output::complain(libbpf_log::take());
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_table_needs_no_choice() {
        let one = ["cubic".to_owned()];
        assert_eq!(choose("o", &one, None).unwrap(), "cubic");
        assert_eq!(choose("o", &one, Some("cubic")).unwrap(), "cubic");
    }

    #[test]
    fn several_tables_are_named() {
        let two = ["left".to_owned(), "right".to_owned()];
        assert_eq!(choose("o", &two, Some("right")).unwrap(), "right");
        for wanted in [None, Some("middle")] {
            let error = choose("o", &two, wanted).unwrap_err().to_string();
            assert!(error.contains("left, right") && error.contains("--map"), "{error}");
        }
    }

    #[test]
    fn an_object_without_a_table_says_so() {
        for wanted in [None, Some("cubic")] {
            let error = choose("o", &[], wanted).unwrap_err().to_string();
            assert!(error.contains("no struct_ops table"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_no_object_is_refused() {
        let error = StructOps::load_file(Path::new("Cargo.toml"), None).unwrap_err().to_string();
        assert!(error.contains("is not a BPF object"), "{error}");
        let error = StructOps::load_file(Path::new("absent.o"), None).unwrap_err().to_string();
        assert!(error.contains("cannot read absent.o"), "{error}");
    }
}
