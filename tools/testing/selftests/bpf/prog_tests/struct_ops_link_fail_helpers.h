/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes the allocations of a call fail, one after the other */
#ifndef _STRUCT_OPS_LINK_FAIL_HELPERS_H
#define _STRUCT_OPS_LINK_FAIL_HELPERS_H

#include <stdbool.h>

/* A call that is made again and again; each time, the next allocation of the calling
 * thread fails, until the call has no more.
 */
struct fail_call {
	bool (*prepare)(void);	/* before each call; may be NULL */
	int (*call)(void);	/* returns -errno if it fails */
	/* After each call: checks what it left behind, and undoes it */
	void (*check)(int ret);
	bool may_refuse;	/* returns an error at least once; without this, never */
	/* Fails only each such allocation, if it is set. In the environment,
	 * BPF_STRUCT_OPS_LINK_FAIL_STEP takes precedence: 1 fails all.
	 */
	int step;
};

/* Allocations fail only between setup and teardown. teardown must be called if setup
 * returned true. Pages fail as well as objects, if the kernel has
 * CONFIG_FAIL_PAGE_ALLOC.
 */
bool fail_setup(void);
void fail_teardown(void);

void fail_each(const struct fail_call *call);

/* Makes each interval-th allocation of an object fail that may not sleep, whoever makes
 * it. Among them are those in softirq, which are not the calling thread's.
 */
bool fail_atomic_start(int interval);
/* Returns how many have failed */
int fail_atomic_stop(void);

#endif
