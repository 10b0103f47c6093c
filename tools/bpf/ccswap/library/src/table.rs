// SPDX-License-Identifier: GPL-2.0-only

//! What kind of table a struct_ops map holds, and under which name: read from
//! the kernel's own type information, so for any subsystem.

use std::ffi::CStr;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

use libbpf_rs::libbpf_sys as sys;
use libbpf_rs::query::MapInfoIter;
use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType};

use crate::error::{Error, Result};
use crate::link;

/// The type of a TCP congestion control.
pub const TCP: &str = "tcp_congestion_ops";
/// The state of a map whose table is registered without a link.
const IN_USE: u32 = 1;

/// The table in a struct_ops map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its type, e.g. `tcp_congestion_ops`.
    pub kind: String,
    /// The name that it registers, for a type that has one.
    pub name: Option<String>,
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} `{name}`", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

/// The kernel's types, and with them the tables of its maps.
#[derive(Debug)]
pub struct Tables {
    /// The types of the kernel proper.
    kernel: Btf,
}

impl Tables {
    /// Reads the running kernel's types.
    ///
    /// # Errors
    ///
    /// The kernel has none.
    pub fn new() -> Result<Self> {
        // SAFETY: no argument; the result is ours to free.
        let btf = unsafe { sys::btf__load_vmlinux_btf() };
        Ok(Self { kernel: Btf::new(btf).map_err(Error::NoTypes)? })
    }

    /// Looks into a map by its id, which needs CAP_SYS_ADMIN.
    ///
    /// # Errors
    ///
    /// There is no such map, it holds no table, or the user may not.
    pub fn of_map(&self, id: u32) -> Result<Table> {
        self.of(&map_by_id(id)?)
    }

    /// Looks into a map.
    ///
    /// # Errors
    ///
    /// It holds no table.
    pub fn of(&self, map: &MapHandle) -> Result<Table> {
        self.read(map).map(|(table, _)| table)
    }

    /// The table in a map, if it is registered without a link.
    pub fn registered_without_link(&self, id: u32) -> Option<Table> {
        let (table, state) = self.read(&map_by_id(id).ok()?).ok()?;
        (state == Some(IN_USE)).then_some(table)
    }

    /// Reads a map's table and its state.
    fn read(&self, map: &MapHandle) -> Result<(Table, Option<u32>)> {
        let info = map.info().map_err(unreadable)?.info;

        // A module's types stand beside the kernel's. A kernel before 6.9 knows
        // struct_ops of its own types only, and does not tell.
        let module = match info.btf_vmlinux_id {
            0 => None,
            // SAFETY: the base outlives the result, both being held below.
            id => Btf::new(unsafe {
                sys::btf__load_from_kernel_by_id_split(id, self.kernel.0.as_ptr())
            })
            .ok(),
        };
        let btf = module.as_ref().unwrap_or(&self.kernel);

        let layout =
            btf.table_layout(info.btf_vmlinux_value_type_id).ok_or(Error::NotATable(info.id))?;
        let value = map.lookup(&0u32.to_ne_bytes(), MapFlags::ANY).map_err(unreadable)?;
        let value = value.unwrap_or_default();
        let state = layout.state.and_then(|at| value.get(at..)?.first_chunk().copied());
        let table = Table {
            name: layout.name.and_then(|range| text(value.get(range)?)),
            kind: layout.kind,
        };
        Ok((table, state.map(u32::from_ne_bytes)))
    }
}

/// Every struct_ops map of the system, by rising id; none for a user who may not see them.
pub fn struct_ops_maps() -> Vec<u32> {
    MapInfoIter::default().filter(|map| map.ty == MapType::StructOps).map(|map| map.id).collect()
}

/// Opens a map by its id.
pub(crate) fn open_map(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: a plain integer.
    link::owned(unsafe { sys::bpf_map_get_fd_by_id(id) })
}

/// Opens a map by its id, to be read.
fn map_by_id(id: u32) -> Result<MapHandle> {
    MapHandle::from_map_id(id)
        .map_err(|error| Error::system(format!("open map {id}"))(io::Error::other(error)))
}

