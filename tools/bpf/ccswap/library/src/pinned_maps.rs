// SPDX-License-Identifier: GPL-2.0-only

//! The maps that an object has pinned by name: state that outlives a swap.

use std::fs;
use std::path::{Path, PathBuf};

use libbpf_rs::{MapCore, MapHandle, Object, OpenMap, OpenObject};

use crate::error::{Error, Result};

/// The pins that loading an object has made, which go again unless they are kept.
#[derive(Debug, Default)]
pub struct NewPins {
    /// Each, and the id of the map that it holds.
    pins: Vec<(PathBuf, u32)>,
}

impl NewPins {
    /// Lets them stay.
    pub fn keep(&mut self) {
        self.pins.clear();
    }
}

impl Drop for NewPins {
    fn drop(&mut self) {
        for (path, id) in &self.pins {
            // Another may stand there by now.
            if map_id(path) == Some(*id) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Checks that what is pinned fits what the object declares, and returns where nothing is yet.
///
/// # Errors
///
/// A pinned map is of another shape, so that it cannot be taken over.
pub fn check(object: &OpenObject) -> Result<Vec<PathBuf>> {
    let mut free = Vec::new();
    for map in object.maps() {
        let Some(path) = pin_path(&map) else {
            continue;
        };
        match MapHandle::from_pinned_path(&path) {
            Ok(pinned) => {
                let shape = [
                    ("value size", pinned.value_size(), map.value_size()),
                    ("key size", pinned.key_size(), map.key_size()),
                    ("number of entries", pinned.max_entries(), map.max_entries()),
                ];
                if let Some((what, there, here)) = shape.into_iter().find(|(_, a, b)| a != b) {
                    return Err(Error::PinnedMap {
                        map: map.name().to_string_lossy().into_owned(),
                        path,
                        difference: format!("its {what} is {there}, and {here} in the object"),
                    });
                }
            }
            Err(_) if !path.exists() => free.push(path),
            // libbpf will say why.
            Err(_) => {}
        }
    }
    Ok(free)
}

/// Finds what a load has pinned at places that were free.
pub fn made(object: &Object, free: &[PathBuf]) -> NewPins {
    let pins = object.maps().filter_map(|map| {
        let path = PathBuf::from(map.get_pin_path()?);
        let id = map.info().ok()?.info.id;
        free.contains(&path).then_some((path, id))
    });
    NewPins { pins: pins.collect() }
}

/// Where a map is to be pinned.
fn pin_path(map: &OpenMap<'_>) -> Option<PathBuf> {
    use std::ffi::CStr;
    use std::os::unix::ffi::OsStrExt;

    use libbpf_rs::{AsRawLibbpf, libbpf_sys as sys};

    // SAFETY: the map belongs to an open object, which `map` borrows; what is returned is a
    // terminated string that lives as long.
    let path = unsafe {
        let path = sys::bpf_map__pin_path(map.as_libbpf_object().as_ptr());
        (!path.is_null()).then(|| CStr::from_ptr(path))?
    };
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(path.to_bytes())))
}

/// The id of the map that is pinned at a path.
fn map_id(path: &Path) -> Option<u32> {
    Some(MapHandle::from_pinned_path(path).ok()?.info().ok()?.info.id)
}
