// SPDX-License-Identifier: GPL-2.0-only
/* Creating a struct_ops link while each of its allocations fails in turn */

#include <sys/mount.h>
#include <sys/syscall.h>
#include <test_progs.h>
#include "sysctl_helpers.h"
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_NTH_MAX	100

/* Lets the nth allocation of this thread fail; 0 for none */
static bool fail_nth(int fd, int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", nth);
	return ASSERT_EQ(pwrite(fd, text, strlen(text), 0), strlen(text), "fail_nth");
}

/* Whether the allocation that was to fail has been asked for */
static bool has_failed(int fd)
{
	char text[16] = {};

	ASSERT_GT(pread(fd, text, sizeof(text) - 1, 0), 0, "failed_nth");
	return !atoi(text);
}

static void test_create(int fail_fd)
{
	struct struct_ops_link_cc *skel;
	int link = -1, a, held, nth, refusals = 0;
	bool failed = true;

	skel = cc_load();
	if (!skel)
		return;

	a = bpf_map__fd(skel->maps.cc_a);
	held = links_held();
	for (nth = 1; failed && nth < FAIL_NTH_MAX; nth++) {
		if (!fail_nth(fail_fd, nth))
			break;
		link = link_create(a);
		failed = has_failed(fail_fd);
		fail_nth(fail_fd, 0);

		if (link >= 0) {
			/* Nothing failed, or nothing that could not be helped */
			link_backed_by(link, map_id(a));
			close(link);
		} else {
			ASSERT_TRUE(failed, "failed_of_itself");
			ASSERT_EQ(link, -ENOMEM, "create");
			refusals++;
		}
		ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
		ASSERT_EQ(links_held(), held, "links");
	}
	ASSERT_FALSE(failed, "created_in_the_end");
	ASSERT_GT(refusals, 0, "refusals");
	cc_unload(skel, -1);
}

void serial_test_struct_ops_link_enomem(void)
{
	char wait[16], path[64];
	int fail_fd;

	/* EBUSY where it is mounted already */
	if (mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL))
		ASSERT_EQ(errno, EBUSY, "mount_debugfs");

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth", syscall(SYS_gettid));
	fail_fd = open(path, O_RDWR);
	if (!ASSERT_OK_FD(fail_fd, "open_fail_nth"))
		return;
	/* Also allocations that may sleep, and without a stack trace for each */
	if (sysctl_set_or_fail(FAILSLAB "ignore-gfp-wait", wait, "N") ||
	    sysctl_set_or_fail(FAILSLAB "verbose", NULL, "0"))
		goto out;

	if (test__start_subtest("create"))
		test_create(fail_fd);

	sysctl_set_or_fail(FAILSLAB "ignore-gfp-wait", NULL, wait);
out:
	close(fail_fd);
}
