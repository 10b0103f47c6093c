// SPDX-License-Identifier: GPL-2.0-only

//! struct_ops tables that are ready for a link.
//!
//! The programs of an object are loaded once; any number of tables can be made
//! of them, under any name, which libbpf itself does not offer.

use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};
use libbpf_rs::btf::types::{MemberAttr, Struct};
use libbpf_rs::btf::{Btf, HasSize};
use libbpf_rs::{AsRawLibbpf, MapCore, MapFlags, MapHandle, MapType, Object, ObjectBuilder};

use crate::sys;

/// A compiled object.
macro_rules! object {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".bpf.o"))
    };
}

/// What a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A TCP congestion control.
    Congestion,
    /// Programs of one HID device.
    Hid,
    /// A queueing discipline.
    Qdisc,
    /// A scheduler.
    Sched,
}

impl Kind {
    /// The kernel's type of the table.
    fn type_name(self) -> &'static str {
        match self {
            Self::Congestion => "tcp_congestion_ops",
            Self::Hid => "hid_bpf_ops",
            Self::Qdisc => "Qdisc_ops",
            Self::Sched => "sched_ext_ops",
        }
    }

    /// The member that says which table it is.
    fn key(self) -> &'static str {
        match self {
            Self::Congestion | Self::Sched => "name",
            Self::Hid => "hid_id",
            Self::Qdisc => "id",
        }
    }

    /// The programs and a first table.
    fn object(self) -> &'static [u8] {
        match self {
            Self::Congestion => object!("cc"),
            Self::Hid => object!("hid"),
            Self::Qdisc => object!("qdisc"),
            Self::Sched => object!("sched"),
        }
    }
}

/// The loaded programs of one implementation, which tables are made of.
#[derive(Debug)]
pub struct Implementation {
    /// The id of the kernel's type of the map's value, which holds a table.
    value_type: u32,
    /// The value of a map, without its key.
    value: Vec<u8>,
    /// Where the key goes.
    key_at: usize,
    /// Keeps open the programs' descriptors, which `value` holds.
    object: Object,
}

impl Implementation {
    /// Loads the programs into the kernel.
    pub fn load(kind: Kind) -> Result<Self> {
        let object = ObjectBuilder::default()
            .open_memory(kind.object())
            .and_then(|object| object.load())
            .with_context(|| format!("the kernel did not take the programs for {kind:?}"))?;

        let btf = Btf::from_vmlinux().context("cannot read the kernel's types")?;
        let find = |name: &str| -> Result<Struct<'_>> {
            btf.type_by_name(name).with_context(|| format!("the kernel has no struct {name}"))
        };
        let table = find(kind.type_name())?;
        let holder = find(&format!("bpf_struct_ops_{}", kind.type_name()))?;
        let data = offset(&holder, "data")?;
        let mut value = vec![0; holder.size()];
        for program in object.progs() {
            // A program is called after the member that it is for, behind a prefix.
            let name = program.name().to_string_lossy();
            let (_, member) = name.split_once('_').context("a program has an unknown name")?;
            let at = data + offset(&table, member)?;
            let descriptor = program.as_fd().as_raw_fd() as u64;
            value[at..at + size_of::<u64>()].copy_from_slice(&descriptor.to_ne_bytes());
        }
        let key_at = data + offset(&table, kind.key())?;
        Ok(Self { value_type: holder.type_id().into(), value, key_at, object })
    }

    /// Makes a table of this name.
    pub fn named(&self, name: &str) -> Result<MapHandle> {
        self.table(name.as_bytes())
    }

    /// Makes a table for the HID device with this number.
    pub fn for_device(&self, hid_id: i32) -> Result<MapHandle> {
        self.table(&hid_id.to_ne_bytes())
    }

    /// Makes a map that nothing was written to, so it cannot be linked.
    pub fn empty(&self) -> Result<MapHandle> {
        // SAFETY: the object is alive.
        let types = unsafe { sys::bpf_object__btf_fd(self.object.as_libbpf_object().as_ptr()) };
        let options = sys::bpf_map_create_opts {
            sz: size_of::<sys::bpf_map_create_opts>() as sys::size_t,
            // Any will do, but the kernel insists on one.
            btf_fd: types.try_into().context("the BPF object has no types")?,
            map_flags: sys::BPF_F_LINK,
            btf_vmlinux_value_type_id: self.value_type,
            ..Default::default()
        };
        let (key, value) = (size_of::<u32>() as u32, self.value.len() as u32);
        MapHandle::create(MapType::StructOps, Some("table"), key, value, 1, &options)
            .context("cannot make a map for a table")
    }

    /// Makes a table with this key.
    fn table(&self, key: &[u8]) -> Result<MapHandle> {
        let map = self.empty()?;
        let mut value = self.value.clone();
        value[self.key_at..][..key.len()].copy_from_slice(key);
        map.update(&0u32.to_ne_bytes(), &value, MapFlags::ANY)
            .with_context(|| format!("the kernel did not take the table {key:?}"))?;
        Ok(map)
    }

    /// How many connections began on this congestion control.
    pub fn started(&self) -> Result<u64> {
        self.counter(".bss")
    }

    /// How many connections left this congestion control.
    pub fn released(&self) -> Result<u64> {
        self.counter(".bss.released")
    }

    /// The counter that begins the map whose name ends like this.
    pub fn counter(&self, suffix: &str) -> Result<u64> {
        let map = self
            .object
            .maps()
            .find(|map| map.name().to_string_lossy().ends_with(suffix))
            .with_context(|| format!("the object has no map {suffix}"))?;
        let value = map.lookup(&0u32.to_ne_bytes(), MapFlags::ANY)?.context("no counter")?;
        Ok(u64::from_ne_bytes(*value.first_chunk().context("no counter")?))
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
