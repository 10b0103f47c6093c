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
#define PATIENCE_MS	5000

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
	{ "mptcp_default", .by_default = true, .proto = IPPROTO_MPTCP,
	  .client = { INHERIT }, .server = { INHERIT } },
	{ "mptcp_listener", .proto = IPPROTO_MPTCP,
	  .client = { RENO }, .server = { NAME, true } },
	{ "mptcp_socket", .proto = IPPROTO_MPTCP,
	  .client = { NAME, true }, .server = { RENO } },
};

static int ends(const struct way *way)
{
	return (way->client.choice != RENO) + (way->server.choice != RENO);
}

static void test_way(const struct way *way, int family)
{
	struct scene scene = scene_make(way, LINK_CC, family);
	struct netns_obj *ns = NULL;
	struct conn conn;
	struct swap swap;

	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;
	if (way->by_program && !program_attach(swap.new))
		goto out;
	scene.choices = bpf_map__fd(swap.new->maps.choices);
	if (!ASSERT_TRUE(scene_prepare(&scene), "prepare") || !swap_forth(&swap))
		goto out;
	ASSERT_EQ(swap.old->bss->calls, 0, "old_not_started");

	if (ASSERT_TRUE(scene_open(&scene, &conn), "open")) {
		ASSERT_TRUE(conn_exchange(&conn), "exchange");
		conn_close(&conn);
	}
	ASSERT_EQ(swap.old->bss->calls, 0, "old_calls");
	ASSERT_EQ(swap.new->bss->inits, ends(way), "new_inits");
	ASSERT_GT(swap.new->bss->calls, swap.new->bss->inits, "new_calls");
out:
	scene_close(&scene);
	netns_free(ns);
	swap_end(&swap);
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
	struct scene scene = scene_make(&way, LINK_CC, family);
	struct conn conn = { -1, -1 };
	struct netns_obj *ns = NULL;
	struct swap swap;
	__u64 calls;
	__u32 id;

	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	id = map_id(impl_map(swap.old));
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;
	if (!ASSERT_TRUE(scene_prepare(&scene), "prepare") ||
	    !ASSERT_TRUE(scene_open(&scene, &conn), "open"))
		goto out;
	scene_close(&scene);
	calls = swap.old->bss->calls;
	if (!swap_forth(&swap))
		goto out;

	ASSERT_TRUE(conn_exchange(&conn), "exchange");
	ASSERT_EQ(swap.old->bss->inits, 2, "old_inits");
	ASSERT_GT(swap.old->bss->calls, calls, "old_calls");
	ASSERT_EQ(swap.new->bss->calls, 0, "new_calls");

	/* Now only the connection holds the old map */
	struct_ops_link_guarantee__destroy(swap.old);
	swap.old = NULL;
	kern_sync_rcu();
	ASSERT_TRUE(map_alive(id), "map_alive");
	ASSERT_TRUE(conn_exchange(&conn), "exchange_unloaded");
	/* An orderly end, so that no socket lingers */
	shutdown(conn.client, SHUT_WR);
	shutdown(conn.server, SHUT_WR);
	conn_close(&conn);
	ASSERT_TRUE(map_gone(id), "map_gone");
out:
	conn_close(&conn);
	scene_close(&scene);
	netns_free(ns);
	swap_end(&swap);
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
	struct scene scene = scene_make(&way, LINK_CC, family);
	struct conn conn = { -1, -1 };
	struct netns_obj *ns = NULL;
	struct swap swap;
	char cmd[128];
	int ms;

	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;
	snprintf(cmd, sizeof(cmd), "ip addr add %s dev lo && ip mptcp limits set subflow 1",
		 address);
	if (!ASSERT_OK(system(cmd), cmd) || !ASSERT_TRUE(scene_prepare(&scene), "prepare") ||
	    !ASSERT_TRUE(scene_open(&scene, &conn), "open") ||
	    !ASSERT_TRUE(conn_exchange(&conn), "exchange") ||
	    !ASSERT_EQ(swap.old->bss->inits, 2, "old_inits") || !swap_forth(&swap))
		goto out;

	snprintf(cmd, sizeof(cmd), "ip mptcp endpoint add %s dev lo subflow", address);
	if (!ASSERT_OK(system(cmd), cmd))
		goto out;
	for (ms = 0; ms < PATIENCE_MS && READ_ONCE(swap.new->bss->inits) < 2; ms++)
		usleep(1000);
	ASSERT_EQ(swap.new->bss->inits, 2, "new_inits");
	ASSERT_EQ(swap.old->bss->inits, 2, "old_inits_still");
	ASSERT_TRUE(conn_exchange(&conn), "exchange_joined");
out:
	conn_close(&conn);
	scene_close(&scene);
	netns_free(ns);
	swap_end(&swap);
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
	struct scene scene = scene_make(&way, LINK_CC, family);
	struct conn old = { -1, -1 }, new = { -1, -1 };
	struct netns_obj *ns = NULL;
	struct swap swap;
	__u32 id;

	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	id = map_id(impl_map(swap.old));
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;
	if (!ASSERT_TRUE(scene_prepare(&scene), "prepare") ||
	    !ASSERT_TRUE(scene_open(&scene, &old), "open_old") || !swap_forth(&swap) ||
	    !ASSERT_TRUE(scene_open(&scene, &new), "open_new"))
		goto out;

	struct_ops_link_guarantee__destroy(swap.old);
	swap.old = NULL;
	kern_sync_rcu();
	ASSERT_TRUE(map_alive(id), "map_alive");
	ASSERT_TRUE(conn_exchange(&old), "exchange");
	shutdown(old.server, SHUT_WR);
	shutdown(old.client, SHUT_WR);
	conn_close(&old);
	ASSERT_TRUE(map_gone(id), "map_gone");
	ASSERT_TRUE(conn_exchange(&new), "exchange_new");
out:
	conn_close(&old);
	conn_close(&new);
	scene_close(&scene);
	netns_free(ns);
	swap_end(&swap);
}

