// SPDX-License-Identifier: GPL-2.0-only
/* Once a link was updated, no connection starts on the old implementation,
 * whichever way it comes by the name
 */

#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

#define NAMESPACES	3

static const struct way ways[] = {
	{ "setsockopt", .client = { NAME }, .server = { RENO } },
	{ "bpf_setsockopt", .by_program = true, .client = { INHERIT }, .server = { INHERIT } },
	{ "default", .by_default = true, .client = { INHERIT }, .server = { INHERIT } },
	{ "listener", .client = { RENO }, .server = { NAME, true } },
	{ "listener_default", .by_default = true,
	  .client = { RENO }, .server = { INHERIT, true } },
	{ "route", .route = "", .client = { INHERIT }, .server = { INHERIT } },
	{ "route_lock", .route = "lock", .client = { INHERIT }, .server = { INHERIT } },
	{ "socket", .client = { NAME, true }, .server = { RENO } },
	{ "socket_default", .by_default = true,
	  .client = { INHERIT, true }, .server = { RENO } },
	{ "mptcp_setsockopt", .proto = IPPROTO_MPTCP,
	  .client = { NAME }, .server = { RENO } },
	{ "mptcp_default", .by_default = true, .proto = IPPROTO_MPTCP,
	  .client = { INHERIT }, .server = { INHERIT } },
	{ "mptcp_listener", .proto = IPPROTO_MPTCP,
	  .client = { RENO }, .server = { NAME, true } },
	{ "mptcp_listener_default", .by_default = true, .proto = IPPROTO_MPTCP,
	  .client = { RENO }, .server = { INHERIT, true } },
	{ "mptcp_route", .route = "", .proto = IPPROTO_MPTCP,
	  .client = { INHERIT }, .server = { INHERIT } },
	{ "mptcp_socket", .proto = IPPROTO_MPTCP,
	  .client = { NAME, true }, .server = { RENO } },
	{ "mptcp_socket_default", .by_default = true, .proto = IPPROTO_MPTCP,
	  .client = { INHERIT, true }, .server = { RENO } },
};

static int ends(const struct way *way)
{
	return (way->client.choice != RENO) + (way->server.choice != RENO);
}

