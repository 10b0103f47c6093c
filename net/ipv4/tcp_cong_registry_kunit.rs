// SPDX-License-Identifier: GPL-2.0-only

//! KUnit tests of the registry of TCP congestion controls.

use kernel::prelude::*;

#[kunit_tests(tcp_cong_registry)]
mod tests {
    use super::*;
    use crate::tcp_cong_names;
    use core::{
        mem::size_of,
        ptr::NonNull, //
    };
    use kernel::{
        alloc::flags::GFP_KERNEL,
        bindings,
        net::tcp::cong::{
            CongestionOps,
            DefaultOf,
            Name,
            RegistryGuard,
            BUCKET_COUNT, //
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
        types::Opaque,
        workqueue, //
    };

    /// A table that is unregistered and freed when dropped.
    struct Table(NonNull<bindings::tcp_congestion_ops>);

    // SAFETY: Any thread may unregister and free a table.
    unsafe impl Send for Table {}
    // SAFETY: The lock of the registry guards the fields that change.
    unsafe impl Sync for Table {}

    impl Table {
        fn new(name: &[u8]) -> Result<Self> {
            let mut ca: KBox<bindings::tcp_congestion_ops> =
                KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?;

            ca.ssthresh = Some(bindings::tcp_reno_ssthresh);
            ca.undo_cwnd = Some(bindings::tcp_reno_undo_cwnd);
            ca.cong_avoid = Some(bindings::tcp_reno_cong_avoid);
            for (to, from) in ca.name.iter_mut().zip(name) {
                *to = *from;
            }
            // SAFETY: A box is not null.
            Ok(Self(unsafe { NonNull::new_unchecked(KBox::into_raw(ca)) }))
        }

        fn registered(name: &[u8]) -> Result<Self> {
            let table = Self::new(name)?;

            kernel::error::to_result(table.register())?;
            Ok(table)
        }

        /// Creates a table that the registry takes for a BPF table. The test must not take a
        /// reference on it, since it is not in a map.
        fn of_bpf(name: &[u8]) -> Result<Self> {
            let table = Self::new(name)?;

            // SAFETY: The table is valid, and no other code uses it yet.
            unsafe { (*table.raw()).owner = bindings::bpf_module_owner() };
            Ok(table)
        }

        fn bpf_registered(name: &[u8]) -> Result<Self> {
            let table = Self::of_bpf(name)?;

            kernel::error::to_result(table.register())?;
            Ok(table)
        }

        fn raw(&self) -> *mut bindings::tcp_congestion_ops {
            self.0.as_ptr()
        }

        fn register(&self) -> i32 {
            // SAFETY: The table is valid. It is unregistered before it is freed, and freed after a
            // grace period.
            unsafe { bindings::tcp_register_congestion_control(self.raw()) }
        }

        fn replace(&self, old: &Table) -> i32 {
            // SAFETY: Both tables are valid. Each is unregistered before it is freed, and freed
            // after a grace period.
            unsafe { bindings::tcp_update_congestion_control(self.raw(), old.raw()) }
        }

        fn ops(&self) -> &CongestionOps {
            // SAFETY: The table is valid as long as `self` is, and its name is NUL-terminated.
            unsafe { CongestionOps::from_raw(self.raw()) }
        }

        fn is_registered(&self) -> bool {
            RegistryGuard::lock().is_registered(self.ops())
        }

        fn unregister(&self) {
            RegistryGuard::lock().remove(self.ops());
        }

        fn is_allowed(&self) -> bool {
            self.ops().is_allowed()
        }

        fn is_current_of(&self, old: &Table) -> bool {
            old.ops()
                .current()
                .is_some_and(|current| core::ptr::eq(&*current, self.ops()))
        }

        /// Returns the bytes of the table, to check whether it was written to.
        fn bytes(&self) -> [u8; size_of::<bindings::tcp_congestion_ops>()] {
            // SAFETY: The table is valid. Its memory was zeroed, so its padding is initialized.
            unsafe {
                self.raw()
                    .cast::<[u8; size_of::<bindings::tcp_congestion_ops>()]>()
                    .read()
            }
        }

        /// Returns the table that a lookup reads after this one.
        fn next(&self) -> *mut bindings::tcp_congestion_ops {
            // SAFETY: The field is valid and aligned, and is accessed by single accesses only.
            unsafe { Atomic::from_ptr(&raw mut (*self.raw()).bucket_next) }.load(Relaxed)
        }

        /// Tells whether a lookup that has reached this table reaches `other` after it.
        fn reaches(&self, other: &Table) -> bool {
            let _registry = RegistryGuard::lock();
            let mut ca = self.next();

            while !ca.is_null() && ca != other.raw() {
                // SAFETY: The lock of the registry is held, so the tables in the bucket are valid.
                ca = unsafe { (*ca).bucket_next };
            }
            ca == other.raw()
        }
    }

    impl Drop for Table {
        fn drop(&mut self) {
            // SAFETY: The table is valid.
            unsafe { bindings::tcp_unregister_congestion_control(self.raw()) };
            // Unregistering waits for RCU readers only if this is not a BPF table.
            if self.ops().is_bpf() {
                rcu::synchronize_rcu();
            }
            // SAFETY: `Table::new` has made the pointer of a box. The table is not registered, and
            // no RCU reader uses it any more.
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
    fn registering_a_taken_name_changes_nothing() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let before = (a.bytes(), b.bytes());

        assert_eq!(b.register(), EEXIST.to_errno());
        // A table that is registered cannot be registered again.
        assert_eq!(a.register(), EEXIST.to_errno());
        assert!(before == (a.bytes(), b.bytes()));
        assert_eq!(find(c"kunit_a"), a.raw());
        Ok(())
    }

    #[test]
    fn incomplete_table_is_refused() -> Result {
        let a = Table::new(b"kunit_a")?;
        // SAFETY: The table is valid, and no other code uses it yet.
        unsafe { (*a.raw()).ssthresh = None };

        assert_eq!(a.register(), EINVAL.to_errno());
        assert!(find(c"kunit_a").is_null());
        Ok(())
    }

    #[test]
    fn tables_are_listed_in_the_order_of_registration() -> Result {
        let a = Table::registered(b"kunit_a")?;
        let b = Table::of_bpf(b"kunit_b")?;
        assert_eq!(b.register(), 0);
        let c = Table::registered(b"kunit_c")?;
        let b2 = Table::of_bpf(b"kunit_b")?;
        let is_last = |tables: [&Table; 3]| {
            let registry = RegistryGuard::lock();
            let rest = registry.iter().count() - tables.len();

            registry
                .iter()
                .skip(rest)
                .map(CongestionOps::as_raw)
                .eq(tables.map(Table::raw))
        };

        assert!(is_last([&a, &b, &c]));
        // An update keeps the position ...
        assert_eq!(b2.replace(&b), 0);
        assert!(!b.is_registered());
        assert!(is_last([&a, &b2, &c]));
        assert_eq!(b.replace(&b2), 0);
        assert!(is_last([&a, &b, &c]));
        // ... and a table that is registered again is the last.
        a.unregister();
        assert_eq!(a.register(), 0);
        assert!(is_last([&b, &c, &a]));
        Ok(())
    }

    #[test]
    fn replacement_keeps_the_position_in_the_bucket() -> Result {
        let [a, b, c] = names_in_one_bucket();
        let (a, b, c) = (
            Table::bpf_registered(&a)?,
            Table::bpf_registered(&b)?,
            Table::bpf_registered(&c)?,
        );
        let b2 = Table::of_bpf(b.ops().name().to_bytes())?;

        assert_eq!((c.next(), b.next()), (b.raw(), a.raw()));
        assert_eq!(b2.replace(&b), 0);
        assert_eq!((c.next(), b2.next()), (b2.raw(), a.raw()));
        // SAFETY: Both tables are valid, and their keys do not change.
        assert_eq!(unsafe { (*b2.raw()).key }, unsafe { (*b.raw()).key });
        assert_eq!(b.replace(&b2), 0);
        assert_eq!((c.next(), b.next()), (b.raw(), a.raw()));
        Ok(())
    }

    #[test]
    fn replacing_a_table_by_itself_does_nothing() -> Result {
        let a = Table::registered(b"kunit_a")?;
        let before = a.bytes();

        assert_eq!(a.replace(&a), 0);
        assert!(before == a.bytes());
        assert_eq!(find(c"kunit_a"), a.raw());
        Ok(())
    }

    #[test]
    fn replacing_an_unregistered_table_fails() -> Result {
        let (a, b) = (Table::new(b"kunit_a")?, Table::new(b"kunit_a")?);

        // Neither a table that was never registered ...
        assert_eq!(a.replace(&b), EINVAL.to_errno());
        assert_eq!(a.replace(&a), EINVAL.to_errno());
        // ... nor one that was replaced ...
        assert_eq!(b.register(), 0);
        assert_eq!(a.replace(&b), 0);
        let (before, c) = ((a.bytes(), b.bytes()), Table::new(b"kunit_a")?);
        assert_eq!(c.replace(&b), EINVAL.to_errno());
        assert_eq!(b.replace(&b), EINVAL.to_errno());
        assert!(before == (a.bytes(), b.bytes()));
        assert_eq!(find(c"kunit_a"), a.raw());
        // ... nor one that was unregistered.
        // SAFETY: The table is valid.
        unsafe { bindings::tcp_unregister_congestion_control(a.raw()) };
        assert_eq!(c.replace(&a), EINVAL.to_errno());
        assert!(find(c"kunit_a").is_null());
        Ok(())
    }

    #[test]
    fn replacing_by_another_name_changes_nothing() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_b")?);
        let c = Table::registered(b"kunit_c")?;
        let before = (a.bytes(), b.bytes(), c.bytes());

        assert_eq!(b.replace(&a), EINVAL.to_errno());
        // A prefix is another name, too, and so is the name of another registered table.
        let prefix = Table::new(b"kunit_")?;
        assert_eq!(prefix.replace(&a), EINVAL.to_errno());
        assert_eq!(c.replace(&a), EINVAL.to_errno());
        // A BPF table and one of a module are not found in the same way.
        let bpf = Table::of_bpf(a.ops().name().to_bytes())?;
        assert_eq!(bpf.replace(&a), EINVAL.to_errno());
        assert!(before == (a.bytes(), b.bytes(), c.bytes()));
        Ok(())
    }

    #[test]
    fn modules_tables_are_in_the_order_of_registration() -> Result {
        let (a, b) = (
            Table::registered(b"kunit_a")?,
            Table::registered(b"kunit_b")?,
        );

        assert_eq!((a.next(), b.next().is_null()), (b.raw(), true));
        a.unregister();
        // Unregistering the table of a module ends with this.
        rcu::synchronize_rcu();
        assert_eq!(find(c"kunit_b"), b.raw());
        assert!(find(c"kunit_a").is_null());
        assert_eq!(a.register(), 0);
        assert_eq!((b.next(), a.next().is_null()), (a.raw(), true));
        Ok(())
    }

    #[test]
    fn lookup_at_a_replaced_table_continues() -> Result {
        let [last, a] = names_in_one_bucket();
        let (last, a) = (Table::bpf_registered(&last)?, Table::bpf_registered(&a)?);
        let a2 = Table::of_bpf(a.ops().name().to_bytes())?;

        let reader = rcu::read_lock();
        assert_eq!(a2.replace(&a), 0);
        assert_eq!(a.next(), last.raw());
        // The same if the table is put back while the lookup is at it.
        assert_eq!(a.replace(&a2), 0);
        assert_eq!(a.next(), last.raw());
        assert_eq!(a2.next(), last.raw());
        drop(reader);
        Ok(())
    }

    #[test]
    fn lookup_at_a_table_registered_again_misses_nothing() -> Result {
        let [last, a, first] = names_in_one_bucket();
        let (last, a, first) = (
            Table::bpf_registered(&last)?,
            Table::of_bpf(&a)?,
            Table::of_bpf(&first)?,
        );
        let a2 = Table::of_bpf(a.ops().name().to_bytes())?;
        assert_eq!(a.register(), 0);
        assert_eq!(first.register(), 0);

        // A lookup has reached a table that is unregistered: it continues with the rest ...
        let reader = rcu::read_lock();
        a.unregister();
        assert!(!a.is_registered());
        assert_eq!(first.next(), last.raw());
        assert_eq!(a.next(), last.raw());
        // ... and with the whole bucket once the table is registered again.
        assert_eq!(a.register(), 0);
        assert!(a.reaches(&first) && a.reaches(&last));

        // The same for a table that was replaced, by one that was then unregistered.
        assert_eq!(a2.replace(&a), 0);
        a2.unregister();
        assert_eq!(a.register(), 0);
        assert!(a.reaches(&first) && a.reaches(&last));
        assert!(a2.reaches(&first) && a2.reaches(&last));
        drop(reader);

        assert!(!first.reaches(&a));
        Ok(())
    }

    #[test]
    fn lookup_at_a_table_that_replaces_a_new_one_misses_nothing() -> Result {
        let [a, b] = names_in_one_bucket();
        let (a, a2) = (Table::of_bpf(&a)?, Table::of_bpf(&a)?);
        assert_eq!(a.register(), 0);
        let b = Table::bpf_registered(&b)?;

        // A lookup has reached a table that is unregistered, and then replaces another one.
        let reader = rcu::read_lock();
        a.unregister();
        assert_eq!(a2.register(), 0);
        assert_eq!(a.replace(&a2), 0);
        assert!(a.reaches(&b) && a2.reaches(&b));
        drop(reader);
        Ok(())
    }

    #[test]
    fn unregistering_an_unregistered_table_does_nothing() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_b")?);
        let before = (a.bytes(), b.bytes());

        RegistryGuard::lock().remove(b.ops());
        assert!(before == (a.bytes(), b.bytes()));

        // The same for a table that was unregistered. The next one is not written to.
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

        assert!(!a.ops().is_bpf());
        // SAFETY: The table is valid during the call.
        unsafe { bindings::tcp_unregister_congestion_control(a.raw()) };
        unregistered.store(true, Relaxed);
        done.wait_for_completion();
        assert!(!early.load(Relaxed));
        Ok(())
    }

