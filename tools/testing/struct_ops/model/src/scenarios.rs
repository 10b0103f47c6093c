// SPDX-License-Identifier: GPL-2.0-only

//! What threads do with the registry at the same time, and what has to hold. Compiled once for the
//! kernel's files, and once for each mutation of them.

use super::cong::{CongestionOps, CongestionRef, DefaultOf, Name, Registrable, RegistryGuard};
use crate::{bindings, memory, sync};
use core::{ffi::CStr, ptr::NonNull};
use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// The name that threads look up.
const NAME: &[u8] = b"n";
/// Another name in the same bucket.
const BESIDE: &[u8] = b"n\x01";
/// A third one.
const BESIDE_TOO: &[u8] = b"n\x02";
/// As NAME, NUL-terminated.
const TEXT: &CStr = c"n";

/// A table of a BPF map, with the reference of its link.
#[derive(Clone, Copy)]
struct Table(&'static CongestionOps);

impl Table {
    /// Makes a table.
    fn new(name: &[u8]) -> Self {
        let ops = Box::leak(Box::new(bindings::tcp_congestion_ops::of_map(name)));

        sync::atomic::declare(&raw mut ops.flags);
        sync::atomic::declare(&raw mut ops.key);
        sync::atomic::declare(&raw mut ops.lineage);
        sync::atomic::declare(&raw mut ops.bucket_next);
        // SAFETY: The memory is never given back in a run of the model.
        Self(unsafe { CongestionOps::from_raw(ops) })
    }

    /// Makes a table and registers it.
    fn registered(name: &[u8]) -> Self {
        let table = Self::new(name);

        table.add();
        table
    }

    /// The table, for the registry.
    fn registrable(&self) -> Registrable<'static> {
        // SAFETY: What the model checks: the table is freed a grace period after it was removed or
        // replaced, at the earliest.
        unsafe { Registrable::new(self.0) }
    }

    /// Registers the table.
    fn add(&self) {
        RegistryGuard::lock().add(self.registrable()).expect("the name is free");
    }

    /// Unregisters the table.
    fn remove(&self) {
        RegistryGuard::lock().remove(self.0);
    }

    /// Replaces this table by another one.
    fn replace_by(&self, new: Self) {
        RegistryGuard::lock().replace(self.0, new.registrable()).expect("it is registered");
    }

    /// Puts the reference of the link.
    fn put(&self) {
        // SAFETY: The link has a reference, which ends here.
        unsafe { bindings::bpf_module_put(self.0.as_raw().cast(), bindings::bpf_module_owner()) };
    }

    /// Whether this is the table.
    fn is(&self, other: &CongestionOps) -> bool {
        core::ptr::eq(self.0, other)
    }
}

/// Looks a name up, as a reader does, and takes a reference on the current table.
fn choose() -> Option<CongestionRef> {
    let _reader = sync::rcu::read_lock();
    // SAFETY: The name is NUL-terminated, and the reader's critical section lasts.
    let found = unsafe { CongestionOps::find(TEXT.as_ptr().cast()) }.expect("found no table of the name");

    found.current()
}

/// A reader for which the name is registered throughout.
fn choose_registered() {
    choose().expect("no reference on a registered table");
}

/// Tells whether a name, which is NUL-terminated, is found.
fn finds(name: &CStr) -> bool {
    let _reader = sync::rcu::read_lock();

    // SAFETY: The name is NUL-terminated, and the reader's critical section lasts.
    unsafe { CongestionOps::find(name.as_ptr().cast()) }.is_some()
}

/// The first namespace.
fn init_net() -> NonNull<bindings::net> {
    NonNull::new(&raw mut bindings::init_net).expect("a static")
}

/// The default of the first namespace.
fn default() -> DefaultOf<'static> {
    // SAFETY: The namespace is a static, and set_default() has given it a default.
    unsafe { DefaultOf::new(init_net()) }
}

/// Makes NAME the default of the first namespace.
fn set_default() {
    // SAFETY: The namespace is a static, and new in each run of the model.
    unsafe { DefaultOf::init(init_net()) };
    default().set(&Name::new(NAME).unwrap()).unwrap();
}

/// Explores what `run` does, and prints in how many orders that can happen.
fn explore(name: &str, run: impl Fn() + Sync + Send + 'static) {
    let runs = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();

    loom::model(move || {
        counted.fetch_add(1, Relaxed);
        bindings::reset();
        sync::rcu::reset();
        sync::atomic::reset();
        // The heads of the chain and the bucket are looked at before there are threads.
        assert!(!finds(TEXT));
        run();
    });
    println!("{name}: {} runs", runs.load(Relaxed));
}

