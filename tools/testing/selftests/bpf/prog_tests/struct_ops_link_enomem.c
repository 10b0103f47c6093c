// SPDX-License-Identifier: GPL-2.0-only
/* Creates struct_ops links; each time, the next one of its allocations fails */

#include <sys/mount.h>
#include <sys/syscall.h>
#include <test_progs.h>
#include "sysctl_helpers.h"
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_NTH_MAX	100

/* Makes the nth allocation of this thread fail, or none if it is 0 */
static bool fail_nth(int fd, int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", nth);
	return ASSERT_EQ(pwrite(fd, text, strlen(text), 0), strlen(text), "fail_nth");
}

/* Whether the nth allocation was reached, and so has failed */
static bool has_failed(int fd)
{
	char text[16] = {};

	ASSERT_GT(pread(fd, text, sizeof(text) - 1, 0), 0, "read_fail_nth");
	return !atoi(text);
}

static void test_create(int fail_fd)
{
	int link, nth, refused = 0, links = count_links();
	bool failed = true;
	struct cc_fixture f;

	if (!cc_setup(&f))
		goto out;
	for (nth = 1; failed && nth < FAIL_NTH_MAX; nth++) {
		if (!fail_nth(fail_fd, nth))
			break;
		link = link_create(f.a);
		failed = has_failed(fail_fd);
		fail_nth(fail_fd, 0);

		if (link >= 0) {
			/* No allocation failed, or one that has a fallback */
			check_link_map(link, map_id(f.a));
			close(link);
		} else {
			ASSERT_TRUE(failed, "failed_without_injection");
			ASSERT_EQ(link, -ENOMEM, "create");
			refused++;
		}
		ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
		ASSERT_EQ(count_links(), links, "links");
	}
	ASSERT_FALSE(failed, "all_allocations_failed");
	ASSERT_GT(refused, 0, "refused");
out:
	cc_teardown(&f);
}

void serial_test_struct_ops_link_enomem(void)
{
	char wait[16], path[64];
	int fail_fd;

	/* Fails with EBUSY if it is mounted already */
	if (mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL))
		ASSERT_EQ(errno, EBUSY, "mount_debugfs");

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth", syscall(SYS_gettid));
	fail_fd = open(path, O_RDWR);
	if (!ASSERT_OK_FD(fail_fd, "open_fail_nth"))
		return;
	/* Also fail allocations that may sleep, and print no stack traces */
	if (sysctl_set_or_fail(FAILSLAB "ignore-gfp-wait", wait, "N") ||
	    sysctl_set_or_fail(FAILSLAB "verbose", NULL, "0"))
		goto out;

	if (test__start_subtest("create"))
		test_create(fail_fd);

	sysctl_set_or_fail(FAILSLAB "ignore-gfp-wait", NULL, wait);
out:
	close(fail_fd);
}
