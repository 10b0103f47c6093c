// SPDX-License-Identifier: GPL-2.0-only
/* Updating a link with the map that already backs it */

#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "tcp_conn_helpers.h"

static struct netns_listener netns;

/* Changes nothing: the map stays registered once, and can be replaced later */
static void check_same_map(bool replace)
{
	struct conn conn = CONN_CLOSED;
	struct cc_fixture f;
	__u32 a_id;
	int i;

	if (!cc_setup_link(&f))
		goto out;
	a_id = map_id(f.a);

	for (i = 0; i < 3; i++) {
		if (replace)
			ASSERT_OK(link_replace(f.link, f.a, f.a), "replace");
		else
			ASSERT_OK(link_update(f.link, f.a), "update");
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
		check_link_map(f.link, a_id);
	}

	ASSERT_TRUE(conn_open(&conn, netns.listener, LINK_CC), "connect");
	ASSERT_EQ(f.skel->bss->a_inits, 1, "inits");
	conn_close(&conn);

	ASSERT_OK(link_update(f.link, f.b), "update_to_b");
	check_link_map(f.link, map_id(f.b));
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
out:
	cc_teardown(&f);
}

static void test_update(void)
{
	check_same_map(false);
}

static void test_replace(void)
{
	check_same_map(true);
}

/* The old map of BPF_F_REPLACE is checked first */
static void test_wrong_expected(void)
{
	struct cc_fixture f;

	if (cc_setup_link(&f)) {
		ASSERT_EQ(link_replace(f.link, f.a, f.b), -EPERM, "replace");
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
		check_link_map(f.link, map_id(f.a));
	}
	cc_teardown(&f);
}

static void test_detached(void)
{
	struct cc_fixture f;

	if (cc_setup_link(&f)) {
		ASSERT_OK(bpf_link_detach(f.link), "detach");
		ASSERT_EQ(link_update(f.link, f.a), -ENOLINK, "update");
		ASSERT_EQ(link_replace(f.link, f.a, f.a), -ENOLINK, "replace");
		ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
		check_link_map(f.link, 0);
	}
	cc_teardown(&f);
}

void serial_test_struct_ops_link_same_map(void)
{
	if (!netns_listener_setup(&netns))
		goto out;

	if (test__start_subtest("update"))
		test_update();
	if (test__start_subtest("replace"))
		test_replace();
	if (test__start_subtest("wrong_expected"))
		test_wrong_expected();
	if (test__start_subtest("detached"))
		test_detached();
out:
	netns_listener_teardown(&netns);
}
