// SPDX-License-Identifier: GPL-2.0-only

//! A struct_ops table, loaded from a BPF object and ready to be registered.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use libbpf_rs::libbpf_sys as sys;
use libbpf_rs::{
    AsRawLibbpf, Map, MapCore, MapHandle, MapType, Object, ObjectBuilder, OpenObject, ProgramType,
};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::{Error, Result};
use crate::libbpf_log;
use crate::pinned_maps::{self, NewPins};
use crate::table;

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
    /// The maps that loading it has pinned by name.
    new_pins: NewPins,
}

impl StructOps {
    /// Loads the table from an object file. `map` chooses among several.
    ///
    /// What it pins by name goes again with this value, unless it is [kept](Self::keep).
    /// Not to be called while other threads open files, see [`make_ready`].
    ///
    /// # Errors
    ///
    /// The file is no object, holds no such table, or the kernel refuses what it holds.
    pub fn load_file(path: &Path, map: Option<&str>) -> Result<Self> {
        Self::load_path(path, map, None)
    }

    /// Loads the table from an object file, to be registered under another name than its own.
    ///
    /// # Errors
    ///
    /// As those of [`load_file`](Self::load_file); also, the table has no place for the name.
    pub fn load_file_as(path: &Path, map: Option<&str>, name: &str) -> Result<Self> {
        Self::load_path(path, map, Some(name))
    }

    /// Loads the table from an object file, under another name if one is given.
    fn load_path(path: &Path, map: Option<&str>, name: Option<&str>) -> Result<Self> {
        std::fs::File::open(path).map_err(Error::system(format!("read {}", path.display())))?;
        Self::load(&path.display().to_string(), map, name, |builder| builder.open_file(path))
    }

    /// Loads the table from an object that is part of this program.
    ///
    /// # Errors
    ///
    /// As those of [`load_file`](Self::load_file).
    pub fn load_embedded(name: &str, object: &[u8]) -> Result<Self> {
        Self::load(name, None, None, |builder| builder.open_memory(object))
    }

    /// Loads what `open` opens, under another name if one is given.
    fn load(
        origin: &str,
        map: Option<&str>,
        new_name: Option<&str>,
        open: impl FnOnce(&mut ObjectBuilder) -> libbpf_rs::Result<OpenObject>,
    ) -> Result<Self> {
        let unreadable =
            |error| Error::OpenObject { origin: origin.to_owned(), error, log: libbpf_log::take() };
        libbpf_log::capture();
        let mut object = open(&mut ObjectBuilder::default()).map_err(unreadable)?;

        let tables: Vec<_> = object
            .maps()
            .filter(|map| map.map_type() == MapType::StructOps)
            .map(|map| map.name().to_string_lossy().into_owned())
            .collect();
        let name = choose(origin, &tables, map)?.to_owned();
        select(&mut object, &name).map_err(unreadable)?;
        if let Some(new_name) = new_name {
            rename(&mut object, &name, new_name)
                .ok_or_else(|| Error::NoName { origin: origin.to_owned() })?;
        }
        let free = pinned_maps::check(&object)?;

        let object = object.load().map_err(refused(origin))?;
        let new_pins = pinned_maps::made(&object, &free);
        let table = find_map(&object, &name)?;
        make_ready(&table).map_err(|error| Error::MakeReady { map: name.clone(), error })?;
        let table = MapHandle::try_from(&table).map_err(not_accessible)?;
        Ok(Self { object, table, name, new_pins })
    }

    /// Lets the maps that it has pinned by name stay.
    pub fn keep(&mut self) {
        self.new_pins.keep();
    }

    /// The name of the table's map in its object.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table's map.
    pub fn map(&self) -> &MapHandle {
        &self.table
    }

    /// The id of the table's map.
    ///
    /// # Errors
    ///
    /// The kernel does not tell.
    pub fn map_id(&self) -> Result<u32> {
        Ok(self.table.info().map_err(not_accessible)?.info.id)
    }

    /// Another map of the same object, see [`map_ending`].
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn other_map(&self, suffix: &str) -> Result<MapHandle> {
        map_ending(&self.object, suffix)
    }
}

