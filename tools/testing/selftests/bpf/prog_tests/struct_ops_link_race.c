// SPDX-License-Identifier: GPL-2.0-only
/* Several threads that work on one struct_ops link */

#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

#define ROUNDS		20
#define RACE_NS		1000000000ULL

/* Replaces one map with another for as long as it may */
struct replacer {
	pthread_t thread;
	int link, old, new;
	int done;		/* updates that went through */
	int refused;		/* the link was not on the old map */
	int err;		/* what ended it early */
};

static bool stop;

static void *replace(void *arg)
{
	struct replacer *replacer = arg;
	int err;

	while (!READ_ONCE(stop)) {
		err = link_replace(replacer->link, replacer->new, replacer->old);
		if (!err) {
			replacer->done++;
		} else if (err == -EPERM) {
			replacer->refused++;
		} else {
			replacer->err = err;
			break;
		}
	}
	return NULL;
}

/* Starts one thread that replaces a with b, and one that does the opposite */
static bool start(struct replacer *replacers, int link, int a, int b)
{
	replacers[0] = (struct replacer) { .link = link, .old = a, .new = b };
	replacers[1] = (struct replacer) { .link = link, .old = b, .new = a };

	WRITE_ONCE(stop, false);
	if (!ASSERT_OK(pthread_create(&replacers[0].thread, NULL, replace, &replacers[0]),
		       "thread"))
		return false;
	if (!ASSERT_OK(pthread_create(&replacers[1].thread, NULL, replace, &replacers[1]),
		       "thread")) {
		WRITE_ONCE(stop, true);
		pthread_join(replacers[0].thread, NULL);
		return false;
	}
	return true;
}

static void finish(struct replacer *replacers)
{
	pthread_join(replacers[0].thread, NULL);
	pthread_join(replacers[1].thread, NULL);
	printf("a to b %d, b to a %d, refused %d and %d\n", replacers[0].done,
	       replacers[1].done, replacers[0].refused, replacers[1].refused);
}

/* Whoever expects the right map wins, and the two take turns */
static void test_replace(void)
{
	struct replacer replacers[2];
	struct linked t;
	int ahead;
	__u64 end;

	if (!linked_start(&t) || !start(replacers, t.link, t.a, t.b))
		goto out;

	for (end = get_time_ns() + RACE_NS; get_time_ns() < end;)
		usleep(10000);
	WRITE_ONCE(stop, true);
	finish(replacers);

	ASSERT_OK(replacers[0].err, "a_to_b");
	ASSERT_OK(replacers[1].err, "b_to_a");
	ASSERT_GT(replacers[1].done, 0, "turns");
	ahead = replacers[0].done - replacers[1].done;
	ASSERT_TRUE(ahead == 0 || ahead == 1, "took_turns");
	link_backed_by(t.link, map_id(ahead ? t.b : t.a));
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
out:
	linked_end(&t);
}

/* A detach ends every update, and what it leaves is detached */
static void test_detach(void)
{
	struct replacer replacers[2];
	struct struct_ops_link_cc *skel;
	int a, b, link = -1, round;

	skel = cc_load();
	if (!skel)
		return;
	a = bpf_map__fd(skel->maps.cc_a);
	b = bpf_map__fd(skel->maps.cc_b);

	for (round = 0; round < ROUNDS; round++) {
		link = link_create(a);
		if (!ASSERT_OK_FD(link, "create") || !start(replacers, link, a, b))
			break;
		usleep(round * 1000);
		ASSERT_OK(bpf_link_detach(link), "detach");
		finish(replacers);

		ASSERT_EQ(replacers[0].err, -ENOLINK, "a_to_b");
		ASSERT_EQ(replacers[1].err, -ENOLINK, "b_to_a");
		ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
		link_backed_by(link, 0);
		close(link);
		link = -1;
	}
	cc_unload(skel, link);
}

static void *close_link(void *arg)
{
	close(*(int *)arg);
	return NULL;
}

/* The last close races with a detach through another fd */
static void test_close(void)
{
	struct struct_ops_link_cc *skel;
	int a, link, second, round, held;
	pthread_t closer;

	skel = cc_load();
	if (!skel)
		return;
	a = bpf_map__fd(skel->maps.cc_a);
	held = links_held();

	for (round = 0; round < ROUNDS; round++) {
		link = link_create(a);
		if (!ASSERT_OK_FD(link, "create"))
			break;
		second = dup(link);
		if (!ASSERT_OK(pthread_create(&closer, NULL, close_link, &link), "thread"))
			break;
		ASSERT_OK(bpf_link_detach(second), "detach");
		close(second);
		pthread_join(closer, NULL);

		ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
		ASSERT_EQ(links_held(), held, "links");
	}
	cc_unload(skel, -1);
}

void serial_test_struct_ops_link_race(void)
{
	if (test__start_subtest("replace"))
		test_replace();
	if (test__start_subtest("detach"))
		test_detach();
	if (test__start_subtest("close"))
		test_close();
}
