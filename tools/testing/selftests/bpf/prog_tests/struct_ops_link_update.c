// SPDX-License-Identifier: GPL-2.0-only
/* Successful updates of a struct_ops link */

#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "tcp_conn_helpers.h"

#define PIN_PATH	"/sys/fs/bpf/struct_ops_link"

static struct netns_listener netns;

/* New connections get the new map, established ones keep the old map */
static void test_connections(void)
{
	struct conn old = CONN_CLOSED;
	struct conn new = CONN_CLOSED;
	struct cc_fixture f;
	__u64 acks;

	if (!cc_setup_link(&f))
		goto out;
	if (!ASSERT_TRUE(conn_open(&old, netns.listener, LINK_CC), "connect"))
		goto out;
	ASSERT_EQ(f.skel->bss->a_inits, 1, "a_inits");

	ASSERT_OK(link_update(f.link, f.b), "update");

	if (!ASSERT_TRUE(conn_open(&new, netns.listener, LINK_CC), "connect"))
		goto out;
	ASSERT_EQ(f.skel->bss->a_inits, 1, "a_inits");
	ASSERT_EQ(f.skel->bss->b_inits, 1, "b_inits");
	ASSERT_EQ(f.skel->bss->a_releases, 0, "a_releases");

	ASSERT_TRUE(conn_send(&new, 100000), "send");
	ASSERT_GT(f.skel->bss->b_acks, 0, "b_acks");
	acks = f.skel->bss->a_acks;
	ASSERT_TRUE(conn_send(&old, 100000), "send");
	ASSERT_GT(f.skel->bss->a_acks, acks, "a_acks");
out:
	conn_close(&old);
	conn_close(&new);
	cc_teardown(&f);
}

static void test_repeated(void)
{
	struct cc_fixture f;
	int i;

	if (!cc_setup_link(&f))
		goto out;

	for (i = 0; i < 10; i++) {
		int map = i % 2 ? f.a : f.b;

		ASSERT_OK(link_update(f.link, map), "update");
		check_link_map(f.link, map_id(map));
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
	}
out:
	cc_teardown(&f);
}

static void test_replace(void)
{
	struct cc_fixture f;

	if (cc_setup_link(&f)) {
		ASSERT_OK(link_replace(f.link, f.b, f.a), "replace");
		check_link_map(f.link, map_id(f.b));
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
	}
	cc_teardown(&f);
}

/* A pin keeps the link open, and a new fd can be opened from it */
static void test_pinned(void)
{
	struct cc_fixture f;
	__u32 b_id;

	if (!cc_setup_link(&f))
		goto out;
	b_id = map_id(f.b);
	if (!ASSERT_OK(bpf_obj_pin(f.link, PIN_PATH), "pin"))
		goto out;
	close(f.link);
	ASSERT_EQ(cc_listed(LINK_CC), 1, "pinned_listed");

	f.link = bpf_obj_get(PIN_PATH);
	if (!ASSERT_OK_FD(f.link, "obj_get"))
		goto unpin;
	check_link_map(f.link, map_id(f.a));
	ASSERT_OK(link_update(f.link, f.b), "update");
	check_link_map(f.link, b_id);
	close(f.link);

	f.link = bpf_obj_get(PIN_PATH);
	if (ASSERT_OK_FD(f.link, "obj_get_again"))
		check_link_map(f.link, b_id);
unpin:
	ASSERT_OK(unlink(PIN_PATH), "unpin");
out:
	cc_teardown(&f);
}

void serial_test_struct_ops_link_update(void)
{
	if (!netns_listener_setup(&netns))
		goto out;

	if (test__start_subtest("connections"))
		test_connections();
	if (test__start_subtest("repeated"))
		test_repeated();
	if (test__start_subtest("replace"))
		test_replace();
	if (test__start_subtest("pinned"))
		test_pinned();
out:
	netns_listener_teardown(&netns);
}
