// SPDX-License-Identifier: GPL-2.0-only
/* Links of struct_ops types that cannot be updated, and of types that do not match */

#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_types.skel.h"

static struct struct_ops_link_types *types;

static void test_ops(void)
{
	link_life(types->maps.ops, -EOPNOTSUPP);
	/* READY, created, created again */
	ASSERT_EQ(types->bss->ops_regs, 3, "regs");
}

static void test_ops2(void)
{
	link_life(types->maps.ops2, -EOPNOTSUPP);
	ASSERT_EQ(types->bss->ops2_regs, 3, "regs");
}

static void test_ops3(void)
{
	link_life(types->maps.ops3, -EOPNOTSUPP);
}

static void test_st_ops(void)
{
	link_life(types->maps.st_ops, -EOPNOTSUPP);
}

static void test_multi(void)
{
	link_life(types->maps.multi, -EOPNOTSUPP);
}

/* Has an update, which refuses */
static void test_sched_ext(void)
{
	link_life(types->maps.scx, -ENOLINK);
}

/* A type may be registered more than once, then a map can back two links */
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
		link_backed_by(one, 0);
		link_backed_by(two, id);
	}
	close(one);
	link_backed_by(two, id);
	close(two);
}

/* A detached link does not unregister once more when it is closed */
static void test_unregistered_once(void)
{
	int ops3 = bpf_map__fd(types->maps.ops3), one, two, three;

	if (!map_make_ready(types->maps.ops3) || !map_make_ready(types->maps.ops3_too))
		return;
	one = link_create(ops3);
	if (!ASSERT_OK_FD(one, "one"))
		return;
	two = link_create(bpf_map__fd(types->maps.ops3_too));
	ASSERT_EQ(two, -EEXIST, "one_only");

	ASSERT_OK(bpf_link_detach(one), "detach");
	two = link_create(bpf_map__fd(types->maps.ops3_too));
	ASSERT_OK_FD(two, "two");
	close(one);

	three = link_create(ops3);
	if (!ASSERT_EQ(three, -EEXIST, "two_still_registered") && three >= 0)
		close(three);
	close(two);
}

/* What the subsystem says to a registration is what the caller gets */
static void test_reg_error(void)
{
	int multi = bpf_map__fd(types->maps.multi), one, two, held = links_held();
	struct bpf_link *link;

	link = bpf_map__attach_struct_ops(types->maps.multi_empty);
	if (!ASSERT_ERR_PTR(link, "attach_empty"))
		bpf_link__destroy(link);
	/* The map is READY by now, so this is the subsystem's EINVAL */
	ASSERT_EQ(link_create(bpf_map__fd(types->maps.multi_empty)), -EINVAL, "empty");
	ASSERT_EQ(links_held(), held, "no_link");

	if (!map_make_ready(types->maps.multi))
		return;
	one = link_create(multi);
	two = link_create(multi);
	ASSERT_OK_FD(one, "one");
	ASSERT_EQ(two, -EEXIST, "two");
	link_backed_by(one, map_id(multi));
	close(one);
}

static void test_mismatch(void)
{
	struct struct_ops_link_cc *skel;
	struct bpf_link *cc, *ops;
	int cc_map, cc_fd, ops_fd;
	__u32 cc_id, ops_id;

	skel = cc_load();
	if (!skel)
		return;
	cc_map = bpf_map__fd(skel->maps.cc_a);
	cc_id = map_id(cc_map);
	ops_id = map_id(bpf_map__fd(types->maps.ops));

	cc = bpf_map__attach_struct_ops(skel->maps.cc_a);
	ops = bpf_map__attach_struct_ops(types->maps.ops);
	if (!ASSERT_OK_PTR(cc, "cc") || !ASSERT_OK_PTR(ops, "ops"))
		goto out;
	cc_fd = bpf_link__fd(cc);
	ops_fd = bpf_link__fd(ops);

	/* The new map's type decides whether there is an update */
	ASSERT_EQ(link_update(cc_fd, bpf_map__fd(types->maps.ops)), -EOPNOTSUPP,
		  "no_update");
	ASSERT_EQ(link_update(ops_fd, cc_map), -EINVAL, "other_type");
	ASSERT_EQ(link_replace(ops_fd, cc_map, cc_map), -EPERM, "expected_before_type");
	/* Also gives the map its value */
	ASSERT_EQ(bpf_link__update_map(cc, types->maps.scx), -EINVAL, "scx");
	ASSERT_EQ(link_create(bpf_map__fd(types->maps.ops3)), -EINVAL, "not_ready");

	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	link_backed_by(cc_fd, cc_id);
	link_backed_by(ops_fd, ops_id);
out:
	bpf_link__destroy(ops);
	bpf_link__destroy(cc);
	cc_unload(skel, -1);
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
		types_unload(types);
	}
}
