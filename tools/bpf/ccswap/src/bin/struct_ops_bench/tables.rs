// SPDX-License-Identifier: GPL-2.0-only

//! The tables that are registered and swapped: 64 pairs, each under a name.

use anyhow::{Context, Result, ensure};
use libbpf_rs::{MapCore, MapHandle, MapType, Object, ObjectBuilder};

/// What `src/bpf/bench.bpf.c` was compiled to.
const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bench.bpf.o"));

/// Two tables under one name, ready for a link.
#[derive(Debug)]
pub struct Pair {
    /// The name that both register.
    pub name: String,
    /// One of them.
    pub a: MapHandle,
    /// The other.
    pub b: MapHandle,
}

/// Loads all tables into the kernel.
pub fn load() -> Result<Object> {
    let mut object = ObjectBuilder::default()
        .open_memory(OBJECT)
        .and_then(|object| object.load())
        .context("the kernel did not take the BPF programs")?;
    // libbpf makes a table ready only in passing, when it attaches it.
    for mut map in object.maps_mut().filter(|map| map.map_type() == MapType::StructOps) {
        drop(map.attach_struct_ops().context("a table could not be registered")?);
    }
    Ok(object)
}

/// The pairs of a loaded object: the maps `aNN` and `bNN`, both named `benchNN`.
pub fn pairs(object: &Object) -> Result<Vec<Pair>> {
    let find = |name: &str| -> Result<MapHandle> {
        let map = object.maps().find(|map| map.name() == name);
        Ok(MapHandle::try_from(&map.with_context(|| format!("there is no map {name}"))?)?)
    };
    let pairs: Vec<_> = object
        .maps()
        .filter(|map| map.map_type() == MapType::StructOps)
        .filter_map(|map| Some(map.name().to_str()?.strip_prefix('a')?.to_owned()))
        .map(|id| {
            let (a, b) = (find(&format!("a{id}"))?, find(&format!("b{id}"))?);
            Ok(Pair { name: format!("bench{id}"), a, b })
        })
        .collect::<Result<_>>()?;
    ensure!(!pairs.is_empty(), "the BPF object holds no tables");
    Ok(pairs)
}