/// A reader finds one of the two tables at any time, and its reference keeps it valid.
pub fn replace_while_looked_up() {
    explore("replace_while_looked_up", || {
        let old = Table::registered(NAME);
        let _beside = Table::registered(BESIDE);

        let reader = thread::spawn(move || {
            let chosen = choose().expect("no reference on a registered table");

            assert_eq!(chosen.name(), TEXT, "chose a stranger");
            assert!(chosen.is_allowed(), "chosen before it was set up");
            assert!(finds(c"n\x01"), "found no table of the other name");
        });
        let new = Table::new(NAME);

        old.replace_by(new);
        old.put();
        memory::reclaim();
        reader.join().unwrap();
    });
}

/// After a replacement has returned, nothing starts on the old table.
pub fn replaced_is_not_chosen() {
    explore("replaced_is_not_chosen", || {
        let old = Table::registered(NAME);
        let new = Table::new(NAME);
        let returned = Arc::new(AtomicBool::new(false));
        let seen = returned.clone();

        let reader = thread::spawn(move || {
            let was_replaced = seen.load(Ordering::Acquire);
            let current = old.0.current().expect("no reference on a registered table");

            if was_replaced {
                assert!(new.is(&current), "started on the old table");
            }
        });
        old.replace_by(new);
        returned.store(true, Ordering::Release);
        reader.join().unwrap();
        assert!(new.is(&choose().unwrap()));
    });
}

/// A table that is seen to be replaced leads to the new one, which is found.
pub fn mark_leads_to_the_new_table() {
    explore("mark_leads_to_the_new_table", || {
        let old = Table::registered(NAME);
        let new = Table::new(NAME);

        let reader = thread::spawn(move || {
            if old.0.is_replaced() {
                // SAFETY: The name is NUL-terminated, and the tables stay.
                let found = unsafe { CongestionOps::find(TEXT.as_ptr().cast()) };

                assert!(found.is_some_and(|found| new.is(found)), "the mark came first");
            }
        });
        old.replace_by(new);
        reader.join().unwrap();
    });
}

/// The table that a reader has found is replaced and loses its last reference: the reader gets the
/// one that follows.
pub fn last_reference_is_put() {
    last_reference_is_put_and(memory::reclaim);
}

/// As above, and the table is freed by `reclaim`.
pub fn last_reference_is_put_and(reclaim: fn()) {
    explore("last_reference_is_put", move || {
        let old = Table::registered(NAME);
        let new = Table::new(NAME);

        let reader = thread::spawn(choose_registered);
        old.replace_by(new);
        old.put();
        reclaim();
        reader.join().unwrap();
    });
}

/// A table is replaced twice, the second time by the first one.
pub fn replaced_and_back() {
    explore("replaced_and_back", || {
        let first = Table::registered(NAME);
        let second = Table::new(NAME);

        let reader = thread::spawn(move || {
            let chosen = choose().expect("no reference on a registered table");

            assert!(first.is(&chosen) || second.is(&chosen), "chose a stranger");
        });
        first.replace_by(second);
        second.replace_by(first);
        reader.join().unwrap();
        assert!(first.is(&choose().unwrap()));
    });
}

/// Two threads change the bucket while a third one looks its name up.
pub fn two_threads_change() {
    explore("two_threads_change", || {
        let old = Table::registered(NAME);
        let new = Table::new(NAME);
        let beside = Table::registered(BESIDE);

        let reader = thread::spawn(choose_registered);
        let other = thread::spawn(move || beside.remove());
        old.replace_by(new);
        reader.join().unwrap();
        other.join().unwrap();
        assert!(new.is(&choose().unwrap()));
    });
}

/// Another name of the bucket is unregistered while a reader is at its table.
pub fn remove_beside() {
    explore("remove_beside", || {
        let _named = Table::registered(NAME);
        let beside = Table::registered(BESIDE);

        let reader = thread::spawn(choose_registered);
        beside.remove();
        beside.put();
        memory::reclaim();
        reader.join().unwrap();
    });
}

/// The tables before and behind the one of a name are unregistered and registered again, while a
/// reader may be at them.
pub fn add_again_beside() {
    explore("add_again_beside", || {
        let beside = Table::registered(BESIDE);
        let _named = Table::registered(NAME);
        let beside_too = Table::registered(BESIDE_TOO);

        let reader = thread::spawn(choose_registered);
        for table in [beside, beside_too] {
            table.remove();
            table.add();
        }
        reader.join().unwrap();
    });
}