    #[test]
    fn current_is_the_table_reached_by_updates() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let c = Table::new(b"kunit_a")?;

        assert!(a.is_current_of(&a));
        assert_eq!(b.replace(&a), 0);
        assert!(a.ops().is_replaced() && !b.ops().is_replaced());
        assert!(b.is_current_of(&a) && b.is_current_of(&b));

        assert_eq!(c.replace(&b), 0);
        assert!(c.is_current_of(&a) && c.is_current_of(&b));

        // The first table replaces the last one: its flag is cleared.
        assert_eq!(a.replace(&c), 0);
        assert!(!a.ops().is_replaced() && b.ops().is_replaced() && c.ops().is_replaced());
        assert!(a.is_current_of(&a) && a.is_current_of(&b) && a.is_current_of(&c));

        // If that is unregistered, no table follows ...
        a.unregister();
        assert!(b.ops().current().is_none());
        // ... also if another table is registered under the name ...
        let other = Table::registered(b"kunit_a")?;
        assert!(b.ops().current().is_none());
        other.unregister();
        // ... until it is registered again.
        assert_eq!(a.register(), 0);
        assert!(a.is_current_of(&b));
        Ok(())
    }

    #[test]
    fn current_is_no_table_with_another_name_and_the_same_key() -> Result {
        // These two names have the same key.
        let (a, b) = (
            Table::registered(b"coll_196608")?,
            Table::new(b"coll_196608")?,
        );
        let other = Table::new(b"coll_297028")?;

        assert_eq!(b.replace(&a), 0);
        assert_eq!(other.register(), EEXIST.to_errno());
        b.unregister();
        assert_eq!(other.register(), 0);
        // SAFETY: Both tables are valid, and their keys do not change.
        assert_eq!(unsafe { (*other.raw()).key }, unsafe { (*a.raw()).key });
        assert!(a.ops().current().is_none());
        assert!(find(c"coll_196608").is_null());
        assert_eq!(find(c"coll_297028"), other.raw());
        Ok(())
    }

    #[test]
    fn table_has_only_one_lineage() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        assert_eq!(b.replace(&a), 0);
        b.unregister();

        // Another table is registered under the name, and the second one of above replaces it.
        let other = Table::registered(b"kunit_a")?;
        assert_eq!(b.replace(&other), 0);
        assert!(b.is_current_of(&other));
        assert!(a.ops().current().is_none());
        Ok(())
    }

    #[test]
    fn permission_belongs_to_the_name() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let open = Table::new(b"kunit_a")?;
        // SAFETY: The table is valid, and no other code uses it yet.
        unsafe { (*open.raw()).flags = bindings::TCP_CONG_NON_RESTRICTED };

        // An update keeps the permission that the administrator has given ...
        RegistryGuard::lock().allow(a.ops());
        assert_eq!(b.replace(&a), 0);
        assert!(b.is_allowed());
        // ... and does not bring back one that the administrator has taken away.
        RegistryGuard::lock().restrict(b.ops());
        assert_eq!(a.replace(&b), 0);
        assert!(!a.is_allowed());

        // A table that declares the permission has it, and so have the tables that replace it.
        assert_eq!(open.replace(&a), 0);
        assert!(open.is_allowed());
        assert_eq!(b.replace(&open), 0);
        assert!(b.is_allowed());
        Ok(())
    }

    #[test]
    fn permission_stays_when_a_table_is_registered_again() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);

        RegistryGuard::lock().allow(a.ops());
        a.unregister();
        assert_eq!(a.register(), 0);
        assert!(a.is_allowed());

        // A table that was replaced has passed the permission on, and does not keep it.
        assert_eq!(b.replace(&a), 0);
        RegistryGuard::lock().restrict(b.ops());
        b.unregister();
        assert_eq!(a.register(), 0);
        assert!(!a.is_allowed());
        Ok(())
    }

    #[test]
    fn default_follows_a_replacement() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let net = Net::initial();
        let before = net.default_name()?;

        assert!(!a.is_allowed());
        assert_ok(net.set(c"kunit_a"));
        assert!(a.is_allowed());
        assert_eq!(net.default(), a.raw());
        assert_eq!(b.replace(&a), 0);
        assert_eq!(net.default(), b.raw());
        assert_eq!(a.replace(&b), 0);
        assert_eq!(net.default(), a.raw());

        assert_ok(net.dflt().set(&before));
        assert!(net.default() != a.raw());
        // A default of another name does not change.
        let default_before = net.default();
        assert_eq!(b.replace(&a), 0);
        assert_eq!(net.default(), default_before);
        Ok(())
    }

    #[test]
    fn namespaces_share_a_default() -> Result {
        let (a, b) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let nets = [Net::new()?, Net::new()?, Net::new()?];

        RegistryGuard::lock().allow(a.ops());
        for net in &nets {
            assert_ok(net.set(c"kunit_a"));
            assert_ok(net.set(c"kunit_a"));
        }
        assert!(nets.iter().all(|net| net.slot() == nets[0].slot()));
        assert_eq!(b.replace(&a), 0);
        assert!(nets.iter().all(|net| net.default() == b.raw()));

        // The shared default is freed with its last namespace. Setting the name creates a new one.
        let [first, second, third] = nets;
        drop((first, second));
        assert_eq!(third.default(), b.raw());
        assert_ok(third.set(c"reno"));
        // SAFETY: The table is valid, and no other thread sets it as a default.
        assert!(unsafe { (*b.raw()).defaults }.is_null());
        assert!(third.default() != b.raw());
        assert_ok(third.set(c"kunit_a"));
        assert_eq!(third.default(), b.raw());
        Ok(())
    }

    #[test]
    fn new_namespace_inherits_the_default() -> Result {
        let initial = Net::initial();
        let net = Net::new()?;

        assert_eq!(net.default(), initial.default());
        assert_eq!(net.slot(), initial.slot());
        Ok(())
    }

    #[test]
    fn namespace_cannot_set_a_restricted_default() -> Result {
        let a = Table::registered(b"kunit_a")?;
        let net = Net::new()?;
        let before = net.default();

        assert_eq!(errno(net.set(c"kunit_a")), EPERM.to_errno());
        assert_eq!(errno(net.set(c"kunit_b")), ENOENT.to_errno());
        assert_eq!(net.default(), before);
        assert!(!a.is_allowed());

        // Only the administrator gives the permission, not a namespace that uses the table.
        RegistryGuard::lock().allow(a.ops());
        assert_ok(net.set(c"kunit_a"));
        RegistryGuard::lock().restrict(a.ops());
        assert_eq!(errno(net.set(c"kunit_a")), EPERM.to_errno());
        assert_eq!(net.default(), a.raw());
        assert!(!a.is_allowed());
        Ok(())
    }

    #[test]
    fn defaults_of_the_old_and_the_new_table_are_joined() -> Result {
        let (a, other) = (Table::registered(b"kunit_a")?, Table::new(b"kunit_a")?);
        let last = Table::new(b"kunit_a")?;
        let (first, second) = (Net::new()?, Net::new()?);

        // One table is unregistered, and is the default of one namespace. Another table is the
        // default of a second one.
        RegistryGuard::lock().allow(a.ops());
        assert_ok(first.set(c"kunit_a"));
        a.unregister();
        assert_eq!(other.register(), 0);
        RegistryGuard::lock().allow(other.ops());
        assert_ok(second.set(c"kunit_a"));
        assert_eq!((first.default(), second.default()), (a.raw(), other.raw()));

        assert_eq!(a.replace(&other), 0);
        assert_eq!((first.default(), second.default()), (a.raw(), a.raw()));
        assert_eq!(last.replace(&a), 0);
        assert_eq!(
            (first.default(), second.default()),
            (last.raw(), last.raw())
        );
        drop(first);
        assert_eq!(a.replace(&last), 0);
        assert_eq!(second.default(), a.raw());
        drop(second);
        // SAFETY: The table is valid, and no other thread sets it as a default.
        assert!(unsafe { (*a.raw()).defaults }.is_null());
        Ok(())
    }

    #[test]
    fn names_that_do_not_fit_are_left_out() -> Result {
        let (a, b) = (Table::new(b"kunit_a")?, Table::new(b"kunit_bc")?);
        let listed = |size: usize, tables: &[&Table]| -> Result<KVec<u8>> {
            let mut buf = KVec::from_elem(b'x', size, GFP_KERNEL)?;

            tcp_cong_names::write(&mut buf, tables.iter().map(|table| table.ops()));
            buf.truncate(buf.iter().position(|byte| *byte == 0).ok_or(EINVAL)?);
            Ok(buf)
        };

        assert_eq!(&*listed(17, &[&a, &b])?, b"kunit_a kunit_bc");
        // A name that does not fit is left out.
        assert_eq!(&*listed(16, &[&a, &b])?, b"kunit_a");
        assert_eq!(&*listed(8, &[&a, &b])?, b"kunit_a");
        assert_eq!(&*listed(7, &[&a, &b])?, b"");
        assert_eq!(&*listed(8, &[])?, b"");
        Ok(())
    }

    #[test]
    fn only_named_tables_are_allowed() -> Result {
        let (a, b) = (
            Table::registered(b"kunit_a")?,
            Table::registered(b"kunit_b")?,
        );
        let before = allowed()?;

        assert_ok(tcp_cong_names::set_allowed(b"reno kunit_a"));
        assert!(a.is_allowed() && !b.is_allowed());
        // If one name is unknown, nothing is changed.
        assert_eq!(
            errno(tcp_cong_names::set_allowed(b"reno kunit_b kunit_c")),
            ENOENT.to_errno()
        );
        assert!(a.is_allowed() && !b.is_allowed());
        // The list ends at the first empty name.
        assert_ok(tcp_cong_names::set_allowed(b"kunit_b  kunit_a"));
        assert!(!a.is_allowed() && b.is_allowed());

        assert_ok(tcp_cong_names::set_allowed(&before));
        assert!(!a.is_allowed() && !b.is_allowed());
        Ok(())
    }

    #[test]
    fn lookups_never_miss_the_name() -> Result {
        let stop = Arc::new(Atomic::<bool>::new(false), GFP_KERNEL)?;
        let reads = Arc::new(Atomic::<u64>::new(0), GFP_KERNEL)?;
        let misses = Arc::new(Atomic::<u64>::new(0), GFP_KERNEL)?;
        let done = [
            Arc::pin_init(Completion::new(), GFP_KERNEL)?,
            Arc::pin_init(Completion::new(), GFP_KERNEL)?,
        ];
        let [last, name, first] = names_in_one_bucket();
        let names = Arc::new((terminated(&last), terminated(&name)), GFP_KERNEL)?;
        let (last, a) = (Table::bpf_registered(&last)?, Table::bpf_registered(&name)?);
        let (first, b) = (Table::of_bpf(&first)?, Table::of_bpf(&name)?);

        for done in &done {
            let (stop, reads, misses) = (stop.clone(), reads.clone(), misses.clone());
            let (done, names) = (done.clone(), names.clone());

            workqueue::system_unbound().try_spawn(GFP_KERNEL, move || {
                while !stop.load(Relaxed) {
                    let reader = rcu::read_lock();
                    // SAFETY: The names are NUL-terminated. The RCU read lock is held.
                    let found = |name: &[u8; 12]| unsafe {
                        CongestionOps::find(name.as_ptr().cast()).is_some()
                    };
                    let missed = !found(&names.0) || !found(&names.1);
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
            // Add and remove a table before the others, while lookups may have reached it.
            if first.register() != 0 {
                break;
            }
            first.unregister();
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
        drop((last, a, first, b));
        Ok(())
    }

    /// A network namespace of which only the default is used.
    enum Net {
        Initial,
        Made {
            net: KVBox<Opaque<bindings::net>>,
            // The array that `net_generic` reads, and the data that it finds there.
            _generic: KBox<[*mut bindings::tcp_cong_net; GENERIC]>,
            _cong: KBox<Opaque<bindings::tcp_cong_net>>,
        },
    }

    const GENERIC: usize = 64;

    impl Net {
        fn new() -> Result<Self> {
            let net: KVBox<Opaque<bindings::net>> =
                KVBox::init(pin_init::init_zeroed(), GFP_KERNEL)?;
            let cong: KBox<Opaque<bindings::tcp_cong_net>> =
                KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?;
            let mut generic = KBox::new([core::ptr::null_mut(); GENERIC], GFP_KERNEL)?;
            // SAFETY: The id is set at boot and does not change.
            let id = unsafe { bindings::tcp_cong_net_id };

            *generic.get_mut(id as usize).ok_or(EINVAL)? = cong.get();
            // SAFETY: The namespace is valid, and no other code uses it yet.
            unsafe { (*net.get()).gen_ = generic.as_mut_ptr().cast() };
            let net = Self::Made {
                net,
                _generic: generic,
                _cong: cong,
            };
            // SAFETY: The namespace is new and stays valid.
            unsafe { DefaultOf::init(net.ptr()) };
            Ok(net)
        }

        fn initial() -> Self {
            Self::Initial
        }

        fn raw(&self) -> *mut bindings::net {
            match self {
                Self::Initial => &raw mut bindings::init_net,
                Self::Made { net, .. } => net.get(),
            }
        }

        fn ptr(&self) -> NonNull<bindings::net> {
            // SAFETY: The address of a static or a box is not null.
            unsafe { NonNull::new_unchecked(self.raw()) }
        }

        fn dflt(&self) -> DefaultOf<'_> {
            // SAFETY: The namespace has a default as long as `self` exists.
            unsafe { DefaultOf::new(self.ptr()) }
        }

        fn set(&self, name: &CStr) -> Result {
            self.dflt().set(&Name::from_c_str(name).ok_or(EINVAL)?)
        }

        fn slot(&self) -> *mut bindings::tcp_cong_default {
            // SAFETY: The namespace and its `tcp_cong_net` are valid. The field is aligned, and is
            // accessed by single accesses only.
            unsafe { Atomic::from_ptr(&raw mut (*bindings::tcp_cong_net(self.raw())).dflt) }
                .load(Relaxed)
        }

        fn default(&self) -> *mut bindings::tcp_congestion_ops {
            let _registry = RegistryGuard::lock();

            // SAFETY: The shared default is valid while the lock of the registry is held. The
            // pointer in it is compared only.
            unsafe { (*self.slot()).ca.cast_mut() }
        }

        fn default_name(&self) -> Result<Name> {
            // SAFETY: A shared default holds a reference on its table, which keeps it valid as long
            // as no other thread changes the default.
            Name::from_c_str(unsafe { CongestionOps::from_raw(self.default()) }.name())
                .ok_or(EINVAL)
        }
    }

    impl Drop for Net {
        fn drop(&mut self) {
            if let Self::Made { .. } = self {
                // SAFETY: The namespace has a default, and only `self` uses it.
                unsafe { DefaultOf::exit(self.ptr()) };
                // The memory is freed after a grace period.
                rcu::synchronize_rcu();
            }
        }
    }

    /// Returns names that are in one bucket.
    fn names_in_one_bucket<const N: usize>() -> [[u8; 11]; N] {
        let mut names = [*b"kunit_00000"; N];
        let mut found = 0;

        for number in 0..100_000_u32 {
            let mut name = *b"kunit_00000";
            let mut rest = number;
            for digit in name[6..].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            if found == 0 || bucket(&name) == bucket(&names[0]) {
                names[found] = name;
                found += 1;
            }
            if found == N {
                break;
            }
        }
        assert_eq!(found, N);
        names
    }

    /// Appends NUL.
    fn terminated(name: &[u8; 11]) -> [u8; 12] {
        let mut bytes = [0; 12];

        bytes[..name.len()].copy_from_slice(name);
        bytes
    }

    /// Returns the number of the bucket for a name.
    fn bucket(name: &[u8; 11]) -> u32 {
        let mut bytes = [0; bindings::TCP_CA_NAME_MAX as usize];

        bytes[..name.len()].copy_from_slice(name);
        // SAFETY: The array has `TCP_CA_NAME_MAX` bytes, and the name in it is NUL-terminated.
        unsafe { bindings::tcp_ca_hash(bytes.as_ptr().cast()) % BUCKET_COUNT as u32 }
    }

    /// Returns the names that ordinary users may choose, as the sysctl lists them.
    fn allowed() -> Result<KVec<u8>> {
        let mut buf = KVec::from_elem(0, 2048, GFP_KERNEL)?;

        // SAFETY: The buffer is initialized and has this size.
        unsafe { bindings::tcp_get_allowed_congestion_control(buf.as_mut_ptr().cast(), buf.len()) };
        buf.truncate(buf.iter().position(|byte| *byte == 0).ok_or(EINVAL)?);
        Ok(buf)
    }

    fn errno(ret: Result) -> i32 {
        ret.err().map_or(0, |err| err.to_errno())
    }

    fn assert_ok(ret: Result) {
        assert_eq!(errno(ret), 0);
    }

    fn find(name: &CStr) -> *mut bindings::tcp_congestion_ops {
        let _reader = rcu::read_lock();

        // SAFETY: The name is NUL-terminated, and the RCU read lock is held. The pointer that is
        // returned is compared only.
        unsafe { bindings::tcp_ca_find(name.as_char_ptr()) }
    }
}
