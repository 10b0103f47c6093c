// SPDX-License-Identifier: GPL-2.0-only
/* Calls on struct_ops links while allocations fail: an error changes nothing */

#include <test_progs.h>
#include "struct_ops_link_fail_helpers.h"
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"

static struct cc_fixture f;
static int links;	/* in the system, without that of the fixture */

static bool link_a(void)
{
	if (f.link < 0)
		f.link = link_create(f.a);
	return ASSERT_OK_FD(f.link, "link");
}

static void check_attached(int map)
{
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	ASSERT_EQ(count_links(), links + 1, "links");
	check_link_map(f.link, map_id(map));
}

static void check_closed(void)
{
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	ASSERT_EQ(count_links(), links, "no_link");
}

static int create(void)
{
	return f.link = link_create(f.a);
}

static void check_create(int ret)
{
	if (ret >= 0)
		check_attached(f.a);
	else
		ASSERT_EQ(ret, -ENOMEM, "create");
	cc_close_link(&f);
	check_closed();
}

static int update(void)
{
	return link_update(f.link, f.b);
}

static void check_update(int ret)
{
	check_attached(ret ? f.a : f.b);
	cc_close_link(&f);
}

static int detach(void)
{
	return bpf_link_detach(f.link);
}

static void check_detach(int ret)
{
	if (ret) {
		check_attached(f.a);
		return;
	}
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	check_link_map(f.link, 0);
	cc_close_link(&f);
}

static int close_link(void)
{
	int ret = close(f.link) ? -errno : 0;

	f.link = -1;
	return ret;
}

/* Closing always unregisters */
static void check_close(int ret)
{
	ASSERT_OK(ret, "close");
	check_closed();
}

static const struct {
	const char *name;
	struct fail_call call;
} calls[] = {
	{ "create", { .call = create, .check = check_create, .may_refuse = true } },
	{ "update", { .prepare = link_a, .call = update, .check = check_update } },
	{ "detach", { .prepare = link_a, .call = detach, .check = check_detach } },
	{ "close", { .prepare = link_a, .call = close_link, .check = check_close } },
};

void serial_test_struct_ops_link_enomem(void)
{
	int i;

	if (!fail_setup())
		return;
	links = count_links();
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!test__start_subtest(calls[i].name))
			continue;
		if (cc_setup(&f))
			fail_each(&calls[i].call);
		cc_teardown(&f);
	}
	fail_teardown();
}
