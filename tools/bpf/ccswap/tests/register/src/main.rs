// SPDX-License-Identifier: GPL-2.0-only

//! Registers the first struct_ops table of an object without a link, as old loaders do, until its
//! standard input ends.

use std::env;
use std::io::{self, Read};

use anyhow::{Context, Result};
use libbpf_rs::{MapCore, MapType, ObjectBuilder, ProgramType};

/// Runs the program.
fn main() -> Result<()> {
    let path = env::args_os().nth(1).context("which object?")?;
    let mut object = ObjectBuilder::default().open_file(path)?;
    for mut program in object.progs_mut() {
        if program.prog_type() != ProgramType::StructOps {
            program.set_autoload(false);
        }
    }
    for mut map in object.maps_mut() {
        // Without the flag for links, libbpf registers by an update of the map's only element.
        if map.map_type() == MapType::StructOps {
            map.set_map_flags(0)?;
        }
    }
    let mut object = object.load()?;
    let mut table = object
        .maps_mut()
        .find(|map| map.map_type() == MapType::StructOps)
        .context("the object holds no table")?;
    // Its end unregisters.
    let _registered = table.attach_struct_ops()?;
    println!("registered");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
