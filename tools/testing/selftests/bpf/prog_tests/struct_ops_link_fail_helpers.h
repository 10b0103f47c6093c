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
	int step;	/* fails only each such allocation, if it is set */
};

/* Allocations fail only between setup and teardown. teardown must be called if setup
 * returned true.
 */
bool fail_setup(void);
void fail_teardown(void);

/* Returns how often the call returned an error */
int fail_each(const struct fail_call *call);

#endif
