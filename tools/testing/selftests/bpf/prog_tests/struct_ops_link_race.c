// SPDX-License-Identifier: GPL-2.0-only
/* Threads that update, detach and close the same struct_ops link */

#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"

#define ROUNDS		20
#define RUN_NS		1000000000ULL

/* A thread that replaces one map by another until it is stopped or fails */
struct replacer {
	pthread_t thread;
	int link, old, new;
	int done;		/* successful updates */
	int refused;		/* updates while the link had the other map */
	int err;		/* error that ended the loop */
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

/* Starts one thread that replaces a by b, and one that replaces b by a */
static bool replacers_start(struct replacer *replacers, const struct cc_fixture *f)
{
	replacers[0] = (struct replacer) { .link = f->link, .old = f->a, .new = f->b };
	replacers[1] = (struct replacer) { .link = f->link, .old = f->b, .new = f->a };

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

static void replacers_join(struct replacer *replacers)
{
	pthread_join(replacers[0].thread, NULL);
	pthread_join(replacers[1].thread, NULL);
	printf("a to b %d, b to a %d, refused %d and %d\n", replacers[0].done,
	       replacers[1].done, replacers[0].refused, replacers[1].refused);
}

/* BPF_F_REPLACE succeeds only with the right old map: the threads take turns */
static void test_replace(void)
{
	struct replacer replacers[2];
	struct cc_fixture f;
	int ahead;
	__u64 end;

	if (!cc_setup_link(&f) || !replacers_start(replacers, &f))
		goto out;

	for (end = get_time_ns() + RUN_NS; get_time_ns() < end;)
		usleep(10000);
	WRITE_ONCE(stop, true);
	replacers_join(replacers);

	ASSERT_OK(replacers[0].err, "a_to_b");
	ASSERT_OK(replacers[1].err, "b_to_a");
	ASSERT_GT(replacers[1].done, 0, "b_to_a_done");
	ahead = replacers[0].done - replacers[1].done;
	ASSERT_TRUE(ahead == 0 || ahead == 1, "took_turns");
	check_link_map(f.link, map_id(ahead ? f.b : f.a));
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
out:
	cc_teardown(&f);
}

/* No update succeeds after a detach */
static void test_detach(void)
{
	struct replacer replacers[2];
	struct cc_fixture f;
	int round;

	if (!cc_setup(&f))
		goto out;
	for (round = 0; round < ROUNDS; round++) {
		f.link = link_create(f.a);
		if (!ASSERT_OK_FD(f.link, "create") || !replacers_start(replacers, &f))
			break;
		usleep(round * 1000);
		ASSERT_OK(bpf_link_detach(f.link), "detach");
		replacers_join(replacers);

		ASSERT_EQ(replacers[0].err, -ENOLINK, "a_to_b");
		ASSERT_EQ(replacers[1].err, -ENOLINK, "b_to_a");
		ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
		check_link_map(f.link, 0);
		cc_close_link(&f);
	}
out:
	cc_teardown(&f);
}

static void *close_link(void *arg)
{
	close(*(int *)arg);
	return NULL;
}

/* The close of one fd races with a detach and the close of another fd */
static void test_close(void)
{
	int link, second, round, links = count_links();
	struct cc_fixture f;
	pthread_t closer;

	if (!cc_setup(&f))
		goto out;
	for (round = 0; round < ROUNDS; round++) {
		link = link_create(f.a);
		if (!ASSERT_OK_FD(link, "create"))
			break;
		second = dup(link);
		if (!ASSERT_OK(pthread_create(&closer, NULL, close_link, &link), "thread"))
			break;
		ASSERT_OK(bpf_link_detach(second), "detach");
		close(second);
		pthread_join(closer, NULL);

		ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
		ASSERT_EQ(count_links(), links, "links");
	}
out:
	cc_teardown(&f);
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
