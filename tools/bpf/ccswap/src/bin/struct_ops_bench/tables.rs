// SPDX-License-Identifier: GPL-2.0-only

//! The tables that are registered and swapped: 64 pairs, each under a name.

use anyhow::{Context, Result, bail, ensure};
use libbpf_rs::{ErrorKind, MapCore, MapHandle, MapMut, MapType, Object, ObjectBuilder};

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

/// Loads all tables into the kernel. The second of each pair was never registered.
pub fn load() -> Result<Object> {
    let mut object = ObjectBuilder::default()
        .open_memory(OBJECT)
        .and_then(|object| object.load())
        .context("the kernel did not take the BPF programs")?;
    // libbpf makes a table ready only in passing, when it attaches it.
    let links = of_prefix(&mut object, "a")
        .map(|mut map| map.attach_struct_ops().context("a table could not be registered"))
        .collect::<Result<Vec<_>>>()?;
    // That works also where the kernel then refuses to register it: the name is taken.
    for mut map in of_prefix(&mut object, "b") {
        match map.attach_struct_ops() {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).context("a table could not be made ready"),
            Ok(_) => bail!("two tables were registered under one name"),
        }
    }
    drop(links);
    Ok(object)
}

/// The tables whose maps have names that begin so.
fn of_prefix<'obj>(object: &'obj mut Object, prefix: &str) -> impl Iterator<Item = MapMut<'obj>> {
    object.maps_mut().filter(move |map| {
        map.map_type() == MapType::StructOps
            && map.name().to_str().is_some_and(|name| name.starts_with(prefix))
    })
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
