// SPDX-License-Identifier: GPL-2.0-only

//! The tables that are registered and swapped. All have the same programs, which
//! are loaded once, so that there can be many.

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};
use libbpf_rs::btf::types::{MemberAttr, Struct};
use libbpf_rs::btf::{Btf, HasSize};
use libbpf_rs::libbpf_sys as sys;
use libbpf_rs::{AsRawLibbpf, MapCore, MapFlags, MapHandle, MapType, Object, ObjectBuilder};
/// What `src/bpf/bench.bpf.c` was compiled to.
const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bench.bpf.o"));
/// The kernel's type of the tables, and that of a map's value, which holds one.
const TABLE: &str = "tcp_congestion_ops";
/// See [`TABLE`].
const VALUE: &str = "bpf_struct_ops_tcp_congestion_ops";

/// Two tables under one name, ready for a link. Neither was registered yet.
#[derive(Debug)]
pub struct Pair {
    /// The name that both register.
    pub name: String,
    /// One of them.
    pub a: MapHandle,
    /// The other.
    pub b: MapHandle,
}

/// What all tables have in common.
#[derive(Debug)]
pub struct Tables {
    /// The id of the type [`VALUE`].
    value_type: u32,
    /// The value of a map, without a name.
    value: Vec<u8>,
    /// Where the name goes.
    name_at: usize,
    /// Keeps open the programs' descriptors, which `value` holds.
    programs: Object,
}

impl Tables {
    /// Loads the programs into the kernel.
    pub fn load() -> Result<Self> {
        let programs = ObjectBuilder::default()
            .open_memory(OBJECT)
            .and_then(|object| object.load())
            .context("the kernel did not take the BPF programs")?;

        let btf = Btf::from_vmlinux().context("cannot read the kernel's types")?;
        let find = |name: &str| -> Result<Struct<'_>> {
            btf.type_by_name(name).with_context(|| format!("the kernel has no struct {name}"))
        };
        let (holder, table) = (find(VALUE)?, find(TABLE)?);
        let data = offset(&holder, "data")?;
        let mut value = vec![0; holder.size()];
        for program in programs.progs() {
            let name = program.name().to_string_lossy();
            let member = name.strip_prefix("reno_").context("a program has an unknown name")?;
            let at = data + offset(&table, member)?;
            let descriptor = program.as_fd().as_raw_fd() as u64;
            value[at..at + size_of::<u64>()].copy_from_slice(&descriptor.to_ne_bytes());
        }
        let name_at = data + offset(&table, "name")?;
        let value_type = holder.type_id().into();
        Ok(Self { value_type, value, name_at, programs })
    }

    /// Makes a pair.
    pub fn pair(&self, name: &str) -> Result<Pair> {
        Ok(Pair { name: name.into(), a: self.table(name)?, b: self.table(name)? })
    }

    /// Makes so many pairs, whose names begin alike.
    pub fn pairs(&self, prefix: &str, count: usize) -> Result<Vec<Pair>> {
        (0..count).map(|number| self.pair(&format!("{prefix}{number}"))).collect()
    }

    /// Makes a table. libbpf does it only together with a link.
    fn table(&self, name: &str) -> Result<MapHandle> {
        // SAFETY: the object is alive.
        let types = unsafe { sys::bpf_object__btf_fd(self.programs.as_libbpf_object().as_ptr()) };
        let options = sys::bpf_map_create_opts {
            sz: size_of::<sys::bpf_map_create_opts>() as sys::size_t,
            // Any will do, but the kernel insists on one.
            btf_fd: types.try_into().context("the BPF object has no types")?,
            map_flags: sys::BPF_F_LINK,
            btf_vmlinux_value_type_id: self.value_type,
            ..Default::default()
        };
        let (kind, key) = (MapType::StructOps, 0u32.to_ne_bytes());
        let size = self.value.len() as u32;
        let map = MapHandle::create(kind, Some(name), key.len() as u32, size, 1, &options)
            .with_context(|| format!("cannot make a map for {name}"))?;
        let mut value = self.value.clone();
        value[self.name_at..][..name.len()].copy_from_slice(name.as_bytes());
        map.update(&key, &value, MapFlags::ANY)
            .with_context(|| format!("the kernel did not take the table {name}"))?;
        Ok(map)
    }
}

/// Where a member of a structure is, in bytes.
fn offset(structure: &Struct<'_>, name: &str) -> Result<usize> {
    structure
        .iter()
        .filter(|member| member.name.is_some_and(|found| found == name))
        .find_map(|member| match member.attr {
            MemberAttr::Normal { offset } => Some(offset as usize / 8),
            MemberAttr::BitField { .. } => None,
        })
        .with_context(|| format!("{:?} has no member {name}", structure.name()))
}
