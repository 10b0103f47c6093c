// SPDX-License-Identifier: GPL-2.0-only
/* Updates of the default of network namespaces: at full speed, and while namespaces
 * are created, deleted and get another default
 */

#include <sched.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_impl.skel.h"

#define RUN_NS		1500000000ULL
#define UPDATES_MIN	10	/* a kernel that does not wait does 100000s */
#define SAMPLES		1000
#define MEDIAN_NS	1000000ULL

/* New namespaces inherit the default of the first one */
static void *create_namespaces(void *arg)
{
	struct worker *worker = arg;

	for (; !READ_ONCE(workers_stop); worker->done++)
		worker->failed += unshare(CLONE_NEWNET) || !default_is(LINK_CC);
	return NULL;
}

static void *write_default(void *arg)
{
	struct worker *worker = arg;

	worker->failed += !!unshare(CLONE_NEWNET);
	for (; !READ_ONCE(workers_stop); worker->done++)
		worker->failed += !default_set("reno") || !default_is("reno") ||
				  !default_set(LINK_CC) || !default_is(LINK_CC);
	return NULL;
}

/* Updates for a while, and ends on the new implementation */
static void update_loop(struct impls *impls)
{
	__u64 end = get_time_ns() + RUN_NS;
	int updates = 0;

	do {
		if (!impls_update(impls) || !impls_revert(impls))
			break;
		updates += 2;
	} while (get_time_ns() < end);
	impls_update(impls);
	printf("%d updates\n", updates);
	ASSERT_GE(updates, UPDATES_MIN, "updates");
}

/* The default uses the new implementation, and the name is registered once */
static void check_current(struct impls *impls, int family)
{
	__u64 calls = impls->old->bss->calls;
	__u64 inits = impls->new->bss->inits;

	ASSERT_TRUE(default_is(LINK_CC), "default");
	ASSERT_TRUE(connect_by_default(family), "connect");
	ASSERT_EQ(impls->old->bss->calls, calls, "old_calls");
	ASSERT_EQ(impls->new->bss->inits, inits + 2, "new_inits");
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_once");
}

static void test_concurrent(int family)
{
	struct worker workers[] = {
		{ .run = create_namespaces },
		{ .run = write_default },
	};
	struct nstoken *token;
	struct netns_obj *ns = NULL;
	char original[CC_NAME_MAX];
	struct impls impls;
	int started;

	if (!ASSERT_TRUE(default_get(original), "default_get"))
		return;
	if (!impls_setup(&impls, NON_RESTRICTED, NON_RESTRICTED) ||
	    !ASSERT_TRUE(default_set(LINK_CC), "default_set"))
		goto out;
	/* Inherits the default of the first namespace */
	ns = netns_new("struct_ops_link", false);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;

	started = workers_start(workers, ARRAY_SIZE(workers));
	if (started == ARRAY_SIZE(workers))
		update_loop(&impls);
	workers_end(workers, started);

	check_current(&impls, family);
	token = open_netns("struct_ops_link");
	if (ASSERT_OK_PTR(token, "open_netns")) {
		check_current(&impls, family);
		close_netns(token);
	}
out:
	netns_free(ns);
	ASSERT_TRUE(default_set(original), "default_reset");
	impls_teardown(&impls);
}

static void test_full_speed(int family)
{
	struct netns_obj *ns = NULL;
	struct impls impls;

	if (!impls_setup(&impls, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns") ||
	    !ASSERT_TRUE(default_set(LINK_CC), "default_set"))
		goto out;
	update_loop(&impls);
	ASSERT_EQ(impls.old->bss->calls + impls.new->bss->calls, 0, "calls");
	check_current(&impls, family);
out:
	netns_free(ns);
	impls_teardown(&impls);
}

/* An update does not wait for a grace period */
static void test_latency(void)
{
	static __u64 durations[SAMPLES];
	struct impls impls;
	__u64 start;
	int i, err;

	if (!impls_setup(&impls, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	for (i = 0; i < SAMPLES; i++) {
		start = get_time_ns();
		err = link_update(impls.link, impl_map(i % 2 ? impls.old : impls.new));
		durations[i] = get_time_ns() - start;
		if (!ASSERT_OK(err, "update"))
			goto out;
	}
	check_median(durations, SAMPLES, MEDIAN_NS, "update");
out:
	impls_teardown(&impls);
}

static const struct family_subtest subtests[] = {
	{ "concurrent", TCP_RUST, test_concurrent },
	{ "full_speed", TCP_RUST, test_full_speed },
};

void serial_test_tcp_cong_update_netns(void)
{
	run_family_subtests(subtests, ARRAY_SIZE(subtests));
	if (test__start_subtest("latency") && kernel_has(TCP_RUST))
		test_latency();
}