/// A map that the kernel does not show.
fn unreadable(error: libbpf_rs::Error) -> Error {
    Error::system("read a struct_ops map")(io::Error::other(error))
}

/// The text in a fixed array of characters; none if it is empty.
fn text(field: &[u8]) -> Option<String> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    (end > 0).then(|| String::from_utf8_lossy(&field[..end]).into_owned())
}

/// The bytes of a table, of that type of an object, that hold its name.
///
/// # Safety
///
/// The type information must be valid.
pub(crate) unsafe fn name_in_object(btf: *mut sys::btf, table: u32) -> Option<Range<usize>> {
    // The object frees it.
    let btf = ManuallyDrop::new(Btf::new(btf).ok()?);
    btf.table_name(table)
}

/// Where a struct_ops map's value holds what is of interest here.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    /// The type's name.
    kind: String,
    /// The bytes of the value that hold the table's name.
    name: Option<Range<usize>>,
    /// Where the kernel's own state of it is.
    state: Option<usize>,
}

/// Type information, owned.
///
/// # Invariants
///
/// The pointer is one that libbpf returned to be freed by the caller.
#[derive(Debug)]
struct Btf(NonNull<sys::btf>);

/// A member of a structure.
struct Member<'a> {
    /// Its name.
    name: &'a str,
    /// Its type.
    type_id: u32,
    /// Where it stands, in bytes.
    offset: usize,
}

impl Btf {
    /// Takes over what libbpf returned, or its error.
    fn new(btf: *mut sys::btf) -> io::Result<Self> {
        NonNull::new(btf).map(Self).ok_or_else(io::Error::last_os_error)
    }

    /// Finds the table, and its name, in the value type of a struct_ops map:
    /// a structure of the kernel's own state and of the table as `data`.
    fn table_layout(&self, value_type: u32) -> Option<Layout> {
        let data = self.members(value_type)?.find(|member| member.name == "data")?;
        let name = self
            .table_name(data.type_id)
            .map(|range| data.offset + range.start..data.offset + range.end);
        let kind = self.name(self.get(data.type_id)?.name_off)?.to_owned();
        Some(Layout { kind, name, state: self.state(value_type) })
    }

    /// The bytes of a table that hold its name.
    fn table_name(&self, table: u32) -> Option<Range<usize>> {
        self.members(table)?.filter(|member| matches!(member.name, "name" | "id")).find_map(
            |member| Some(member.offset..member.offset + self.char_array(member.type_id)?),
        )
    }

    /// Where the state is: in the value, or, since Linux 6.9, in a structure `common` of that.
    fn state(&self, value_type: u32) -> Option<usize> {
        let own = |id, name: &str| self.members(id)?.find(|member| member.name == name);
        if let Some(state) = own(value_type, "state") {
            return Some(state.offset);
        }
        let common = own(value_type, "common")?;
        Some(common.offset + own(common.type_id, "state")?.offset)
    }

    /// The type of that id.
    fn get(&self, id: u32) -> Option<&sys::btf_type> {
        // SAFETY: libbpf checks the id; what it returns lives as long as the
        // type information, which `self` holds by its invariant.
        unsafe { sys::btf__type_by_id(self.0.as_ptr(), id).as_ref() }
    }

    /// A type's or a member's name.
    fn name(&self, offset: u32) -> Option<&str> {
        // SAFETY: as in `get`; a name is a terminated string.
        unsafe {
            let name = sys::btf__name_by_offset(self.0.as_ptr(), offset);
            (!name.is_null()).then(|| CStr::from_ptr(name))?.to_str().ok()
        }
    }