static void *connect_in_thread(void *scene)
{
	struct conn conn;
	bool ok = scene_open(scene, &conn) && conn_exchange(&conn);

	conn_close(&conn);
	return (void *)(long)ok;
}

/* A program chooses when the SYN is about to be sent, and then comes the update:
 * what has initialised the socket keeps it, to its release
 */
static void test_choice_overtaken(int family)
{
	static const struct way way = {
		.by_program = true,
		.client = { INHERIT },
		.server = { RENO, true },
	};
	struct scene scene = scene_make(&way, LINK_CC, family);
	struct struct_ops_link_guarantee__bss *bss;
	struct netns_obj *ns = NULL;
	pthread_t thread;
	struct swap swap;
	void *ok;
	int ms;

	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns") || !program_attach(swap.new))
		goto out;
	bss = swap.new->bss;
	bss->dawdle = true;
	scene.choices = bpf_map__fd(swap.new->maps.choices);
	if (!ASSERT_TRUE(scene_prepare(&scene), "prepare") ||
	    !ASSERT_OK(pthread_create(&thread, NULL, connect_in_thread, &scene), "thread"))
		goto out;

	for (ms = 0; ms < PATIENCE_MS && !READ_ONCE(bss->chosen); ms++)
		usleep(1000);
	ASSERT_TRUE(READ_ONCE(bss->chosen), "chosen");
	ASSERT_EQ(swap.old->bss->inits, 1, "old_inits");
	swap_forth(&swap);
	WRITE_ONCE(bss->updated, 1);
	pthread_join(thread, &ok);
	ASSERT_TRUE((long)ok, "connection");

	for (ms = 0; ms < PATIENCE_MS && !READ_ONCE(swap.old->bss->releases); ms++)
		usleep(1000);
	ASSERT_EQ(swap.old->bss->releases, 1, "old_releases");
	/* The other end, where the program chooses as well */
	ASSERT_EQ(swap.new->bss->inits, 1, "new_inits");
	ASSERT_EQ(swap.new->bss->releases, 1, "new_releases");
out:
	scene_close(&scene);
	netns_free(ns);
	swap_end(&swap);
}

static bool start_subtest(const char *what, int family)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_ipv%c", what, family == AF_INET ? '4' : '6');
	return test__start_subtest(name);
}

void serial_test_struct_ops_link_guarantee(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i, w;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		for (w = 0; w < ARRAY_SIZE(ways); w++)
			if (start_subtest(ways[w].name, families[i]))
				test_way(&ways[w], families[i]);
		if (start_subtest("namespaces", families[i]))
			test_namespaces(families[i]);
		if (start_subtest("established", families[i]))
			test_established(families[i]);
		if (start_subtest("mptcp_join", families[i]))
			test_mptcp_join(families[i]);
		if (start_subtest("listener_lets_go", families[i]))
			test_listener_lets_go(families[i]);
		if (start_subtest("choice_overtaken", families[i]))
			test_choice_overtaken(families[i]);
	}
}
