// SPDX-License-Identifier: GPL-2.0-only
/* Makes the allocations of a call fail, one after the other */

#include <sys/mount.h>
#include <test_progs.h>
#include "sysctl_helpers.h"
#include "struct_ops_link_fail_helpers.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_NTH_MAX	5000

static int fail_fd = -1;
static char waits_before[16];

bool fail_setup(void)
{
	char path[64];

	/* Fails with EBUSY if it is mounted already */
	if (mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL))
		ASSERT_EQ(errno, EBUSY, "mount_debugfs");

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth", sys_gettid());
	fail_fd = open(path, O_RDWR);
	if (!ASSERT_OK_FD(fail_fd, "open_fail_nth"))
		return false;
	/* Also fail allocations that may sleep, and print no stack traces */
	if (!sysctl_set_or_fail(FAILSLAB "ignore-gfp-wait", waits_before, "N") &&
	    !sysctl_set_or_fail(FAILSLAB "verbose", NULL, "0"))
		return true;
	close(fail_fd);
	return false;
}

void fail_teardown(void)
{
	sysctl_set_or_fail(FAILSLAB "ignore-gfp-wait", NULL, waits_before);
	close(fail_fd);
}

/* Makes the nth allocation of this thread fail, or none if it is 0 */
static bool fail_nth(int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", nth);
	return pwrite(fail_fd, text, strlen(text), 0) == strlen(text);
}

/* Whether the nth allocation was reached, and so has failed */
static bool has_failed(void)
{
	char text[16] = {};

	return pread(fail_fd, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
}

int fail_each(const struct fail_call *call)
{
	int step = call->step ?: 1, ret, nth, refused = 0;
	bool failed = true;

	for (nth = 1; failed && nth < FAIL_NTH_MAX; nth += step) {
		if (call->prepare && !call->prepare())
			break;
		if (!ASSERT_TRUE(fail_nth(nth), "fail_nth"))
			break;
		ret = call->call();
		failed = has_failed();
		fail_nth(0);

		/* A call whose allocation failed may have a fallback */
		if (ret < 0) {
			ASSERT_TRUE(failed, "failed_without_injection");
			refused++;
		}
		call->check(ret);
		if (env.subtest_state->error_cnt)
			break;
	}
	ASSERT_FALSE(failed, "all_allocations_failed");
	printf("at most %d allocations, %d refusals\n", nth - step - 1, refused);
	return refused;
}
