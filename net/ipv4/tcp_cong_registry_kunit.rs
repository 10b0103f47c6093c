// SPDX-License-Identifier: GPL-2.0-only

//! KUnit tests of the registry of TCP congestion controls.

use kernel::prelude::*;

#[kunit_tests(tcp_cong_registry)]
mod tests {
    use super::*;
    use core::{
        mem::size_of,
        ptr::NonNull, //
    };
    use kernel::{
        alloc::flags::GFP_KERNEL,
        bindings,
        net::tcp::cong::{
            CongestionOps,
            RegistryGuard, //
        },
        sync::{
            atomic::{
                Atomic,
                Relaxed, //
            },
            rcu,
            Arc,
            Completion, //
        },
        time::{
            delay::fsleep,
            Delta,
            Instant,
            Monotonic, //
        },
        workqueue, //
    };

    /// A table that is unregistered and freed when dropped.
    struct Table(NonNull<bindings::tcp_congestion_ops>);

    // SAFETY: The registry has a lock of its own.
    unsafe impl Send for Table {}
    // SAFETY: The registry has a lock of its own.
    unsafe impl Sync for Table {}

    impl Table {
        fn new(name: &[u8]) -> Result<Self> {
            let mut ca: KBox<bindings::tcp_congestion_ops> =
                KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?;

            ca.ssthresh = Some(bindings::tcp_reno_ssthresh);
            ca.undo_cwnd = Some(bindings::tcp_reno_undo_cwnd);
            ca.cong_avoid = Some(bindings::tcp_reno_cong_avoid);
            for (to, from) in ca.name.iter_mut().zip(name) {
                *to = *from as _;
            }
            // SAFETY: A box is not null.
            Ok(Self(unsafe { NonNull::new_unchecked(KBox::into_raw(ca)) }))
        }

        fn registered(name: &[u8]) -> Result<Self> {
            let table = Self::new(name)?;

            kernel::error::to_result(table.register())?;
            Ok(table)
        }

        /// One that passes for a BPF map's, on which nobody may take a reference.
        fn of_bpf(name: &[u8]) -> Result<Self> {
            let table = Self::new(name)?;

            // SAFETY: The table is valid, and nobody else has it.
            unsafe { (*table.raw()).owner = bindings::bpf_module_owner() };
            Ok(table)
        }

        fn raw(&self) -> *mut bindings::tcp_congestion_ops {
            self.0.as_ptr()
        }

        fn register(&self) -> i32 {
            // SAFETY: The table is valid, and unregistered before it is freed.
            unsafe { bindings::tcp_register_congestion_control(self.raw()) }
        }

        fn replace(&self, old: &Table) -> i32 {
            // SAFETY: Both are valid; the new one is unregistered before it is freed.
            unsafe { bindings::tcp_update_congestion_control(self.raw(), old.raw()) }
        }

        fn ops(&self) -> &CongestionOps {
            // SAFETY: The table is valid.
            unsafe { CongestionOps::from_raw(self.raw()) }
        }

        fn is_registered(&self) -> bool {
            RegistryGuard::lock().is_registered(self.ops())
        }

        fn is_allowed(&self) -> bool {
            // SAFETY: The table is valid.
            unsafe { (*self.raw()).flags & bindings::TCP_CONG_NON_RESTRICTED != 0 }
        }

        /// Whether this is what one gets who holds `old`.
        fn is_current_of(&self, old: &Table) -> bool {
            old.ops()
                .current()
                .is_some_and(|current| core::ptr::eq(&*current, self.ops()))
        }

        /// All the bytes of the table, to see whether it was written to.
        fn bytes(&self) -> [u8; size_of::<bindings::tcp_congestion_ops>()] {
            // SAFETY: The table is valid, and was zeroed, its padding too.
            unsafe {
                self.raw()
                    .cast::<[u8; size_of::<bindings::tcp_congestion_ops>()]>()
                    .read()
            }
        }

        /// What follows this table for a reader that stands on it.
        fn next(&self) -> *mut bindings::list_head {
            // SAFETY: The table is valid.
            unsafe { Atomic::from_ptr(&raw mut (*self.raw()).list.next) }.load(Relaxed)
        }

