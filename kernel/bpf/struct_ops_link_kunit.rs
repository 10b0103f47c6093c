// SPDX-License-Identifier: GPL-2.0-only

//! KUnit tests of struct_ops links, with a struct_ops type that counts the calls of its operations.

use kernel::prelude::*;

#[kunit_tests(bpf_struct_ops_link)]
mod tests {
    use super::*;
    use crate::StructOpsLink;
    use core::ptr::NonNull;
    use kernel::{
        bindings,
        bpf::{
            link::{
                AttachType,
                Link,
                LinkInfo,
                LinkOps,
                LinkPrimer, //
            },
            map::Map,
            struct_ops::{
                fake::FakeType,
                ReadyMap, //
            }, //
        },
        ffi::c_int,
        impl_has_work,
        new_work,
        sync::{
            aref::ARef,
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc,
            Completion, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
        workqueue::{
            self,
            Work,
            WorkItem, //
        }, //
    };

    /// A link with an open file descriptor, which is closed when this is dropped.
    struct Open {
        fd: c_int,
        link: NonNull<Link<StructOpsLink>>,
    }

    impl Open {
        fn new(map: &ARef<Map>) -> Result<Self> {
            let primer = attach(map)?;
            let link = NonNull::from(&*primer);

            Ok(Self {
                fd: primer.settle(),
                link,
            })
        }

        fn update(&self, new: &ARef<Map>, expected: Option<&Map>) -> Result {
            StructOpsLink::update(self, ready(new)?, expected)
        }

        /// Returns the map id that `BPF_OBJ_GET_INFO_BY_FD` reports, 0 if there is none.
        fn info(&self) -> u32 {
            let mut info = bindings::bpf_link_info::default();
            // SAFETY: `LinkInfo` is transparent over `bpf_link_info`, and `info` is not used
            // otherwise during the call.
            let ret = StructOpsLink::fill_link_info(self, unsafe {
                &mut *(&raw mut info).cast::<LinkInfo>()
            });

            assert_ok(ret);
            // SAFETY: All bit patterns are valid values of this field, and it was zeroed.
            unsafe { info.__bindgen_anon_1.struct_ops.map_id }
        }
    }

    impl core::ops::Deref for Open {
        type Target = Link<StructOpsLink>;

        fn deref(&self) -> &Self::Target {
            // SAFETY: The open file holds a reference on the link.
            unsafe { self.link.as_ref() }
        }
    }

    impl Drop for Open {
        fn drop(&mut self) {
            // SAFETY: This owns the descriptor.
            unsafe { bindings::close_fd(self.fd as u32) };
            flush_files();
        }
    }

    #[test]
    fn create_registers_and_close_unregisters() -> Result {
        let ty = FakeType::new(true)?;
        let map = ty.map()?;

        let link = Open::new(&map)?;
        assert_eq!(ty.calls(), (1, 0, 0));
        assert_eq!(refs(&map), 2);
        assert_eq!(link.info(), map.id());

        drop(link);
        assert_eq!(ty.calls(), (1, 0, 1));
        assert_eq!(refs(&map), 1);

        drop(map);
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn link_keeps_its_map() -> Result {
        let ty = FakeType::new(true)?;
        let map = ty.map()?;
        let link = Open::new(&map)?;

        drop(map);
        fsleep(Delta::from_millis(20));
        assert_eq!(ty.maps(), 1);

        drop(link);
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn unsettled_link_leaves_nothing() -> Result {
        let ty = FakeType::new(true)?;
        let map = ty.map()?;

        drop(attach(&map)?);
        flush_files();
        assert_eq!(ty.calls(), (1, 0, 1));
        assert_eq!(refs(&map), 1);

        drop(map);
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn failed_reg_leaves_nothing() -> Result {
        let ty = FakeType::new(true)?;
        let map = ty.map()?;

        ty.answer(EEXIST.to_errno());
        assert_eq!(errno(attach(&map)), EEXIST.to_errno());
        flush_files();
        assert_eq!(ty.calls(), (1, 0, 0));
        assert_eq!(refs(&map), 1);

        // The map can still be registered.
        ty.answer(0);
        drop(Open::new(&map)?);
        assert_eq!(ty.calls(), (2, 0, 1));

        drop(map);
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn failed_prime_leaves_nothing() -> Result {
        let ty = FakeType::new(true)?;
        let map = ty.map()?;
        // SAFETY: The limits of this kernel thread are valid, and no other thread changes them.
        let limit = unsafe {
            &mut (*(*bindings::get_current()).signal).rlim[bindings::RLIMIT_NOFILE as usize]
        };
        let rlim_cur = core::mem::replace(&mut limit.rlim_cur, 0);

        let ret = attach(&map);
        limit.rlim_cur = rlim_cur;
        assert_eq!(errno(ret), EMFILE.to_errno());
        assert_eq!(ty.calls(), (0, 0, 0));
        assert_eq!(refs(&map), 1);

        drop(map);
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn update_replaces_the_map() -> Result {
        let ty = FakeType::new(true)?;
        let (a, b) = (ty.map()?, ty.map()?);
        let link = Open::new(&a)?;

        assert_ok(link.update(&b, None));
        assert_eq!(ty.calls(), (1, 1, 0));
        assert_eq!((refs(&a), refs(&b)), (1, 2));
        assert_eq!(link.info(), b.id());

        // Back to the first map, with the expected map given.
        assert_ok(link.update(&a, Some(&b)));
        assert_eq!(ty.calls(), (1, 2, 0));
        assert_eq!((refs(&a), refs(&b)), (2, 1));
        assert_eq!(link.info(), a.id());

        drop(link);
        assert_eq!(ty.calls(), (1, 2, 1));
        drop((a, b));
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn replaced_map_is_freed() -> Result {
        let ty = FakeType::new(true)?;
        let (a, b) = (ty.map()?, ty.map()?);
        let link = Open::new(&a)?;

        drop(a);
        assert_ok(link.update(&b, None));
        for _ in 0..200 {
            if ty.maps() == 1 {
                break;
            }
            fsleep(Delta::from_millis(5));
        }
        assert_eq!(ty.maps(), 1);

        drop((link, b));
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn failed_update_changes_nothing() -> Result {
        let (ty, other) = (FakeType::new(true)?, FakeType::new(true)?);
        let (a, b, foreign) = (ty.map()?, ty.map()?, other.map()?);
        let link = Open::new(&a)?;

        let check = |ret: Result, err: Error, updates: i32| {
            assert_eq!(errno(ret), err.to_errno());
            assert_eq!(ty.calls(), (1, updates, 0));
            assert_eq!((refs(&a), refs(&b), refs(&foreign)), (2, 1, 1));
            assert_eq!(link.info(), a.id());
        };

        check(link.update(&b, Some(&b)), EPERM, 0);
        check(link.update(&foreign, None), EINVAL, 0);
        check(link.update(&foreign, Some(&b)), EPERM, 0);
        ty.answer(EBUSY.to_errno());
        check(link.update(&b, None), EBUSY, 1);

        // The update succeeds once the subsystem accepts it.
        ty.answer(0);
        assert_ok(link.update(&b, None));

        drop((link, a, b, foreign));
        assert_clean(&ty);
        assert_clean(&other);
        Ok(())
    }

    #[test]
    fn update_fails_without_an_update_operation() -> Result {
        let ty = FakeType::new(false)?;
        let (a, b) = (ty.map()?, ty.map()?);
        let link = Open::new(&a)?;

        assert_eq!(errno(link.update(&b, None)), EOPNOTSUPP.to_errno());
        assert_eq!(errno(link.update(&a, None)), EOPNOTSUPP.to_errno());
        assert_eq!((refs(&a), refs(&b)), (2, 1));

        drop((link, a, b));
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn update_with_the_same_map_calls_the_subsystem() -> Result {
        let ty = FakeType::new(true)?;
        let (a, b) = (ty.map()?, ty.map()?);
        let link = Open::new(&a)?;

        assert_ok(link.update(&a, None));
        assert_ok(link.update(&a, Some(&a)));
        assert_eq!(ty.calls(), (1, 2, 0));
        assert_eq!(errno(link.update(&a, Some(&b))), EPERM.to_errno());
        ty.answer(EOPNOTSUPP.to_errno());
        assert_eq!(errno(link.update(&a, None)), EOPNOTSUPP.to_errno());
        assert_eq!(ty.calls(), (1, 3, 0));
        assert_eq!(refs(&a), 2);
        assert_eq!(link.info(), a.id());

        ty.answer(0);
        assert_ok(StructOpsLink::detach(&link));
        assert_eq!(errno(link.update(&a, None)), ENOLINK.to_errno());

        drop((link, a, b));
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn positive_return_value_is_an_error() -> Result {
        let ty = FakeType::new(true)?;
        let (a, b) = (ty.map()?, ty.map()?);

        ty.answer(1);
        assert!(attach(&a).is_err());
        flush_files();
        assert_eq!((ty.calls(), refs(&a)), ((1, 0, 0), 1));

        ty.answer(0);
        let link = Open::new(&a)?;
        ty.answer(1);
        assert!(link.update(&b, None).is_err());
        assert_eq!((refs(&a), refs(&b)), (2, 1));
        assert_eq!(link.info(), a.id());

        ty.answer(0);
        drop((link, a, b));
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn links_of_a_type_exclude_each_other() -> Result {
        let ty = FakeType::new(true)?;

        create_and_detach_from_two_threads(&ty)?;
        assert_eq!(ty.overlaps(), 0);
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn links_of_a_parallel_type_run_in_parallel() -> Result {
        let ty = FakeType::parallel()?;

        create_and_detach_from_two_threads(&ty)?;
        assert!(ty.overlaps() > 0);
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn detach_unregisters_once() -> Result {
        let ty = FakeType::new(true)?;
        let (a, b) = (ty.map()?, ty.map()?);
        let link = Open::new(&a)?;

        assert_ok(StructOpsLink::detach(&link));
        assert_eq!(ty.calls(), (1, 0, 1));
        assert_eq!(refs(&a), 1);
        assert_eq!(link.info(), 0);

        assert_ok(StructOpsLink::detach(&link));
        assert_eq!(errno(link.update(&b, None)), ENOLINK.to_errno());
        drop(link);
        assert_eq!(ty.calls(), (1, 0, 1));

        drop((a, b));
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn two_links_exchange_their_maps() -> Result {
        let ty = FakeType::new(true)?;
        let (a, b, c) = (ty.map()?, ty.map()?, ty.map()?);
        let (first, second) = (Open::new(&a)?, Open::new(&b)?);

        assert_ok(first.update(&c, Some(&a)));
        assert_ok(second.update(&a, Some(&b)));
        assert_ok(first.update(&b, Some(&c)));
        assert_eq!((first.info(), second.info()), (b.id(), a.id()));
        assert_eq!((refs(&a), refs(&b), refs(&c)), (2, 2, 1));

        drop((first, second, a, b, c));
        assert_eq!(ty.calls(), (2, 3, 2));
        assert_clean(&ty);
        Ok(())
    }

    #[test]
    fn link_registers_once() -> Result {
        let ty = FakeType::new(true)?;
        let a = ty.map()?;
        let link = Open::new(&a)?;

        assert_eq!(errno(link.register(ready(&a)?)), EBUSY.to_errno());
        assert_eq!(ty.calls(), (1, 0, 0));
        assert_ok(StructOpsLink::detach(&link));
        assert_ok(link.register(ready(&a)?));
        assert_eq!(ty.calls(), (2, 0, 1));

        drop((link, a));
        assert_clean(&ty);
        Ok(())
    }

    // The helpers are last: the assertions of KUnit are in scope only after the first test.

    fn assert_ok(ret: Result) {
        assert_eq!(ret.map_err(|err| err.to_errno()), Ok(()));
    }

    /// Waits until the files that kernel threads have closed are released by a work queue.
    fn flush_files() {
        // SAFETY: `flush_delayed_fput` requires a context that may sleep, and a test is one.
        unsafe { bindings::flush_delayed_fput() };
    }

    /// Creates, updates and detaches links from a work queue.
    #[pin_data]
    struct Job {
        #[pin]
        work: Work<Job>,
        ty: Arc<FakeType>,
        failures: Atomic<i32>,
        #[pin]
        done: Completion,
    }

    impl_has_work! {
        impl HasWork<Self> for Job { self.work }
    }

    impl WorkItem for Job {
        type Pointer = Arc<Self>;

        fn run(this: Arc<Self>) {
            for _ in 0..10 {
                this.failures
                    .fetch_add(this.round().is_err().into(), Relaxed);
                flush_files();
            }
            this.done.complete_all();
        }
    }

    impl Job {
        fn new(ty: &Arc<FakeType>) -> Result<Arc<Self>> {
            let ty = ty.clone();

            Arc::pin_init(
                pin_init!(Self {
                    work <- new_work!("struct_ops_link_kunit"),
                    ty: ty,
                    failures: Atomic::new(0),
                    done <- Completion::new(),
                }),
                GFP_KERNEL,
            )
        }

        fn round(&self) -> Result {
            let (a, b) = (self.ty.map()?, self.ty.map()?);
            let link = attach(&a)?;

            StructOpsLink::update(&link, ready(&b)?, None)?;
            StructOpsLink::detach(&link)
        }
    }

    fn create_and_detach_from_two_threads(ty: &Arc<FakeType>) -> Result {
        let jobs = [Job::new(ty)?, Job::new(ty)?];

        ty.take_us(1000);
        for job in &jobs {
            assert!(workqueue::system_unbound().enqueue(job.clone()).is_ok());
        }
        for job in &jobs {
            job.done.wait_for_completion();
            assert_eq!(job.failures.load(Relaxed), 0);
        }
        ty.take_us(0);
        Ok(())
    }

    fn attach(map: &ARef<Map>) -> Result<LinkPrimer<StructOpsLink>> {
        StructOpsLink::attach(ready(map)?, AttachType::STRUCT_OPS)
    }

    fn ready(map: &ARef<Map>) -> Result<ReadyMap> {
        ReadyMap::try_from(map.clone())
    }

    fn errno<T>(ret: Result<T>) -> c_int {
        ret.err().map_or(0, |err| err.to_errno())
    }

    fn refs(map: &Map) -> i64 {
        // SAFETY: `map` is valid, and no other thread changes the count while the test reads it.
        unsafe { (*map.as_raw()).refcnt.counter }
    }

    /// Waits until a work queue has freed all maps of `ty`, and checks that no operation was called
    /// in the wrong order.
    fn assert_clean(ty: &Arc<FakeType>) {
        for _ in 0..200 {
            if ty.maps() == 0 {
                break;
            }
            fsleep(Delta::from_millis(5));
        }
        assert_eq!(ty.maps(), 0);
        assert_eq!(ty.violations(), 0);
    }
}
