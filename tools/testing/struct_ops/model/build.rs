// SPDX-License-Identifier: GPL-2.0-only

//! Makes modules of the kernel's files: one of the files as they are, and one for each mutation,
//! in which one place is broken.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

include!("src/mutations.rs");

/// The registry, relative to this crate.
const SOURCE: &str = "../../../../rust/kernel/net/tcp";
/// Its files below [`SOURCE`].
const FILES: [&str; 7] = [
    "cong.rs",
    "cong/bucket.rs",
    "cong/default.rs",
    "cong/flags.rs",
    "cong/name.rs",
    "cong/registry.rs",
    "cong/sock.rs",
];

/// Writes the files as module `name`, with the mutation if there is one, and returns the text that
/// declares it.
fn module(out: &Path, crate_root: &Path, name: &str, mutation: Option<&Mutation>) -> String {
    let folder = out.join(name);
    fs::create_dir_all(&folder).expect("a folder for the module");
    for file in FILES {
        let path = crate_root.join(SOURCE).join(file);
        let mut text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        if let Some(mutation) = mutation.filter(|mutation| file.ends_with(mutation.file)) {
            let found = text.matches(mutation.from).count();
            assert_eq!(
                found, 1,
                "the mutation {name} has to find its text once in {file}: write it anew"
            );
            text = text.replace(mutation.from, mutation.to);
        }
        let target = match file.strip_prefix("cong/") {
            Some(inner) => folder.join(inner),
            None => folder.join("mod.rs"),
        };
        fs::write(target, text).expect("a file of the module");
    }
    format!(
        "/// {}\n#[allow(dead_code, unused_imports)]\nmod {name} {{\n    \
         #[allow(clippy::all, clippy::missing_docs_in_private_items, missing_docs)]\n    \
         #[path = {:?}]\n    pub mod cong;\n    #[path = {:?}]\n    pub mod scenarios;\n}}\n",
        mutation.map_or("The files as the kernel compiles them.", |mutation| mutation.what),
        folder.join("mod.rs"),
        crate_root.join("src/scenarios.rs"),
    )
}

/// The names of the scenarios.
fn scenarios(crate_root: &Path) -> Vec<String> {
    let text = fs::read_to_string(crate_root.join("src/scenarios.rs")).expect("the scenarios");

    text.lines()
        .filter_map(|line| line.strip_prefix("pub fn ")?.strip_suffix("() {"))
        .map(str::to_owned)
        .collect()
}

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let mut text = module(&out, &root, "kernel_files", None);

    for scenario in scenarios(&root) {
        text += &format!(
            "#[test]\nfn {scenario}() {{\n    kernel_files::scenarios::{scenario}();\n}}\n"
        );
    }
    for mutation in MUTATIONS {
        let Mutation { name, panics, .. } = mutation;
        assert!(!panics.is_empty(), "say what the mutation {name} has to panic with");
        text += &module(&out, &root, name, Some(mutation));
        text += &format!(
            "#[test]\n#[should_panic(expected = {:?})]\nfn mutation_{}() {{\n    \
             {}::scenarios::{}();\n}}\n",
            panics, name, name, mutation.scenario,
        );
    }
    fs::write(out.join("modules.rs"), text).expect("the list of modules");
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=src");
}