        /// Whether a reader that stands on this table comes by `other`.
        fn leads_to(&self, other: &Table) -> bool {
            let _registry = RegistryGuard::lock();
            let head = &raw mut bindings::tcp_cong_list;
            let mut node = self.next();

            while node != head && node != other.node() {
                // SAFETY: The lock is held, so what the list leads to is valid.
                node = unsafe { (*node).next };
            }
            node == other.node()
        }

        fn node(&self) -> *mut bindings::list_head {
            // SAFETY: The table is valid.
            unsafe { &raw mut (*self.raw()).list }
        }
    }

    impl Drop for Table {
        fn drop(&mut self) {
            // SAFETY: The table is valid. If it is a module's, this waits for its readers.
            unsafe { bindings::tcp_unregister_congestion_control(self.raw()) };
            if self.ops().outlasts_readers() {
                rcu::synchronize_rcu();
            }
            // SAFETY: This is the box of `Table::new`, and nobody has it any more.
            drop(unsafe { KBox::from_raw(self.raw()) });
        }
    }

    #[test]
    fn registered_is_found() -> Result {
        let a = Table::registered(b"kunit_a")?;

        assert!(a.is_registered());
        assert_eq!(find(c"kunit_a"), a.raw());

        drop(a);
        assert!(find(c"kunit_a").is_null());
        Ok(())
    }

    #[test]
    fn taken_name_is_refused_without_a_trace() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let before = (a.bytes(), b.bytes());

