// SPDX-License-Identifier: GPL-2.0-only
/* Connections in every way, from many threads, while links are updated as fast
 * as can be: none starts on an implementation that was gone before
 */

#include <sched.h>
#include <test_progs.h>
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

#define STORM_NS	2500000000ULL
#define UPDATES_MIN	2000	/* per link, where none waits */
#define CONNECTIONS_MIN	10	/* per thread */

#define STOCK		16

/* Namespaces take their time under emulation */
#define READY_NS	60000000000ULL

/* So many that one which is left behind is not renumbered at once */
#define IMPLS		4

/* One name, whose implementations take turns */
struct subject {
	const char *cc;
	struct struct_ops_link_guarantee *impl[IMPLS];
	int map[IMPLS];
	int link;
	pthread_t updater;
	__u64 returned;		/* the last update that has returned */
	int err;
};

/* A thread in a network namespace of its own, which comes by a name one way */
struct opener {
	const struct way *way;
	struct subject *subject;
	int family;
	int oldest;		/* map */
	int choices;		/* map */
	pthread_t thread;
	bool ready;
	int opened;
	int failed;
	int stale;		/* ends that started on what had been replaced */
	int missed;		/* ends that started on nothing of ours */
	__u64 behind;		/* by so many updates at most */
};

static const struct way ways[] = {
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

static bool go, stop;

static void *update(void *arg)
{
	struct subject *subject = arg;
	__u64 generation;
	int i;

	for (generation = 2; !READ_ONCE(stop); generation++) {
		i = generation % IMPLS;
		WRITE_ONCE(subject->impl[i]->bss->generation, generation);
		subject->err = link_update(subject->link, subject->map[i]);
		if (subject->err)
			break;
		__atomic_store_n(&subject->returned, generation, __ATOMIC_RELEASE);
	}
	return NULL;
}

static __u64 last_returned(struct subject *subject)
{
	return __atomic_load_n(&subject->returned, __ATOMIC_ACQUIRE);
}

/* An end may be on what was current when the connection began, or newer */
static void check(struct opener *opener, int fd, const struct way_end *end, __u64 since)
{
	__u64 oldest = 0;

	if (end->choice == RENO)
		return;
	if (bpf_map_lookup_elem(opener->oldest, &fd, &oldest) || !oldest) {
		opener->missed++;
	} else if (oldest < since) {
		opener->stale++;
		opener->behind = MAX(opener->behind, since - oldest);
	}
}

/* Sockets that wait for an update before they connect, many at a time: who
 * waits loses its turn on the CPU
 */
struct stock {
	int clients[STOCK];
	int n;
};

static void stock_fill(struct stock *stock, struct opener *opener, struct scene *scene)
{
	__u64 before;

	for (; stock->n < STOCK; stock->n++) {
		if (scene->client < 0 && !scene_prepare(scene))
			break;
		stock->clients[stock->n] = scene->client;
		scene->client = -1;
	}
	before = last_returned(opener->subject);
	while (last_returned(opener->subject) == before && !READ_ONCE(stop))
		usleep(10);
}

static void *open_connections(void *arg)
{
	struct opener *opener = arg;
	struct stock stock = {};
	const struct way *way = opener->way;
	struct scene scene = scene_make(way, opener->subject->cc, opener->family);
	struct way once = *way;
	struct conn conn;
	__u64 since;

	scene.choices = opener->choices;
	if (unshare(CLONE_NEWNET) || system("ip link set lo up") ||
	    !scene_prepare(&scene))
		return NULL;
	WRITE_ONCE(opener->ready, true);
	while (!READ_ONCE(go) && !READ_ONCE(stop))
		usleep(1000);

	/* The route, the default and the program's choice are there to stay */
	once.route = NULL;
	once.by_default = false;
	once.by_program = false;
	scene.way = &once;
	for (; !READ_ONCE(stop); opener->opened++) {
		if (way->client.early) {
			if (!stock.n)
				stock_fill(&stock, opener, &scene);
			if (stock.n)
				scene.client = stock.clients[--stock.n];
		}

		since = last_returned(opener->subject);
		if (!scene_open(&scene, &conn)) {
			opener->failed++;
			continue;
		}
		check(opener, conn.client, &way->client, since);
		check(opener, conn.server, &way->server, since);
		conn_close(&conn);
	}
	while (stock.n)
		close(stock.clients[--stock.n]);
	scene_close(&scene);
	return NULL;
}

static bool subject_load(struct subject *subject, bool other, int oldest)
{
	struct struct_ops_link_guarantee *impl;
	int i;

	for (i = 0; i < IMPLS; i++) {
		impl = impl_load(NON_RESTRICTED, oldest);
		if (!impl)
			return false;
		subject->impl[i] = impl;
		subject->map[i] = bpf_map__fd(other ? impl->maps.cc_other : impl->maps.cc);
		if (oldest < 0)
			oldest = bpf_map__fd(impl->maps.oldest);
	}
	return true;
}

static bool subject_link(struct subject *subject)
{
	subject->impl[1]->bss->generation = 1;
	subject->returned = 1;
	subject->link = link_create(subject->map[1]);
	return ASSERT_OK_FD(subject->link, "create");
}

static void subject_end(struct subject *subject)
{
	int i;

	if (subject->link >= 0)
		close(subject->link);
	ASSERT_EQ(cc_listed(subject->cc), 0, "not_listed");
	for (i = 0; i < IMPLS; i++)
		impl_unload(subject->impl[i]);
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

static void report(const struct opener *opener)
{
	printf("%s %s: %d opened, %d failed, %d missed, %d stale (by %llu updates)\n",
	       opener->subject->cc, opener->way->name, opener->opened, opener->failed,
	       opener->missed, opener->stale, opener->behind);
	ASSERT_GE(opener->opened, CONNECTIONS_MIN, "opened");
	ASSERT_EQ(opener->failed, 0, "failed");
	ASSERT_EQ(opener->missed, 0, "missed");
	ASSERT_EQ(opener->stale, 0, "stale");
}

static void test_storm(int family)
{
	struct subject subjects[2] = {
		{ .cc = LINK_CC, .link = -1 },
		{ .cc = LINK_CC_OTHER, .link = -1 },
	};
	struct opener openers[ARRAY_SIZE(ways) * ARRAY_SIZE(subjects)] = {};
	int i, started = 0, updating = 0;
	int oldest;

	if (!subject_load(&subjects[0], false, -1))
		goto out;
	oldest = bpf_map__fd(subjects[0].impl[0]->maps.oldest);
	if (!subject_load(&subjects[1], true, oldest) ||
	    !program_attach(subjects[0].impl[0]) ||
	    !subject_link(&subjects[0]) || !subject_link(&subjects[1]))
		goto out;

	WRITE_ONCE(go, false);
	WRITE_ONCE(stop, false);
	for (; started < ARRAY_SIZE(openers); started++) {
		openers[started].way = &ways[started % ARRAY_SIZE(ways)];
		openers[started].subject = &subjects[started / ARRAY_SIZE(ways)];
		openers[started].family = family;
		openers[started].oldest = oldest;
		openers[started].choices = bpf_map__fd(subjects[0].impl[0]->maps.choices);
		if (!ASSERT_OK(pthread_create(&openers[started].thread, NULL, open_connections,
					      &openers[started]), "thread"))
			goto stop;
	}
	if (!ASSERT_TRUE(all_ready(openers, started), "ready"))
		goto stop;
	for (; updating < ARRAY_SIZE(subjects); updating++)
		if (!ASSERT_OK(pthread_create(&subjects[updating].updater, NULL, update,
					      &subjects[updating]), "thread"))
			goto stop;
	WRITE_ONCE(go, true);
	usleep(STORM_NS / 1000);

stop:
	WRITE_ONCE(stop, true);
	for (i = 0; i < updating; i++) {
		pthread_join(subjects[i].updater, NULL);
		printf("%s: %llu updates\n", subjects[i].cc, subjects[i].returned);
		ASSERT_OK(subjects[i].err, "update");
		ASSERT_GE(subjects[i].returned, UPDATES_MIN, "updates");
	}
	for (i = 0; i < started; i++) {
		pthread_join(openers[i].thread, NULL);
		report(&openers[i]);
	}
out:
	/* The second shares a map of the first */
	subject_end(&subjects[1]);
	subject_end(&subjects[0]);
}

void serial_test_struct_ops_link_storm(void)
{
	if (family_subtest("all_ways", AF_INET))
		test_storm(AF_INET);
	if (family_subtest("all_ways", AF_INET6))
		test_storm(AF_INET6);
}