/// A table that is unregistered while a reader is at it takes the place of another one.
pub fn replaced_by_a_removed_one() {
    explore("replaced_by_a_removed_one", || {
        let _beside = Table::registered(BESIDE);
        let new = Table::registered(NAME);
        let beside_too = Table::new(BESIDE_TOO);
        let old = Table::new(NAME);

        let reader = thread::spawn(|| {
            assert!(finds(c"n\x01"), "found no table of the name");
        });
        new.remove();
        beside_too.add();
        old.add();
        old.replace_by(new);
        reader.join().unwrap();
    });
}

/// A name is registered while it is looked up: the reader finds a table that is set up, or none.
pub fn add_while_looked_up() {
    explore("add_while_looked_up", || {
        let reader = thread::spawn(|| {
            let _reader = sync::rcu::read_lock();

            // SAFETY: The name is NUL-terminated, and the reader's critical section lasts.
            if let Some(found) = unsafe { CongestionOps::find(TEXT.as_ptr().cast()) } {
                assert!(found.is_allowed(), "found before it was set up");
            }
        });
        Table::registered(NAME);
        reader.join().unwrap();
    });
}

/// A table is replaced, the new one is unregistered, and a stranger takes the name: the old one does
/// not lead to the stranger.
pub fn stranger_takes_the_name() {
    explore("stranger_takes_the_name", || {
        let old = Table::registered(NAME);
        let new = Table::new(NAME);
        let stranger = Table::new(NAME);

        old.replace_by(new);
        let reader = thread::spawn(move || {
            if let Some(current) = old.0.current() {
                assert!(new.is(&current), "followed a name to a stranger");
            }
        });
        new.remove();
        stranger.add();
        reader.join().unwrap();
    });
}

/// A table that was replaced is unregistered with its lineage and takes the place of a stranger: it
/// leads to no table of the lineage that it left.
pub fn lineage_changes() {
    explore("lineage_changes", || {
        let old = Table::registered(NAME);
        let new = Table::new(NAME);
        let other = Table::new(NAME);

        old.replace_by(new);
        new.remove();
        other.add();
        let reader = thread::spawn(move || {
            if let Some(current) = old.0.current() {
                assert!(old.is(&current), "followed a lineage that it had not when it was marked");
            }
        });
        other.replace_by(old);
        reader.join().unwrap();
    });
}

/// The default of namespaces follows a replacement.
pub fn default_follows() {
    explore("default_follows", || {
        let old = Table::registered(NAME);
        let returned = Arc::new(AtomicBool::new(false));
        let seen = returned.clone();

        set_default();
        let reader = thread::spawn(move || {
            let was_replaced = seen.load(Ordering::Acquire);
            let default = default().get().expect("no reference on the default");

            assert!(!was_replaced || !old.is(&default), "an old default");
        });
        let new = Table::new(NAME);

        old.replace_by(new);
        returned.store(true, Ordering::Release);
        old.put();
        memory::reclaim();
        reader.join().unwrap();
    });
}

/// The sysctl gives a namespace another default, and the old one is unregistered.
pub fn default_is_set() {
    explore("default_is_set", || {
        let table = Table::registered(NAME);

        Table::registered(BESIDE);
        set_default();
        let reader = thread::spawn(|| {
            default().get().expect("no reference on the default");
        });
        default().set(&Name::new(BESIDE).unwrap()).unwrap();
        table.remove();
        table.put();
        memory::reclaim();
        reader.join().unwrap();
    });
}

/// A namespace is made and deleted while the default is replaced.
pub fn namespace_comes_and_goes() {
    explore("namespace_comes_and_goes", || {
        let old = Table::registered(NAME);
        let new = Table::new(NAME);

        set_default();
        let namespace = thread::spawn(|| {
            let net = NonNull::from(Box::leak(Box::new(bindings::net::new())));
            // SAFETY: The memory is never given back in a run of the model, and only this thread
            // uses the namespace.
            unsafe {
                DefaultOf::init(net);
                DefaultOf::new(net).get().expect("no reference on the default");
                DefaultOf::exit(net);
            }
        });
        old.replace_by(new);
        old.put();
        memory::reclaim();
        namespace.join().unwrap();
        assert!(new.is(&default().get().unwrap()));
    });
}
