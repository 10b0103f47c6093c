// SPDX-License-Identifier: GPL-2.0-only
/* Links of struct_ops types that have no update, and updates to another type */

#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_types.skel.h"

static struct struct_ops_link_types *types;

static void destroy(void *skel)
{
	struct_ops_link_types__destroy(skel);
}

static void test_ops(void)
{
	check_link_without_update(types->maps.ops, -EOPNOTSUPP);
	/* map_make_ready(), and two times link_create() */
	ASSERT_EQ(types->bss->ops_regs, 3, "regs");
}

static void test_ops2(void)
{
	check_link_without_update(types->maps.ops2, -EOPNOTSUPP);
	ASSERT_EQ(types->bss->ops2_regs, 3, "regs");
}

static void test_ops3(void)
{
	check_link_without_update(types->maps.ops3, -EOPNOTSUPP);
}

static void test_st_ops(void)
{
	check_link_without_update(types->maps.st_ops, -EOPNOTSUPP);
}

static void test_multi(void)
{
	check_link_without_update(types->maps.multi, -EOPNOTSUPP);
}

/* The type has an update, which always fails */
static void test_sched_ext(void)
{
	check_link_without_update(types->maps.scx, -ENOLINK);
}

static void test_sched_ext_cid(void)
{
	check_link_without_update(types->maps.scx_cid, -ENOLINK);
}

/* If a type can be registered more than once, a map can back two links */
static void test_two_links(void)
{
	int ops = bpf_map__fd(types->maps.ops), one, two;
	__u32 id = map_id(ops);

	if (!map_make_ready(types->maps.ops))
		return;
	one = link_create(ops);
	two = link_create(ops);
	if (ASSERT_OK_FD(one, "one") && ASSERT_OK_FD(two, "two")) {
		ASSERT_OK(bpf_link_detach(one), "detach_one");
		check_link_map(one, 0);
		check_link_map(two, id);
	}
	close(one);
	check_link_map(two, id);
	close(two);
}

/* Closing a detached link does not unregister again */
static void test_unregistered_once(void)
{
	int ops3 = bpf_map__fd(types->maps.ops3), one, two, three;

	if (!map_make_ready(types->maps.ops3) || !map_make_ready(types->maps.ops3_second))
		return;
	one = link_create(ops3);
	if (!ASSERT_OK_FD(one, "one"))
		return;
	two = link_create(bpf_map__fd(types->maps.ops3_second));
	ASSERT_EQ(two, -EEXIST, "second_map");

	ASSERT_OK(bpf_link_detach(one), "detach");
	two = link_create(bpf_map__fd(types->maps.ops3_second));
	ASSERT_OK_FD(two, "two");
	close(one);

	three = link_create(ops3);
	if (!ASSERT_EQ(three, -EEXIST, "still_registered") && three >= 0)
		close(three);
	close(two);
}

/* BPF_LINK_CREATE returns the error of the subsystem */
static void test_reg_error(void)
{
	int multi = bpf_map__fd(types->maps.multi), one, two, links = count_links();
	struct bpf_link *link;

	link = bpf_map__attach_struct_ops(types->maps.multi_empty);
	if (!ASSERT_ERR_PTR(link, "attach_empty"))
		bpf_link__destroy(link);
	/* The map is READY now, so the subsystem returns the error */
	ASSERT_EQ(link_create(bpf_map__fd(types->maps.multi_empty)), -EINVAL, "empty");
	ASSERT_EQ(count_links(), links, "no_link");

	if (!map_make_ready(types->maps.multi))
		return;
	one = link_create(multi);
	two = link_create(multi);
	ASSERT_OK_FD(one, "one");
	ASSERT_EQ(two, -EEXIST, "two");
	check_link_map(one, map_id(multi));
	close(one);
}

static void test_mismatch(void)
{
	struct bpf_link *cc = NULL, *ops = NULL;
	struct cc_fixture f;
	int cc_fd, ops_fd;
	__u32 cc_id, ops_id;

	if (!cc_setup(&f))
		goto out;
	cc_id = map_id(f.a);
	ops_id = map_id(bpf_map__fd(types->maps.ops));

	cc = bpf_map__attach_struct_ops(f.skel->maps.cc_a);
	ops = bpf_map__attach_struct_ops(types->maps.ops);
	if (!ASSERT_OK_PTR(cc, "cc") || !ASSERT_OK_PTR(ops, "ops"))
		goto out;
	cc_fd = bpf_link__fd(cc);
	ops_fd = bpf_link__fd(ops);

	/* The type of the new map decides whether there is an update */
	ASSERT_EQ(link_update(cc_fd, bpf_map__fd(types->maps.ops)), -EOPNOTSUPP,
		  "no_update");
	ASSERT_EQ(link_update(ops_fd, f.a), -EINVAL, "other_type");
	ASSERT_EQ(link_replace(ops_fd, f.a, f.a), -EPERM, "expected_before_type");
	/* libbpf also sets the value of the map */
	ASSERT_EQ(bpf_link__update_map(cc, types->maps.scx), -EINVAL, "scx");
	ASSERT_EQ(link_create(bpf_map__fd(types->maps.ops3)), -EINVAL, "not_ready");

	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	check_link_map(cc_fd, cc_id);
	check_link_map(ops_fd, ops_id);
out:
	bpf_link__destroy(ops);
	bpf_link__destroy(cc);
	cc_teardown(&f);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "ops", test_ops },
	{ "ops2", test_ops2 },
	{ "ops3", test_ops3 },
	{ "st_ops", test_st_ops },
	{ "multi_st_ops", test_multi },
	{ "sched_ext", test_sched_ext },
	{ "sched_ext_cid", test_sched_ext_cid },
	{ "two_links", test_two_links },
	{ "unregistered_once", test_unregistered_once },
	{ "reg_error", test_reg_error },
	{ "mismatch", test_mismatch },
};

void serial_test_struct_ops_link_types(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!test__start_subtest(tests[i].name))
			continue;
		types = struct_ops_link_types__open_and_load();
		if (!ASSERT_OK_PTR(types, "load"))
			continue;
		tests[i].run();
		destroy_check_freed(types->obj, destroy, types, -1);
	}
}
