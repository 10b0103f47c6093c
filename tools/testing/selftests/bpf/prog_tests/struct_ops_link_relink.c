// SPDX-License-Identifier: GPL-2.0-only
/* One map that is linked again and again, without a wait in between */

#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

#define RELINK_NS	2000000000ULL
#define RELINKS_MIN	20	/* tens of thousands where none waits */
#define SAMPLES		300
#define MEDIAN_NS	1000000ULL
#define PATIENCE_MS	5000

static int listener;
static bool stop;

struct worker {
	void *(*run)(void *worker);
	pthread_t thread;
	int done;
	int failed;
};

/* Whatever comes and goes before or after it, this one is there */
static void *read_registry(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(stop); worker->done++)
		worker->failed += cc_listed(LINK_CC_OTHER) < 1 || cc_listed("reno") < 1;
	return NULL;
}

/* The name may not be there; a connection that gets it is a whole one */
static void *open_connections(void *arg)
{
	struct worker *worker = arg;
	struct conn conn;

	while (!READ_ONCE(stop)) {
		if (!conn_open(&conn, listener, LINK_CC))
			continue;
		worker->failed += !conn_send(&conn, 1000);
		worker->done++;
		conn_close(&conn);
	}
	return NULL;
}

static int relink(int map)
{
	__u64 end = get_time_ns() + RELINK_NS;
	int link, relinks;

	for (relinks = 0; get_time_ns() < end; relinks++) {
		link = link_create(map);
		if (!ASSERT_OK_FD(link, "create"))
			break;
		if (relinks % 2)
			ASSERT_OK(bpf_link_detach(link), "detach");
		close(link);
	}
	printf("%d relinks\n", relinks);
	return relinks;
}

static void relink_under(struct worker *worker, int map)
{
	WRITE_ONCE(stop, false);
	if (!ASSERT_OK(pthread_create(&worker->thread, NULL, worker->run, worker), "thread"))
		return;
	ASSERT_GE(relink(map), RELINKS_MIN, "relinks");
	WRITE_ONCE(stop, true);
	pthread_join(worker->thread, NULL);
	printf("done %d, failed %d\n", worker->done, worker->failed);
	ASSERT_GT(worker->done, 0, "done");
	ASSERT_EQ(worker->failed, 0, "failed");
}

/* Whoever stands on a table that goes and comes back is not led past others */
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
		relink_under(&worker, bpf_map__fd(skel->maps.cc_a));
		ASSERT_EQ(cc_listed(LINK_CC_OTHER), 1, "listed_once");
	}
	cc_unload(skel, other);
}

static void test_connections(void)
{
	struct worker worker = { .run = open_connections };
	struct struct_ops_link_cc *skel;
	int ms;

	skel = cc_load();
	if (!skel)
		return;
	relink_under(&worker, bpf_map__fd(skel->maps.cc_a));
	ASSERT_EQ(skel->bss->a_inits, worker.done, "inits");
	/* The last ones may still be on their way out */
	for (ms = 0; ms < PATIENCE_MS; ms++) {
		if (READ_ONCE(skel->bss->a_releases) == skel->bss->a_inits)
			break;
		usleep(1000);
	}
	ASSERT_EQ(skel->bss->a_releases, skel->bss->a_inits, "releases");
	cc_unload(skel, -1);
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

static void check_median(__u64 *took, const char *what)
{
	qsort(took, SAMPLES, sizeof(took[0]), compare);
	printf("%s: min %llu, median %llu, max %llu ns\n", what, took[0],
	       took[SAMPLES / 2], took[SAMPLES - 1]);
	ASSERT_LT(took[SAMPLES / 2], MEDIAN_NS, what);
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
	check_median(create, "create");
	check_median(detach, "detach");
	check_median(last_close, "close");
out:
	cc_unload(skel, link);
}

void serial_test_struct_ops_link_relink(void)
{
	struct netns_obj *ns;

	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		return;
	listener = start_server(AF_INET, SOCK_STREAM, "127.0.0.1", 0, 0);
	if (!ASSERT_OK_FD(listener, "listen"))
		goto out;

	if (test__start_subtest("lookups"))
		test_lookups();
	if (test__start_subtest("connections"))
		test_connections();
	if (test__start_subtest("latency"))
		test_latency();

	close(listener);
out:
	netns_free(ns);
}