        assert_eq!(b.register(), EEXIST.to_errno());
        // The table itself is taken as well.
        assert_eq!(a.register(), EEXIST.to_errno());
        assert!(before == (a.bytes(), b.bytes()));
        assert_eq!(find(c"kunit_a"), a.raw());
        Ok(())
    }

    #[test]
    fn incomplete_table_is_refused() -> Result {
        let a = Table::new(b"kunit_a")?;
        // SAFETY: Nobody else has the table.
        unsafe { (*a.raw()).ssthresh = None };

        assert_eq!(a.register(), EINVAL.to_errno());
        assert!(find(c"kunit_a").is_null());
        Ok(())
    }

    #[test]
    fn replacement_keeps_the_position() -> Result {
        let a = Table::registered(b"kunit_a")?;
        let b = Table::registered(b"kunit_b")?;
        let c = Table::registered(b"kunit_c")?;
        let b2 = Table::new(b"kunit_b")?;

        assert_eq!(b2.replace(&b), 0);
        assert!(!b.is_registered());
        assert_eq!(find(c"kunit_b"), b2.raw());
        assert_eq!(a.next(), b2.node());
        assert_eq!(b2.next(), c.node());
        // SAFETY: Both are valid.
        assert_eq!(unsafe { (*b2.raw()).key }, unsafe { (*b.raw()).key });

        // Back again.
        assert_eq!(b.replace(&b2), 0);
        assert_eq!(a.next(), b.node());
        assert_eq!(b.next(), c.node());
        assert!(!b2.is_registered());
        Ok(())
    }

    #[test]
    fn same_table_is_a_no_op() -> Result {
        let a = Table::registered(b"kunit_a")?;
        let before = a.bytes();

        assert_eq!(a.replace(&a), 0);
        assert!(before == a.bytes());
        assert_eq!(find(c"kunit_a"), a.raw());
        Ok(())
    }

    #[test]
    fn unregistered_old_is_refused() -> Result {
        let (a, b) = (Table::new(b"kunit_a")?, Table::new(b"kunit_a")?);

        // Neither one that never was registered, ...
        assert_eq!(a.replace(&b), EINVAL.to_errno());
        assert_eq!(a.replace(&a), EINVAL.to_errno());
        // ... nor one that was replaced, ...
        assert_eq!(b.register(), 0);
        assert_eq!(a.replace(&b), 0);
        let (before, c) = ((a.bytes(), b.bytes()), Table::new(b"kunit_a")?);
        assert_eq!(c.replace(&b), EINVAL.to_errno());
        assert_eq!(b.replace(&b), EINVAL.to_errno());
        assert!(before == (a.bytes(), b.bytes()));
        assert_eq!(find(c"kunit_a"), a.raw());
        // ... nor one that was unregistered.
        // SAFETY: The table is registered.
        unsafe { bindings::tcp_unregister_congestion_control(a.raw()) };
        assert_eq!(c.replace(&a), EINVAL.to_errno());
        assert!(find(c"kunit_a").is_null());
        Ok(())
    }

    #[test]
    fn other_name_is_refused_without_a_trace() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_b")?);
        let c = Table::registered(b"kunit_c")?;
        let before = (a.bytes(), b.bytes(), c.bytes());

        assert_eq!(b.replace(&a), EINVAL.to_errno());
        // A prefix is another name, too, and so is a registered table's.
        let prefix = Table::new(b"kunit_")?;
        assert_eq!(prefix.replace(&a), EINVAL.to_errno());
        assert_eq!(c.replace(&a), EINVAL.to_errno());
        assert!(before == (a.bytes(), b.bytes(), c.bytes()));
        Ok(())
    }

    #[test]
    fn reader_on_a_replaced_table_goes_on() -> Result {
        let a = Table::registered(b"kunit_a")?;
        let b = Table::registered(b"kunit_b")?;
        let a2 = Table::new(b"kunit_a")?;

        // A reader that stands on `a` ...
        let reader = rcu::read_lock();
        assert_eq!(a2.replace(&a), 0);
        // ... finds the rest of the list, ...
        assert_eq!(a.next(), b.node());
        // ... also when `a` comes back under its feet.
        assert_eq!(a.replace(&a2), 0);
        assert_eq!(a.next(), b.node());
        assert_eq!(a2.next(), b.node());
        drop(reader);
        Ok(())
    }

    #[test]
    fn reader_on_a_table_that_returns_misses_nothing() -> Result {
        let (a, a2) = (Table::of_bpf(b"kunit_a")?, Table::of_bpf(b"kunit_a")?);
        let (first, last) = (Table::of_bpf(b"kunit_1")?, Table::registered(b"kunit_9")?);
        assert_eq!(a.register(), 0);
        assert_eq!(first.register(), 0);
        let next = a.next();

        // Unregistered, with a reader still on it: the rest of the list follows, ...
        let reader = rcu::read_lock();
        RegistryGuard::lock().remove(a.ops());
        assert!(!a.is_registered());
        assert_eq!(first.next(), next);
        assert_eq!(a.next(), next);
        // ... and all of it once the table is back.
        assert_eq!(a.register(), 0);
        assert!(a.leads_to(&first) && a.leads_to(&last));

        // The same for one that was replaced, whose successor then went.
        assert_eq!(a2.replace(&a), 0);
        RegistryGuard::lock().remove(a2.ops());
        assert_eq!(a.register(), 0);
        assert!(a.leads_to(&first) && a.leads_to(&last));
        assert!(a2.leads_to(&first) && a2.leads_to(&last));
        drop(reader);

        assert!(!first.leads_to(&a));
        assert_eq!(find(c"kunit_a"), a.raw());
        Ok(())
    }

    #[test]
    fn reader_on_a_table_that_takes_a_new_ones_place_misses_nothing() -> Result {
        let (a, a2) = (Table::of_bpf(b"kunit_a")?, Table::of_bpf(b"kunit_a")?);
        assert_eq!(a.register(), 0);
        let b = Table::registered(b"kunit_b")?;

        // Unregistered, with a reader still on it; it comes back under the registration of another.
        let reader = rcu::read_lock();
        RegistryGuard::lock().remove(a.ops());
        assert_eq!(a2.register(), 0);
        assert_eq!(a.replace(&a2), 0);
        assert!(a.leads_to(&b) && a2.leads_to(&b));
        drop(reader);
        Ok(())
    }

    #[test]
    fn a_modules_table_is_at_the_end() -> Result {
        let (a, b) = (
            Table::registered(b"kunit_a")?,
            Table::registered(b"kunit_b")?,
        );

        assert!(a.leads_to(&b) && !b.leads_to(&a));
        // Also when it comes back: nobody stands on it, since unregistering it has waited.
        // SAFETY: The table is registered.
        unsafe { bindings::tcp_unregister_congestion_control(a.raw()) };
        assert_eq!(a.register(), 0);
        assert!(b.leads_to(&a) && !a.leads_to(&b));
        Ok(())
    }

    #[test]
    fn unregistering_what_is_not_registered_does_nothing() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_b")?);
        let before = (a.bytes(), b.bytes());

        RegistryGuard::lock().remove(b.ops());
        assert!(before == (a.bytes(), b.bytes()));

        // Nor when it is not any more; its neighbour feels nothing of it.
        let c = Table::registered(b"kunit_c")?;
        RegistryGuard::lock().remove(a.ops());
        let off = (a.bytes(), c.bytes());
        RegistryGuard::lock().remove(a.ops());
        assert!(off == (a.bytes(), c.bytes()));
        Ok(())
    }

    #[test]
    fn unregistering_a_modules_table_waits_for_readers() -> Result {
        const READS: Delta = Delta::from_millis(100);
        let reads = Arc::new(Atomic::<bool>::new(false), GFP_KERNEL)?;
        let unregistered = Arc::new(Atomic::<bool>::new(false), GFP_KERNEL)?;
        let early = Arc::new(Atomic::<bool>::new(false), GFP_KERNEL)?;
        let done = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        let a = Table::registered(b"kunit_a")?;
        let thread = (
            reads.clone(),
            unregistered.clone(),
            early.clone(),
            done.clone(),
        );

        workqueue::system_unbound().try_spawn(GFP_KERNEL, move || {
            let (reads, unregistered, early, done) = thread;
            let reader = rcu::read_lock();
            let start = Instant::<Monotonic>::now();

            reads.store(true, Relaxed);
            while start.elapsed() < READS {
                if unregistered.load(Relaxed) {
                    early.store(true, Relaxed);
                }
            }
            drop(reader);
            done.complete_all();
        })?;
        while !reads.load(Relaxed) {
            fsleep(Delta::from_micros(100));
        }

        assert!(!a.ops().outlasts_readers());
        // SAFETY: The table is valid.
        unsafe { bindings::tcp_unregister_congestion_control(a.raw()) };
        unregistered.store(true, Relaxed);
        done.wait_for_completion();
        assert!(!early.load(Relaxed));
        Ok(())
    }

    #[test]
    fn replaced_table_leads_to_the_current_one() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let c = Table::new(b"kunit_a")?;

        assert!(a.is_current_of(&a));
        assert_eq!(b.replace(&a), 0);
        assert!(a.ops().is_replaced() && !b.ops().is_replaced());
        assert!(b.is_current_of(&a) && b.is_current_of(&b));

        assert_eq!(c.replace(&b), 0);
        assert!(c.is_current_of(&a) && c.is_current_of(&b));

        // Back again: the mark goes.
        assert_eq!(a.replace(&c), 0);
        assert!(!a.ops().is_replaced() && b.ops().is_replaced() && c.ops().is_replaced());
        assert!(a.is_current_of(&a) && a.is_current_of(&b) && a.is_current_of(&c));

        // With the name gone, there is nothing to lead to.
        // SAFETY: The table is registered.
        unsafe { bindings::tcp_unregister_congestion_control(a.raw()) };
        assert!(b.ops().current().is_none());
        Ok(())
    }

    #[test]
    fn permission_belongs_to_the_name() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let open = Table::new(b"kunit_a")?;
        // SAFETY: Nobody else has the table.
        unsafe { (*open.raw()).flags = bindings::TCP_CONG_NON_RESTRICTED };

        // What the administrator has said stays, ...
        RegistryGuard::lock().allow(a.ops());
        assert_eq!(b.replace(&a), 0);
        assert!(b.is_allowed());
        // ... and what he has taken back does not return with a table.
        // SAFETY: The table is registered, and nobody else writes the flags.
        unsafe { (*b.raw()).flags &= !bindings::TCP_CONG_NON_RESTRICTED };
        assert_eq!(a.replace(&b), 0);
        assert!(!a.is_allowed());

        // A table whose author allows it is allowed, and so is the name from then on.
        assert_eq!(open.replace(&a), 0);
        assert!(open.is_allowed());
        assert_eq!(b.replace(&open), 0);
        assert!(b.is_allowed());
        Ok(())
    }

    #[test]
    fn default_moves_along() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let before = default_name();

        assert!(!a.is_allowed());
        assert_eq!(set_default(c"kunit_a"), 0);
        assert!(a.is_allowed());
        assert_eq!(default(), a.raw());
        assert_eq!(b.replace(&a), 0);
        assert_eq!(default(), b.raw());
        assert_eq!(a.replace(&b), 0);
        assert_eq!(default(), a.raw());

        // SAFETY: The name was terminated when it was read.
        let before = unsafe { CStr::from_char_ptr(before.as_ptr()) };
        assert_eq!(set_default(before), 0);
        assert!(default() != a.raw());
        // A default of another name stays where it is.
        let default_before = default();
        assert_eq!(b.replace(&a), 0);
        assert_eq!(default(), default_before);
        Ok(())
    }

    #[test]
    fn readers_never_miss_the_name() -> Result {
        let stop = Arc::new(Atomic::<bool>::new(false), GFP_KERNEL)?;
        let reads = Arc::new(Atomic::<u64>::new(0), GFP_KERNEL)?;
        let misses = Arc::new(Atomic::<u64>::new(0), GFP_KERNEL)?;
        let done = [
            Arc::pin_init(Completion::new(), GFP_KERNEL)?,
            Arc::pin_init(Completion::new(), GFP_KERNEL)?,
        ];
        let (first, a) = (
            Table::registered(b"kunit_1")?,
            Table::registered(b"kunit_a")?,
        );
        let (last, b) = (Table::registered(b"kunit_9")?, Table::new(b"kunit_a")?);

        for done in &done {
            let (stop, reads, misses) = (stop.clone(), reads.clone(), misses.clone());
            let done = done.clone();

            workqueue::system_unbound().try_spawn(GFP_KERNEL, move || {
                while !stop.load(Relaxed) {
                    let reader = rcu::read_lock();
                    let missed = find(c"kunit_a").is_null() || find(c"kunit_9").is_null();
                    drop(reader);
                    reads.fetch_add(1, Relaxed);
                    misses.fetch_add(missed.into(), Relaxed);
                }
                done.complete_all();
            })?;
        }

        let mut swaps = 0;
        while swaps < 20000 || reads.load(Relaxed) < 1000 {
            let (new, old) = if swaps % 2 == 0 { (&b, &a) } else { (&a, &b) };
            if new.replace(old) != 0 {
                break;
            }
            swaps += 1;
            if swaps % 1000 == 0 {
                fsleep(Delta::from_millis(1));
            }
        }
        stop.store(true, Relaxed);
        for done in &done {
            done.wait_for_completion();
        }

        assert!(swaps >= 20000);
        assert_eq!(misses.load(Relaxed), 0);
        drop((first, last));
        Ok(())
    }

    fn default() -> *mut bindings::tcp_congestion_ops {
        // SAFETY: Only compared; the initial namespace is always there.
        unsafe { Atomic::from_ptr(&raw mut bindings::init_net.ipv4.tcp_congestion_control) }
            .load(Relaxed)
            .cast_mut()
    }

    fn default_name() -> [kernel::ffi::c_char; bindings::TCP_CA_NAME_MAX as usize] {
        let mut name = [0; bindings::TCP_CA_NAME_MAX as usize];

        // SAFETY: The buffer has the size that the function fills.
        unsafe {
            bindings::tcp_get_default_congestion_control(
                &raw mut bindings::init_net,
                name.as_mut_ptr(),
            )
        };
        name
    }

    fn set_default(name: &CStr) -> i32 {
        // SAFETY: The namespace and the name are valid.
        unsafe {
            bindings::tcp_set_default_congestion_control(
                &raw mut bindings::init_net,
                name.as_char_ptr(),
            )
        }
    }

    fn find(name: &CStr) -> *mut bindings::tcp_congestion_ops {
        let _reader = rcu::read_lock();

        // SAFETY: The name is valid, and the registry read under RCU. What is found is only
        // compared, unless the test holds on to it.
        unsafe { bindings::tcp_ca_find(name.as_char_ptr()) }
    }
}