/// Loads an object that is part of this program; `what` it is, for the message.
///
/// # Errors
///
/// The kernel refuses it.
pub(crate) fn load_own(what: &str, object: &[u8]) -> Result<Object> {
    libbpf_log::capture();
    ObjectBuilder::default().open_memory(object).and_then(OpenObject::load).map_err(refused(what))
}

/// What an object that the kernel refused comes to.
pub(crate) fn refused(what: &str) -> impl FnOnce(libbpf_rs::Error) -> Error {
    let origin = what.to_owned();
    |error| Error::LoadObject { origin, error, log: libbpf_log::take() }
}

/// A map of a loaded object, the variables' included. `suffix` is how its name ends: libbpf puts
/// the object's name before `.bss`.
///
/// # Errors
///
/// There is none.
pub(crate) fn map_ending(object: &Object, suffix: &str) -> Result<MapHandle> {
    let map = object
        .maps()
        .find(|map| map.name().to_string_lossy().ends_with(suffix))
        .ok_or_else(|| absent(suffix))?;
    MapHandle::try_from(&map).map_err(not_accessible)
}

impl AsFd for StructOps {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.table.as_fd()
    }
}

/// Leaves in an object what the table needs: no other table, and no program of another type. The
/// table gets the flag that lets a link take it, which `SEC(".struct_ops")` does not ask for.
fn select(object: &mut OpenObject, table: &str) -> libbpf_rs::Result<()> {
    for mut map in object.maps_mut() {
        if map.map_type() != MapType::StructOps {
            continue;
        }
        if map.name() == OsStr::new(table) {
            let flags = map.map_flags() | sys::BPF_F_LINK;
            map.set_map_flags(flags)?;
        } else {
            map.set_autocreate(false)?;
        }
    }
    for mut program in object.progs_mut() {
        if program.prog_type() != ProgramType::StructOps {
            program.set_autoload(false);
        }
    }
    Ok(())
}

/// Writes another name into a table. None if there is no room for it.
fn rename(object: &mut OpenObject, table: &str, name: &str) -> Option<()> {
    // SAFETY: `object` is open; its types live as long as it does.
    let btf = unsafe { sys::bpf_object__btf(object.as_libbpf_object().as_ptr()) };
    let mut map = object.maps_mut().find(|map| map.name() == OsStr::new(table))?;
    // SAFETY: the map belongs to that object.
    let kind = unsafe { sys::bpf_map__btf_value_type_id(map.as_libbpf_object().as_ptr()) };
    // SAFETY: libbpf returned it, and the object still is.
    let range = unsafe { table::name_in_object(btf, kind) }?;
    let field = map.initial_value_mut()?.get_mut(range)?;
    field.fill(0);
    // What follows is a terminator.
    field.split_last_mut()?.1.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    Some(())
}

/// Finds a map of a loaded object.
fn find_map<'a>(object: &'a Object, name: &str) -> Result<Map<'a>> {
    object.maps().find(|map| map.name() == OsStr::new(name)).ok_or_else(|| absent(name))
}

/// A map that a loaded object should have.
fn absent(name: &str) -> Error {
    Error::system(format!("find the map `{name}`"))(io::ErrorKind::NotFound.into())
}

/// A map of this process that the kernel does not tell about.
fn not_accessible(error: libbpf_rs::Error) -> Error {
    Error::system("access the table's map")(io::Error::other(error))
}

/// Chooses the table that the user means among those of the object.
fn choose<'a>(origin: &str, tables: &'a [String], wanted: Option<&str>) -> Result<&'a str> {
    match (tables, wanted) {
        ([], _) => return Err(Error::NoTable { origin: origin.to_owned() }),
        ([table], None) => return Ok(table),
        _ => {}
    }
    tables.iter().find(|table| Some(table.as_str()) == wanted).map(String::as_str).ok_or_else(
        || Error::ChooseTable {
            origin: origin.to_owned(),
            tables: tables.to_vec(),
            wanted: wanted.map(str::to_owned),
        },
    )
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
