// SPDX-License-Identifier: GPL-2.0-only
/* A BPF LSM program selects the congestion control of a child that is cloned from
 * its listener: each socket holds exactly one reference to its own.
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_impl.skel.h"
#include "tcp_cong_hooks.skel.h"

static bool attach_select(struct tcp_cong_hooks *hooks, const char *cc)
{
	snprintf(hooks->bss->cc, sizeof(hooks->bss->cc), "%s", cc);
	return hook_attach(hooks, hooks->progs.select_for_child,
			   &hooks->links.select_for_child);
}

/* The listener uses the old implementation, and the program selects one of the new
 * object. If there is a route, it then selects the old one for both ends.
 */
static void test_clone(int family, const char *route)
{
	const struct source source = {
		.route = route,
		.client = { RENO },
		.server = { NAME, true },
	};
	struct tcp_cong_impl__bss *old, *new;
	struct tcp_cong_hooks *hooks;
	struct conn conn = CONN_CLOSED;
	struct fixture f;
	int selected = -1;
	__u32 id;

	hooks = tcp_cong_hooks__open();
	if (!ASSERT_OK_PTR(hooks, "open"))
		return;
	if (!fixture_setup(&f, &source, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !attach_select(hooks, LINK_CC_OTHER) || !fixture_prepare(&f))
		goto out;
	old = f.impls.old->bss;
	new = f.impls.new->bss;
	id = map_id(impl_map(f.impls.old));
	selected = link_create(bpf_map__fd(f.impls.new->maps.cc_other));
	if (!ASSERT_OK_FD(selected, "create_selected") || !fixture_connect(&f, &conn))
		goto out;

	check_sock_cc(conn.server, route ? LINK_CC : LINK_CC_OTHER);
	ASSERT_EQ(new->inits, 1, "selected_inits");
	ASSERT_EQ(new->releases, route ? 1 : 0, "selected_releases");
	ASSERT_EQ(old->inits, route ? 2 : 0, "old_inits");
	ASSERT_TRUE(conn_exchange(&conn), "exchange");
	conn_shutdown(&conn);
	ASSERT_TRUE(wait_until(READ_ONCE(new->releases) == 1), "selected_released");
	ASSERT_TRUE(wait_until(READ_ONCE(old->releases) == old->inits), "old_released");

	/* Only the listener holds a reference to the old implementation now */
	close(f.impls.link);
	f.impls.link = -1;
	fixture_unload_old(&f);
	ASSERT_TRUE(map_exists(id), "map_exists");
	sockets_close(&f.sockets);
	ASSERT_TRUE(map_freed(id), "map_freed");
out:
	conn_close(&conn);
	if (selected >= 0)
		close(selected);
	tcp_cong_hooks__destroy(hooks);
	/* Checks that the selected one is freed, too */
	fixture_teardown(&f);
}

void serial_test_tcp_cong_clone(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (start_family_subtest("selected", families[i]))
			test_clone(families[i], NULL);
		if (start_family_subtest("selected_and_route", families[i]))
			test_clone(families[i], "");
	}
}
