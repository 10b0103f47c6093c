// SPDX-License-Identifier: GPL-2.0-only

/// A way to break the registry, and the scenario that must notice.
struct Mutation {
    /// A name, which is that of a module and a test.
    name: &'static str,
    /// What is broken.
    what: &'static str,
    /// The end of the file's path.
    file: &'static str,
    /// The text, which is there once.
    from: &'static str,
    /// What takes its place.
    to: &'static str,
    /// The scenario.
    scenario: &'static str,
    /// What it says, or a part of that.
    panics: &'static str,
}

/// What loom says of an object that is used before its setup is seen.
const UNORDERED: &str = "Causality violation: Concurrent read and write accesses";

/// Each has to be noticed.
const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "add_without_release",
        what: "A table is added before it is seen to be set up.",
        file: "bucket.rs",
        from: "link.store(core::ptr::from_ref(ca).cast_mut(), Release);",
        to: "link.store(core::ptr::from_ref(ca).cast_mut(), Relaxed);",
        scenario: "add_while_looked_up",
        panics: UNORDERED,
    },
    Mutation {
        name: "replace_without_release",
        what: "A table replaces another one before it is seen to be set up.",
        file: "bucket.rs",
        from: "link.store(to, Release);",
        to: "link.store(to, Relaxed);",
        scenario: "replace_while_looked_up",
        panics: UNORDERED,
    },
    Mutation {
        name: "add_at_the_end",
        what: "A BPF table is added at the end of its bucket.",
        file: "bucket.rs",
        from: "    if !ca.is_bpf() {\n        let (word, bit)",
        to: "    if true {\n        let (word, bit)",
        scenario: "add_again_beside",
        panics: "found no table of the name",
    },
    Mutation {
        name: "add_points_on_without_release",
        what: "What a table points to that is added again may not be seen to be set up.",
        file: "bucket.rs",
        from: "    next(ca).store(link.load(Relaxed), Release);\n",
        to: "    next(ca).store(link.load(Relaxed), Relaxed);\n",
        scenario: "add_again_beside",
        panics: "found no table of the name",
    },
    Mutation {
        name: "replace_points_on_without_release",
        what: "What a table points to that replaces another one may not be seen to be set up.",
        file: "bucket.rs",
        from: "    next(new).store(next(old).load(Relaxed), Release);\n",
        to: "    next(new).store(next(old).load(Relaxed), Relaxed);\n",
        scenario: "replaced_by_a_removed_one",
        panics: "found no table of the name",
    },
    Mutation {
        name: "removed_forgets_the_next",
        what: "A table that is removed loses its pointer to the next one.",
        file: "bucket.rs",
        from: "    redirect(registry, ca, next(ca).load(Relaxed));\n",
        to: "    redirect(registry, ca, next(ca).load(Relaxed));\n    \
             next(ca).store(core::ptr::null_mut(), Relaxed);\n",
        scenario: "remove_beside",
        panics: "found no table of the name",
    },
    Mutation {
        name: "mark_before_publish",
        what: "The old table is marked before the new one is found.",
        file: "registry.rs",
        from: "        bucket::replace(self, old, &new);\n",
        to: "        old.set_registry_flags(self, flags | Flag::Replaced, Release);\n        \
             bucket::replace(self, old, &new);\n",
        scenario: "mark_leads_to_the_new_table",
        panics: "the mark came first",
    },
    Mutation {
        name: "mark_without_release",
        what: "The old table may be seen marked before the new one is found.",
        file: "registry.rs",
        from: "old.set_registry_flags(self, flags | Flag::Replaced, Release);",
        to: "old.set_registry_flags(self, flags | Flag::Replaced, Relaxed);",
        scenario: "mark_leads_to_the_new_table",
        panics: "the mark came first",
    },
    Mutation {
        name: "mark_without_acquire",
        what: "Code that sees the mark may not find the new table.",
        file: "flags.rs",
        from: "Flags(self.word().load(Acquire)).contains(Flag::Replaced)",
        to: "Flags(self.word().load(Relaxed)).contains(Flag::Replaced)",
        scenario: "mark_leads_to_the_new_table",
        panics: "the mark came first",
    },
    Mutation {
        name: "no_mark",
        what: "The old table is not marked.",
        file: "registry.rs",
        from: "        old.set_registry_flags(self, flags | Flag::Replaced, Release);\n",
        to: "",
        scenario: "replaced_is_not_chosen",
        panics: "started on the old table",
    },
    Mutation {
        name: "no_second_look",
        what: "A reference that cannot be taken is given up, whatever happened meanwhile.",
        file: "cong.rs",
        from: "                smp_mb(Read);\n                if !ca.is_replaced() {\n                    \
               return None;\n                }\n",
        to: "                return None;\n",
        scenario: "last_reference_is_put",
        panics: "no reference on a registered table",
    },
    Mutation {
        name: "no_barrier",
        what: "The mark may be read before the count of references.",
        file: "cong.rs",
        from: "                smp_mb(Read);\n",
        to: "",
        scenario: "last_reference_is_put",
        panics: "no reference on a registered table",
    },
    Mutation {
        name: "by_name",
        what: "A replaced table leads to the table of its name, not of its lineage.",
        file: "cong.rs",
        from: "bucket::find_beside(self, |ca| ca.lineage() == lineage)",
        to: "{ let _ = lineage; bucket::find_beside(self, |ca| ca.name() == self.name()) }",
        scenario: "stranger_takes_the_name",
        panics: "followed a name to a stranger",
    },
    Mutation {
        name: "lineage_before_mark_is_cleared",
        what: "A table that is registered again gets its lineage before its mark is cleared.",
        file: "registry.rs",
        from: "        ca.set_registry_flags(self, flags, Relaxed);\n",
        to: "        ca.lineage_word().store(lineage, Release);\n        \
             ca.set_registry_flags(self, flags, Relaxed);\n",
        scenario: "lineage_changes",
        panics: "followed a lineage",
    },
    Mutation {
        name: "default_not_moved",
        what: "A replacement leaves the defaults where they are.",
        file: "registry.rs",
        from: "        default::move_all(self, old, &new);\n",
        to: "",
        scenario: "default_follows",
        panics: "an old default",
    },
    Mutation {
        name: "default_without_release",
        what: "A default may be seen before the table that it points to.",
        file: "default.rs",
        from: "            shared.ca().store(ca.into_raw().cast(), Release);\n",
        to: "            shared.ca().store(ca.into_raw().cast(), Relaxed);\n",
        scenario: "default_follows",
        panics: UNORDERED,
    },
    Mutation {
        name: "default_without_barrier",
        what: "The default may be read again before the count of references.",
        file: "default.rs",
        from: "            smp_mb(Read);\n",
        to: "",
        scenario: "default_follows",
        panics: "no reference on the default",
    },
    Mutation {
        name: "default_gives_up",
        what: "The default that cannot be taken is given up, whatever happened meanwhile.",
        file: "default.rs",
        from: "            if core::ptr::eq(now, ca) {\n",
        to: "            if true {\n",
        scenario: "default_follows",
        panics: "no reference on the default",
    },
];
