// SPDX-License-Identifier: GPL-2.0-only
/* A struct_ops link that is updated many times while its name is in use */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

#define SWAP_NS		3000000000ULL
#define SWAPS_MAX	20000
#define SWAPS_MIN	20	/* a few hundred even under emulation */

static struct place place;

static void *read_registry(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(workers_stop); worker->done++)
		worker->failed += cc_listed(LINK_CC) < 1;
	return NULL;
}

static void *choose_by_name(void *arg)
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

	for (; !READ_ONCE(workers_stop); worker->done++) {
		if (!conn_open(&worker->conn, place.listener, LINK_CC) ||
		    !conn_send(&worker->conn, 1000))
			worker->failed++;
		conn_close(&worker->conn);
	}
	return NULL;
}

static void *stream(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(workers_stop); worker->done++)
		if (!conn_send(&worker->conn, 10000))
			worker->failed++;
	return NULL;
}

static int swap(int link, int a, int b)
{
	__u64 end = get_time_ns() + SWAP_NS;
	int swaps;

	for (swaps = 0; swaps < SWAPS_MAX && get_time_ns() < end; swaps++)
		if (!ASSERT_OK(link_update(link, swaps % 2 ? a : b), "update"))
			break;
	return swaps;
}

/* Swaps the link's map while all of the workers do what they do */
static void swap_under(const struct linked *t, struct worker *workers, int n)
{
	int started, swaps;

	started = workers_start(workers, n);
	swaps = swap(t->link, t->a, t->b);
	workers_end(workers, started);
	printf("%d swaps\n", swaps);
	ASSERT_GE(swaps, SWAPS_MIN, "swaps");
}

/* Whoever looks a name up while it is swapped finds it */
static void test_lookups(void)
{
	struct worker workers[] = {
		{ .run = read_registry },
		{ .run = choose_by_name },
	};
	struct linked t;

	if (linked_start(&t)) {
		swap_under(&t, workers, ARRAY_SIZE(workers));
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
	}
	linked_end(&t);
}

/* Each connection has one implementation from its start to its end */
static void test_traffic(void)
{
	struct worker workers[] = {
		{ .run = open_connections },
		{ .run = stream },
	};
	struct linked t;
	__u64 inits;

	if (!linked_start(&t))
		goto out;
	if (!ASSERT_TRUE(conn_open(&workers[1].conn, place.listener, LINK_CC), "connect"))
		goto out;

	swap_under(&t, workers, ARRAY_SIZE(workers));
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
	ASSERT_GT(t.skel->bss->a_inits, 1, "a_inits");
	ASSERT_GT(t.skel->bss->b_inits, 0, "b_inits");

	conn_close(&workers[1].conn);
	inits = t.skel->bss->a_inits + t.skel->bss->b_inits;
	ASSERT_EQ(inits, workers[0].done + 1, "inits");
	/* The last ones may still be on their way out */
	wait_until(READ_ONCE(t.skel->bss->a_releases) +
		   READ_ONCE(t.skel->bss->b_releases) == inits);
	ASSERT_EQ(t.skel->bss->a_releases, t.skel->bss->a_inits, "a_releases");
	ASSERT_EQ(t.skel->bss->b_releases, t.skel->bss->b_inits, "b_releases");
out:
	linked_end(&t);
}

void serial_test_struct_ops_link_swap(void)
{
	if (!place_enter(&place))
		goto out;

	if (test__start_subtest("lookups"))
		test_lookups();
	if (test__start_subtest("traffic"))
		test_traffic();
out:
	place_leave(&place);
}
