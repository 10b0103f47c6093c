// SPDX-License-Identifier: GPL-2.0-only
/* What a successful update of a struct_ops link does */

#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

#define PIN_PATH	"/sys/fs/bpf/struct_ops_link"

static struct place place;

/* New connections start on the new implementation, old ones stay with theirs */
static void test_connections(void)
{
	struct conn old = { .client = -1, .server = -1 };
	struct conn new = { .client = -1, .server = -1 };
	struct linked t;
	__u64 acks;

	if (!linked_start(&t))
		goto out;
	if (!ASSERT_TRUE(conn_open(&old, place.listener, LINK_CC), "connect"))
		goto out;
	ASSERT_EQ(t.skel->bss->a_inits, 1, "a_inits");

	ASSERT_OK(link_update(t.link, t.b), "update");

	if (!ASSERT_TRUE(conn_open(&new, place.listener, LINK_CC), "connect"))
		goto out;
	ASSERT_EQ(t.skel->bss->a_inits, 1, "a_inits");
	ASSERT_EQ(t.skel->bss->b_inits, 1, "b_inits");
	ASSERT_EQ(t.skel->bss->a_releases, 0, "a_releases");

	ASSERT_TRUE(conn_send(&new, 100000), "send");
	ASSERT_GT(t.skel->bss->b_acks, 0, "b_acks");
	acks = t.skel->bss->a_acks;
	ASSERT_TRUE(conn_send(&old, 100000), "send");
	ASSERT_GT(t.skel->bss->a_acks, acks, "a_acks");
out:
	conn_close(&old);
	conn_close(&new);
	linked_end(&t);
}

static void test_there_and_back(void)
{
	struct linked t;
	int i;

	if (!linked_start(&t))
		goto out;

	for (i = 0; i < 10; i++) {
		int map = i % 2 ? t.a : t.b;

		ASSERT_OK(link_update(t.link, map), "update");
		link_backed_by(t.link, map_id(map));
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
	}
out:
	linked_end(&t);
}

static void test_replace(void)
{
	struct linked t;

	if (linked_start(&t)) {
		ASSERT_OK(link_replace(t.link, t.b, t.a), "replace");
		link_backed_by(t.link, map_id(t.b));
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
	}
	linked_end(&t);
}

/* The registry keeps its order: the new one stands where the old one stood */
static void test_position(void)
{
	char before[4096] = {}, after[4096] = {};
	int other = -1, fd;
	struct linked t;

	if (!linked_start(&t))
		goto out;
	other = link_create(bpf_map__fd(t.skel->maps.cc_other));
	if (!ASSERT_OK_FD(other, "create_other"))
		goto out;

	fd = open("/proc/sys/net/ipv4/tcp_available_congestion_control", O_RDONLY);
	if (!ASSERT_OK_FD(fd, "open"))
		goto out;
	ASSERT_GT(pread(fd, before, sizeof(before) - 1, 0), 0, "before");
	ASSERT_OK(link_update(t.link, t.b), "update");
	ASSERT_GT(pread(fd, after, sizeof(after) - 1, 0), 0, "after");
	ASSERT_STREQ(after, before, "registry");
	close(fd);
out:
	if (other >= 0)
		close(other);
	linked_end(&t);
}

/* A pin keeps the link; a new fd from it is as good as the first */
static void test_pinned(void)
{
	struct linked t;
	__u32 b_id;

	if (!linked_start(&t))
		goto out;
	b_id = map_id(t.b);
	if (!ASSERT_OK(bpf_obj_pin(t.link, PIN_PATH), "pin"))
		goto out;
	close(t.link);
	ASSERT_EQ(cc_listed(LINK_CC), 1, "pin_keeps_it");

	t.link = bpf_obj_get(PIN_PATH);
	if (!ASSERT_OK_FD(t.link, "reopen"))
		goto unpin;
	link_backed_by(t.link, map_id(t.a));
	ASSERT_OK(link_update(t.link, t.b), "update");
	link_backed_by(t.link, b_id);
	close(t.link);

	t.link = bpf_obj_get(PIN_PATH);
	if (ASSERT_OK_FD(t.link, "reopen_again"))
		link_backed_by(t.link, b_id);
unpin:
	ASSERT_OK(unlink(PIN_PATH), "unpin");
out:
	linked_end(&t);
}

void serial_test_struct_ops_link_update(void)
{
	if (!place_enter(&place))
		goto out;

	if (test__start_subtest("connections"))
		test_connections();
	if (test__start_subtest("there_and_back"))
		test_there_and_back();
	if (test__start_subtest("replace"))
		test_replace();
	if (test__start_subtest("position"))
		test_position();
	if (test__start_subtest("pinned"))
		test_pinned();
out:
	place_leave(&place);
}
