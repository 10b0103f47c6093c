// SPDX-License-Identifier: GPL-2.0-only
/* After an update of a link has returned, no connection starts on the old
 * implementation, regardless of where its congestion control comes from.
 */

#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_hooks.skel.h"
#include "tcp_cong_impl.skel.h"

#define NAMESPACES	3

static const struct {
	__u32 needs;
	struct source source;
} sources[] = {
	{ ANY_KERNEL, { "setsockopt", .client = { NAME }, .server = { RENO } } },
	{ ANY_KERNEL, { "bpf_setsockopt", .by_program = true,
			.client = { INHERIT }, .server = { INHERIT } } },
	{ TCP_RUST, { "default", .by_default = true,
		      .client = { INHERIT }, .server = { INHERIT } } },
	{ TCP_RUST, { "listener", .client = { RENO }, .server = { NAME, true } } },
	{ TCP_RUST, { "listener_default", .by_default = true,
		      .client = { RENO }, .server = { INHERIT, true } } },
	{ ANY_KERNEL, { "route", .route = "",
			.client = { INHERIT }, .server = { INHERIT } } },
	{ ANY_KERNEL, { "route_lock", .route = "lock",
			.client = { INHERIT }, .server = { INHERIT } } },
	{ TCP_RUST, { "socket", .client = { NAME, true }, .server = { RENO } } },
	{ TCP_RUST, { "socket_default", .by_default = true,
		      .client = { INHERIT, true }, .server = { RENO } } },
	{ ANY_KERNEL, { "mptcp_setsockopt", .proto = IPPROTO_MPTCP,
			.client = { NAME }, .server = { RENO } } },
	{ TCP_RUST, { "mptcp_default", .by_default = true, .proto = IPPROTO_MPTCP,
		      .client = { INHERIT }, .server = { INHERIT } } },
	{ TCP_RUST, { "mptcp_listener", .proto = IPPROTO_MPTCP,
		      .client = { RENO }, .server = { NAME, true } } },
	{ TCP_RUST, { "mptcp_listener_default", .by_default = true, .proto = IPPROTO_MPTCP,
		      .client = { RENO }, .server = { INHERIT, true } } },
	{ ANY_KERNEL, { "mptcp_route", .route = "", .proto = IPPROTO_MPTCP,
			.client = { INHERIT }, .server = { INHERIT } } },
	{ ANY_KERNEL, { "mptcp_socket", .proto = IPPROTO_MPTCP,
			.client = { NAME, true }, .server = { RENO } } },
	{ TCP_RUST, { "mptcp_socket_default", .by_default = true, .proto = IPPROTO_MPTCP,
		      .client = { INHERIT, true }, .server = { RENO } } },
};

/* The number of ends that use the name under test */
static int ends(const struct source *source)
{
	return (source->client.selection != RENO) + (source->server.selection != RENO);
}

