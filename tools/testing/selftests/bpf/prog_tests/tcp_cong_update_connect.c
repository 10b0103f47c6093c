// SPDX-License-Identifier: GPL-2.0-only
/* Updates a link during a connect(): the new implementation starts the connection,
 * although the old one was called already.
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "struct_ops_link_kconfig_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_hooks.skel.h"
#include "tcp_cong_impl.skel.h"

static const struct source sources[] = {
	{ "socket", .client = { NAME, true }, .server = { RENO, true } },
	{ "route", .route = "", .client = { INHERIT }, .server = { RENO, true } },
};

struct connect {
	struct sockets *sockets;
	pthread_t thread;
	bool ok;
	bool asks;	/* the SYN asks for ECN */
};

static void *run_connect(void *arg)
{
	struct connect *connect = arg;
	struct conn conn;
	bool capable;

	connect->ok = sockets_connect(connect->sockets, &conn) &&
		      saved_syn_ecn(conn.server, connect->sockets->family, &connect->asks,
				    &capable) &&
		      conn_exchange(&conn);
	conn_close(&conn);
	return NULL;
}

/* Updates from old to new while a program pauses the connect() */
static void update_during_connect(struct tcp_cong_hooks *hooks, struct fixture *f,
				  const struct source *source)
{
	struct sockets sockets = sockets_init(source, LINK_CC, f->sockets.family);
	struct connect connect = { .sockets = &sockets };
	__u64 inits = f->impls.new->bss->inits;
	int save = 1;

	WRITE_ONCE(hooks->bss->paused, false);
	WRITE_ONCE(hooks->bss->resume, 0);
	if (!ASSERT_TRUE(sockets_prepare(&sockets), "prepare") ||
	    !ASSERT_OK(setsockopt(sockets.listener, SOL_TCP, TCP_SAVE_SYN, &save,
				  sizeof(save)), "save_syn") ||
	    !ASSERT_OK(pthread_create(&connect.thread, NULL, run_connect, &connect), "thread"))
		goto out;
	ASSERT_TRUE(wait_until(READ_ONCE(hooks->bss->paused)), "paused");
	impls_update(&f->impls);
	WRITE_ONCE(hooks->bss->resume, 1);
	pthread_join(connect.thread, NULL);
	ASSERT_TRUE(connect.ok, source->name);
	/* Only the new one needs ECN */
	ASSERT_TRUE(connect.asks, "syn_asks_for_ecn");
	ASSERT_EQ(f->impls.old->bss->inits, 0, "old_inits");
	ASSERT_GT(f->impls.new->bss->inits, inits, "new_inits");
out:
	sockets_close(&sockets);
}

/* Pauses in a callback, or after the SYN was allocated if op is 0 */
static bool attach_pause(struct tcp_cong_hooks *hooks, __u32 op)
{
	if (!op)
		return hook_attach(hooks, hooks->progs.pause_after_alloc,
				   &hooks->links.pause_after_alloc);
	hooks->bss->pause_op = op;
	return hook_attach(hooks, hooks->progs.pause_in_callback,
			   &hooks->links.pause_in_callback);
}

static void check_syn(int family, __u32 op)
{
	struct tcp_cong_hooks *hooks;
	struct fixture f;
	int i;

	hooks = tcp_cong_hooks__open();
	if (!ASSERT_OK_PTR(hooks, "open"))
		return;
	if (!fixture_setup(&f, sources, family, NON_RESTRICTED, NON_RESTRICTED | NEEDS_ECN) ||
	    !attach_pause(hooks, op))
		goto out;
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		update_during_connect(hooks, &f, &sources[i]);
		impls_revert(&f.impls);
	}
out:
	tcp_cong_hooks__destroy(hooks);
	fixture_teardown(&f);
}

static void test_rwnd_init(int family)
{
	check_syn(family, BPF_SOCK_OPS_RWND_INIT);
}

static void test_timeout_init(int family)
{
	check_syn(family, BPF_SOCK_OPS_TIMEOUT_INIT);
}

static void test_syn_alloc(int family)
{
	check_syn(family, 0);
}

static void *connect_and_exchange(void *sockets)
{
	struct conn conn;
	bool ok = sockets_connect(sockets, &conn) && conn_exchange(&conn);

	conn_close(&conn);
	return (void *)(long)ok;
}

/* A BPF program selects the old implementation, which initialises it, and pauses.
 * After the update, the old one is released and does not start the connection.
 */
static void check_selected_by_program(int family, const char *route)
{
	const struct source source = {
		.route = route,
		.by_program = true,
		.client = { INHERIT },
		.server = { RENO, true },
	};
	struct tcp_cong_impl__bss *old, *new;
	struct fixture f;
	pthread_t thread;
	void *ok;

	if (!fixture_setup(&f, &source, family, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	old = f.impls.old->bss;
	new = f.impls.new->bss;
	new->pause_connect = true;
	if (!fixture_prepare(&f) ||
	    !ASSERT_OK(pthread_create(&thread, NULL, connect_and_exchange, &f.sockets),
		       "thread"))
		goto out;

	ASSERT_TRUE(wait_until(READ_ONCE(new->paused)), "paused");
	ASSERT_EQ(old->inits, 1, "old_inits");
	impls_update(&f.impls);
	WRITE_ONCE(new->resume, 1);
	pthread_join(thread, &ok);
	ASSERT_TRUE((long)ok, "connect");

	ASSERT_TRUE(wait_until(READ_ONCE(old->releases) == 1), "old_releases");
	ASSERT_EQ(old->inits, 1, "old_inits_after");
	/* The program selects it for the server's end, too */
	ASSERT_EQ(new->inits, 2, "new_inits");
	ASSERT_TRUE(wait_until(READ_ONCE(new->releases) == 2), "new_releases");
out:
	fixture_teardown(&f);
}

static void test_selected_by_program(int family)
{
	check_selected_by_program(family, NULL);
}

/* A route selects the new implementation after the program selected the old one */
static void test_selected_by_program_and_route(int family)
{
	check_selected_by_program(family, "");
}

static const struct family_subtest subtests[] = {
	{ "rwnd_init", TCP_RUST, test_rwnd_init },
	{ "timeout_init", TCP_RUST, test_timeout_init },
	{ "syn_alloc", TCP_RUST, test_syn_alloc },
	{ "selected_by_program", TCP_RUST, test_selected_by_program },
	{ "selected_by_program_and_route", ANY_KERNEL, test_selected_by_program_and_route },
};

void serial_test_tcp_cong_update_connect(void)
{
	run_family_subtests(subtests, ARRAY_SIZE(subtests));
}
