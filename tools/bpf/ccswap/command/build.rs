// SPDX-License-Identifier: GPL-2.0-only

//! Compiles on request the objects that the guest test feeds to the command.

use std::env;
use std::path::Path;

/// Where the objects for `tests/guest.py` go; unset, they are not built.
const OBJ_DIR: &str = "CCSWAP_OBJ_DIR";

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-env-changed={OBJ_DIR}");
    match env::var_os(OBJ_DIR) {
        Some(objects) => {
            compile::all(Path::new("../tests/bpf"), Path::new(&objects), Path::new("../bpf"))
        }
        None => Ok(()),
    }
}