static void test_way(const struct way *way, int family)
{
	struct stage stage;
	struct conn conn;

	if (!stage_start(&stage, way, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !stage_prepare(&stage) || !swap_forth(&stage.swap))
		goto out;
	ASSERT_EQ(stage.swap.old->bss->calls, 0, "old_not_started");

	if (stage_open(&stage, &conn)) {
		ASSERT_TRUE(conn_exchange(&conn), "exchange");
		conn_close(&conn);
	}
	ASSERT_EQ(stage.swap.old->bss->calls, 0, "old_calls");
	ASSERT_EQ(stage.swap.new->bss->inits, ends(way), "new_inits");
	ASSERT_GT(stage.swap.new->bss->calls, stage.swap.new->bss->inits, "new_calls");
out:
	stage_end(&stage);
}

/* Every namespace that has the name as its default, not only the first */
static void test_namespaces(int family)
{
	char name[NAMESPACES][32];
	struct netns_obj *ns[NAMESPACES] = {};
	struct nstoken *token;
	struct swap swap;
	int i;

	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	for (i = 0; i < NAMESPACES; i++) {
		snprintf(name[i], sizeof(name[i]), "struct_ops_link_%d", i);
		ns[i] = netns_new(name[i], false);
		if (!ASSERT_OK_PTR(ns[i], "netns"))
			goto out;
		token = open_netns(name[i]);
		if (!ASSERT_OK_PTR(token, "open_netns"))
			goto out;
		ASSERT_TRUE(default_set(LINK_CC), "default_set");
		close_netns(token);
	}
	if (!swap_forth(&swap))
		goto out;

	for (i = 0; i < NAMESPACES; i++) {
		token = open_netns(name[i]);
		if (!ASSERT_OK_PTR(token, "open_netns"))
			goto out;
		ASSERT_TRUE(default_connects(family), "connect");
		close_netns(token);
	}
	ASSERT_EQ(swap.old->bss->calls, 0, "old_calls");
	ASSERT_EQ(swap.new->bss->inits, 2 * NAMESPACES, "new_inits");
out:
	for (i = 0; i < NAMESPACES; i++)
		netns_free(ns[i]);
	swap_end(&swap);
}

/* What was established goes on with what it has, and the old map is freed with
 * the last of it, default or not
 */
static void test_established(int family)
{
	static const struct way way = {
		.by_default = true,
		.client = { INHERIT },
		.server = { INHERIT },
	};
	struct conn conn = { -1, -1 };
	struct stage stage;
	struct swap *swap = &stage.swap;
	__u64 calls;
	__u32 id;

	if (!stage_start(&stage, &way, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !stage_prepare(&stage) || !stage_open(&stage, &conn))
		goto out;
	id = map_id(impl_map(swap->old));
	scene_close(&stage.scene);
	calls = swap->old->bss->calls;
	if (!swap_forth(swap))
		goto out;

	ASSERT_TRUE(conn_exchange(&conn), "exchange");
	ASSERT_EQ(swap->old->bss->inits, 2, "old_inits");
	ASSERT_GT(swap->old->bss->calls, calls, "old_calls");
	ASSERT_EQ(swap->new->bss->calls, 0, "new_calls");

	old_unload(&stage);
	ASSERT_TRUE(map_alive(id), "map_alive");
	ASSERT_TRUE(conn_exchange(&conn), "exchange_unloaded");
	conn_end(&conn);
	ASSERT_TRUE(map_gone(id), "map_gone");
out:
	conn_close(&conn);
	stage_end(&stage);
}

/* A subflow that joins an MPTCP connection is a connection of its own: the update
 * may come between the first and this one
 */
static void test_mptcp_join(int family)
{
	static const struct way way = {
		.by_default = true,
		.proto = IPPROTO_MPTCP,
		.client = { INHERIT },
		.server = { INHERIT },
	};
	const char *address = family == AF_INET ? "127.0.0.2" : "fd00::2";
	const char *option = family == AF_INET ? "" : "nodad";
	struct conn conn = { -1, -1 };
	struct stage stage;
	struct swap *swap = &stage.swap;
	char cmd[128];

	if (!stage_start(&stage, &way, family, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	snprintf(cmd, sizeof(cmd), "ip addr add %s dev lo %s", address, option);
	if (!ASSERT_OK(system(cmd), cmd) || !stage_prepare(&stage) ||
	    !stage_open(&stage, &conn) ||
	    !ASSERT_TRUE(conn_exchange(&conn), "exchange") ||
	    !ASSERT_EQ(swap->old->bss->inits, 2, "old_inits") || !swap_forth(swap))
		goto out;

	snprintf(cmd, sizeof(cmd), "ip mptcp endpoint add %s dev lo subflow", address);
	if (!ASSERT_OK(system(cmd), cmd))
		goto out;
	wait_until(READ_ONCE(swap->new->bss->inits) == 2);
	ASSERT_EQ(swap->new->bss->inits, 2, "new_inits");
	ASSERT_EQ(swap->old->bss->inits, 2, "old_inits_still");
	ASSERT_TRUE(conn_exchange(&conn), "exchange_joined");
out:
	conn_close(&conn);
	stage_end(&stage);
}

/* A listener that chose the old one lets go of it with the next connection that
 * it accepts; none has to close it for the old map to be freed
 */
static void test_listener_lets_go(int family)
{
	static const struct way way = {
		.client = { RENO },
		.server = { NAME, true },
	};
	struct conn old = { -1, -1 }, new = { -1, -1 };
	struct stage stage;
	__u32 id;

	if (!stage_start(&stage, &way, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !stage_prepare(&stage) || !stage_open(&stage, &old) ||
	    !swap_forth(&stage.swap) || !stage_open(&stage, &new))
		goto out;

	id = map_id(impl_map(stage.swap.old));
	old_unload(&stage);
	ASSERT_TRUE(map_alive(id), "map_alive");
	ASSERT_TRUE(conn_exchange(&old), "exchange");
	conn_end(&old);
	ASSERT_TRUE(map_gone(id), "map_gone");
	ASSERT_TRUE(conn_exchange(&new), "exchange_new");
out:
	conn_close(&old);
	conn_close(&new);
	stage_end(&stage);
}

static void *connect_in_thread(void *scene)
{
	struct conn conn;
	bool ok = scene_open(scene, &conn) && conn_exchange(&conn);

	conn_close(&conn);
	return (void *)(long)ok;
}

/* A program chooses when the SYN is about to be sent, and then comes the update:
 * what has initialised the socket is released, and does not start the connection,
 * also where a route leads to the new one
 */
static void test_choice_overtaken(int family, const char *route)
{
	const struct way way = {
		.route = route,
		.by_program = true,
		.client = { INHERIT },
		.server = { RENO, true },
	};
	struct struct_ops_link_guarantee__bss *old, *new;
	struct stage stage;
	pthread_t thread;
	void *ok;

	if (!stage_start(&stage, &way, family, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	old = stage.swap.old->bss;
	new = stage.swap.new->bss;
	new->dawdle = true;
	if (!stage_prepare(&stage) ||
	    !ASSERT_OK(pthread_create(&thread, NULL, connect_in_thread, &stage.scene),
		       "thread"))
		goto out;

	ASSERT_TRUE(wait_until(READ_ONCE(new->waiting)), "chosen");
	ASSERT_EQ(old->inits, 1, "old_inits");
	swap_forth(&stage.swap);
	WRITE_ONCE(new->go_on, 1);
	pthread_join(thread, &ok);
	ASSERT_TRUE((long)ok, "connection");

	ASSERT_TRUE(wait_until(READ_ONCE(old->releases) == 1), "old_releases");
	ASSERT_EQ(old->inits, 1, "old_inits_still");
	/* At the other end, the program chooses as well */
	ASSERT_EQ(new->inits, 2, "new_inits");
	ASSERT_TRUE(wait_until(READ_ONCE(new->releases) == 2), "new_releases");
out:
	stage_end(&stage);
}

void serial_test_struct_ops_link_guarantee(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i, w;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		for (w = 0; w < ARRAY_SIZE(ways); w++)
			if (family_subtest(ways[w].name, families[i]))
				test_way(&ways[w], families[i]);
		if (family_subtest("namespaces", families[i]))
			test_namespaces(families[i]);
		if (family_subtest("established", families[i]))
			test_established(families[i]);
		if (family_subtest("mptcp_join", families[i]))
			test_mptcp_join(families[i]);
		if (family_subtest("listener_lets_go", families[i]))
			test_listener_lets_go(families[i]);
		if (family_subtest("choice_overtaken", families[i]))
			test_choice_overtaken(families[i], NULL);
		if (family_subtest("choice_overtaken_route", families[i]))
			test_choice_overtaken(families[i], "");
	}
}
