// SPDX-License-Identifier: GPL-2.0-only
/* A BPF LSM program chooses for a child when it is cloned from its listener: each
 * socket has a reference of its own on what it runs, and none besides
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"
#include "struct_ops_link_hooks.skel.h"

static bool choose_for_child(struct struct_ops_link_hooks *hooks, const char *cc)
{
	snprintf(hooks->bss->cc, sizeof(hooks->bss->cc), "%s", cc);
	return hook_attach(hooks, hooks->progs.choose_for_child,
			   &hooks->links.choose_for_child);
}

/* The listener's is the old one; what the program chooses is of the new object,
 * until a route takes over that leads to the listener's
 */
static void test_clone(int family, const char *route)
{
	const struct way way = {
		.route = route,
		.client = { RENO },
		.server = { NAME, true },
	};
	struct struct_ops_link_guarantee__bss *old, *new;
	struct struct_ops_link_hooks *hooks;
	struct conn conn = { -1, -1 };
	struct stage stage;
	int chosen = -1;
	__u32 id;

	hooks = struct_ops_link_hooks__open();
	if (!ASSERT_OK_PTR(hooks, "open"))
		return;
	if (!stage_start(&stage, &way, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !choose_for_child(hooks, LINK_CC_OTHER) || !stage_prepare(&stage))
		goto out;
	old = stage.swap.old->bss;
	new = stage.swap.new->bss;
	id = map_id(impl_map(stage.swap.old));
	chosen = link_create(bpf_map__fd(stage.swap.new->maps.cc_other));
	if (!ASSERT_OK_FD(chosen, "create_chosen") || !stage_open(&stage, &conn))
		goto out;

	sock_runs(conn.server, route ? LINK_CC : LINK_CC_OTHER);
	ASSERT_EQ(new->inits, 1, "chosen_inits");
	ASSERT_EQ(new->releases, route ? 1 : 0, "chosen_releases");
	/* The route takes over at the client as well */
	ASSERT_EQ(old->inits, route ? 2 : 0, "listeners_inits");
	ASSERT_TRUE(conn_exchange(&conn), "exchange");
	conn_end(&conn);
	ASSERT_TRUE(wait_until(READ_ONCE(new->releases) == 1), "chosen_released");
	ASSERT_TRUE(wait_until(READ_ONCE(old->releases) == old->inits), "listeners_released");

	/* Now the listener alone holds its own */
	close(stage.swap.link);
	stage.swap.link = -1;
	old_unload(&stage);
	ASSERT_TRUE(map_alive(id), "map_alive");
	scene_close(&stage.scene);
	ASSERT_TRUE(map_gone(id), "map_gone");
out:
	conn_close(&conn);
	if (chosen >= 0)
		close(chosen);
	struct_ops_link_hooks__destroy(hooks);
	/* Here, nobody holds what the program chose */
	stage_end(&stage);
}

void serial_test_struct_ops_link_clone(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (family_subtest("chosen", families[i]))
			test_clone(families[i], NULL);
		if (family_subtest("route_takes_over", families[i]))
			test_clone(families[i], "");
	}
}