    /// The members of a structure; none if the type is another.
    fn members(&self, id: u32) -> Option<impl Iterator<Item = Member<'_>>> {
        let structure = self.get(id).filter(|t| kind(t) == sys::BTF_KIND_STRUCT)?;
        let count = (structure.info & 0xffff) as usize;
        // SAFETY: so many members follow a structure in the same buffer.
        let members = unsafe {
            let first = std::ptr::from_ref(structure).add(1).cast::<sys::btf_member>();
            std::slice::from_raw_parts(first, count)
        };
        Some(members.iter().filter_map(|member| {
            Some(Member {
                name: self.name(member.name_off)?,
                type_id: member.type_,
                // The high byte is a bit field's width, and no bit field is
                // looked for here.
                offset: (member.offset & 0xff_ffff) as usize / 8,
            })
        }))
    }

    /// How long an array of characters is; none if the type is another.
    fn char_array(&self, id: u32) -> Option<usize> {
        let array_type = self.get(id).filter(|t| kind(t) == sys::BTF_KIND_ARRAY)?;
        // SAFETY: one such structure follows an array in the same buffer.
        let array = unsafe { &*std::ptr::from_ref(array_type).add(1).cast::<sys::btf_array>() };
        let element = self.get(array.type_)?;
        // SAFETY: an integer's size is what its union holds.
        let size = unsafe { element.__bindgen_anon_1.size };
        (kind(element) == sys::BTF_KIND_INT && size == 1).then_some(array.nelems as usize)
    }
}

impl Drop for Btf {
    fn drop(&mut self) {
        // SAFETY: ours to free by the invariant, and not used any more.
        unsafe { sys::btf__free(self.0.as_ptr()) };
    }
}

/// Which kind of type it is.
fn kind(t: &sys::btf_type) -> u32 {
    (t.info >> 24) & 0x1f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_its_nul() {
        assert_eq!(text(b"cubic\0\0x").as_deref(), Some("cubic"));
        assert_eq!(text(b"full").as_deref(), Some("full"));
        assert_eq!(text(b"\0\0"), None);
        assert_eq!(text(b""), None);
    }

    #[test]
    fn a_table_is_shown_by_type_and_name() {
        let mut table = Table { kind: "tcp_congestion_ops".into(), name: Some("bbr".into()) };
        assert_eq!(table.to_string(), "tcp_congestion_ops `bbr`");
        table.name = None;
        assert_eq!(table.to_string(), "tcp_congestion_ops");
    }

    /// Value types as the kernel has them, made by hand: a table with a name
    /// behind a pointer, and one without; the state as it is since Linux 6.9, and before.
    #[test]
    fn finds_type_and_name_in_a_value_type() {
        // SAFETY: an empty type information to add to, freed with `Btf`.
        let btf = Btf::new(unsafe { sys::btf__new_empty() }).unwrap();
        let raw = btf.0.as_ptr();
        // SAFETY: valid type information, terminated strings.
        let (named, nameless) = unsafe {
            let char_ = sys::btf__add_int(raw, c"char".as_ptr(), 1, 0);
            let int = sys::btf__add_int(raw, c"int".as_ptr(), 4, 0);
            let array = sys::btf__add_array(raw, int, char_, 16);
            let pointer = sys::btf__add_ptr(raw, 0);
            let structure = |name: &CStr, size, members: &[(&CStr, i32, u32)]| {
                let id = sys::btf__add_struct(raw, name.as_ptr(), size);
                for (name, type_id, byte) in members {
                    sys::btf__add_field(raw, name.as_ptr(), *type_id, byte * 8, 0);
                }
                id
            };
            let ops = structure(c"ops", 24, &[(c"init", pointer, 0), (c"name", array, 8)]);
            let plain = structure(c"plain", 8, &[(c"name", pointer, 0)]);
            let common = structure(c"common", 8, &[(c"refcnt", int, 0), (c"state", int, 4)]);
            (
                structure(c"bpf_struct_ops_ops", 88, &[(c"common", common, 8), (c"data", ops, 64)]),
                structure(
                    c"bpf_struct_ops_plain",
                    72,
                    &[(c"refcnt", int, 0), (c"state", int, 4), (c"data", plain, 64)],
                ),
            )
        };
        let layout = |id: i32| btf.table_layout(id as u32);
        let expected = |kind: &str, name, state| Some(Layout { kind: kind.into(), name, state });
        assert_eq!(layout(named), expected("ops", Some(72..88), Some(12)));
        assert_eq!(layout(nameless), expected("plain", None, Some(4)));
        assert_eq!(layout(1), None, "an integer is no value type");
    }
}
