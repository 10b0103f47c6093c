// SPDX-License-Identifier: GPL-2.0-only
/* Makes the allocations of a call fail, one after the other */

#include <sys/mount.h>
#include <test_progs.h>
#include "struct_ops_link_fail_helpers.h"
#include "tcp_conn_helpers.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_PAGES	"/sys/kernel/debug/fail_page_alloc/"
#define FAIL_NTH_MAX	5000
#define FAIL_ATOMIC_MAX	1000	/* a limit, if the test does not stop it */

static int fail_fd = -1;

/* What is set while allocations fail, and what it was before */
static struct setting {
	const char *path;
	const char *value;
	bool may_lack;
	char before[16];
} settings[] = {
	/* Also fail allocations that may sleep, and print no stack traces */
	{ FAILSLAB "ignore-gfp-wait", "N" },
	{ FAILSLAB "verbose", "0" },
	{ FAIL_PAGES "ignore-gfp-wait", "N", true },
	{ FAIL_PAGES "verbose", "0", true },
	/* Single pages, too */
	{ FAIL_PAGES "min-order", "0", true },
};

static void restore_settings(void)
{
	struct setting *set;

	for (set = settings; set < settings + ARRAY_SIZE(settings); set++) {
		if (set->before[0])
			ASSERT_TRUE(sysctl_write(set->path, set->before), set->path);
		set->before[0] = '\0';
	}
}

static bool change_settings(void)
{
	struct setting *set;

	for (set = settings; set < settings + ARRAY_SIZE(settings); set++) {
		if (set->may_lack && access(set->path, F_OK))
			continue;
		if (!ASSERT_TRUE(sysctl_read(set->path, set->before, sizeof(set->before)) &&
				 sysctl_write(set->path, set->value), set->path)) {
			restore_settings();
			return false;
		}
	}
	return true;
}

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
	if (change_settings())
		return true;
	close(fail_fd);
	return false;
}

void fail_teardown(void)
{
	restore_settings();
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

static int step_of(const struct fail_call *call)
{
	const char *wanted = getenv("BPF_STRUCT_OPS_LINK_FAIL_STEP");
	int step = wanted ? atoi(wanted) : 0;

	return step > 0 ? step : call->step ?: 1;
}

void fail_each(const struct fail_call *call)
{
	int step = step_of(call), ret, nth, refused = 0;
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
	/* Fails if no allocation was made to fail, as without fault injection */
	ASSERT_EQ(refused > 0, call->may_refuse, "refused");
	printf("at most %d allocations, %d refusals\n", nth - step - 1, refused);
}

static bool set_failslab(const char *name, int value)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), FAILSLAB "%s", name);
	snprintf(text, sizeof(text), "%d", value);
	return ASSERT_TRUE(sysctl_write(path, text), path);
}

bool fail_atomic_start(int interval)
{
	/* Softirqs belong to no task, so a filter would exclude them */
	return set_failslab("task-filter", 0) && set_failslab("ignore-gfp-wait", 1) &&
	       set_failslab("interval", interval) && set_failslab("times", FAIL_ATOMIC_MAX) &&
	       set_failslab("probability", 100);
}

int fail_atomic_stop(void)
{
	char left[16];

	set_failslab("probability", 0);
	if (!ASSERT_TRUE(sysctl_read(FAILSLAB "times", left, sizeof(left)), "times"))
		return 0;
	set_failslab("times", -1);
	set_failslab("interval", 1);
	set_failslab("ignore-gfp-wait", 0);
	return FAIL_ATOMIC_MAX - atoi(left);
}
