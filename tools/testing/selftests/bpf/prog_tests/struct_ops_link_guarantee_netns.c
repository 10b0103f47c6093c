// SPDX-License-Identifier: GPL-2.0-only
/* Network namespaces whose default is updated, at speed and while they come,
 * go and are written to
 */

#include <sched.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

#define RUN_NS		1500000000ULL
#define UPDATES_MIN	10	/* hundreds of thousands where none waits */
#define SAMPLES		1000
#define MEDIAN_NS	1000000ULL

/* Namespaces that start out with the first one's default, and end with it */
static void *make_namespaces(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(workers_stop); worker->done++)
		worker->failed += unshare(CLONE_NEWNET) || !default_is(LINK_CC);
	return NULL;
}

static void *write_sysctl_in_loop(void *arg)
{
	struct worker *worker = arg;

	worker->failed += !!unshare(CLONE_NEWNET);
	for (; !READ_ONCE(workers_stop); worker->done++)
		worker->failed += !default_set("reno") || !default_is("reno") ||
				  !default_set(LINK_CC) || !default_is(LINK_CC);
	return NULL;
}

/* Back and forth for a while, to end on the second */
static void swap_run(struct swap *swap)
{
	__u64 end = get_time_ns() + RUN_NS;
	int updates = 0;

	do {
		if (!swap_forth(swap) || !swap_back(swap))
			break;
		updates += 2;
	} while (get_time_ns() < end);
	swap_forth(swap);
	printf("%d updates\n", updates);
	ASSERT_GE(updates, UPDATES_MIN, "updates");
}

/* Both the default and the name lead to the second, and nothing else */
static void check_current(struct swap *swap, int family)
{
	__u64 calls = swap->old->bss->calls;
	__u64 inits = swap->new->bss->inits;

	ASSERT_TRUE(default_is(LINK_CC), "default");
	ASSERT_TRUE(default_connects(family), "connect");
	ASSERT_EQ(swap->old->bss->calls, calls, "old_calls");
	ASSERT_EQ(swap->new->bss->inits, inits + 2, "new_inits");
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
}

/* Nothing is lost, and nothing stays in the end */
static void test_come_and_go(int family)
{
	struct worker workers[] = {
		{ .run = make_namespaces },
		{ .run = write_sysctl_in_loop },
	};
	struct nstoken *token;
	struct netns_obj *ns = NULL;
	char original[CC_NAME_MAX];
	struct swap swap;
	int started;

	if (!ASSERT_TRUE(default_get(original), "default_get"))
		return;
	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED) ||
	    !ASSERT_TRUE(default_set(LINK_CC), "default_set"))
		goto out;
	/* Has the default from the first namespace */
	ns = netns_new("struct_ops_link", false);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;

	started = workers_start(workers, ARRAY_SIZE(workers));
	if (started == ARRAY_SIZE(workers))
		swap_run(&swap);
	workers_end(workers, started);

	check_current(&swap, family);
	token = open_netns("struct_ops_link");
	if (ASSERT_OK_PTR(token, "open_netns")) {
		check_current(&swap, family);
		close_netns(token);
	}
out:
	netns_free(ns);
	ASSERT_TRUE(default_set(original), "default_reset");
	swap_end(&swap);
}

static void test_full_speed(int family)
{
	struct netns_obj *ns = NULL;
	struct swap swap;

	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns") ||
	    !ASSERT_TRUE(default_set(LINK_CC), "default_set"))
		goto out;
	swap_run(&swap);
	ASSERT_EQ(swap.old->bss->calls + swap.new->bss->calls, 0, "calls");
	check_current(&swap, family);
out:
	netns_free(ns);
	swap_end(&swap);
}

/* An update is no grace period long */
static void test_latency(void)
{
	static __u64 took[SAMPLES];
	struct swap swap;
	__u64 start;
	int i, err;

	if (!swap_start(&swap, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	for (i = 0; i < SAMPLES; i++) {
		start = get_time_ns();
		err = link_update(swap.link, impl_map(i % 2 ? swap.old : swap.new));
		took[i] = get_time_ns() - start;
		if (!ASSERT_OK(err, "update"))
			goto out;
	}
	median_below(took, SAMPLES, MEDIAN_NS, "update");
out:
	swap_end(&swap);
}

void serial_test_struct_ops_link_guarantee_netns(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (family_subtest("come_and_go", families[i]))
			test_come_and_go(families[i]);
		if (family_subtest("full_speed", families[i]))
			test_full_speed(families[i]);
	}
	if (test__start_subtest("latency"))
		test_latency();
}
