// SPDX-License-Identifier: GPL-2.0-only
/* Updating a link with the map that already backs it */

#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_types.skel.h"

static struct place place;

/* Nothing changes: registered once, usable, and free to be replaced */
static void same_map(bool replace)
{
	struct conn conn = { .client = -1, .server = -1 };
	struct linked t;
	__u32 a_id;
	int i;

	if (!linked_start(&t))
		goto out;
	a_id = map_id(t.a);

	for (i = 0; i < 3; i++) {
		if (replace)
			ASSERT_OK(link_replace(t.link, t.a, t.a), "replace");
		else
			ASSERT_OK(link_update(t.link, t.a), "update");
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
		link_backed_by(t.link, a_id);
	}

	ASSERT_TRUE(conn_open(&conn, place.listener, LINK_CC), "connect");
	ASSERT_EQ(t.skel->bss->a_inits, 1, "inits");
	conn_close(&conn);

	ASSERT_OK(link_update(t.link, t.b), "update_to_b");
	link_backed_by(t.link, map_id(t.b));
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
out:
	linked_end(&t);
}

static void test_update(void)
{
	same_map(false);
}

static void test_replace(void)
{
	same_map(true);
}

/* The checks come before the short cut */
static void test_wrong_expected(void)
{
	struct linked t;

	if (linked_start(&t)) {
		ASSERT_EQ(link_replace(t.link, t.a, t.b), -EPERM, "replace");
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
		link_backed_by(t.link, map_id(t.a));
	}
	linked_end(&t);
}

static void test_detached(void)
{
	struct linked t;

	if (linked_start(&t)) {
		ASSERT_OK(bpf_link_detach(t.link), "detach");
		ASSERT_EQ(link_update(t.link, t.a), -ENOLINK, "update");
		ASSERT_EQ(link_replace(t.link, t.a, t.a), -ENOLINK, "replace");
		ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
		link_backed_by(t.link, 0);
	}
	linked_end(&t);
}

static void test_unsupported(void)
{
	struct struct_ops_link_types *skel;
	struct bpf_link *link;
	int ops, fd;

	skel = struct_ops_link_types__open_and_load();
	if (!ASSERT_OK_PTR(skel, "load"))
		return;

	ops = bpf_map__fd(skel->maps.ops);
	link = bpf_map__attach_struct_ops(skel->maps.ops);
	if (ASSERT_OK_PTR(link, "attach")) {
		fd = bpf_link__fd(link);
		ASSERT_EQ(link_update(fd, ops), -EOPNOTSUPP, "update");
		ASSERT_EQ(link_replace(fd, ops, ops), -EOPNOTSUPP, "replace");
		link_backed_by(fd, map_id(ops));
		bpf_link__destroy(link);
	}
	struct_ops_link_types__destroy(skel);
}

void serial_test_struct_ops_link_same_map(void)
{
	if (!place_enter(&place))
		goto out;

	if (test__start_subtest("update"))
		test_update();
	if (test__start_subtest("replace"))
		test_replace();
	if (test__start_subtest("wrong_expected"))
		test_wrong_expected();
	if (test__start_subtest("detached"))
		test_detached();
	if (test__start_subtest("unsupported"))
		test_unsupported();
out:
	place_leave(&place);
}
