// SPDX-License-Identifier: GPL-2.0-only
/* Many threads open connections, from all sources, while links are updated at full
 * speed: no connection starts on an implementation that an update has replaced.
 */

#include <sched.h>
#include <test_progs.h>
#include "struct_ops_link_kconfig_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_impl.skel.h"

#define RUN_NS		2500000000ULL
#define RUN_MAX_NS	(10 * RUN_NS)
#define UPDATES_MIN	2000	/* per link, on a kernel that does not wait */
#define CONNECTIONS_MIN	10	/* per thread */

#define READY_NS	60000000000ULL	/* creating namespaces is slow under emulation */
#define POOL_SIZE	16

/* An old implementation gets the number of a new update only after this many
 * updates, so a connection on it is recognised until then.
 */
#define IMPLS		4

/* A name, and its implementations, which a thread links in turn */
struct updater {
	const char *cc;
	struct tcp_cong_impl *impl[IMPLS];
	int map[IMPLS];
	int link;
	pthread_t thread;
	__u64 returned;		/* number of the last update that has returned */
	int err;
};

/* A thread that opens connections in a network namespace of its own */
struct opener {
	const struct source *source;
	struct updater *updater;
	int family;
	int oldest;		/* map */
	int selections;		/* map */
	pthread_t thread;
	bool ready;
	int opened;
	int failed;
	int stale;		/* ends that started on a replaced implementation */
	int missed;		/* ends that started on another algorithm */
	__u64 behind;		/* maximum number of updates that an end missed */
};

static const struct source sources[] = {
	{ "setsockopt", .client = { NAME }, .server = { RENO, true } },
	{ "bpf_setsockopt", .by_program = true,
	  .client = { INHERIT }, .server = { INHERIT, true } },
	{ "default", .by_default = true,
	  .client = { INHERIT }, .server = { INHERIT, true } },
	{ "listener", .client = { RENO }, .server = { NAME, true } },
	{ "route", .route = "lock", .client = { INHERIT }, .server = { INHERIT, true } },
	{ "socket", .client = { NAME, true }, .server = { RENO, true } },
	{ "socket_default", .by_default = true,
	  .client = { INHERIT, true }, .server = { RENO, true } },
};

static bool begin, stop;

static void *update(void *arg)
{
	struct updater *updater = arg;
	__u64 generation;
	int i;

	for (generation = 2; !READ_ONCE(stop); generation++) {
		i = generation % IMPLS;
		WRITE_ONCE(updater->impl[i]->bss->generation, generation);
		updater->err = link_update(updater->link, updater->map[i]);
		if (updater->err)
			break;
		__atomic_store_n(&updater->returned, generation, __ATOMIC_RELEASE);
	}
	return NULL;
}

static __u64 last_returned(struct updater *updater)
{
	return __atomic_load_n(&updater->returned, __ATOMIC_ACQUIRE);
}

/* An end must not be older than what was current when the connection began */
static void check(struct opener *opener, int fd, const struct end *end, __u64 since)
{
	__u64 oldest = 0;

	if (end->selection == RENO)
		return;
	if (bpf_map_lookup_elem(opener->oldest, &fd, &oldest) || !oldest) {
		opener->missed++;
	} else if (oldest < since) {
		opener->stale++;
		opener->behind = MAX(opener->behind, since - oldest);
	}
}

/* Sockets that are created before an update and connect after it. There are several
 * of them since waiting for an update gives up the CPU.
 */
struct pool {
	int clients[POOL_SIZE];
	int n;
};

static void pool_fill(struct pool *pool, struct opener *opener, struct sockets *sockets)
{
	__u64 before;

	for (; pool->n < POOL_SIZE; pool->n++) {
		if (sockets->client < 0 && !sockets_prepare(sockets))
			break;
		pool->clients[pool->n] = sockets->client;
		sockets->client = -1;
	}
	before = last_returned(opener->updater);
	while (last_returned(opener->updater) == before && !READ_ONCE(stop))
		usleep(10);
}

static void *open_connections(void *arg)
{
	struct opener *opener = arg;
	struct pool pool = {};
	const struct source *source = opener->source;
	struct sockets sockets = sockets_init(source, opener->updater->cc, opener->family);
	struct source prepared = *source;
	struct conn conn;
	__u64 since;

	sockets.selections = opener->selections;
	if (unshare(CLONE_NEWNET) || system("ip link set lo up") ||
	    !sockets_prepare(&sockets))
		return NULL;
	WRITE_ONCE(opener->ready, true);
	while (!READ_ONCE(begin) && !READ_ONCE(stop))
		usleep(1000);

	/* The route, the default and the program's selection need no second setup */
	prepared.route = NULL;
	prepared.by_default = false;
	prepared.by_program = false;
	sockets.source = &prepared;
	for (; !READ_ONCE(stop); opener->opened++) {
		if (source->client.early) {
			if (!pool.n)
				pool_fill(&pool, opener, &sockets);
			if (pool.n)
				sockets.client = pool.clients[--pool.n];
		}

		since = last_returned(opener->updater);
		if (!sockets_connect(&sockets, &conn)) {
			opener->failed++;
			continue;
		}
		check(opener, conn.client, &source->client, since);
		check(opener, conn.server, &source->server, since);
		conn_close(&conn);
	}
	while (pool.n)
		close(pool.clients[--pool.n]);
	sockets_close(&sockets);
	return NULL;
}

