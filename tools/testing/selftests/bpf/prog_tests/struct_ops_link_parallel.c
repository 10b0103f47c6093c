// SPDX-License-Identifier: GPL-2.0-only
/* Links do not wait for each other: while the subsystem of one is busy with it,
 * others are created, updated and detached
 */

#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_types.skel.h"

static void *create_slowly(void *types)
{
	struct struct_ops_link_types *skel = types;

	return (void *)(long)link_create(bpf_map__fd(skel->maps.ops_slow));
}

/* What links of another type do meanwhile */
static void work(const struct linked *t)
{
	int other;

	ASSERT_OK(link_update(t->link, t->b), "update");
	other = link_create(bpf_map__fd(t->skel->maps.cc_other));
	if (!ASSERT_OK_FD(other, "create"))
		return;
	ASSERT_OK(bpf_link_detach(other), "detach");
	close(other);
}

static void test_reg(void)
{
	struct struct_ops_link_types *types;
	struct linked t = { .link = -1 };
	pthread_t thread;
	void *link;

	types = struct_ops_link_types__open_and_load();
	if (!ASSERT_OK_PTR(types, "load"))
		return;
	/* This registers it, too */
	types->bss->go_on = 1;
	if (!map_make_ready(types->maps.ops_slow) || !linked_start(&t))
		goto out;

	types->bss->waiting = false;
	WRITE_ONCE(types->bss->go_on, 0);
	if (!ASSERT_OK(pthread_create(&thread, NULL, create_slowly, types), "thread"))
		goto out;
	if (ASSERT_TRUE(wait_until(READ_ONCE(types->bss->waiting)), "waiting"))
		work(&t);
	WRITE_ONCE(types->bss->go_on, 1);
	pthread_join(thread, &link);
	ASSERT_EQ(types->bss->in_vain, 0, "waited_in_vain");
	if (ASSERT_OK_FD((int)(long)link, "create_slowly"))
		close((long)link);
out:
	linked_end(&t);
	types_unload(types);
}

void serial_test_struct_ops_link_parallel(void)
{
	if (test__start_subtest("reg"))
		test_reg();
}
