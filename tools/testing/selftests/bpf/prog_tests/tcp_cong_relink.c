// SPDX-License-Identifier: GPL-2.0-only
/* Links that are created, detached and closed in a loop with the same map */

#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "tcp_conn_helpers.h"

#define RELINK_NS	2000000000ULL
#define RELINK_MAX_NS	(15 * RELINK_NS)
#define RELINKS_MIN	20	/* a kernel that does not wait does 10000s */
#define LINKED_US	100	/* the name is there for connections to find it */
#define SAMPLES		300
#define MEDIAN_NS	1000000ULL

static struct netns_listener netns;

/* The names before and after the one that is relinked are always listed */
static void *read_registry(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(workers_stop); worker->done++)
		worker->failed += cc_listed(LINK_CC_OTHER) < 1 || cc_listed("reno") < 1;
	return NULL;
}

/* setsockopt() may fail because the name is not registered; nothing else may fail */
static void *open_connections(void *arg)
{
	struct worker *worker = arg;
	struct conn conn;

	while (!READ_ONCE(workers_stop)) {
		if (!conn_open(&conn, netns.listener, LINK_CC)) {
			worker->failed += errno != ENOENT;
			continue;
		}
		worker->failed += !conn_send(&conn, 1000);
		worker->done++;
		conn_close(&conn);
	}
	return NULL;
}

/* Runs for RELINK_NS, and longer on a busy machine, until enough is done */
static bool continue_relink(const struct worker *worker, int relinks, __u64 start)
{
	bool enough = READ_ONCE(worker->done) && relinks >= RELINKS_MIN;
	__u64 duration = get_time_ns() - start;

	return duration < (enough ? RELINK_NS : RELINK_MAX_NS);
}

static int relink_in_loop(const struct worker *worker, int map, int pause_us)
{
	__u64 start = get_time_ns();
	int link, relinks;

	for (relinks = 0; continue_relink(worker, relinks, start); relinks++) {
		link = link_create(map);
		if (!ASSERT_OK_FD(link, "create"))
			break;
		if (pause_us)
			usleep(pause_us);
		if (relinks % 2)
			ASSERT_OK(bpf_link_detach(link), "detach");
		close(link);
	}
	printf("%d relinks\n", relinks);
	return relinks;
}

static void check_relink(struct worker *worker, int map, int pause_us)
{
	int started = workers_start(worker, 1);

	if (started)
		ASSERT_GE(relink_in_loop(worker, map, pause_us), RELINKS_MIN, "relinks");
	workers_end(worker, started);
}

/* Readers of the registry, which hardly ever hit the critical moments here: the
 * KUnit tests of the registry check these.
 */
static void test_lookups(void)
{
	struct worker worker = { .run = read_registry };
	struct cc_fixture f;

	if (!cc_setup(&f))
		goto out;
	f.link = link_create(f.other);
	if (ASSERT_OK_FD(f.link, "create_other")) {
		check_relink(&worker, f.a, 0);
		ASSERT_EQ(cc_listed(LINK_CC_OTHER), 1, "listed_once");
	}
out:
	cc_teardown(&f);
}

static void test_connections(void)
{
	struct worker worker = { .run = open_connections };
	struct cc_fixture f;

	if (cc_setup(&f)) {
		check_relink(&worker, f.a, LINKED_US);
		ASSERT_EQ(f.skel->bss->a_inits, worker.done, "inits");
		/* The last sockets may still be closing */
		wait_until(READ_ONCE(f.skel->bss->a_releases) == f.skel->bss->a_inits);
		ASSERT_EQ(f.skel->bss->a_releases, f.skel->bss->a_inits, "releases");
	}
	cc_teardown(&f);
}

/* No call waits for a grace period, not even for that of the call before */
static void test_latency(void)
{
	static __u64 create[SAMPLES], detach[SAMPLES], last_close[SAMPLES];
	struct cc_fixture f;
	__u64 start;
	int i;

	if (!cc_setup(&f))
		goto out;
	for (i = 0; i < SAMPLES; i++) {
		start = get_time_ns();
		f.link = link_create(f.a);
		create[i] = get_time_ns() - start;
		if (!ASSERT_OK_FD(f.link, "create"))
			goto out;
		start = get_time_ns();
		ASSERT_OK(bpf_link_detach(f.link), "detach");
		detach[i] = get_time_ns() - start;
		cc_close_link(&f);

		f.link = link_create(f.a);
		if (!ASSERT_OK_FD(f.link, "create_again"))
			goto out;
		start = get_time_ns();
		cc_close_link(&f);
		last_close[i] = get_time_ns() - start;
	}
	check_median(create, SAMPLES, MEDIAN_NS, "create");
	check_median(detach, SAMPLES, MEDIAN_NS, "detach");
	check_median(last_close, SAMPLES, MEDIAN_NS, "close");
out:
	cc_teardown(&f);
}

void serial_test_tcp_cong_relink(void)
{
	if (!netns_listener_setup(&netns))
		goto out;

	if (test__start_subtest("lookups"))
		test_lookups();
	if (test__start_subtest("connections"))
		test_connections();
	if (test__start_subtest("latency") && kernel_has(TCP_RUST))
		test_latency();
out:
	netns_listener_teardown(&netns);
}