static bool updater_load(struct updater *updater, bool other, int oldest)
{
	struct tcp_cong_impl *impl;
	int i;

	for (i = 0; i < IMPLS; i++) {
		impl = impl_load(NON_RESTRICTED, oldest);
		if (!impl)
			return false;
		updater->impl[i] = impl;
		updater->map[i] = bpf_map__fd(other ? impl->maps.cc_other : impl->maps.cc);
		if (oldest < 0)
			oldest = bpf_map__fd(impl->maps.oldest);
	}
	return true;
}

static bool updater_link(struct updater *updater)
{
	updater->impl[1]->bss->generation = 1;
	updater->returned = 1;
	updater->link = link_create(updater->map[1]);
	return ASSERT_OK_FD(updater->link, "create");
}

static void updater_teardown(struct updater *updater)
{
	int i;

	if (updater->link >= 0)
		close(updater->link);
	ASSERT_EQ(cc_listed(updater->cc), 0, "not_listed");
	for (i = 0; i < IMPLS; i++)
		impl_unload(updater->impl[i]);
}

static bool all_ready(struct opener *openers, int n)
{
	__u64 end = get_time_ns() + READY_NS;
	int i;

	for (i = 0; i < n; i++)
		while (!READ_ONCE(openers[i].ready)) {
			if (get_time_ns() > end)
				return false;
			usleep(1000);
		}
	return true;
}

static bool all_opened(struct opener *openers, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (READ_ONCE(openers[i].opened) < CONNECTIONS_MIN)
			return false;
	return true;
}

/* Waits for RUN_NS, and longer on a busy machine, until enough is done */
static void run_openers(struct opener *openers, int n)
{
	__u64 start = get_time_ns();

	usleep(RUN_NS / 1000);
	while (!all_opened(openers, n) && get_time_ns() - start < RUN_MAX_NS)
		usleep(1000);
}

static void report(const struct opener *opener)
{
	printf("%s %s: %d opened, %d failed, %d missed, %d stale (by %llu updates)\n",
	       opener->updater->cc, opener->source->name, opener->opened, opener->failed,
	       opener->missed, opener->stale, opener->behind);
	ASSERT_GE(opener->opened, CONNECTIONS_MIN, "opened");
	ASSERT_EQ(opener->failed, 0, "failed");
	ASSERT_EQ(opener->missed, 0, "missed");
	ASSERT_EQ(opener->stale, 0, "stale");
}

static void test_all_sources(int family)
{
	struct updater updaters[2] = {
		{ .cc = LINK_CC, .link = -1 },
		{ .cc = LINK_CC_OTHER, .link = -1 },
	};
	struct opener openers[ARRAY_SIZE(sources) * ARRAY_SIZE(updaters)] = {};
	int i, opening = 0, updating = 0;
	int oldest;

	if (!updater_load(&updaters[0], false, -1))
		goto out;
	oldest = bpf_map__fd(updaters[0].impl[0]->maps.oldest);
	if (!updater_load(&updaters[1], true, oldest) ||
	    !impl_attach_select(updaters[0].impl[0]) ||
	    !updater_link(&updaters[0]) || !updater_link(&updaters[1]))
		goto out;

	WRITE_ONCE(begin, false);
	WRITE_ONCE(stop, false);
	for (; opening < ARRAY_SIZE(openers); opening++) {
		openers[opening].source = &sources[opening % ARRAY_SIZE(sources)];
		openers[opening].updater = &updaters[opening / ARRAY_SIZE(sources)];
		openers[opening].family = family;
		openers[opening].oldest = oldest;
		openers[opening].selections = bpf_map__fd(updaters[0].impl[0]->maps.selections);
		if (!ASSERT_OK(pthread_create(&openers[opening].thread, NULL, open_connections,
					      &openers[opening]), "thread"))
			goto stop;
	}
	if (!ASSERT_TRUE(all_ready(openers, opening), "ready"))
		goto stop;
	for (; updating < ARRAY_SIZE(updaters); updating++)
		if (!ASSERT_OK(pthread_create(&updaters[updating].thread, NULL, update,
					      &updaters[updating]), "thread"))
			goto stop;
	WRITE_ONCE(begin, true);
	run_openers(openers, opening);

stop:
	WRITE_ONCE(stop, true);
	for (i = 0; i < updating; i++) {
		pthread_join(updaters[i].thread, NULL);
		printf("%s: %llu updates\n", updaters[i].cc, updaters[i].returned);
		ASSERT_OK(updaters[i].err, "update");
		ASSERT_GE(updaters[i].returned, UPDATES_MIN, "updates");
	}
	for (i = 0; i < opening; i++) {
		pthread_join(openers[i].thread, NULL);
		report(&openers[i]);
	}
out:
	/* The second one uses a map of the first */
	updater_teardown(&updaters[1]);
	updater_teardown(&updaters[0]);
}

static const struct family_subtest subtests[] = {
	{ "all_sources", TCP_RUST, test_all_sources },
};

void serial_test_tcp_cong_update_stress(void)
{
	run_family_subtests(subtests, ARRAY_SIZE(subtests));
}