static void test_source(const struct source *source, int family)
{
	struct fixture f;
	struct conn conn;

	if (!fixture_setup(&f, source, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !fixture_prepare(&f) || !impls_update(&f.impls))
		goto out;
	ASSERT_EQ(f.impls.old->bss->calls, 0, "old_calls_before");

	if (fixture_connect(&f, &conn)) {
		ASSERT_TRUE(conn_exchange(&conn), "exchange");
		conn_close(&conn);
	}
	ASSERT_EQ(f.impls.old->bss->calls, 0, "old_calls");
	ASSERT_EQ(f.impls.new->bss->inits, ends(source), "new_inits");
	ASSERT_GT(f.impls.new->bss->calls, f.impls.new->bss->inits, "new_calls");
out:
	fixture_teardown(&f);
}

/* Every namespace whose default has the name, not only the first */
static void test_namespaces(int family)
{
	char name[NAMESPACES][32];
	struct netns_obj *ns[NAMESPACES] = {};
	struct nstoken *token;
	struct impls impls;
	int i;

	if (!impls_setup(&impls, NON_RESTRICTED, NON_RESTRICTED))
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
	if (!impls_update(&impls))
		goto out;

	for (i = 0; i < NAMESPACES; i++) {
		token = open_netns(name[i]);
		if (!ASSERT_OK_PTR(token, "open_netns"))
			goto out;
		ASSERT_TRUE(connect_by_default(family), "connect");
		close_netns(token);
	}
	ASSERT_EQ(impls.old->bss->calls, 0, "old_calls");
	ASSERT_EQ(impls.new->bss->inits, 2 * NAMESPACES, "new_inits");
out:
	for (i = 0; i < NAMESPACES; i++)
		netns_free(ns[i]);
	impls_teardown(&impls);
}

/* Established connections keep the old implementation. It is freed with the last
 * of them, even if the namespace's default was on it.
 */
static void test_established(int family)
{
	static const struct source source = {
		.by_default = true,
		.client = { INHERIT },
		.server = { INHERIT },
	};
	struct conn conn = CONN_CLOSED;
	struct fixture f;
	struct impls *impls = &f.impls;
	__u64 calls;
	__u32 id;

	if (!fixture_setup(&f, &source, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !fixture_prepare(&f) || !fixture_connect(&f, &conn))
		goto out;
	id = map_id(impl_map(impls->old));
	sockets_close(&f.sockets);
	calls = impls->old->bss->calls;
	if (!impls_update(impls))
		goto out;

	ASSERT_TRUE(conn_exchange(&conn), "exchange");
	ASSERT_EQ(impls->old->bss->inits, 2, "old_inits");
	ASSERT_GT(impls->old->bss->calls, calls, "old_calls");
	ASSERT_EQ(impls->new->bss->calls, 0, "new_calls");

	fixture_unload_old(&f);
	ASSERT_TRUE(map_exists(id), "map_exists");
	ASSERT_TRUE(conn_exchange(&conn), "exchange_unloaded");
	conn_shutdown(&conn);
	ASSERT_TRUE(map_freed(id), "map_freed");
out:
	conn_close(&conn);
	fixture_teardown(&f);
}

/* A subflow that joins an MPTCP connection after the update is a new connection */
static void test_mptcp_join(int family)
{
	static const struct source source = {
		.by_default = true,
		.proto = IPPROTO_MPTCP,
		.client = { INHERIT },
		.server = { INHERIT },
	};
	const char *address = family == AF_INET ? "127.0.0.2" : "fd00::2";
	const char *option = family == AF_INET ? "" : "nodad";
	struct conn conn = CONN_CLOSED;
	struct fixture f;
	struct impls *impls = &f.impls;
	char cmd[128];

	if (!fixture_setup(&f, &source, family, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	snprintf(cmd, sizeof(cmd), "ip addr add %s dev lo %s", address, option);
	if (!ASSERT_OK(system(cmd), cmd) || !fixture_prepare(&f) ||
	    !fixture_connect(&f, &conn) ||
	    !ASSERT_TRUE(conn_exchange(&conn), "exchange") ||
	    !ASSERT_EQ(impls->old->bss->inits, 2, "old_inits") || !impls_update(impls))
		goto out;

	snprintf(cmd, sizeof(cmd), "ip mptcp endpoint add %s dev lo subflow", address);
	if (!ASSERT_OK(system(cmd), cmd))
		goto out;
	wait_until(READ_ONCE(impls->new->bss->inits) == 2);
	ASSERT_EQ(impls->new->bss->inits, 2, "new_inits");
	ASSERT_EQ(impls->old->bss->inits, 2, "old_inits_after");
	ASSERT_TRUE(conn_exchange(&conn), "exchange_joined");
out:
	conn_close(&conn);
	fixture_teardown(&f);
}

/* A listener on the old implementation drops its reference when it accepts the
 * next connection. The old map is freed although the listener stays open.
 */
static void test_listener_reference(int family)
{
	static const struct source source = {
		.client = { RENO },
		.server = { NAME, true },
	};
	struct conn old = CONN_CLOSED, new = CONN_CLOSED;
	struct fixture f;
	__u32 id;

	if (!fixture_setup(&f, &source, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !fixture_prepare(&f) || !fixture_connect(&f, &old) ||
	    !impls_update(&f.impls) || !fixture_connect(&f, &new))
		goto out;

	id = map_id(impl_map(f.impls.old));
	fixture_unload_old(&f);
	ASSERT_TRUE(map_exists(id), "map_exists");
	ASSERT_TRUE(conn_exchange(&old), "exchange");
	conn_shutdown(&old);
	ASSERT_TRUE(map_freed(id), "map_freed");
	ASSERT_TRUE(conn_exchange(&new), "exchange_new");
out:
	conn_close(&old);
	conn_close(&new);
	fixture_teardown(&f);
}

static int connect_to(int listener)
{
	return connect_to_fd(listener, 0);
}

static struct conn first, second;
static int listener;

static void accept_first(void)
{
	ASSERT_TRUE(conn_accept(&first, listener), "accept_first");
}

/* A child is copied from a listener that still has the old implementation. Then the
 * listener accepts another child, and with that puts the last reference on the old
 * one. The child gets the new one all the same.
 */
static void test_listener_clone(int family)
{
	static const struct source source = {
		.client = { RENO },
		.server = { NAME, true },
	};
	struct tcp_cong_hooks *hooks;
	struct pause pause;
	struct fixture f;

	first = CONN_CLOSED;
	second = CONN_CLOSED;
	hooks = tcp_cong_hooks__open();
	if (!ASSERT_OK_PTR(hooks, "open"))
		return;
	pause = pause_of(hooks);
	/* The first child is not to pause */
	hooks->bss->paused = true;
	if (!fixture_setup(&f, &source, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !fixture_prepare(&f) || !impls_update(&f.impls) ||
	    !hook_attach(hooks, hooks->progs.pause_in_clone, &hooks->links.pause_in_clone))
		goto out;
	fixture_unload_old(&f);
	listener = f.sockets.listener;
	first.client = connect_to(listener);
	if (!ASSERT_OK_FD(first.client, "connect_first"))
		goto out;
	second.client = work_during_call(&pause, connect_to, listener, accept_first, false);
	if (!ASSERT_OK_FD(second.client, "connect_second") ||
	    !ASSERT_TRUE(conn_accept(&second, listener), "accept_second"))
		goto out;
	check_sock_cc(first.server, LINK_CC);
	check_sock_cc(second.server, LINK_CC);
	ASSERT_TRUE(conn_exchange(&second), "exchange");
out:
	conn_close(&first);
	conn_close(&second);
	tcp_cong_hooks__destroy(hooks);
	fixture_teardown(&f);
}

static const struct family_subtest subtests[] = {
	{ "namespaces", TCP_RUST, test_namespaces },
	{ "established", TCP_RUST, test_established },
	{ "mptcp_join", TCP_RUST, test_mptcp_join },
	{ "listener_reference", TCP_RUST, test_listener_reference },
	{ "listener_clone", TCP_RUST, test_listener_clone },
};

void serial_test_tcp_cong_update(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i, s;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (s = 0; s < ARRAY_SIZE(sources); s++)
			if (start_family_subtest(sources[s].source.name, families[i]) &&
			    kernel_has(sources[s].needs))
				test_source(&sources[s].source, families[i]);
	run_family_subtests(subtests, ARRAY_SIZE(subtests));
}
