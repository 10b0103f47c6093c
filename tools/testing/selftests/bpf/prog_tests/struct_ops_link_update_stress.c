// SPDX-License-Identifier: GPL-2.0-only
/* Many updates of a struct_ops link while its congestion control is in use */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "tcp_conn_helpers.h"

#define RUN_NS		3000000000ULL
#define UPDATES_MAX	20000
#define UPDATES_MIN	20	/* hundreds even under emulation */

static struct netns_listener netns;

static void *read_registry(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(workers_stop); worker->done++)
		worker->failed += cc_listed(LINK_CC) < 1;
	return NULL;
}

static void *select_by_name(void *arg)
{
	struct worker *worker = arg;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	for (; !READ_ONCE(workers_stop); worker->done++) {
		if (setsockopt(fd, SOL_TCP, TCP_CONGESTION, LINK_CC, strlen(LINK_CC)) ||
		    setsockopt(fd, SOL_TCP, TCP_CONGESTION, "reno", strlen("reno")))
			worker->failed++;
	}
	close(fd);
	return NULL;
}

static void *open_connections(void *arg)
{
	struct worker *worker = arg;
	struct conn conn;

	for (; !READ_ONCE(workers_stop); worker->done++) {
		if (!conn_open(&conn, netns.listener, LINK_CC) || !conn_send(&conn, 1000))
			worker->failed++;
		conn_close(&conn);
	}
	return NULL;
}

static void *stream(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(workers_stop); worker->done++)
		if (!conn_send(worker->arg, 10000))
			worker->failed++;
	return NULL;
}

static int update_in_loop(const struct cc_fixture *f)
{
	__u64 end = get_time_ns() + RUN_NS;
	int updates;

	for (updates = 0; updates < UPDATES_MAX && get_time_ns() < end; updates++)
		if (!ASSERT_OK(link_update(f->link, updates % 2 ? f->a : f->b), "update"))
			break;
	return updates;
}

/* Updates the link while the workers run */
static void check_updates(const struct cc_fixture *f, struct worker *workers, int n)
{
	int started, updates;

	started = workers_start(workers, n);
	updates = update_in_loop(f);
	workers_end(workers, started);
	printf("%d updates\n", updates);
	ASSERT_GE(updates, UPDATES_MIN, "updates");
}

/* A lookup of the name never fails */
static void test_lookups(void)
{
	struct worker workers[] = {
		{ .run = read_registry },
		{ .run = select_by_name },
	};
	struct cc_fixture f;

	if (cc_setup_link(&f)) {
		check_updates(&f, workers, ARRAY_SIZE(workers));
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
	}
	cc_teardown(&f);
}

/* Each connection keeps its implementation until it is closed */
static void test_traffic(void)
{
	struct conn conn = CONN_CLOSED;
	struct worker workers[] = {
		{ .run = open_connections },
		{ .run = stream, .arg = &conn },
	};
	struct cc_fixture f;
	__u64 inits;

	if (!cc_setup_link(&f))
		goto out;
	if (!ASSERT_TRUE(conn_open(&conn, netns.listener, LINK_CC), "connect"))
		goto out;

	check_updates(&f, workers, ARRAY_SIZE(workers));
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
	ASSERT_GT(f.skel->bss->a_inits, 1, "a_inits");
	ASSERT_GT(f.skel->bss->b_inits, 0, "b_inits");

	conn_close(&conn);
	inits = f.skel->bss->a_inits + f.skel->bss->b_inits;
	ASSERT_EQ(inits, workers[0].done + 1, "inits");
	/* The last sockets may still be closing */
	wait_until(READ_ONCE(f.skel->bss->a_releases) +
		   READ_ONCE(f.skel->bss->b_releases) == inits);
	ASSERT_EQ(f.skel->bss->a_releases, f.skel->bss->a_inits, "a_releases");
	ASSERT_EQ(f.skel->bss->b_releases, f.skel->bss->b_inits, "b_releases");
out:
	conn_close(&conn);
	cc_teardown(&f);
}

void serial_test_struct_ops_link_update_stress(void)
{
	if (!netns_listener_setup(&netns))
		goto out;

	if (test__start_subtest("lookups"))
		test_lookups();
	if (test__start_subtest("traffic"))
		test_traffic();
out:
	netns_listener_teardown(&netns);
}
