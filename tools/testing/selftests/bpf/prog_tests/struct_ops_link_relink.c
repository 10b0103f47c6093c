// SPDX-License-Identifier: GPL-2.0-only
/* One map that is linked again and again, without a wait in between */

#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

#define RELINK_NS	2000000000ULL
#define RELINK_MAX_NS	(15 * RELINK_NS)
#define RELINKS_MIN	20	/* tens of thousands where none waits */
#define CHANCE_US	100	/* to find the name there */
#define SAMPLES		300
#define MEDIAN_NS	1000000ULL

static struct place place;

/* Whatever comes and goes before or after it, this one is there */
static void *read_registry(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(workers_stop); worker->done++)
		worker->failed += cc_listed(LINK_CC_OTHER) < 1 || cc_listed("reno") < 1;
	return NULL;
}

/* The name may not be there, but nothing else may go wrong, and a connection that
 * gets it is a whole one
 */
static void *open_connections(void *arg)
{
	struct worker *worker = arg;
	struct conn conn;

	while (!READ_ONCE(workers_stop)) {
		if (!conn_open(&conn, place.listener, LINK_CC)) {
			worker->failed += errno != ENOENT;
			continue;
		}
		worker->failed += !conn_send(&conn, 1000);
		worker->done++;
		conn_close(&conn);
	}
	return NULL;
}

/* For so long, and on a busy machine until the worker has had its chance */
static bool goes_on(const struct worker *worker, __u64 start)
{
	__u64 took = get_time_ns() - start;

	return took < RELINK_NS || (!READ_ONCE(worker->done) && took < RELINK_MAX_NS);
}

static int relink(const struct worker *worker, int map, int pause_us)
{
	__u64 start = get_time_ns();
	int link, relinks;

	for (relinks = 0; goes_on(worker, start); relinks++) {
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

static void relink_under(struct worker *worker, int map, int pause_us)
{
	int started = workers_start(worker, 1);

	if (started)
		ASSERT_GE(relink(worker, map, pause_us), RELINKS_MIN, "relinks");
	workers_end(worker, started);
}

/* No entry is lost, nor the list. That a reader is not led astray, wherever it
 * stands, is for KUnit to see: here it hardly ever stands where it matters.
 */
static void test_lookups(void)
{
	struct worker worker = { .run = read_registry };
	struct struct_ops_link_cc *skel;
	int other;

	skel = cc_load();
	if (!skel)
		return;
	other = link_create(bpf_map__fd(skel->maps.cc_other));
	if (ASSERT_OK_FD(other, "create_other")) {
		relink_under(&worker, bpf_map__fd(skel->maps.cc_a), 0);
		ASSERT_EQ(cc_listed(LINK_CC_OTHER), 1, "listed_once");
	}
	cc_unload(skel, other);
}

static void test_connections(void)
{
	struct worker worker = { .run = open_connections };
	struct struct_ops_link_cc *skel;

	skel = cc_load();
	if (!skel)
		return;
	relink_under(&worker, bpf_map__fd(skel->maps.cc_a), CHANCE_US);
	ASSERT_EQ(skel->bss->a_inits, worker.done, "inits");
	/* The last ones may still be on their way out */
	wait_until(READ_ONCE(skel->bss->a_releases) == skel->bss->a_inits);
	ASSERT_EQ(skel->bss->a_releases, skel->bss->a_inits, "releases");
	cc_unload(skel, -1);
}

/* None of it is a grace period long, nor puts one off to the next */
static void test_latency(void)
{
	static __u64 create[SAMPLES], detach[SAMPLES], last_close[SAMPLES];
	struct struct_ops_link_cc *skel;
	__u64 start;
	int i, map, link = -1;

	skel = cc_load();
	if (!skel)
		return;
	map = bpf_map__fd(skel->maps.cc_a);
	for (i = 0; i < SAMPLES; i++) {
		start = get_time_ns();
		link = link_create(map);
		create[i] = get_time_ns() - start;
		if (!ASSERT_OK_FD(link, "create"))
			goto out;
		start = get_time_ns();
		ASSERT_OK(bpf_link_detach(link), "detach");
		detach[i] = get_time_ns() - start;
		close(link);

		link = link_create(map);
		if (!ASSERT_OK_FD(link, "create_again"))
			goto out;
		start = get_time_ns();
		close(link);
		last_close[i] = get_time_ns() - start;
		link = -1;
	}
	median_below(create, SAMPLES, MEDIAN_NS, "create");
	median_below(detach, SAMPLES, MEDIAN_NS, "detach");
	median_below(last_close, SAMPLES, MEDIAN_NS, "close");
out:
	cc_unload(skel, link);
}

void serial_test_struct_ops_link_relink(void)
{
	if (!place_enter(&place))
		goto out;

	if (test__start_subtest("lookups"))
		test_lookups();
	if (test__start_subtest("connections"))
		test_connections();
	if (test__start_subtest("latency"))
		test_latency();
out:
	place_leave(&place);
}
